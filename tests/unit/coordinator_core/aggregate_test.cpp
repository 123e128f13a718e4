#include "coordinator/core/aggregate.h"

#include <rapidcheck.h>

#include <boost/test/unit_test.hpp>

#include <algorithm>
#include <cmath>
#include <numeric>
#include <vector>

#include "tests/unit/coordinator_core/sample_results.h"

using namespace sonde;
using namespace sonde::test;
using namespace std::chrono_literals;

namespace {

WindowValue ask(const std::vector<Result>& results, Metric metric, Stat stat, double at = 1000,
                nanoseconds window = 1h) {
  return aggregate(pointers(results), {.metric = metric, .stat = stat, .window = window, .at = at_s(at)});
}

void check_close(const WindowValue& window, double expected, double relative = 1e-9) {
  BOOST_REQUIRE(window.value.has_value());
  BOOST_TEST(std::abs(*window.value - expected) <= relative * std::abs(expected) + 1e-15,
             *window.value << " instead of " << expected);
}

}  // namespace

BOOST_AUTO_TEST_SUITE(aggregate_)

BOOST_AUTO_TEST_CASE(an_empty_window_has_no_value_and_no_samples) {
  for (const MetricInfo& metric : all_metrics())
    for (int stat = 0; stat < static_cast<int>(stat_count); ++stat) {
      const auto window = ask({}, metric.metric, static_cast<Stat>(stat));
      BOOST_TEST(!window.value.has_value());
      BOOST_TEST(window.count == 0);
    }
}

BOOST_AUTO_TEST_CASE(samples_of_all_results_in_the_window_are_merged) {
  const std::vector<Result> results{latency_result(1, 10, {1, 2, 3}), latency_result(2, 20, {10, 20}),
                                    latency_result(3, 30, {100})};
  const auto median = ask(results, Metric::rtt, Stat::p50);
  BOOST_TEST(median.count == 6);
  check_close(median, 0.003, 0.01);
  check_close(ask(results, Metric::rtt, Stat::mean), 0.136 / 6);
  check_close(ask(results, Metric::rtt, Stat::min), 0.001);
  check_close(ask(results, Metric::rtt, Stat::max), 0.1);
}

BOOST_AUTO_TEST_CASE(the_window_is_open_at_its_beginning_and_closed_at_its_end) {
  const std::vector<Result> results{latency_result(1, 10, {1}), latency_result(2, 20, {2}), latency_result(3, 30, {3})};
  const auto window = ask(results, Metric::rtt, Stat::max, 20, 10s);
  BOOST_TEST(window.count == 1);
  check_close(window, 0.002);
}

BOOST_AUTO_TEST_CASE(times_come_from_ok_runs_only_and_ratios_from_all_that_were_tried) {
  std::vector<Result> results{with_ratio(latency_result(1, 10, {5}), Metric::loss_rtt, 0, 50),
                              with_ratio(latency_result(2, 20, {500}), Metric::loss_rtt, 50, 50),
                              with_ratio(latency_result(3, 30, {900}), Metric::loss_rtt, 50, 50)};
  results[1].outcome = Outcome::timeout;
  results[2].outcome = Outcome::skipped;
  check_close(ask(results, Metric::rtt, Stat::max), 0.005);
  const auto loss = ask(results, Metric::loss_rtt, Stat::mean);
  BOOST_TEST(loss.count == 100);
  check_close(loss, 0.5);
}

BOOST_AUTO_TEST_CASE(the_mean_of_ratios_is_of_the_pooled_counts_and_percentiles_are_of_the_results) {
  const std::vector<Result> results{with_ratio(latency_result(1, 10, {1}), Metric::loss, 1, 10),
                                    with_ratio(latency_result(2, 20, {1}), Metric::loss, 0, 90),
                                    with_ratio(latency_result(3, 30, {1}), Metric::loss, 0, 100)};
  check_close(ask(results, Metric::loss, Stat::mean), 1.0 / 200);
  check_close(ask(results, Metric::loss, Stat::p50), 0);
  check_close(ask(results, Metric::loss, Stat::max), 0.1);
  check_close(ask(results, Metric::loss, Stat::last), 0);
  BOOST_TEST(ask(results, Metric::loss, Stat::p50).count == 200);
}

