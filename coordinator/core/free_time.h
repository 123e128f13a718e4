// When a link may be measured without meeting anybody: the gaps that the timetable and runs on demand leave. Pure.
#pragma once

#include <map>
#include <optional>
#include <span>

#include "shared/base/ids.h"
#include "shared/base/time.h"
#include "shared/schedule/checker.h"
#include "shared/schedule/timetable.h"

namespace sonde {

/// A stretch of time that a run keeps its two sites, and their uplinks, busy.
struct Reservation {
  Link link;
  SharedTime start;
  nanoseconds length{0};
};

/// True where two runs may not be under way at one time: they share a site or an uplink.
bool exclude_each_other(const Link& a, const Link& b, const Uplinks& uplinks);

struct FreeTimeQuery {
  const Timetable& timetable;  ///< a whole one; before its effective_at nothing is free, for another may be in force
  const Uplinks& uplinks;
  Link link;
  nanoseconds length{0};  ///< > 0
  SharedTime not_before;
  std::span<const Reservation> reserved;
  /// Sites whose agents may begin and end their runs so much too early or too late, as PlanRequest::guards: so long
  /// before and after the runs that begin there the time of both ends is not free.
  std::map<SiteId, nanoseconds> guards{};
};

/// The first instant from which on both sites and their uplinks are in no throughput slot and in no reservation for
/// `length`, nor within the guards around either. nullopt: never, the cycle has no gap that long.
std::optional<SharedTime> next_free(const FreeTimeQuery& query);

}  // namespace sonde
