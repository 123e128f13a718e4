#include "coordinator/core/report.h"

#include <boost/test/unit_test.hpp>

#include <algorithm>
#include <cmath>
#include <string>

#include "sample_results.h"

using namespace sonde;
using namespace sonde::test;

namespace {

constexpr double hour_s = 3600;
constexpr double week_s = 7 * 24 * hour_s;

Link link_of(std::string_view from, std::string_view to) { return {SiteId::known(from), SiteId::known(to)}; }

/// A week of results of one direction, made by hand.
struct Week {
  ReportSpan span = ReportSpan::of(at_s(0), at_s(week_s));
  DirectionReport report;
  std::uint64_t seq = 0;

  explicit Week(const Link& link = link_of("berlin", "athens")) : report(link, span) {}
  void add(const Result& result) {
    RollUp roll;
    roll.add(reading_of(result));
    report.add(result.probe, result.finished_at, roll);
  }
  void latency(double at, std::vector<double> samples_ms) { add(latency_result(++seq, at, samples_ms)); }
  void connect(double at, double seconds, bool clean = true) {
    Result result = with_value(make_result(++seq, Probe::connect, at), Metric::connect, seconds);
    add(clean ? with_value(std::move(result), Metric::connect_clean, seconds) : result);
  }
  void throughput(double at, double rate) {
    add(with_value(make_result(++seq, Probe::throughput, at), Metric::throughput, rate));
  }
};

bool tells(const std::vector<Finding>& findings, std::string_view code, std::string_view words = "") {
  return std::ranges::any_of(findings, [&](const Finding& finding) {
    return finding.code == code && finding.text.find(words) != std::string::npos;
  });
}

}  // namespace

BOOST_AUTO_TEST_SUITE(report)

BOOST_AUTO_TEST_CASE(steps_are_usual_ones_and_begin_at_full_hours) {
  const ReportSpan week = ReportSpan::of(at_s(0), at_s(week_s));
  BOOST_TEST((week.step == std::chrono::hours(2)));
  BOOST_TEST(week.points() == 84U);
  BOOST_TEST((ReportSpan::of(at_s(0), at_s(hour_s)).step == std::chrono::minutes(1)));
  BOOST_TEST((ReportSpan::of(at_s(0), at_s(24 * hour_s)).step == std::chrono::minutes(30)));
  // From the middle of a step to the middle of a step there is one more.
  const ReportSpan cut = ReportSpan::of(at_s(hour_s + 5), at_s(week_s + hour_s + 5));
  BOOST_TEST(cut.points() == 85U);
  BOOST_TEST((cut.start(0) == at_s(0)));
  BOOST_TEST(cut.point_of(at_s(2 * hour_s)) == 0U);
  BOOST_TEST(cut.point_of(at_s(2 * hour_s + 1)) == 1U);
  for (const double length : {1.0, 95.0 * 60, 96.0 * 60, 1e5, 1e6, 1e7, 1e8, 1e9})
    BOOST_TEST(ReportSpan::of(at_s(-7), at_s(length)).points() <=
               static_cast<std::size_t>(ReportSpan::points_at_most) + 1);
}

BOOST_AUTO_TEST_CASE(figures_are_those_of_all_samples) {
  Week week;
  week.latency(10, {10, 20, 60});
  week.latency(week_s - 10, {30});
  const ReportDirection direction = week.report.finish();
  const ReportMetric* rtt = direction.find(Metric::rtt);
  BOOST_REQUIRE(rtt != nullptr);
  BOOST_TEST(rtt->count == 4U);
  BOOST_TEST(*rtt->mean == 0.03, boost::test_tools::tolerance(1e-9));
  BOOST_TEST(*rtt->median == 0.02, boost::test_tools::tolerance(0.011));
  BOOST_TEST(*rtt->stddev == 0.018708286933869708, boost::test_tools::tolerance(1e-9));
  BOOST_TEST(*rtt->min == 0.01, boost::test_tools::tolerance(1e-9));
  BOOST_TEST(*rtt->max == 0.06, boost::test_tools::tolerance(1e-9));
  BOOST_TEST(rtt->points.front().count == 3U);
  BOOST_TEST(rtt->points.back().count == 1U);
  BOOST_TEST(rtt->hours.at(12).count == 3U);  // at_s(0) is noon
  BOOST_TEST(rtt->hours.at(11).count == 1U);
  BOOST_TEST(direction.runs(Probe::latency) == 2U);
  BOOST_TEST(direction.find(Metric::throughput) == nullptr);
}

