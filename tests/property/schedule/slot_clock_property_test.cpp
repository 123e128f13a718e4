// The slot clock under clocks that drift, jump and go backwards.
#include <rapidcheck.h>

#include <boost/test/unit_test.hpp>

#include <map>
#include <set>
#include <tuple>

#include "shared/schedule/slot_clock.h"

using namespace sonde;
using namespace std::chrono_literals;
using Kind = SlotClock::Due::Kind;

namespace {

const SiteId self = SiteId::known("self");
constexpr SharedTime epoch{nanoseconds(1'000'000s)};

/// Slots one after another with random gaps, as the planner makes them.
Timetable random_timetable(std::uint64_t generation, SharedTime effective_at) {
  Timetable timetable;
  timetable.generation = {generation};
  timetable.effective_at = effective_at;
  timetable.epoch = epoch;
  timetable.policy.connect->every = *rc::gen::inRange(2, 31) * 1s;
  const int peers = *rc::gen::inRange(1, 6);
  for (int i = 0; i < peers; ++i) {
    const Link link{self, SiteId::known("p" + std::to_string(i))};
    const nanoseconds length = *rc::gen::inRange(300, 5000) * 1ms;
    timetable.cycle += *rc::gen::inRange(0, 2000) * 1ms;
    timetable.slots.push_back({Round{static_cast<std::uint32_t>(i)}, link, timetable.cycle, length});
    timetable.cycle += length;
    timetable.phases.push_back({link, 0s, *rc::gen::inRange(0, 2000) * 1ms});
  }
  timetable.rounds = static_cast<std::uint32_t>(peers);
  timetable.throughput_every = timetable.cycle + *rc::gen::inRange(0, 20'000) * 1ms;
  return timetable;
}

nanoseconds random_move() {
  switch (*rc::gen::inRange(0, 20)) {
    case 0: return *rc::gen::inRange(-400'000, 0) * 1ms;
    case 1: return *rc::gen::inRange(0, 400'000) * 1ms;
    case 2: return *rc::gen::inRange(-1500, 1500) * 1ms;
    case 3: return *rc::gen::inRange(-20'000, -2000) * 1ms;  // back over what has just been started
    default: return *rc::gen::inRange(0, 480) * 1ms;
  }
}

using Instant = std::tuple<Kind, Link, SharedTime>;

}  // namespace

BOOST_AUTO_TEST_SUITE(slot_clock_properties)

BOOST_AUTO_TEST_CASE(no_instant_is_started_twice_or_late_and_no_two_runs_overlap) {
  BOOST_TEST(rc::check([] {
    SlotClock clock;
    SharedTime now = epoch + 1h;
    std::uint64_t generation = 1;
    clock.set(random_timetable(1, epoch), self);
    std::set<std::pair<std::uint64_t, Instant>> started;
    for (int turn = 0; turn < 400; ++turn) {
      now += random_move();
      if (*rc::gen::inRange(0, 100) == 0)
        clock.set(random_timetable(++generation, now + *rc::gen::inRange(-10, 60) * 1s), self);
      SharedTime busy_until = SharedTime::min();
      for (const auto& due : clock.due(now)) {
        RC_ASSERT(due.scheduled_at <= now);
        if (due.missed) continue;
        RC_ASSERT(now - due.scheduled_at <= SlotClock::tolerance);
        const Instant instant{due.kind, due.link, due.scheduled_at};
        RC_ASSERT(started.emplace(due.generation.number, instant).second);
        if (due.kind != Kind::throughput) continue;
        RC_ASSERT(due.scheduled_at >= busy_until);
        RC_ASSERT(now <= due.scheduled_at + due.length);
        busy_until = due.scheduled_at + due.length;
      }
    }
  }));
}

BOOST_AUTO_TEST_CASE(a_forward_clock_accounts_for_every_slot_exactly_once) {
  BOOST_TEST(rc::check([] {
    SlotClock clock;
    const Timetable timetable = random_timetable(1, epoch);
    clock.set(timetable, self);
    const SharedTime begin = epoch + *rc::gen::inRange(0, 100'000) * 1ms;
    SharedTime now = begin;
    std::map<std::pair<Kind, Link>, std::uint64_t> told;
    const int turns = *rc::gen::inRange(1, 200);
    for (int turn = 0; turn < turns; ++turn) {
      if (turn > 0)
        now += *rc::gen::inRange(0, 3) == 0 ? *rc::gen::inRange(0, 200'000) * 1ms : *rc::gen::inRange(0, 400) * 1ms;
      for (const auto& due : clock.due(now)) told[{due.kind, due.link}] += due.count;
    }
    const auto instants = [&](nanoseconds offset, nanoseconds every) {
      std::uint64_t count = 0;
      for (SharedTime at = epoch + offset; at <= now; at += every) count += at >= begin ? 1 : 0;
      return count;
    };
    for (const ThroughputSlot& slot : timetable.slots) {
      const std::uint64_t count = told[{Kind::throughput, slot.link}];
      RC_ASSERT(count == instants(slot.start, timetable.throughput_every));
    }
    for (const LinkPhase& phase : timetable.phases) {
      const std::uint64_t count = told[{Kind::connect, phase.link}];
      RC_ASSERT(count == instants(phase.connect_phase, timetable.policy.connect->every));
    }
  }));
}

BOOST_AUTO_TEST_CASE(who_asks_when_told_misses_nothing) {
  BOOST_TEST(rc::check([] {
    SlotClock clock;
    clock.set(random_timetable(1, epoch), self);
    SharedTime now = epoch;
    for (int turn = 0; turn < 300; ++turn) {
      for (const auto& due : clock.due(now)) RC_ASSERT(!due.missed);
      RC_ASSERT(clock.next() > now);
      now = clock.next();
    }
  }));
}

BOOST_AUTO_TEST_SUITE_END()
