#include "shared/measure/throughput.h"

#include <boost/test/unit_test.hpp>

#include <cmath>
#include <vector>

using namespace sonde;
using namespace std::chrono_literals;

namespace {

constexpr std::uint64_t segment = 1448;

/// Arrivals as a link makes them: each push comes `bytes` later at the rate given.
class Arrivals {
 public:
  Arrivals& at_rate(double bps, std::uint64_t bytes) {
    for (std::uint64_t done = 0; done < bytes; done += segment) {
      seconds_ += segment * 8 / bps;
      push();
    }
    return *this;
  }
  Arrivals& pause(double seconds) {
    seconds_ += seconds;
    return *this;
  }
  /// Windows of 10, 20, 40 ... segments, one each round trip, until the link is full.
  Arrivals& slow_start(double bps, double rtt) {
    for (double window = 10; window * segment * 8 / rtt < bps; window *= 2) {
      const double begun = seconds_;
      at_rate(bps * 2, static_cast<std::uint64_t>(window) * segment);
      seconds_ = std::max(seconds_, begun + rtt);
    }
    return *this;
  }
  const std::vector<ArrivalReading>& readings() const { return readings_; }

 private:
  void push() {
    bytes_ += segment;
    readings_.push_back({mono_from_ns(std::llround(seconds_ * 1e9)), bytes_});
  }
  double seconds_ = 100;
  std::uint64_t bytes_ = 0;
  std::vector<ArrivalReading> readings_;
};

bool within(double value, double truth, double share) { return std::abs(value / truth - 1) <= share; }

}  // namespace

BOOST_AUTO_TEST_SUITE(throughput)

BOOST_AUTO_TEST_CASE(no_readings_or_few_give_no_value) {
  BOOST_TEST(!estimate_throughput({}, std::nullopt).total_bps.has_value());
  const auto nine = Arrivals().at_rate(1e6, 9 * segment);
  BOOST_TEST(nine.readings().size() == 9U);
  BOOST_TEST(!estimate_throughput(nine.readings(), std::nullopt).total_bps.has_value());
  BOOST_TEST(!estimate_throughput(nine.readings(), std::nullopt).steady_bps.has_value());
  const auto ten = Arrivals().at_rate(1e6, 10 * segment);
  BOOST_TEST(estimate_throughput(ten.readings(), std::nullopt).total_bps.has_value());
}

BOOST_AUTO_TEST_CASE(all_reads_at_one_instant_give_no_value) {
  std::vector<ArrivalReading> readings(20, {mono_from_ns(5), 100});
  readings.back().bytes = 200;
  BOOST_TEST(!estimate_throughput(readings, std::nullopt).total_bps.has_value());
}

