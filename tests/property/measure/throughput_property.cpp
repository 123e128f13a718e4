#include <rapidcheck.h>

#include <boost/test/unit_test.hpp>

#include <cmath>
#include <vector>

#include "shared/measure/throughput.h"

using namespace sonde;

namespace {

/// A series of any shape: ordered, with gaps of zero and readings without bytes.
std::vector<ArrivalReading> any_series() {
  const auto steps = *rc::gen::container<std::vector<std::pair<std::uint32_t, std::uint16_t>>>(
      rc::gen::pair(rc::gen::inRange<std::uint32_t>(0, 50'000'000), rc::gen::inRange<std::uint16_t>(0, 60'000)));
  std::vector<ArrivalReading> readings;
  ArrivalReading now{mono_from_ns(1'000), 0};
  for (const auto& [ns, bytes] : steps) {
    now.at += nanoseconds(ns);
    now.bytes += bytes;
    readings.push_back(now);
  }
  return readings;
}

}  // namespace

BOOST_AUTO_TEST_SUITE(throughput_properties)

BOOST_AUTO_TEST_CASE(any_series_gives_finite_values_and_consistent_parts) {
  BOOST_TEST(rc::check([] {
    const auto readings = any_series();
    const auto estimate = estimate_throughput(readings, std::nullopt);
    RC_ASSERT(estimate.total_bps.has_value() == estimate.steady_bps.has_value());
    if (!estimate.total_bps) return;
    RC_ASSERT(std::isfinite(*estimate.total_bps) && *estimate.total_bps > 0);
    RC_ASSERT(std::isfinite(*estimate.steady_bps) && *estimate.steady_bps >= 0);
    RC_ASSERT(estimate.steady_time.count() > 0);
    RC_ASSERT(estimate.steady_bytes <= readings.back().bytes);
    RC_ASSERT(estimate.burst_bytes <= readings.back().bytes);
    if (estimate.half_width) RC_ASSERT(std::isfinite(*estimate.half_width) && *estimate.half_width >= 0);
  }));
}

BOOST_AUTO_TEST_CASE(a_bucket_before_a_paced_rate_is_found) {
  BOOST_TEST(rc::check([] {
    const double bps = std::exp(*rc::gen::inRange(91, 184) / 10.0);  // 9 kbit/s to 98 Mbit/s
    const auto bucket = *rc::gen::inRange<std::uint64_t>(0, 40);
    const auto steady = *rc::gen::inRange<std::uint64_t>(40, 400);
    std::vector<ArrivalReading> readings;
    double seconds = 1;
    std::uint64_t bytes = 0;
    for (std::uint64_t i = 0; i < bucket + steady; ++i) {
      seconds += 1448 * 8 / (i < bucket ? bps * 50 : bps);
      bytes += 1448;
      readings.push_back({mono_from_ns(std::llround(seconds * 1e9)), bytes});
    }
    const auto estimate = estimate_throughput(readings, std::nullopt);
    RC_ASSERT(estimate.steady_bps.has_value());
    RC_ASSERT(std::abs(*estimate.steady_bps / bps - 1) < 0.05);
    if (bucket >= 8) RC_ASSERT(estimate.knee == Knee::found);
    if (bucket == 0) RC_ASSERT(estimate.knee == Knee::none);
  }));
}

BOOST_AUTO_TEST_CASE(time_and_size_scale) {
  BOOST_TEST(rc::check([] {
    const auto readings = any_series();
    auto slower = readings;
    for (auto& reading : slower) reading.at = mono_from_ns(to_ns(reading.at) * 2);
    const auto a = estimate_throughput(readings, std::nullopt);
    const auto b = estimate_throughput(slower, std::nullopt);
    RC_ASSERT(a.total_bps.has_value() == b.total_bps.has_value());
    if (a.total_bps) RC_ASSERT(std::abs(*a.total_bps / *b.total_bps - 2) < 1e-6);
  }));
}

BOOST_AUTO_TEST_SUITE_END()
