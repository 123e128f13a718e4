// Whatever two clocks do and however a path delays, the true offset is inside the bounds, and they claim no more than
// they know.
#include <rapidcheck.h>

#include <boost/test/unit_test.hpp>

#include <algorithm>
#include <cmath>
#include <vector>

#include "shared/base/random.h"
#include "shared/measure/offset_bounds.h"
#include "shared/measure/one_way_delay.h"

using namespace sonde;
using namespace std::chrono_literals;

namespace {

/// Two clocks that drift apart and are stepped, and a path with queues of its own in each direction.
struct World {
  explicit World(std::uint64_t seed) : random(seed) {
    offset_ns = between(-36e12, 36e12);  // up to ten hours
    drift = between(-200e-6, 200e-6);    // 100 ppm each
    light = between(0, 30e6);
    there = light + between(0, 50e6);
    back = light + between(0, 50e6);
    queue_there = between(0, 200e6);
    queue_back = between(0, 200e6);
  }

  double between(double low, double high) {
    return low + (high - low) * static_cast<double>(random.below(1'000'001)) / 1e6;
  }

  double offset_at(double time_ns) const { return offset_ns + drift * time_ns; }

  struct Probe {
    OffsetSample sample;
    nanoseconds forward{0};  ///< t2 - t1
    double true_offset = 0;  ///< at the instant of t2
    double true_delay = 0;
  };

  /// In the prober's own time, which the monotonic clock shows.
  Probe send(double t1) {
    const double hold = between(0, 1e6);
    const double t2 = t1 + there + queue_there * busy();
    const double t3 = t2 + hold;
    const double t4 = t3 + back + queue_back * busy();
    Probe probe;
    probe.true_offset = offset_at(t2);
    probe.true_delay = t2 - t1;
    probe.forward = nanoseconds(std::llround(t2 + offset_at(t2) - t1));
    const auto backward = nanoseconds(std::llround(t4 - t3 - offset_at(t3)));
    const auto least = nanoseconds(static_cast<std::int64_t>(light));
    probe.sample = {MonoTime(nanoseconds(std::llround(t1))), nanoseconds(std::llround(t4 - t1)), least - backward,
                    probe.forward - least};
    return probe;
  }

  /// Mostly nearly nothing, sometimes all of a queue.
  double busy() {
    const double share = between(0, 1);
    return share < 0.7 ? share * 0.01 : share;
  }

  Random random;
  double offset_ns, drift, light, there, back, queue_there, queue_back;
};

void check(const std::vector<World::Probe>& probes, OffsetBounds& bounds) {
  std::vector<OffsetSample> samples;
  for (const World::Probe& probe : probes) samples.push_back(probe.sample);
  const auto intervals = bounds.on_samples(samples);
  RC_ASSERT(intervals.size() == probes.size());
  for (std::size_t i = 0; i < probes.size(); ++i) {
    const double low = static_cast<double>(intervals[i].low.count());
    const double high = static_cast<double>(intervals[i].high.count());
    RC_ASSERT(low - 2 <= probes[i].true_offset);
    RC_ASSERT(probes[i].true_offset <= high + 2);
    const nanoseconds delay = probes[i].forward - intervals[i].middle();
    RC_ASSERT(delay >= 0ns);
    RC_ASSERT(std::abs(static_cast<double>(delay.count()) - probes[i].true_delay) <=
              static_cast<double>(intervals[i].half_width().count()) + 2);
  }
}

std::vector<World::Probe> batch(World& world, double& now, std::size_t probes) {
  std::vector<World::Probe> sent;
  for (std::size_t i = 0; i < probes; ++i) {
    now += world.between(1e6, 400e6);
    sent.push_back(world.send(now));
  }
  return sent;
}

}  // namespace

BOOST_AUTO_TEST_SUITE(offset_bounds_properties)

BOOST_AUTO_TEST_CASE(the_true_offset_is_inside_and_the_error_bounds_the_delay) {
  BOOST_TEST(rc::check("clocks that drift, are hours apart and are stepped", [](std::uint64_t seed) {
    World world(seed);
    OffsetBounds bounds;
    double now = 0;
    for (int round = 0; round < 6; ++round) {
      check(batch(world, now, 1 + world.random.below(40)), bounds);
      if (world.random.below(3) > 0) continue;
      // A step of any size, of which the agents know.
      world.offset_ns += world.between(-1, 1) * std::pow(10, world.between(3, 13));
      bounds.break_clock();
    }
    RC_ASSERT(bounds.contradictions() == 0U);
  }));
}

