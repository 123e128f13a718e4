// One latency result against what a network of chance really did to its probes: variation, order, copies, losses, and
// which of them met a throughput run.
#include <rapidcheck.h>

#include <boost/test/unit_test.hpp>

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <map>
#include <optional>
#include <span>
#include <vector>

#include "shared/base/random.h"
#include "tests/unit/agent_core/latency_world.h"

using namespace sonde;
using namespace sonde::test;
using namespace std::chrono_literals;

namespace {

/// Between the sender's own stamp and the driver's (LatencyWorld).
constexpr nanoseconds in_host = 40us;

/// What happened to one probe, in true time.
struct Truth {
  MonoTime left;  ///< the driver's stamp
  Path path;
  MonoTime arrived() const { return left + path.there; }
  /// At the reflector 100 us more, as LatencyWorld has it.
  MonoTime back() const { return left + path.there + 100us + path.back; }
  bool answered() const { return !path.lost_there && !path.lost_back; }
};

/// A world whose network is drawn from a seed, and which remembers what it drew.
struct ChanceWorld : LatencyWorld {
  ChanceWorld(std::uint64_t seed, bool with_loss) : random(seed) {
    network = [this, with_loss](std::uint32_t sequence) {
      Truth truth{.left = now + in_host, .path = {}};
      truth.path.there = nanoseconds(random.below(600'000'000));
      truth.path.back = nanoseconds(random.below(600'000'000));
      if (with_loss) {
        truth.path.lost_there = random.below(10) == 0;
        truth.path.lost_back = random.below(10) == 0;
        truth.path.twice_there = random.below(8) == 0;
        truth.path.twice_back = random.below(8) == 0;
      }
      truths[sequence] = truth;
      return truth.path;
    };
  }
  /// Of the first result: 50 probes, those of the first ten seconds.
  std::vector<Truth> of_first_result() const {
    std::vector<Truth> found;
    for (const auto& [sequence, truth] : truths)
      if (sequence < static_cast<std::uint32_t>(*results.front().detail("sent"))) found.push_back(truth);
    return found;
  }
  Random random;
  std::map<std::uint32_t, Truth> truths;
};

std::uint64_t count_of(const Result& result, Metric metric) {
  const DistributionValue* found = result.distribution_of(metric);
  return found == nullptr ? 0 : found->samples.count();
}

bool overlaps(MonoTime from, MonoTime to, MonoTime start, MonoTime end) { return start <= to && from <= end; }

}  // namespace

BOOST_AUTO_TEST_SUITE(latency_result_properties)

BOOST_AUTO_TEST_CASE(pdv_and_jitter_are_those_of_the_one_way_times) {
  BOOST_TEST(rc::check("whatever the far clock shows", [](std::uint64_t seed) {
    ChanceWorld world(seed, false);
    world.far_ahead =
        nanoseconds(static_cast<std::int64_t>(world.random.below(20'000'000'000'000)) - 10'000'000'000'000);
    world.plan.streams[0].shares_clock = world.far_ahead == 0ns;
    world.start();
    world.run_until(14s);
    RC_ASSERT(world.results.size() == 1U);
    const Result& result = world.results.front();
    auto truths = world.of_first_result();
    std::ranges::stable_sort(truths, {}, &Truth::arrived);
    const auto [least, most] = std::ranges::minmax(truths, {}, [](const Truth& t) { return t.path.there; });
    const DistributionValue* pdv = result.distribution_of(Metric::pdv);
    RC_ASSERT(pdv != nullptr);
    RC_ASSERT(pdv->samples.count() == truths.size());
    RC_ASSERT(pdv->samples.min() == 0);
    RC_ASSERT(pdv->samples.max() == (most.path.there - least.path.there).count());
    Distribution differences;
    for (const Truth& truth : truths) differences.add((truth.path.there - least.path.there).count());
    RC_ASSERT(pdv->samples == differences);
    double jitter = 0;
    for (std::size_t i = 1; i < truths.size(); ++i) {
      const double d = std::abs(static_cast<double>((truths[i].path.there - truths[i - 1].path.there).count()));
      jitter += (d - jitter) / 16;
    }
    RC_ASSERT(std::abs(result.value_of(Metric::jitter)->value * 1e9 - jitter) <= 1 + 1e-9 * jitter);
  }));
}

