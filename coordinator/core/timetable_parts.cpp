#include "coordinator/core/timetable_parts.h"

#include <algorithm>

namespace sonde {

TimetableParts::TimetableParts(const Timetable& timetable) : timetable_(timetable) {
  head_.generation = timetable.generation;
  head_.effective_at = timetable.effective_at;
  head_.epoch = timetable.epoch;
  head_.policy = timetable.policy;
  head_.throughput_every = timetable.throughput_every;
  head_.rounds = timetable.rounds;
  head_.cycle = timetable.cycle;
  head_.members = timetable.members;
  head_.quiet = timetable.quiet;
  for (std::uint32_t i = 0; i < timetable.slots.size(); ++i) {
    slots_of_[timetable.slots[i].link.from].push_back(i);
    slots_of_[timetable.slots[i].link.to].push_back(i);
  }
  for (std::uint32_t i = 0; i < timetable.phases.size(); ++i) phases_from_[timetable.phases[i].link.from].push_back(i);
  for (const Member& member : timetable.members)
    if (member.uplink != 0) behind_[member.uplink].push_back(member.site);
}

Timetable TimetableParts::of(const SiteId& site) const {
  Timetable own = head_;
  std::vector<SiteId> near{site};
  if (const Member* self = timetable_.member(site); self != nullptr && self->uplink != 0)
    near = behind_.at(self->uplink);
  std::vector<std::uint32_t> slots;
  for (const SiteId& other : near)
    if (const auto found = slots_of_.find(other); found != slots_of_.end())
      slots.insert(slots.end(), found->second.begin(), found->second.end());
  std::ranges::sort(slots);
  const auto repeated = std::ranges::unique(slots);
  slots.erase(repeated.begin(), repeated.end());
  own.slots.reserve(slots.size());
  for (const std::uint32_t i : slots) own.slots.push_back(timetable_.slots[i]);
  if (const auto found = phases_from_.find(site); found != phases_from_.end())
    for (const std::uint32_t i : found->second) own.phases.push_back(timetable_.phases[i]);
  return own;
}

}  // namespace sonde
