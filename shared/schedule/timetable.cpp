#include "shared/schedule/timetable.h"

#include <algorithm>
#include <iterator>

namespace sonde {

const Member* Timetable::member(const SiteId& site) const {
  const auto at = std::ranges::find(members, site, &Member::site);
  return at == members.end() ? nullptr : &*at;
}

Timetable Timetable::for_site(const SiteId& site) const {
  Timetable own = *this;
  std::erase_if(own.slots, [&](const ThroughputSlot& slot) { return slot.link.from != site && slot.link.to != site; });
  std::erase_if(own.phases, [&](const LinkPhase& phase) { return phase.link.from != site; });
  return own;
}

}  // namespace sonde