BOOST_AUTO_TEST_CASE(a_step_that_nobody_told_is_noticed_where_it_leaves_an_impossible_offset) {
  BOOST_TEST(rc::check("steps beyond the round trip", [](std::uint64_t seed) {
    World world(seed);
    OffsetBounds bounds;
    double now = 0;
    check(batch(world, now, 20), bounds);
    const double largest = world.there + world.queue_there + world.back + world.queue_back;
    const double step = largest + 10e6 + world.between(0, 1e12);
    world.offset_ns += world.random.below(2) == 0 ? step : -step;
    check(batch(world, now, 20), bounds);
    RC_ASSERT(bounds.contradictions() == 1U);
  }));
}

BOOST_AUTO_TEST_CASE(more_probes_never_know_less) {
  BOOST_TEST(rc::check("an interval lies within its own sample's bounds, and reaches what is behind it",
                       [](std::uint64_t seed) {
                         World world(seed);
                         OffsetBounds bounds;
                         double now = 0;
                         const auto probes = batch(world, now, 30);
                         std::vector<OffsetSample> samples;
                         for (const auto& probe : probes) samples.push_back(probe.sample);
                         const auto intervals = bounds.on_samples(samples);
                         for (std::size_t i = 0; i < samples.size(); ++i) {
                           RC_ASSERT(samples[i].low <= intervals[i].low);
                           RC_ASSERT(intervals[i].high <= samples[i].high);
                         }
                         const auto later = *bounds.at(samples.back().sent + 1s);
                         RC_ASSERT(later.low <= intervals.back().low);
                         RC_ASSERT(intervals.back().high <= later.high);
                       }));
}

BOOST_AUTO_TEST_CASE(no_delay_is_negative_and_the_stated_error_bounds_every_one) {
  BOOST_TEST(rc::check("whatever the hosts say of their clocks", [](std::uint64_t seed) {
    World world(seed);
    // Clocks that are nearly right; what is said of them may be true, too large or far too small.
    world.offset_ns = world.between(-20e6, 20e6);
    ClockKnowledge known{.same_clock = false,
                         .claim = nanoseconds(std::llround(std::pow(10, world.between(3, 8)))),
                         .steps_are_told = world.random.below(2) == 0,
                         .least = nanoseconds(static_cast<std::int64_t>(world.light))};
    if (world.random.below(3) == 0) known.claim.reset();
    OneWayDelay delay;
    double now = 0;
    for (int round = 0; round < 4; ++round) {
      const auto probes = batch(world, now, 1 + world.random.below(40));
      std::vector<TimedWay> ways;
      bool true_claim = true;
      for (const auto& probe : probes) {
        ways.push_back({probe.sample.sent, probe.sample.away, probe.forward, known.least - probe.sample.low});
        if (known.claim && std::abs(probe.true_offset) > static_cast<double>(known.claim->count())) true_claim = false;
      }
      const auto estimate = delay.on_samples(ways, known);
      RC_ASSERT(estimate.delays.size() == probes.size());
      RC_ASSERT(!estimate.distance_refuted);
      if (true_claim) RC_ASSERT(!estimate.claim_refuted);
      for (std::size_t i = 0; i < probes.size(); ++i) {
        RC_ASSERT(estimate.delays[i] >= 0ns);
        // A lie that the probes cannot refute is the one thing that makes the error too small.
        if (!true_claim && !estimate.claim_refuted) continue;
        const double off = static_cast<double>(estimate.delays[i].count()) - probes[i].true_delay;
        RC_ASSERT(std::abs(off) <= static_cast<double>(estimate.error.count()));
      }
    }
  }));
}

BOOST_AUTO_TEST_CASE(a_distance_that_probes_outrun_is_not_believed) {
  BOOST_TEST(rc::check("a wrong location", [](std::uint64_t seed) {
    World world(seed);
    world.light = 0;
    OneWayDelay delay;
    double now = 0;
    const auto probes = batch(world, now, 20);
    std::vector<TimedWay> ways;
    double least_trip = 1e18;
    for (const auto& probe : probes) {
      ways.push_back({probe.sample.sent, probe.sample.away, probe.forward, -probe.sample.low});
      least_trip = std::min(least_trip, static_cast<double>((ways.back().forward + ways.back().backward).count()));
    }
    const nanoseconds wrong{static_cast<std::int64_t>(least_trip / 2 + 1e6)};
    const auto estimate =
        delay.on_samples(ways, {.same_clock = false, .claim = {}, .steps_are_told = true, .least = wrong});
    RC_ASSERT(estimate.distance_refuted);
    for (std::size_t i = 0; i < probes.size(); ++i)
      RC_ASSERT(std::abs(static_cast<double>(estimate.delays[i].count()) - probes[i].true_delay) <=
                static_cast<double>(estimate.error.count()));
  }));
}

BOOST_AUTO_TEST_SUITE_END()