BOOST_AUTO_TEST_CASE(connectivity_follows_from_outcomes_and_leaves_dns_failures_out) {
  std::vector<Result> results;
  std::uint64_t seq = 0;
  for (const Outcome outcome : {Outcome::ok, Outcome::ok, Outcome::refused, Outcome::timeout, Outcome::unreachable,
                                Outcome::reset, Outcome::dns_failed, Outcome::busy, Outcome::skipped}) {
    ++seq;
    results.push_back(make_result(seq, Probe::connect, 10.0 * static_cast<double>(seq), outcome));
  }
  const auto window = ask(results, Metric::connectivity, Stat::mean);
  BOOST_TEST(window.count == 6);
  check_close(window, 2.0 / 6);
}

BOOST_AUTO_TEST_CASE(last_and_ewma_go_over_results_by_their_start) {
  std::vector<Result> results{latency_result(1, 30, {3, 3, 3}), latency_result(2, 20, {2}), latency_result(3, 10, {1})};
  check_close(ask(results, Metric::rtt, Stat::last), 0.003, 0.01);
  check_close(ask(results, Metric::rtt, Stat::ewma), 0.8 * (0.8 * 0.001 + 0.2 * 0.002) + 0.2 * 0.003, 0.01);
}

BOOST_AUTO_TEST_CASE(values_are_samples_of_their_own) {
  const std::vector<Result> results{
      with_value(make_result(1, Probe::throughput, 10), Metric::throughput, 100e6),
      with_value(make_result(2, Probe::throughput, 20), Metric::throughput, 50e6),
      with_value(make_result(3, Probe::throughput, 30, Outcome::reset), Metric::throughput, 1e6)};
  BOOST_TEST(ask(results, Metric::throughput, Stat::mean).count == 2);
  check_close(ask(results, Metric::throughput, Stat::mean), 75e6);
  check_close(ask(results, Metric::throughput, Stat::hmean), 2 / (1 / 100e6 + 1 / 50e6));
  check_close(ask(results, Metric::throughput, Stat::stddev), 25e6);
}

BOOST_AUTO_TEST_CASE(the_ratio_under_load_is_of_the_windows_own_statistics) {
  std::vector<Result> results{latency_result(1, 10, std::vector<double>(50, 20)),
                              latency_result(2, 20, std::vector<double>(19, 110), Metric::rtt_loaded)};
  BOOST_TEST(ask(results, Metric::rtt_loaded, Stat::p50).count == 19);
  BOOST_TEST(!ask(results, Metric::rtt_loaded, Stat::p50).value.has_value());  // too few to say
  BOOST_TEST(!ask(results, Metric::rtt_loaded_ratio, Stat::p50).value.has_value());
  results.push_back(latency_result(3, 30, {110}, Metric::rtt_loaded));
  check_close(ask(results, Metric::rtt_loaded, Stat::p50), 0.110, 0.01);
  check_close(ask(results, Metric::rtt_loaded_ratio, Stat::p50), 5.5, 0.02);
  check_close(ask(results, Metric::rtt_loaded_ratio, Stat::mean), 5.5, 1e-6);
  BOOST_TEST(ask(results, Metric::rtt_loaded_ratio, Stat::p50).count == 20);
  check_close(ask(results, Metric::rtt, Stat::max), 0.020, 1e-6);
  results.erase(results.begin());
  BOOST_TEST(!ask(results, Metric::rtt_loaded_ratio, Stat::p50).value.has_value());  // nothing idle to compare with
}

