// Samples from stamps, jitter, order, the floor under the delay.
#include <boost/test/unit_test.hpp>

#include <cmath>
#include <vector>

#include "shared/measure/arrival_order.h"
#include "shared/measure/delay_floor.h"
#include "shared/measure/jitter.h"
#include "shared/measure/latency_sample.h"

using namespace sonde;
using namespace std::chrono_literals;

namespace {

WallTime wall(nanoseconds t) { return wall_from_ns(1'000'000'000'000 + t.count()); }
MonoTime mono(nanoseconds t) { return mono_from_ns(t.count()); }

/// 2 ms there, 3 ms back, 400 us held, 30 us in the own queue; the far clock is `offset` ahead.
ProbeStamps stamps(nanoseconds offset = 0ms) {
  ProbeStamps s;
  s.scheduled = wall(-30us);
  s.sent = wall(0us);
  s.user_sent = wall(-70us);
  s.reflector_in = wall(2ms + offset);
  s.reflector_out = wall(2400us + offset);
  s.received = wall(5400us);
  return s;
}

LatencySample one_way(nanoseconds forward, nanoseconds backward) {
  LatencySample sample;
  sample.forward = forward;
  sample.backward = backward;
  return sample;
}

}  // namespace

BOOST_AUTO_TEST_SUITE(latency_sample)

BOOST_AUTO_TEST_CASE(the_round_trip_leaves_the_hold_time_out) {
  const auto sample = make_sample(stamps());
  BOOST_REQUIRE(sample);
  BOOST_CHECK(sample->rtt == 5ms);
  BOOST_CHECK(sample->rtt_host == 5030us);
  BOOST_CHECK(sample->host_queue == 30us);
  BOOST_CHECK(sample->forward == 2ms);
  BOOST_CHECK(sample->backward == 3ms);
  BOOST_TEST(!sample->user_clock);
}

BOOST_AUTO_TEST_CASE(the_round_trip_does_not_see_the_offset_between_the_clocks) {
  for (const nanoseconds offset : {nanoseconds(-7h), nanoseconds(-1ms), nanoseconds(3s)}) {
    const auto sample = make_sample(stamps(offset));
    BOOST_REQUIRE(sample);
    BOOST_CHECK(sample->rtt == 5ms);
    BOOST_CHECK(sample->forward == 2ms + offset);
  }
}

BOOST_AUTO_TEST_CASE(a_userland_stamp_is_the_fallback_and_says_so) {
  ProbeStamps s = stamps();
  s.sent.reset();
  const auto sample = make_sample(s);
  BOOST_REQUIRE(sample);
  BOOST_CHECK(sample->rtt == 5070us);
  BOOST_TEST(sample->user_clock);
  BOOST_CHECK(!sample->rtt_host);
  s = stamps();
  s.received_by_kernel = false;
  BOOST_TEST(make_sample(s)->user_clock);
}

BOOST_AUTO_TEST_CASE(impossible_stamps_are_refused) {
  ProbeStamps s = stamps();
  s.reflector_out = *s.reflector_in - 1ns;
  BOOST_CHECK(make_sample(s).error() == StampFault::impossible);
  s = stamps();
  s.received = *s.sent + 399us;
  BOOST_CHECK(make_sample(s).error() == StampFault::impossible);
  s = stamps();
  s.scheduled = *s.sent + 1ns;
  BOOST_CHECK(make_sample(s).error() == StampFault::impossible);
  s = stamps();
  s.reflector_out.reset();
  BOOST_CHECK(make_sample(s).error() == StampFault::missing);
}

BOOST_AUTO_TEST_CASE(a_stepped_far_clock_is_noticed_and_queueing_is_not) {
  const LatencySample calm = one_way(20ms, 20ms);
  BOOST_TEST(same_clocks(calm, one_way(900ms, 20ms), 1s));
  BOOST_TEST(same_clocks(calm, one_way(20ms, 900ms), 1s));
  BOOST_TEST(!same_clocks(calm, one_way(100ms, -60ms), 1s));
  BOOST_TEST(!same_clocks(calm, one_way(-60ms, 100ms), 1s));
  // Two slewing clocks drift apart by a millisecond in each second.
  BOOST_TEST(same_clocks(calm, one_way(100ms, -60ms), 60s));
}

BOOST_AUTO_TEST_SUITE_END()

BOOST_AUTO_TEST_SUITE(jitter)

BOOST_AUTO_TEST_CASE(rfc_3550_by_hand) {
  Jitter jitter;
  jitter.on_transit(10ms);
  BOOST_CHECK(!jitter.seconds());
  jitter.on_transit(26ms);  // |D| = 16 ms: J = 1 ms
  BOOST_TEST(*jitter.seconds() == 0.001, boost::test_tools::tolerance(1e-9));
  jitter.on_transit(9ms);  // |D| = 17 ms: J = 1 + (17 - 1) / 16 = 2 ms
  BOOST_TEST(*jitter.seconds() == 0.002, boost::test_tools::tolerance(1e-9));
}