BOOST_AUTO_TEST_CASE(reorder_duplicate_and_losses_are_what_happened) {
  BOOST_TEST(rc::check("losses, copies and overtaking in both directions", [](std::uint64_t seed) {
    ChanceWorld world(seed, true);
    world.start();
    world.run_until(14s);
    RC_ASSERT(world.results.size() == 1U);
    const Result& result = world.results.front();
    const auto truths = world.of_first_result();
    std::uint64_t unanswered = 0;
    std::uint64_t answered = 0;
    std::uint64_t reordered = 0;
    std::uint64_t copies = 0;
    for (std::size_t i = 0; i < truths.size(); ++i) {
      if (!truths[i].answered()) {
        ++unanswered;
        continue;
      }
      ++answered;
      // Of its two copies one comes right behind the other.
      if (truths[i].path.twice_there) ++copies;
      bool overtaken = false;
      for (const auto& [sequence, other] : world.truths)
        overtaken |= sequence > i && other.answered() && other.arrived() < truths[i].arrived();
      if (overtaken) ++reordered;
    }
    const RatioValue* loss = result.ratio_of(Metric::loss_rtt);
    RC_ASSERT(loss->hits == unanswered);
    RC_ASSERT(loss->tries == truths.size());
    if (answered == 0) return;
    const RatioValue* order = result.ratio_of(Metric::reorder);
    RC_ASSERT(order->tries == answered);
    RC_ASSERT(order->hits == reordered);
    const RatioValue* duplicate = result.ratio_of(Metric::duplicate);
    RC_ASSERT(duplicate->tries == answered);
    RC_ASSERT(duplicate->hits == copies);
    // No loss is told twice or in the wrong direction: what is told is at most what happened.
    std::uint64_t there = 0;
    std::uint64_t back = 0;
    for (const Truth& truth : truths) {
      if (truth.path.lost_there)
        ++there;
      else if (truth.path.lost_back)
        ++back;
    }
    const RatioValue* forward = result.ratio_of(Metric::loss);
    if (forward != nullptr) RC_ASSERT(forward->hits <= unanswered);
    const double told = (forward == nullptr ? 0.0 : static_cast<double>(forward->hits)) +
                        result.detail("reverse_lost").value_or(0) + result.detail("unattributed").value_or(0);
    RC_ASSERT(told == static_cast<double>(there + back));
  }));
}

