// When a link may be measured without meeting anybody: the gaps that the timetable and runs on demand leave. Pure.
#pragma once

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
};

/// The first instant from which on both sites and their uplinks are in no throughput slot and in no reservation for
/// `length`. nullopt: never, the cycle has no gap that long.
std::optional<SharedTime> next_free(const FreeTimeQuery& query);

}  // namespace sonde
