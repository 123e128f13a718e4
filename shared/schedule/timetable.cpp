#include "shared/schedule/timetable.h"

#include <algorithm>
#include <iterator>
#include <set>

namespace sonde {

const Member* Timetable::member(const SiteId& site) const {
  const auto at = std::ranges::find(members, site, &Member::site);
  return at == members.end() ? nullptr : &*at;
}

Timetable Timetable::for_site(const SiteId& site) const {
  Timetable own = *this;
  std::set<SiteId> near{site};
  if (const Member* self = member(site); self != nullptr && self->uplink != 0)
    for (const Member& other : members)
      if (other.uplink == self->uplink) near.insert(other.site);
  std::erase_if(own.slots, [&](const ThroughputSlot& slot) {
    return !near.contains(slot.link.from) && !near.contains(slot.link.to);
  });
  std::erase_if(own.phases, [&](const LinkPhase& phase) { return phase.link.from != site; });
  return own;
}

}  // namespace sonde