BOOST_AUTO_TEST_CASE(a_quiet_week_has_nothing_that_stands_out) {
  Week week;
  for (double at = 30; at < week_s; at += 1800) {
    week.latency(at, {20, 21, 22});
    week.connect(at, 0.022);
    week.throughput(at, 90e6);
  }
  const auto findings = report_findings({week.report.finish()}, week.span);
  BOOST_REQUIRE(findings.size() == 1U);
  BOOST_TEST(findings[0].code == "well");
}

BOOST_AUTO_TEST_CASE(what_is_unusual_is_said_with_its_figures) {
  Week week;
  Week back(link_of("athens", "berlin"));
  for (double at = 30; at < week_s; at += 600) {
    // 14:00 to 17:00 UTC is slow; the third day has nothing for eight hours.
    const double hour = std::fmod(12 + at / hour_s, 24);
    const double day = at / (24 * hour_s);
    if (day > 2 && day < 2.34) continue;
    const bool busy = hour >= 14 && hour < 17;
    week.latency(at, {busy ? 90.0 : 20.0, busy ? 95.0 : 21.0});
    const bool waited = week.seq % 10 == 1;
    week.connect(at, waited ? 1.02 : 0.02, !waited);
    week.throughput(at, 8e6);
    back.latency(at, {20});
    back.throughput(at, 2e6);
    if (week.seq % 20 == 4) week.add(make_result(++week.seq, Probe::connect, at, Outcome::timeout));
  }
  const auto findings = report_findings({week.report.finish(), back.report.finish()}, week.span);
  BOOST_TEST(tells(findings, "hour_of_day", "rtt goes with the hour of the day"));
  BOOST_TEST(tells(findings, "hour_of_day", "(UTC)"));
  BOOST_TEST(!tells(findings, "hour_of_day", "throughput"));
  BOOST_TEST(tells(findings, "syn_retransmits", "berlin -> athens"));
  BOOST_TEST(tells(findings, "average_off", "average connect"));
  BOOST_TEST(tells(findings, "asymmetry", "berlin -> athens carries 4 times what athens -> berlin does"));
  BOOST_TEST(tells(findings, "failed_runs", "timeout"));
  BOOST_TEST(tells(findings, "gap", "from 2026-11-22 12:00 to 2026-11-22 20:00 UTC (8 h)"));
  BOOST_TEST(tells(findings, "extremes", "The median throughput is least on athens -> berlin (2.00 Mbit/s)"));
  BOOST_TEST(!tells(findings, "well"));
  BOOST_TEST(std::ranges::is_sorted(findings, {}, &Finding::weight));
}

BOOST_AUTO_TEST_CASE(a_direction_without_any_result_is_the_first_thing_said) {
  Week week;
  Week silent(link_of("athens", "berlin"));
  for (double at = 30; at < week_s; at += 1800) week.latency(at, {20, 21, 22});
  const auto findings = report_findings({week.report.finish(), silent.report.finish()}, week.span);
  BOOST_REQUIRE(!findings.empty());
  BOOST_TEST(findings[0].code == "no_results");
  BOOST_TEST(findings[0].text == "athens: no result of latency or connect to berlin in the whole time.");
}

BOOST_AUTO_TEST_CASE(a_large_mesh_gets_so_many_sentences_and_no_more) {
  const ReportSpan span = ReportSpan::of(at_s(0), at_s(week_s));
  std::vector<ReportDirection> directions;
  for (int i = 0; i < 100; ++i) {
    Week week(link_of("site-" + std::to_string(i), "hub"));
    for (double at = 30; at < week_s; at += 7000)
      week.add(make_result(++week.seq, Probe::connect, at, Outcome::refused));
    directions.push_back(week.report.finish());
  }
  const auto findings = report_findings(directions, span);
  BOOST_TEST(findings.size() == report_findings_limit);
  BOOST_TEST(findings.back().code == "more");
}

BOOST_AUTO_TEST_SUITE_END()
