#include "shared/schedule/timetable.h"

#include <algorithm>
#include <iterator>
#include <numeric>
#include <set>

namespace sonde {
namespace {

constexpr nanoseconds day = std::chrono::hours(24);
/// Instants of a day that are looked at; more than these never all fall into quiet hours that leave a minute.
constexpr std::int64_t most_instants = 10'000;

}  // namespace

const Member* Timetable::member(const SiteId& site) const {
  const auto at = std::ranges::find(members, site, &Member::site);
  return at == members.end() ? nullptr : &*at;
}

bool is_quiet(const DailyHours& hours, SharedTime start, nanoseconds length) {
  const nanoseconds into = (start.time_since_epoch() % day + day) % day;
  const nanoseconds since = (into - hours.from + day) % day;  // since the hours began last
  return since < hours.length || since + length > day;
}

bool always_quiet(const std::vector<DailyHours>& hours, SharedTime start, nanoseconds every, nanoseconds length) {
  if (hours.empty()) return false;
  const std::int64_t instants = day.count() / std::gcd(day.count(), every.count());
  for (std::int64_t k = 0; k < std::min(instants, most_instants); ++k)
    if (std::ranges::none_of(hours, [&](const DailyHours& h) { return is_quiet(h, start + k * every, length); }))
      return false;
  return true;
}

bool Timetable::is_quiet(const Link& link, SharedTime start, nanoseconds length) const {
  return std::ranges::any_of(quiet, [&](const QuietSite& q) {
    return (q.site == link.from || q.site == link.to) && sonde::is_quiet(q.hours, start, length);
  });
}

Timetable Timetable::head() const {
  Timetable out;
  out.generation = generation;
  out.effective_at = effective_at;
  out.epoch = epoch;
  out.policy = policy;
  out.throughput_every = throughput_every;
  out.rounds = rounds;
  out.cycle = cycle;
  out.members = members;
  out.quiet = quiet;
  return out;
}

Timetable Timetable::for_site(const SiteId& site) const {
  Timetable own = head();  // only what is needed: a whole timetable may hold millions of slots
  std::set<SiteId> near{site};
  if (const Member* self = member(site); self != nullptr && self->uplink != 0)
    for (const Member& other : members)
      if (other.uplink == self->uplink) near.insert(other.site);
  const auto is_near = [&](const ThroughputSlot& slot) {
    return near.contains(slot.link.from) || near.contains(slot.link.to);
  };
  if (near.size() > 1 && std::ranges::count_if(slots, is_near) > static_cast<std::ptrdiff_t>(most_uplink_slots))
    near = {site};
  std::ranges::copy_if(slots, std::back_inserter(own.slots), is_near);
  std::ranges::copy_if(phases, std::back_inserter(own.phases),
                       [&](const LinkPhase& phase) { return phase.link.from == site; });
  return own;
}

}  // namespace sonde
