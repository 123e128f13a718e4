#include "coordinator/core/clock_guards.h"

#include <algorithm>
#include <iterator>

namespace sonde {
namespace {

std::size_t step_for(nanoseconds error) {
  if (error <= usual_clock_error) return 0;
  const auto* const step = std::ranges::lower_bound(ClockGuards::steps, error);
  const auto place = static_cast<std::size_t>(step - std::begin(ClockGuards::steps));
  return std::min(place + 1, std::size(ClockGuards::steps));
}

nanoseconds guard_of(std::size_t step) {
  return step == 0 ? nanoseconds(0) : ClockGuards::steps[step - 1] - usual_clock_error;
}

}  // namespace

bool ClockGuards::on_error(SharedTime now, const SiteId& site, nanoseconds error) {
  Site& known = sites_[site];
  const std::size_t step = step_for(error);
  if (step == known.step) {
    known.change.reset();
    return false;
  }
  const bool is_worse = step > known.step;
  const bool turns = known.change && (known.change->towards > known.step) != is_worse;
  if (!known.change || turns || now < known.change->since) known.change = Change{step, now};
  Change& change = *known.change;
  change.towards = is_worse ? std::min(change.towards, step) : std::max(change.towards, step);
  if (now - change.since < (is_worse ? worse_after : better_after)) return false;
  known.step = change.towards;
  known.change.reset();
  return true;
}

std::map<SiteId, nanoseconds> ClockGuards::guards() const {
  std::map<SiteId, nanoseconds> out;
  for (const auto& [site, known] : sites_)
    if (known.step > 0) out.emplace(site, guard_of(known.step));
  return out;
}

nanoseconds ClockGuards::guard(const SiteId& site) const {
  const auto known = sites_.find(site);
  return known == sites_.end() ? nanoseconds(0) : guard_of(known->second.step);
}

}  // namespace sonde