BOOST_AUTO_TEST_CASE(what_no_honest_agent_reports_is_left_out) {
  std::vector<Result> results{with_value(make_result(1, Probe::connect, 10), Metric::connect, -1),
                              with_value(make_result(2, Probe::connect, 20), Metric::connect, std::nan("")),
                              with_value(make_result(3, Probe::connect, 30), Metric::connect, 1e300),
                              with_value(make_result(4, Probe::connect, 40), Metric::throughput, 1e6),
                              with_ratio(make_result(5, Probe::latency, 50), Metric::loss, 0, 0)};
  for (const Metric metric : {Metric::connect, Metric::throughput, Metric::loss})
    BOOST_TEST(ask(results, metric, Stat::p50).count == 0);
}

BOOST_AUTO_TEST_CASE(the_error_of_a_delay_is_the_worst_in_the_window) {
  std::vector<Result> results{latency_result(1, 10, {5}, Metric::delay), latency_result(2, 20, {6}, Metric::delay)};
  results[0].details.push_back({"error_s", 0.0009});
  results[1].details.push_back({"error_s", 0.0002});
  const auto both = ask(results, Metric::delay, Stat::p50);
  BOOST_REQUIRE(both.error_s.has_value());
  BOOST_TEST(std::abs(*both.error_s - 0.0009) < 1e-7);
  BOOST_TEST(std::abs(*ask(results, Metric::delay, Stat::p50, 20, 5s).error_s - 0.0002) < 1e-7);
  BOOST_TEST(!ask(results, Metric::rtt, Stat::p50).error_s.has_value());
}

BOOST_AUTO_TEST_CASE(the_harmonic_mean_is_for_rates) {
  BOOST_TEST(stat_applies(Metric::throughput, Stat::hmean));
  BOOST_TEST(stat_applies(Metric::throughput_total, Stat::hmean));
  BOOST_TEST(!stat_applies(Metric::rtt, Stat::hmean));
  BOOST_TEST(!stat_applies(Metric::retransmits, Stat::hmean));
  BOOST_TEST(stat_applies(Metric::rtt, Stat::ewma));
}

BOOST_AUTO_TEST_CASE(a_window_says_what_its_raw_samples_say) {
  const auto holds = rc::check("any split of samples over results, any quantile, within 1 %", [] {
    const auto chunks = *rc::gen::nonEmpty(rc::gen::container<std::vector<std::vector<std::uint32_t>>>(
        rc::gen::nonEmpty(rc::gen::container<std::vector<std::uint32_t>>(rc::gen::inRange(0U, 4'000'000'000U)))));
    std::vector<Result> results;
    std::vector<double> raw;
    for (const auto& chunk : chunks) {
      Result result = make_result(results.size() + 1, Probe::latency, 10.0 + static_cast<double>(results.size()) / 100);
      Distribution samples;
      for (const std::uint32_t ns : chunk) {
        samples.add(ns);
        raw.push_back(static_cast<double>(ns) / 1e9);
      }
      result.distributions.push_back({Metric::rtt, samples});
      results.push_back(std::move(result));
    }
    std::ranges::sort(raw);
    const std::pair<Stat, double> shares[] = {{Stat::p5, .05},  {Stat::p25, .25}, {Stat::p50, .5},
                                              {Stat::p75, .75}, {Stat::p95, .95}, {Stat::p99, .99}};
    for (const auto& [stat, share] : shares) {
      const double truth = raw[static_cast<std::size_t>(share * static_cast<double>(raw.size() - 1))];
      RC_ASSERT(std::abs(*ask(results, Metric::rtt, stat).value - truth) <= 0.01 * truth + 1e-12);
    }
    const double mean = std::accumulate(raw.begin(), raw.end(), 0.0) / static_cast<double>(raw.size());
    RC_ASSERT(std::abs(*ask(results, Metric::rtt, Stat::mean).value - mean) <= 1e-9 * mean);
    RC_ASSERT(ask(results, Metric::rtt, Stat::p50).count == raw.size());
  });
  BOOST_TEST(holds);
}

BOOST_AUTO_TEST_SUITE_END()
