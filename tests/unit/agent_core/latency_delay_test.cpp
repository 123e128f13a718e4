// One-way delay between clocks that nobody synchronises, in virtual time.
#include <boost/test/unit_test.hpp>

#include <cmath>

#include "tests/unit/agent_core/latency_world.h"

using namespace sonde;
using namespace sonde::test;

using World = LatencyWorld;

namespace {

void expect_all(const Result& result, Metric metric, std::uint64_t count, nanoseconds value) {
  BOOST_TEST_CONTEXT(name(metric)) {
    const DistributionValue* samples = result.distribution_of(metric);
    BOOST_REQUIRE(samples != nullptr);
    BOOST_TEST(samples->samples.count() == count);
    BOOST_TEST(samples->samples.min() == value.count());
    BOOST_TEST(samples->samples.max() == value.count());
  }
}

}  // namespace

BOOST_AUTO_TEST_SUITE(latency_delay)

BOOST_AUTO_TEST_CASE(one_way_delay_is_only_shown_where_the_clocks_allow_it) {
  World unknown;
  unknown.plan.streams[0].shares_clock = false;
  unknown.far_ahead = 3s;
  unknown.start();
  unknown.run_until(13s);
  BOOST_CHECK(unknown.last().distribution_of(Metric::delay) == nullptr);
  BOOST_TEST(unknown.last().has(Tag::unsynced));
  expect_all(unknown.last(), Metric::delay_rise, 50, 0ns);
  expect_all(unknown.last(), Metric::rtt, 50, 50ms);

  World bounded;
  bounded.plan.streams[0].shares_clock = false;
  bounded.plan.streams[0].far_clock_error = 2ms;
  bounded.plan.own_clock_error = 1ms;
  bounded.far_ahead = 1500us;
  bounded.start();
  bounded.run_until(13s);
  expect_all(bounded.last(), Metric::delay, 50, 21500us);
  BOOST_TEST(*bounded.last().detail("error_s") == 0.003005);
  BOOST_TEST(!bounded.last().has(Tag::unsynced));

  World coarse;
  coarse.plan.streams[0].shares_clock = false;
  coarse.plan.streams[0].far_clock_error = 5ms;
  coarse.plan.own_clock_error = 1ms;
  coarse.start();
  coarse.run_until(13s);
  BOOST_CHECK(coarse.last().distribution_of(Metric::delay) == nullptr);
  BOOST_TEST(coarse.last().has(Tag::unsynced));
}

BOOST_AUTO_TEST_CASE(a_queue_shows_the_delay_although_nobody_knows_the_clocks) {
  World world;
  world.plan.streams[0].shares_clock = false;
  world.far_ahead = -3h;
  // What went before bounds the offset to half of the idle round trip, far less than the queue.
  world.network = [](std::uint32_t s) { return Path{.there = s >= 50 && s < 100 ? 520ms : 20ms}; };
  world.start();
  world.run_until(13s);
  BOOST_TEST(world.last().has(Tag::unsynced));
  world.run_until(23s);
  const auto* delay = world.last().distribution_of(Metric::delay);
  BOOST_TEST_REQUIRE(delay != nullptr);
  BOOST_TEST(!world.last().has(Tag::unsynced));
  const double error = *world.last().detail("error_s");
  BOOST_TEST(error < 0.040);
  BOOST_TEST(std::abs(to_seconds(nanoseconds(delay->samples.min())) - 0.520) <= error);
  BOOST_TEST(std::abs(to_seconds(nanoseconds(delay->samples.max())) - 0.520) <= error);
}

BOOST_AUTO_TEST_CASE(a_distance_makes_the_offset_surer) {
  const auto error = [](nanoseconds least) {
    World world;
    world.plan.streams[0].shares_clock = false;
    world.plan.streams[0].least_delay = least;
    world.start();
    world.run_until(13s);
    return *world.last().detail("error_s");
  };
  BOOST_TEST(error(0ms) - error(15ms) == 0.015, boost::test_tools::tolerance(1e-6));
  World world;
  world.plan.streams[0].shares_clock = false;
  world.plan.streams[0].least_delay = 30ms;
  world.start();
  world.run_until(13s);
  BOOST_TEST(*world.last().detail("distance_refuted") == 1);
}

BOOST_AUTO_TEST_CASE(hosts_that_say_too_much_of_their_clocks_are_refuted) {
  World world;
  world.plan.streams[0].shares_clock = false;
  world.plan.streams[0].far_clock_error = 1ms;
  world.plan.own_clock_error = 1ms;
  world.far_ahead = 40ms;
  world.start();
  world.run_until(13s);
  BOOST_TEST(*world.last().detail("clock_claim_refuted") == 1);
  BOOST_TEST(world.last().has(Tag::unsynced));
}

BOOST_AUTO_TEST_CASE(a_small_step_of_our_clock_within_an_interval_is_not_measured_across) {
  World world;
  world.plan.streams[0].shares_clock = false;
  world.network = [](std::uint32_t s) { return Path{.there = s < 40 ? 20ms : 520ms}; };
  world.start();
  world.run_until(5s);
  world.stepped = -9ms;  // too small to leave an impossible offset
  world.run_until(13s);
  BOOST_TEST(world.last().has(Tag::clock_stepped));
  world.run_until(23s);
  const auto* delay = world.last().distribution_of(Metric::delay);
  BOOST_TEST_REQUIRE(delay != nullptr);
  const double error = *world.last().detail("error_s");
  BOOST_TEST(std::abs(to_seconds(nanoseconds(delay->samples.min())) - 0.520) <= error);
}

BOOST_AUTO_TEST_CASE(a_small_step_of_the_far_clock_is_told_and_not_measured_across) {
  World world;
  world.plan.streams[0].shares_clock = false;
  world.network = [](std::uint32_t s) { return Path{.there = s < 40 ? 20ms : 520ms}; };
  world.start();
  world.run_until(5s);
  world.step_far_clock(9ms);  // too small to leave an impossible offset
  world.run_until(13s);
  BOOST_TEST(world.last().has(Tag::clock_stepped));
  world.run_until(23s);
  const auto* delay = world.last().distribution_of(Metric::delay);
  BOOST_TEST_REQUIRE(delay != nullptr);
  BOOST_TEST(std::abs(to_seconds(nanoseconds(delay->samples.min())) - 0.520) <= *world.last().detail("error_s"));
}

BOOST_AUTO_TEST_CASE(a_far_side_that_does_not_tell_of_steps_is_bounded_by_each_probe_alone) {
  World world;
  world.first_era = 0;
  world.restart_reflector();
  world.plan.streams[0].shares_clock = false;
  world.network = [](std::uint32_t s) { return Path{.there = s < 50 ? 20ms : 520ms}; };
  world.start();
  world.run_until(5s);
  world.far_ahead += 9ms;
  world.run_until(23s);
  // 270 ms either way, because nothing that was learnt before is believed.
  BOOST_CHECK(world.last().distribution_of(Metric::delay) == nullptr);
  BOOST_TEST(world.last().has(Tag::unsynced));
  BOOST_TEST(*world.last().detail("error_s") >= 0.275);
  expect_all(world.last(), Metric::rtt, 50, 550ms);
}

BOOST_AUTO_TEST_SUITE_END()
