#include "coordinator/core/timetable_parts.h"

#include <algorithm>

namespace sonde {
namespace {

SiteIndex members_of(const Timetable& timetable) {
  std::vector<SiteId> sites;
  sites.reserve(timetable.members.size());
  for (const Member& member : timetable.members) sites.push_back(member.site);
  return SiteIndex(std::move(sites));
}

}  // namespace

TimetableParts::TimetableParts(const Timetable& timetable)
    : timetable_(timetable),
      encoder_(timetable),
      sites_(members_of(timetable)),
      slots_(timetable.members.size()),
      phases_(timetable.members.size()) {
  for (std::uint32_t i = 0; i < timetable.slots.size(); ++i)
    for (const SiteId* site : {&timetable.slots[i].link.from, &timetable.slots[i].link.to})
      if (const std::uint32_t at = sites_.of(*site); at != SiteIndex::none) slots_[at].push_back(i);
  for (std::uint32_t i = 0; i < timetable.phases.size(); ++i)
    if (const std::uint32_t at = sites_.of(timetable.phases[i].link.from); at != SiteIndex::none)
      phases_[at].push_back(i);
  for (std::uint32_t i = 0; i < timetable.members.size(); ++i)
    if (timetable.members[i].uplink != 0) behind_[timetable.members[i].uplink].push_back(i);
  for (const auto& [uplink, sites] : behind_)
    if (slots_over(uplink).size() > most_uplink_slots) crowded_.insert(uplink);
}

std::size_t TimetableParts::not_told() const {
  std::size_t sites = 0;
  for (const std::uint32_t uplink : crowded_) sites += behind_.at(uplink).size();
  return sites;
}

std::vector<std::uint32_t> TimetableParts::slots_of(const SiteId& site) const {
  const std::uint32_t self = sites_.of(site);
  if (self == SiteIndex::none) return {};
  const std::uint32_t uplink = timetable_.members[self].uplink;
  return uplink == 0 || crowded_.contains(uplink) ? slots_[self] : slots_over(uplink);
}

std::vector<std::uint32_t> TimetableParts::slots_over(std::uint32_t uplink) const {
  std::vector<std::uint32_t> slots;
  for (const std::uint32_t mate : behind_.at(uplink))
    slots.insert(slots.end(), slots_[mate].begin(), slots_[mate].end());
  std::ranges::sort(slots);
  const auto repeated = std::ranges::unique(slots);
  slots.erase(repeated.begin(), repeated.end());
  return slots;
}

const std::vector<std::uint32_t>& TimetableParts::phases_of(const SiteId& site) const {
  static const std::vector<std::uint32_t> nothing;
  const std::uint32_t self = sites_.of(site);
  return self == SiteIndex::none ? nothing : phases_[self];
}

Timetable TimetableParts::of(const SiteId& site) const {
  Timetable own = timetable_.head();
  for (const std::uint32_t i : slots_of(site)) own.slots.push_back(timetable_.slots[i]);
  for (const std::uint32_t i : phases_of(site)) own.phases.push_back(timetable_.phases[i]);
  return own;
}

wire::Buffer TimetableParts::message_for(const SiteId& site) const {
  const std::vector<std::uint32_t> slots = slots_of(site);
  return encoder_.message(timetable_.slots, slots, timetable_.phases, phases_of(site));
}

}  // namespace sonde