BOOST_AUTO_TEST_CASE(a_probe_that_met_a_run_of_ours_is_loaded_and_no_other) {
  BOOST_TEST(rc::check("own runs, of some seconds or none", [](std::uint64_t seed) {
    ChanceWorld world(seed, false);
    std::vector<std::pair<MonoTime, MonoTime>> runs;
    MonoTime at;
    for (std::uint64_t i = world.random.below(4); i > 0; --i) {
      const MonoTime start = at + nanoseconds(world.random.below(3'000'000'000));
      at = start + nanoseconds(world.random.below(2'000'000'000));
      runs.emplace_back(start, at);
    }
    world.start();
    for (const auto& [start, end] : runs)
      world.sender.tell_load(
          {.link = {berlin, SiteId::known("rome")}, .start = world.wall(start), .end = world.wall(end)});
    world.run_until(14s);
    std::uint64_t met = 0;
    const auto truths = world.of_first_result();
    for (const Truth& truth : truths)
      met += std::ranges::any_of(
          runs, [&](const auto& run) { return overlaps(truth.left, truth.back(), run.first, run.second); });
    const Result& result = world.results.front();
    RC_ASSERT(static_cast<std::uint64_t>(result.detail("loaded").value_or(0)) == met);
    RC_ASSERT(count_of(result, Metric::rtt) == truths.size() - met);
    RC_ASSERT(count_of(result, Metric::delay) == truths.size() - met);
    RC_ASSERT(count_of(result, Metric::delay_loaded) == met);
    RC_ASSERT(result.has(Tag::loaded) == (met > 0));
  }));
}

BOOST_AUTO_TEST_CASE(no_probe_that_met_a_run_of_the_far_site_is_taken_for_idle) {
  BOOST_TEST(rc::check("a far clock that is hours away", [](std::uint64_t seed) {
    ChanceWorld world(seed, false);
    world.far_ahead =
        nanoseconds(static_cast<std::int64_t>(world.random.below(20'000'000'000'000)) - 10'000'000'000'000);
    world.plan.streams[0].shares_clock = false;
    world.start();
    const MonoTime start = MonoTime(1s) + nanoseconds(world.random.below(5'000'000'000));
    const MonoTime end = start + nanoseconds(world.random.below(4'000'000'000));
    const SiteLoad begun{LoadRole::sends, world.wall(start) + world.far_ahead, {}};
    world.run_until(start.time_since_epoch());
    world.reflector.set_load(begun);
    world.run_until(end.time_since_epoch());
    world.reflector.set_load(SiteLoad{LoadRole::sends, begun.start, world.wall(end) + world.far_ahead});
    world.run_until(14s);
    std::uint64_t met = 0;
    std::uint64_t far_from_it = 0;
    for (const Truth& truth : world.of_first_result()) {
      if (overlaps(truth.left, truth.back(), start, end)) ++met;
      // The flight's place on the far clock is known to the round trip; twice as far away nothing is loaded.
      const nanoseconds trip = truth.back() - truth.left;
      if (!overlaps(truth.left - 2 * trip, truth.back() + 2 * trip, start, end)) ++far_from_it;
    }
    const Result& result = world.results.front();
    const auto sent = static_cast<std::uint64_t>(*result.detail("sent"));
    const auto loaded = static_cast<std::uint64_t>(result.detail("loaded").value_or(0));
    RC_ASSERT(loaded >= met);
    RC_ASSERT(loaded <= sent - far_from_it);
  }));
}

BOOST_AUTO_TEST_CASE(the_stated_error_bounds_the_delay_across_steps_of_either_clock) {
  BOOST_TEST(rc::check("steps from a microsecond to ten seconds", [](std::uint64_t seed) {
    LatencyWorld world;
    Random random(seed);
    const auto up_to = [&](nanoseconds most) {
      return nanoseconds(random.below(static_cast<std::uint64_t>(most.count())));
    };
    const auto step = [&] {
      const double size = std::pow(10, 3 + 7 * static_cast<double>(random.below(1'000'000)) / 1e6);
      return nanoseconds(static_cast<std::int64_t>(random.below(2) == 0 ? size : -size));
    };
    world.plan.streams[0].shares_clock = false;
    world.far_ahead = up_to(20h) - 10h;
    // Idle for a while, then a queue that is much longer than the path: its delay shows without synchronised clocks.
    const nanoseconds truth = 300ms + up_to(500ms);
    world.network = [&](std::uint32_t) {
      return Path{.there = world.now < MonoTime(20s) ? 20ms : truth, .back = 30ms + up_to(10ms)};
    };
    world.start();
    const auto go_on = [&](nanoseconds end) {
      while (world.now < MonoTime(end)) {
        world.run_until(std::min(end, nanoseconds(to_ns(world.now)) + 1s + up_to(15s)));
        if (random.below(3) == 0) world.step_far_clock(step());
        if (random.below(6) != 0) continue;
        world.stepped += step();
        world.sender.clock_was_set();
      }
    };
    go_on(35s);
    const std::size_t first = world.results.size();  // from here on all probes met the queue
    go_on(100s);
    RC_ASSERT(world.results.size() > first);
    std::size_t shown = 0;
    for (const Result& result : std::span(world.results).subspan(first)) {
      const DistributionValue* delay = result.distribution_of(Metric::delay);
      if (delay == nullptr) continue;
      ++shown;
      const auto error = from_seconds(*result.detail("error_s")) + 1us;
      RC_ASSERT(nanoseconds(delay->samples.min()) >= truth - error);
      RC_ASSERT(nanoseconds(delay->samples.max()) <= truth + error);
      RC_ASSERT(delay->samples.min() >= 0);
    }
    RC_TAG(shown > 0 ? "some delay is shown" : "none is shown");
  }));
}

BOOST_AUTO_TEST_SUITE_END()
