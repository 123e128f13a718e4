// What each agent needs of a timetable (Timetable::for_site), for all of them at once: the slots are looked through one
// time and not once for each agent, and what is the same for everybody is encoded once. Pure.
#pragma once

#include <cstddef>
#include <cstdint>
#include <set>
#include <unordered_map>
#include <vector>

#include "shared/schedule/site_index.h"
#include "shared/schedule/timetable.h"
#include "shared/wire/timetable_encoder.h"

namespace sonde {

class TimetableParts {
 public:
  /// Keeps a reference.
  explicit TimetableParts(const Timetable& timetable);

  /// Equal to timetable.for_site(site).
  Timetable of(const SiteId& site) const;
  /// The octets of the message that gives it to the site's agent.
  wire::Buffer message_for(const SiteId& site) const;
  /// Sites that are not told of the slots of others over their uplink, because those are too many.
  std::size_t not_told() const;

 private:
  std::vector<std::uint32_t> slots_of(const SiteId& site) const;
  std::vector<std::uint32_t> slots_over(std::uint32_t uplink) const;
  const std::vector<std::uint32_t>& phases_of(const SiteId& site) const;

  const Timetable& timetable_;
  wire::TimetableEncoder encoder_;
  SiteIndex sites_;
  std::vector<std::vector<std::uint32_t>> slots_;                         ///< by site: where it is at one of the ends
  std::vector<std::vector<std::uint32_t>> phases_;                        ///< by the site they begin at
  std::unordered_map<std::uint32_t, std::vector<std::uint32_t>> behind_;  ///< sites by uplink
  std::set<std::uint32_t> crowded_;                                       ///< uplinks with more than most_uplink_slots
};

}  // namespace sonde
