// What is usual in an hour of the week.
#include "coordinator/core/baseline.h"

#include <boost/test/unit_test.hpp>

#include "coordinator/core/verdicts.h"
#include "sample_results.h"

using namespace sonde;
using namespace sonde::test;
using namespace std::chrono_literals;

namespace {

RollUp latency_hour(double middle_ms, double spread_ms = 1, int samples = 100) {
  Result result = make_result(1, Probe::latency, 0);
  for (const Metric metric : {Metric::rtt, Metric::delay_rise}) {
    Distribution values;
    for (int i = 0; i < samples; ++i)
      values.add(from_seconds((middle_ms + spread_ms * (2.0 * i / samples - 1)) / 1e3).count());
    result.distributions.push_back({metric, values});
  }
  RollUp roll;
  roll.add(reading_of(result));
  return roll;
}

RollUp transfer_hour(double rate) {
  RollUp roll;
  roll.add(reading_of(with_value(make_result(1, Probe::throughput, 0), Metric::throughput, rate)));
  return roll;
}

HourBaseline of_latency(const std::vector<double>& middles_ms) {
  HourWeeks weeks;
  for (std::size_t i = 0; i < middles_ms.size(); ++i)
    if (middles_ms[i] > 0) weeks.add(i, latency_hour(middles_ms[i]));
  return weeks.baseline();
}

}  // namespace

BOOST_AUTO_TEST_SUITE(baseline)

BOOST_AUTO_TEST_CASE(an_hour_is_that_of_the_same_day_of_the_week) {
  BOOST_TEST((baseline_hour(at_s(1800)) == at_s(0)));
  BOOST_TEST((baseline_hour(at_s(3600)) == at_s(0)));  // a window's end belongs to it
  BOOST_TEST((baseline_hour(at_s(3601)) == at_s(3600)));
  BOOST_TEST((hour_in_week(at_s(0), 0) == at_s(0) - 7 * 24h));
  BOOST_TEST((hour_in_week(at_s(0), 3) == at_s(0) - 28 * 24h));
}

BOOST_AUTO_TEST_CASE(a_week_in_which_something_was_wrong_does_not_become_usual) {
  const HourBaseline known = of_latency({40, 400, 42, 41});
  BOOST_TEST_REQUIRE(known.round_trip.has_value());
  BOOST_TEST(known.round_trip->middle == 0.041, boost::test_tools::tolerance(0.02));
  BOOST_TEST(known.round_trip->wander < 0.002);
  BOOST_TEST(known.rise.has_value());
  BOOST_TEST(!known.one_way.has_value());
  BOOST_TEST(!known.rate.has_value());
}

BOOST_AUTO_TEST_CASE(one_week_says_nothing_of_a_week_and_of_two_the_better_counts) {
  BOOST_TEST(of_latency({40}).empty());
  BOOST_TEST(of_latency({0, 40, 0, 400}).round_trip->middle == 0.040, boost::test_tools::tolerance(0.02));
  HourWeeks few;
  for (std::size_t week = 0; week < baseline_weeks; ++week) few.add(week, latency_hour(40, 1, 10));
  BOOST_TEST(few.baseline().empty());
  HourWeeks rates;
  rates.add(0, transfer_hour(20e6));
  rates.add(2, transfer_hour(90e6));
  BOOST_TEST(rates.baseline().rate->middle == 90e6, boost::test_tools::tolerance(0.02));
}

BOOST_AUTO_TEST_CASE(a_nightly_backup_is_no_alarm_and_the_same_at_noon_is) {
  Mesh mesh = make_mesh();
  Verdicts verdicts;
  verdicts.set_mesh(mesh, {});
  const Link link{SiteId::known("berlin"), SiteId::known("athens")};
  std::uint64_t seq = 0;
  const auto transfer = [&](double at, double rate) {
    verdicts.on_result(with_value(make_result(++seq, Probe::throughput, at), Metric::throughput, rate), false);
  };
  for (int i = 0; i < 6; ++i) transfer(i, 90e6);  // what is learnt
  HourWeeks backup;
  for (std::size_t week = 0; week < baseline_weeks; ++week) backup.add(week, transfer_hour(30e6));
  verdicts.set_baseline(link, at_s(3600), backup.baseline());
  for (int i = 1; i <= 3; ++i) transfer(3600 + i, 28e6);
  BOOST_TEST(!verdicts.raised(link, Signal::throughput));
  for (int i = 1; i <= 3; ++i) transfer(7200 + i, 28e6);
  BOOST_TEST(verdicts.raised(link, Signal::throughput));
}

BOOST_AUTO_TEST_CASE(a_drift_over_weeks_is_one_against_the_past_weeks) {
  Mesh mesh = make_mesh();
  Verdicts verdicts;
  verdicts.set_mesh(mesh, {});
  const Link link{SiteId::known("berlin"), SiteId::known("athens")};
  HourWeeks past;
  for (std::size_t week = 0; week < baseline_weeks; ++week) {
    past.add(week, latency_hour(40));
  }
  HourBaseline known = past.baseline();
  known.rise = Usual{.middle = 0.001, .low = 0, .high = 0.002, .wander = 0.001};
  verdicts.set_baseline(link, at_s(0), known);
  std::uint64_t seq = 0;
  for (int i = 1; i <= 100; ++i) {
    Result result = latency_result(++seq, 10 * i, std::vector<double>(50, 55));
    Distribution rise;
    rise.add(1'000'000, 50);
    result.distributions.push_back({Metric::delay_rise, rise});
    result.set(Tag::unsynced);
    verdicts.on_result(result, false);
    if (i == 10) BOOST_TEST(!verdicts.raised(link, Signal::latency));
  }
  BOOST_TEST(verdicts.raised(link, Signal::latency));
  BOOST_TEST(verdicts.value(link, Signal::latency).value_or(0) == 0.015, boost::test_tools::tolerance(0.05));
}

BOOST_AUTO_TEST_SUITE_END()