BOOST_AUTO_TEST_CASE(no_difference_is_taken_across_a_break) {
  Jitter jitter;
  jitter.on_transit(10ms);
  jitter.on_transit(10ms);
  jitter.break_sequence();
  jitter.on_transit(5s);
  BOOST_TEST(*jitter.seconds() == 0.0);
}

BOOST_AUTO_TEST_SUITE_END()

BOOST_AUTO_TEST_SUITE(arrival_order)

BOOST_AUTO_TEST_CASE(in_order_nothing_is_reordered) {
  const std::vector<Arrival> arrivals{{1, 1, 0}, {2, 2, 0}, {4, 3, 0}};
  const OrderCounts counts = count_order(arrivals, 4);
  BOOST_TEST(counts.arrived == 3);
  BOOST_TEST(counts.reordered == 0);
}

BOOST_AUTO_TEST_CASE(the_one_that_was_overtaken_is_the_reordered_one) {
  // RFC 4737, 4.1.2: of 1 2 3 7 8 9 10 4 5 6 the last three are reordered.
  const std::vector<Arrival> arrivals{{1, 1, 0},  {2, 2, 0}, {3, 3, 0}, {4, 8, 0}, {5, 9, 0},
                                      {6, 10, 0}, {7, 4, 0}, {8, 5, 0}, {9, 6, 0}, {10, 7, 0}};
  BOOST_TEST(count_order(arrivals, 10).reordered == 3);
}

BOOST_AUTO_TEST_CASE(overtaking_across_the_end_of_the_interval_counts_for_the_interval) {
  const std::vector<Arrival> arrivals{{1, 1, 0}, {2, 3, 0}, {3, 2, 1}};
  const OrderCounts counts = count_order(arrivals, 2);
  BOOST_TEST(counts.arrived == 2);
  BOOST_TEST(counts.reordered == 1);
  BOOST_TEST(counts.extra_copies == 0);
}

BOOST_AUTO_TEST_CASE(numbers_may_wrap) {
  const std::vector<Arrival> arrivals{{0xFFFF'FFFF, 0xFFFF'FFFE, 0}, {0, 0xFFFF'FFFF, 2}, {1, 2, 0}};
  const OrderCounts counts = count_order(arrivals, 1);
  BOOST_TEST(counts.reordered == 0);
  BOOST_TEST(counts.extra_copies == 2);
}

BOOST_AUTO_TEST_SUITE_END()

BOOST_AUTO_TEST_SUITE(delay_floor)

BOOST_AUTO_TEST_CASE(without_drift_it_is_the_least_of_ten_minutes) {
  DelayFloor floor;
  BOOST_CHECK(!floor.line(false));
  floor.on_sample(mono(0s), 20ms);
  for (int s = 10; s < 590; s += 10) floor.on_sample(mono(std::chrono::seconds(s)), 30ms);
  BOOST_CHECK(DelayFloor::rise(*floor.line(false), mono(580s), 31ms) == 11ms);
  floor.on_sample(mono(620s), 30ms);
  BOOST_CHECK(DelayFloor::rise(*floor.line(false), mono(620s), 31ms) == 1ms);
}

BOOST_AUTO_TEST_CASE(drift_is_taken_out) {
  DelayFloor floor;
  // 40 ppm, and queueing in half of the buckets.
  const auto drifting = [](int s) { return 20ms + std::chrono::seconds(s) * 40 / 1'000'000; };
  for (int s = 0; s <= 600; s += 10)
    floor.on_sample(mono(std::chrono::seconds(s)), drifting(s) + (s % 20 == 0 ? 0ms : 3ms));
  const auto line = floor.line(true);
  BOOST_REQUIRE(line);
  BOOST_TEST(line->slope == 40e-6, boost::test_tools::tolerance(1e-3));
  BOOST_CHECK(DelayFloor::rise(*line, mono(600s), drifting(600)) < 1us);
  BOOST_CHECK(std::abs((DelayFloor::rise(*line, mono(590s), drifting(590) + 3ms) - 3ms).count()) < 1000);
}

BOOST_AUTO_TEST_CASE(a_real_rise_in_the_second_half_is_no_drift) {
  DelayFloor floor;
  for (int s = 0; s <= 600; s += 10) floor.on_sample(mono(std::chrono::seconds(s)), s < 350 ? 20ms : 45ms);
  BOOST_CHECK(DelayFloor::rise(*floor.line(true), mono(600s), 45ms) == 25ms);
}

BOOST_AUTO_TEST_CASE(a_slope_that_no_clock_has_is_a_change_of_the_network) {
  DelayFloor floor;
  for (int s = 0; s <= 600; s += 10) floor.on_sample(mono(std::chrono::seconds(s)), std::chrono::milliseconds(20 + s));
  BOOST_CHECK(DelayFloor::rise(*floor.line(true), mono(600s), 620ms) == 600ms);
}

BOOST_AUTO_TEST_CASE(after_a_step_it_starts_anew) {
  DelayFloor floor;
  floor.on_sample(mono(0s), 20ms);
  floor.reset();
  floor.on_sample(mono(1s), 5s);
  BOOST_CHECK(DelayFloor::rise(*floor.line(true), mono(1s), 5s) == 0ms);
}

BOOST_AUTO_TEST_SUITE_END()
