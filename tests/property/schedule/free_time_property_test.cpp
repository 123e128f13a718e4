// An instant on demand meets no slot of the timetable and no other run on demand, and no earlier one would have done.
#include <rapidcheck.h>

#include <boost/test/unit_test.hpp>

#include <map>

#include "coordinator/core/free_time.h"
#include "coordinator/core/planner.h"

using namespace sonde;
using namespace std::chrono_literals;

namespace {

SiteId site(std::size_t i) { return SiteId::known("s" + std::to_string(i)); }

/// Some sites, some of them behind common uplinks, and an interval that leaves more or less room.
Mesh random_mesh() {
  Mesh mesh;
  const auto count = *rc::gen::inRange<std::size_t>(2, 9);
  for (std::size_t i = 0; i < count; ++i) {
    SiteSpec spec;
    spec.site = site(i);
    spec.addresses = {"192.0.2.1"};
    if (const auto uplink = *rc::gen::inRange(0, 6); uplink < 2) spec.uplink = "u" + std::to_string(uplink);
    mesh.sites.push_back(std::move(spec));
  }
  auto& throughput = mesh.policy.throughput.emplace();
  throughput.duration = std::chrono::milliseconds(*rc::gen::inRange(500, 8000));
  throughput.every = 1h;
  return mesh;
}

Link random_link(std::size_t sites) {
  const auto from = *rc::gen::inRange<std::size_t>(0, sites);
  const auto other = *rc::gen::inRange<std::size_t>(0, sites - 1);
  return {site(from), site(other < from ? other : other + 1)};
}

using Guards = std::map<SiteId, nanoseconds>;

/// Some clocks are uncertain.
Guards random_guards(std::size_t sites) {
  Guards guards;
  for (std::size_t i = 0; i < sites; ++i)
    if (*rc::gen::inRange(0, 3) == 0) guards[site(i)] = std::chrono::milliseconds(*rc::gen::element(100, 300, 700));
  return guards;
}
nanoseconds guard_of(const Guards& guards, const Link& link) {
  return guards.contains(link.from) ? guards.at(link.from) : nanoseconds(0);
}

/// By looking at every slot of every cycle around: written without regard to how next_free works.
bool meets_a_slot(const Timetable& timetable, const Uplinks& uplinks, const Link& link, SharedTime t,
                  nanoseconds length, const Guards& guards = {}) {
  for (const ThroughputSlot& slot : timetable.slots) {
    if (!exclude_each_other(slot.link, link, uplinks)) continue;
    const auto around = (t - timetable.epoch) / timetable.throughput_every;
    for (auto k = std::max<std::int64_t>(0, around - 1); k <= around + 1; ++k) {
      const SharedTime begin = timetable.epoch + k * timetable.throughput_every + slot.start;
      const nanoseconds apart = guard_of(guards, slot.link) + guard_of(guards, link);
      if (begin - apart < t + length && t < begin + slot.length + apart) return true;
    }
  }
  return false;
}

bool meets_a_reservation(const std::vector<Reservation>& reserved, const Uplinks& uplinks, const Link& link,
                         SharedTime t, nanoseconds length, const Guards& guards) {
  return std::ranges::any_of(reserved, [&](const Reservation& other) {
    const nanoseconds apart = guard_of(guards, other.link) + guard_of(guards, link);
    return exclude_each_other(other.link, link, uplinks) && other.start - apart < t + length &&
           t < other.start + other.length + apart;
  });
}

}  // namespace

BOOST_AUTO_TEST_SUITE(free_time)

BOOST_AUTO_TEST_CASE(runs_on_demand_meet_neither_slots_nor_each_other) {
  const bool held = rc::check([] {
    const Mesh mesh = random_mesh();
    const Uplinks uplinks = uplinks_of(mesh);
    const SharedTime epoch = shared_from_ns(1'700'000'000'000'000'000);
    auto timetable = plan({.mesh = mesh, .effective_at = epoch});
    RC_ASSERT(timetable.has_value());
    // From no room at all to plenty.
    timetable->throughput_every =
        timetable->cycle + std::chrono::milliseconds(*rc::gen::element(0, 700, 5000, 120'000));
    std::vector<Reservation> reserved;
    const Guards guards = random_guards(mesh.sites.size());
    for (int i = 0; i < 12; ++i) {
      const Link link = random_link(mesh.sites.size());
      const nanoseconds length = std::chrono::milliseconds(*rc::gen::inRange(1, 9000));
      const SharedTime not_before = epoch + std::chrono::milliseconds(*rc::gen::inRange(-5000, 200'000));
      const auto found = next_free({*timetable, uplinks, link, length, not_before, reserved, guards});
      if (!found) continue;
      RC_ASSERT(*found >= not_before && *found >= timetable->effective_at);
      RC_ASSERT(!meets_a_slot(*timetable, uplinks, link, *found, length, guards));
      RC_ASSERT(!meets_a_reservation(reserved, uplinks, link, *found, length, guards));
      const SharedTime earliest = std::max(not_before, timetable->effective_at + guard_of(guards, link));
      for (SharedTime t = earliest; t < *found && t < earliest + 60s; t += 97ms)
        RC_ASSERT(meets_a_slot(*timetable, uplinks, link, t, length, guards) ||
                  meets_a_reservation(reserved, uplinks, link, t, length, guards));
      reserved.push_back({link, *found, length});
    }
  });
  BOOST_TEST(held);
}

BOOST_AUTO_TEST_CASE(never_is_said_only_where_no_gap_is_long_enough) {
  const bool held = rc::check([] {
    const Mesh mesh = random_mesh();
    const Uplinks uplinks = uplinks_of(mesh);
    const SharedTime epoch = shared_from_ns(1'700'000'000'000'000'000);
    auto timetable = plan({.mesh = mesh, .effective_at = epoch});
    RC_ASSERT(timetable.has_value());
    timetable->throughput_every = timetable->cycle + std::chrono::milliseconds(*rc::gen::inRange(0, 3000));
    const Link link = random_link(mesh.sites.size());
    const nanoseconds length = std::chrono::milliseconds(*rc::gen::inRange(1, 20'000));
    if (next_free({*timetable, uplinks, link, length, epoch, {}})) return;
    for (SharedTime t = epoch; t < epoch + timetable->throughput_every; t += 53ms)
      RC_ASSERT(meets_a_slot(*timetable, uplinks, link, t, length));
  });
  BOOST_TEST(held);
}

BOOST_AUTO_TEST_SUITE_END()
