// Did the mesh do what the timetable said? From what really ran. Pure.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "coordinator/core/mesh.h"
#include "shared/base/time.h"
#include "shared/measure/result.h"
#include "shared/schedule/timetable.h"

namespace sonde::web {

/// Exact figures over |started_at - scheduled_at| of the runs that started, in seconds.
struct StartError {
  double p50 = 0;
  double p99 = 0;
  double max = 0;
};

struct Audit {
  std::uint64_t runs = 0;  ///< that started
  /// Throughput only: pairs of runs that were under way at one time although they share a site or an uplink.
  std::optional<std::uint64_t> overlaps;
  /// Runs that the timetable has and that did not start: reported as skipped or busy, or (throughput) not reported at
  /// all `report_grace` after their slot's end.
  std::uint64_t missed = 0;
  std::optional<StartError> start_error;  ///< nullopt without a run
  std::map<Outcome, std::uint64_t> outcomes;
};

inline constexpr nanoseconds report_grace = std::chrono::seconds(30);

/// What an audit needs of a result; results of a day are many.
struct AuditedRun {
  Link link;
  SharedTime scheduled_at;
  std::optional<SharedTime> started_at;
  SharedTime finished_at;
  Outcome outcome = Outcome::ok;
};
AuditedRun audited(const Result& result);

/// `runs`: all of one probe that finished in (since, until], in any order. Slots without a report are looked for where
/// the present timetable was in force.
Audit audit(Probe probe, const std::vector<AuditedRun>& runs, const Mesh& mesh, const Timetable& timetable,
            SharedTime since, SharedTime until);

}  // namespace sonde::web
