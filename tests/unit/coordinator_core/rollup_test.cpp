#include "coordinator/core/rollup.h"

#include <boost/test/unit_test.hpp>

#include "tests/unit/coordinator_core/sample_results.h"

using namespace sonde;
using namespace sonde::test;

namespace {

RollUp roll_of(const std::vector<Result>& results) {
  RollUp roll;
  for (const Result& result : results) roll.add(reading_of(result));
  return roll;
}

Result rate_of(double bits_per_second, double second) {
  Result result = latency_result(1, second, {1});
  result.probe = Probe::throughput;
  result.distributions.clear();
  result.ratios.clear();
  result.values = {{Metric::throughput, bits_per_second}};
  return result;
}

}  // namespace

BOOST_AUTO_TEST_SUITE(roll_up)

BOOST_AUTO_TEST_CASE(a_bucket_covers_what_follows_its_start_and_its_end_itself) {
  const nanoseconds minute = std::chrono::minutes(1);
  const std::int64_t m = minute.count();
  BOOST_TEST(bucket_of(1, minute) == 0);
  BOOST_TEST(bucket_of(m, minute) == 0);
  BOOST_TEST(bucket_of(m + 1, minute) == m);
  BOOST_TEST(bucket_of(0, minute) == -m);
  BOOST_TEST(bucket_of(-m + 1, minute) == -m);
  BOOST_TEST(bucket_of(-m, minute) == -2 * m);
}

BOOST_AUTO_TEST_CASE(every_statistic_is_that_of_the_results) {
  std::vector<Result> results;
  for (int i = 1; i <= 40; ++i) results.push_back(latency_result(1, i, {10.0 * i, 10.0 * i + 3, 100.0 * i}));
  std::vector<const Result*> pointers;
  for (const Result& result : results) pointers.push_back(&result);
  const RollUp roll = roll_of(results);
  for (const Stat stat : {Stat::p5, Stat::p50, Stat::p99, Stat::mean, Stat::min, Stat::max, Stat::stddev, Stat::last}) {
    const WindowValue want =
        aggregate(pointers, CellQuery{Metric::rtt, stat, std::chrono::hours(1), results.back().finished_at});
    BOOST_TEST(roll.value(Metric::rtt, stat).value.value() == want.value.value(), name(stat));
    BOOST_TEST(roll.value(Metric::rtt, stat).count == 120U);
  }
  BOOST_TEST(!roll.value(Metric::rtt, Stat::ewma).value.has_value());
  BOOST_TEST(!roll.value(Metric::connect, Stat::p50).value.has_value());
}

BOOST_AUTO_TEST_CASE(the_harmonic_mean_of_rates_is_exact_in_any_order) {
  const RollUp one = roll_of({rate_of(1e6, 1), rate_of(3e6, 2), rate_of(7e8, 3)});
  const RollUp other = roll_of({rate_of(7e8, 3), rate_of(1e6, 1), rate_of(3e6, 2)});
  BOOST_TEST((one == other));
  const double want = 3 / (1 / 1e6 + 1 / 3e6 + 1 / 7e8);
  BOOST_TEST(one.value(Metric::throughput, Stat::hmean).value.value() == want, boost::test_tools::tolerance(1e-14));
  BOOST_TEST(roll_of({rate_of(1e6, 1), rate_of(0, 2)}).value(Metric::throughput, Stat::hmean).value.value() == 0.0);
}

BOOST_AUTO_TEST_CASE(outcomes_and_tried_runs_are_kept) {
  Result failed = latency_result(1, 3, {});
  failed.outcome = Outcome::timeout;
  failed.distributions.clear();
  Result skipped = failed;
  skipped.outcome = Outcome::skipped;
  skipped.finished_at = at_s(4);
  const RollUp roll = roll_of({latency_result(1, 1, {5}), failed, skipped, latency_result(1, 2, {5})});
  BOOST_TEST(roll.results() == 4U);
  BOOST_TEST(roll.count(Outcome::timeout) == 1U);
  BOOST_REQUIRE(roll.tried().size() == 2U);
  BOOST_TEST(to_ns(roll.tried()[0].finished_at) == to_ns(at_s(3)));
  BOOST_TEST(to_ns(roll.tried()[1].finished_at) == to_ns(at_s(2)));
  for (const auto& [mask, at] : roll.newest())
    if (mask == mask_of(Metric::rtt)) BOOST_TEST(to_ns(at) == to_ns(at_s(2)));
  BOOST_TEST(roll.without_values().results() == 0U);
  BOOST_TEST((roll.without_values().tried() == roll.tried()));
}

BOOST_AUTO_TEST_CASE(what_cannot_have_been_is_refused) {
  RollUp::Parts parts = roll_of({latency_result(1, 1, {5})}).parts();
  BOOST_TEST((RollUp::restore(parts).value() == roll_of({latency_result(1, 1, {5})})));
  RollUp::Parts twice = parts;
  twice.metrics.push_back(twice.metrics.back());
  BOOST_TEST(!RollUp::restore(twice).has_value());
  RollUp::Parts many = parts;
  many.tried.resize(3);
  BOOST_TEST(!RollUp::restore(many).has_value());
}

BOOST_AUTO_TEST_SUITE_END()
