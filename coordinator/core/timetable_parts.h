// What each agent needs of a timetable (Timetable::for_site), for all of them at once: the slots are looked through one
// time and not once for each agent. Pure.
#pragma once

#include <cstdint>
#include <unordered_map>
#include <vector>

#include "shared/schedule/timetable.h"

namespace sonde {

class TimetableParts {
 public:
  /// Keeps a reference.
  explicit TimetableParts(const Timetable& timetable);

  /// Equal to timetable.for_site(site).
  Timetable of(const SiteId& site) const;

 private:
  const Timetable& timetable_;
  Timetable head_;  ///< what is the same for everybody
  std::unordered_map<SiteId, std::vector<std::uint32_t>> slots_of_;
  std::unordered_map<SiteId, std::vector<std::uint32_t>> phases_from_;
  std::unordered_map<std::uint32_t, std::vector<SiteId>> behind_;  ///< sites by uplink
};

}  // namespace sonde
