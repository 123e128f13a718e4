#include "coordinator/core/free_time.h"

#include <algorithm>
#include <string_view>
#include <utility>
#include <vector>

#include "shared/base/error.h"

namespace sonde {
namespace {

/// What can be in one run at a time: an uplink with all its sites, or a site. The flag keeps the two kinds apart.
using Unit = std::pair<bool, std::string_view>;

Unit unit_of(const SiteId& site, const Uplinks& uplinks) {
  const auto uplink = uplinks.find(site);
  return uplink == uplinks.end() ? Unit{false, site.str()} : Unit{true, uplink->second};
}

nanoseconds guard_of(const FreeTimeQuery& query, const SiteId& from) {
  const auto guard = query.guards.find(from);
  return guard == query.guards.end() ? nanoseconds(0) : guard->second;
}

/// From the beginning of the cycle, with its guards, and so perhaps before it; [start, end).
struct BusySlot {
  nanoseconds start;
  nanoseconds end;
};

/// Ordered, and what touches made one.
std::vector<BusySlot> busy_in_cycle(const FreeTimeQuery& query) {
  std::vector<BusySlot> busy;
  if (query.timetable.throughput_every <= nanoseconds(0)) return busy;
  for (const ThroughputSlot& slot : query.timetable.slots) {
    if (!exclude_each_other(slot.link, query.link, query.uplinks)) continue;
    // A link's own interval divides the common one.
    const nanoseconds every = query.timetable.interval(slot);
    const nanoseconds guard = guard_of(query, slot.link.from);
    for (nanoseconds at = slot.start; at < slot.start + query.timetable.throughput_every; at += every)
      busy.push_back({at - guard, at + slot.length + guard});
  }
  std::ranges::sort(busy, {}, &BusySlot::start);
  std::vector<BusySlot> merged;
  for (const BusySlot& next : busy) {
    if (!merged.empty() && next.start <= merged.back().end)
      merged.back().end = std::max(merged.back().end, next.end);
    else
      merged.push_back(next);
  }
  return merged;
}

bool has_gap(const std::vector<BusySlot>& busy, nanoseconds every, nanoseconds length) {
  if (busy.empty()) return true;
  for (std::size_t i = 1; i < busy.size(); ++i)
    if (busy[i].start - busy[i - 1].end >= length) return true;
  return busy.front().start + every - busy.back().end >= length;
}

/// The first instant from `t` on whose stretch meets no slot. There is one: has_gap.
SharedTime past_slots(const std::vector<BusySlot>& busy, const Timetable& timetable, SharedTime t, nanoseconds length) {
  if (busy.empty()) return t;
  const nanoseconds every = timetable.throughput_every;
  // One cycle further back: its last slot may reach to here.
  for (std::int64_t k = std::max<std::int64_t>(0, (t - timetable.epoch) / every - 1);; ++k) {
    const SharedTime cycle = timetable.epoch + k * every;
    for (const BusySlot& slot : busy) {
      if (cycle + slot.end <= t) continue;
      if (cycle + slot.start >= t + length) return t;
      t = cycle + slot.end;
    }
  }
}

}  // namespace

bool exclude_each_other(const Link& a, const Link& b, const Uplinks& uplinks) {
  const Unit from = unit_of(b.from, uplinks);
  const Unit to = unit_of(b.to, uplinks);
  for (const SiteId* site : {&a.from, &a.to})
    if (const Unit unit = unit_of(*site, uplinks); unit == from || unit == to) return true;
  return false;
}

std::optional<SharedTime> next_free(const FreeTimeQuery& query) {
  SONDE_ASSERT(query.length > nanoseconds(0));
  const nanoseconds own_guard = guard_of(query, query.link.from);
  const nanoseconds length = query.length + 2 * own_guard;
  const std::vector<BusySlot> busy = busy_in_cycle(query);
  if (!has_gap(busy, query.timetable.throughput_every, length)) return std::nullopt;
  SharedTime t = std::max({query.not_before - own_guard, query.timetable.effective_at, query.timetable.epoch});
  while (true) {
    t = past_slots(busy, query.timetable, t, length);
    const auto in_the_way = std::ranges::find_if(query.reserved, [&](const Reservation& other) {
      const nanoseconds guard = guard_of(query, other.link.from);
      return other.start - guard < t + length && t < other.start + other.length + guard &&
             exclude_each_other(other.link, query.link, query.uplinks);
    });
    if (in_the_way == query.reserved.end()) return t + own_guard;
    t = in_the_way->start + in_the_way->length + guard_of(query, in_the_way->link.from);
  }
}

}  // namespace sonde