BOOST_AUTO_TEST_CASE(a_constant_rate_has_no_knee_and_is_exact) {
  for (const double bps : {8'900.0, 1e6, 50e6}) {
    const auto link = Arrivals().at_rate(bps, 40 * segment);
    const auto estimate = estimate_throughput(link.readings(), std::nullopt);
    BOOST_TEST((estimate.knee == Knee::none), bps);
    BOOST_TEST(estimate.burst_bytes == 0U);
    BOOST_TEST(within(*estimate.total_bps, bps, 1e-6), *estimate.total_bps);
    BOOST_TEST(within(*estimate.steady_bps, bps, 1e-6), *estimate.steady_bps);
  }
}

BOOST_AUTO_TEST_CASE(slow_start_is_left_out) {
  const auto link = Arrivals().slow_start(50e6, 0.04).at_rate(50e6, 5'000'000);
  const auto estimate = estimate_throughput(link.readings(), 40ms);
  BOOST_TEST((estimate.knee == Knee::found));
  BOOST_TEST(within(*estimate.steady_bps, 50e6, 0.01), *estimate.steady_bps);
  BOOST_TEST(*estimate.total_bps < 46e6);
}

BOOST_AUTO_TEST_CASE(a_token_buckets_burst_is_left_out_and_measured) {
  for (const std::uint64_t bucket : {16'000U, 64'000U, 256'000U}) {
    const auto link = Arrivals().at_rate(1e9, bucket).at_rate(1e6, 400'000);
    const auto estimate = estimate_throughput(link.readings(), 1ms);
    BOOST_TEST((estimate.knee == Knee::found), bucket);
    BOOST_TEST(within(*estimate.steady_bps, 1e6, 0.02), bucket << ": " << *estimate.steady_bps);
    BOOST_TEST(within(static_cast<double>(estimate.burst_bytes), static_cast<double>(bucket), 0.5),
               bucket << ": " << estimate.burst_bytes);
  }
}

BOOST_AUTO_TEST_CASE(a_bucket_of_most_bytes_is_still_left_out) {
  const auto link = Arrivals().at_rate(1e9, 800'000).at_rate(1e6, 200'000);
  const auto estimate = estimate_throughput(link.readings(), 1ms);
  BOOST_TEST((estimate.knee == Knee::found));
  BOOST_TEST(within(*estimate.steady_bps, 1e6, 0.05), *estimate.steady_bps);
}

BOOST_AUTO_TEST_CASE(slow_start_then_bucket_then_rate) {
  const auto link = Arrivals().slow_start(100e6, 0.02).at_rate(100e6, 256'000).at_rate(5e6, 2'500'000);
  const auto estimate = estimate_throughput(link.readings(), 20ms);
  BOOST_TEST((estimate.knee == Knee::found));
  BOOST_TEST(within(*estimate.steady_bps, 5e6, 0.02), *estimate.steady_bps);
}

BOOST_AUTO_TEST_CASE(a_hole_that_is_filled_late_does_not_move_the_rate) {
  auto readings = Arrivals().at_rate(20'000, 40 * segment).readings();
  // Segments 20 to 23 are held back until 24 comes: one reading brings them all.
  readings.erase(readings.begin() + 20, readings.begin() + 24);
  const auto estimate = estimate_throughput(readings, 750ms);
  BOOST_TEST(within(*estimate.steady_bps, 20'000, 0.03), *estimate.steady_bps);
}

BOOST_AUTO_TEST_CASE(one_stall_in_the_middle_is_part_of_the_steady_rate) {
  const auto link = Arrivals().slow_start(10e6, 0.04).at_rate(10e6, 2'000'000).pause(0.3).at_rate(10e6, 2'000'000);
  const auto estimate = estimate_throughput(link.readings(), 40ms);
  const double truth = 4'000'000 * 8 / (3.2 + 0.3);
  BOOST_TEST(within(*estimate.steady_bps, truth, 0.02), *estimate.steady_bps);
}

BOOST_AUTO_TEST_CASE(of_a_fast_link_a_stall_is_part_of_the_rate_wherever_it_is) {
  const auto link = Arrivals().slow_start(10e6, 0.04).at_rate(10e6, 1'600'000).pause(0.3).at_rate(10e6, 2'400'000);
  const double truth = 4'000'000 * 8 / (3.2 + 0.3);
  const auto estimate = estimate_throughput(link.readings(), 40ms);
  BOOST_TEST(within(*estimate.steady_bps, truth, 0.02), *estimate.steady_bps);
}

BOOST_AUTO_TEST_CASE(a_queue_that_ran_empty_behind_a_flood_is_left_out) {
  // The end of the flood was lost; what the bucket got in the pause comes at once.
  const auto link = Arrivals()
                        .at_rate(4e6, 30 * segment)
                        .at_rate(500'000, 14 * segment)
                        .pause(0.15)
                        .at_rate(1.5e6, 8 * segment)
                        .at_rate(500'000, 40 * segment);
  const auto estimate = estimate_throughput(link.readings(), 60ms);
  BOOST_TEST((estimate.knee == Knee::found));
  BOOST_TEST_REQUIRE(estimate.unevenness.has_value());
  BOOST_TEST(*estimate.unevenness <= throughput_even);
  BOOST_TEST(within(*estimate.steady_bps, 500'000, 0.001), *estimate.steady_bps);
}

BOOST_AUTO_TEST_CASE(a_long_straight_end_is_steady_however_unclear_the_beginning_is) {
  Arrivals link;
  link.at_rate(20'000, 4 * segment).pause(0.4).at_rate(60'000, 5 * segment).pause(0.3).at_rate(120'000, 8 * segment);
  link.pause(0.2).at_rate(328'000, 60 * segment);
  const auto estimate = estimate_throughput(link.readings(), 460ms);
  BOOST_TEST((estimate.knee == Knee::found));
  BOOST_TEST(within(*estimate.steady_bps, 328'000, 0.001), *estimate.steady_bps);
}

BOOST_AUTO_TEST_CASE(a_rate_that_never_becomes_steady_is_ambiguous) {
  Arrivals link;
  for (int i = 1; i <= 40; ++i) link.at_rate(1e6 * i, 20 * segment);
  BOOST_TEST((estimate_throughput(link.readings(), 1ms).knee == Knee::ambiguous));
}

BOOST_AUTO_TEST_CASE(the_interval_needs_ten_batches_of_ten_round_trips) {
  const auto link = Arrivals().slow_start(10e6, 0.02).at_rate(10e6, 2'600'000);
  const auto estimate = estimate_throughput(link.readings(), 20ms);
  BOOST_TEST(estimate.batches == 10U);
  BOOST_TEST_REQUIRE(estimate.half_width.has_value());
  BOOST_TEST(*estimate.half_width < throughput_settled_width);
  BOOST_TEST(*estimate.look_width >= *estimate.half_width);
  BOOST_TEST(!estimate_throughput(link.readings(), 40ms).half_width.has_value());
}

BOOST_AUTO_TEST_CASE(what_took_half_of_the_time_was_the_limit) {
  BOOST_TEST((throughput_limit(5s, 5s, 0s, 0s) == ThroughputLimit::path));
  BOOST_TEST((throughput_limit(5s, 5s, 2499ms, 2s) == ThroughputLimit::path));
  BOOST_TEST((throughput_limit(5s, 5s, 2500ms, 0s) == ThroughputLimit::receiver_window));
  BOOST_TEST((throughput_limit(5s, 4500ms, 0s, 2300ms) == ThroughputLimit::send_buffer));
  BOOST_TEST((throughput_limit(5s, 3900ms, 3s, 0s) == ThroughputLimit::application));
  BOOST_TEST((throughput_limit(99ms, 99ms, 0s, 0s) == ThroughputLimit::unknown));  // a few ticks of the kernel's timer
  BOOST_TEST((throughput_limit(100ms, 100ms, 0s, 0s) == ThroughputLimit::path));
  BOOST_TEST((throughput_limit(5s, 0s, 0s, 0s) == ThroughputLimit::unknown));
  BOOST_TEST(name(ThroughputLimit::application) == "application");
}

BOOST_AUTO_TEST_CASE(a_bucket_that_empties_slowly_is_left_out) {
  const auto link = Arrivals().slow_start(63e6, 0.03).at_rate(64e6, 1'500'000).at_rate(63e6, 9'000'000);
  const auto estimate = estimate_throughput(link.readings(), 30ms);
  BOOST_TEST(within(*estimate.steady_bps, 63e6, 0.002), *estimate.steady_bps);
}

BOOST_AUTO_TEST_CASE(a_burst_too_small_for_a_chunk_is_found) {
  const auto link = Arrivals().at_rate(1e9, 30 * segment).at_rate(100e6, 40'000'000);
  const auto estimate = estimate_throughput(link.readings(), 1ms);
  BOOST_TEST((estimate.knee == Knee::found && estimate.fell));
  BOOST_TEST(within(*estimate.steady_bps, 100e6, 0.001), *estimate.steady_bps);
}

BOOST_AUTO_TEST_CASE(the_steady_part_begins_no_earlier_than_told) {
  const auto link = Arrivals().at_rate(30'000, 30 * segment).at_rate(20'000, 30 * segment);
  const auto& readings = link.readings();
  const auto estimate = estimate_throughput(readings, 10ms, readings[31].at);
  BOOST_TEST((estimate.steady_from == readings[31].at));
  BOOST_TEST((estimate.knee == Knee::found));
  BOOST_TEST(within(*estimate.steady_bps, 20'000, 1e-6), *estimate.steady_bps);
}

BOOST_AUTO_TEST_CASE(a_rate_that_swings_has_a_wide_interval) {
  Arrivals link;
  for (int i = 0; i < 20; ++i) link.at_rate(i % 3 == 0 ? 4e6 : 12e6, 100 * segment);
  const auto estimate = estimate_throughput(link.readings(), 1ms);
  BOOST_TEST_REQUIRE(estimate.half_width.has_value());
  BOOST_TEST(*estimate.half_width > throughput_settled_width);
}

BOOST_AUTO_TEST_SUITE_END()
