// How busy a timetable keeps whoever it keeps busiest.
#pragma once

#include <algorithm>

#include "coordinator/core/planner.h"

namespace sonde::test {

/// Share of the time, of the busiest site or uplink.
inline double busiest_share(const Mesh& mesh, const Timetable& timetable) {
  const PlannedUse use = planned_use(mesh, timetable);
  double most = 0;
  for (const auto& [site, share] : use.of_site) most = std::max(most, share);
  for (const auto& [name, share] : use.of_uplink) most = std::max(most, share);
  return most;
}

}  // namespace sonde::test
