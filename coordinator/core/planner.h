// The planner: makes the timetable of a mesh. Pure; only the coordinator calls it. docs/timetable.md says how and why.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <unordered_map>

#include "coordinator/core/mesh.h"
#include "shared/base/error.h"
#include "shared/base/ids.h"
#include "shared/base/time.h"
#include "shared/schedule/checker.h"
#include "shared/schedule/timetable.h"

namespace sonde {

/// What a throughput slot holds beside the run: the guard for the clocks' error and the end of the run.
inline constexpr nanoseconds slot_overhead = std::chrono::milliseconds(200);

struct PlanRequest {
  const Timetable* previous = nullptr;  ///< whose epoch is kept; nullptr: the first timetable begins at effective_at
  const Mesh& mesh;
  /// How long a link's run takes from its slot's beginning until the link is idle again, where earlier runs have shown
  /// it.
  std::unordered_map<Link, nanoseconds> measured{};
  std::uint64_t seed = 0;   ///< which of many equally good timetables
  SharedTime effective_at;  ///< when the timetable takes over
  Generation at_least{1};   ///< lowest generation, where agents already have seen higher ones than `previous`
};

/// Every link whose to-site can be reached has one throughput slot in each cycle; no site and no uplink is in two at a
/// time. Slots last max(duration, measured), at most max_duration, and slot_overhead; where a given interval would not
/// hold the measured lengths they are cut back. An interval that does not even hold the durations is an error.
Expected<Timetable> plan(const PlanRequest& request);

/// The first instant from `not_before` on at which no throughput slot runs and none of the cycle is left: taking over
/// then neither cuts a run nor skips one. For timetables that can wait, such as those with new lengths.
SharedTime quiet_instant(const Timetable& current, SharedTime not_before);

/// A given throughput interval that is too short for the cycle.
struct Misfit {
  nanoseconds every{0};
  nanoseconds cycle{0};
  std::uint32_t rounds = 0;
  std::optional<nanoseconds> fitting_duration;  ///< nullopt: no duration of 100 ms or more would fit

  std::string what() const;    ///< what is wrong
  std::string remedy() const;  ///< what would fit
};
std::optional<Misfit> throughput_misfit(const Mesh& mesh);

/// What `sonde plan` says of a timetable before anything runs.
struct PlanSummary {
  std::size_t sites = 0;
  std::uint32_t rounds = 0;
  double cycle_s = 0;                    ///< all rounds back to back
  double lower_bound_s = 0;              ///< no cycle without any overhead is shorter: site load, uplink load, odd sets
  std::map<SiteId, double> utilisation;  ///< share of `every` in which the site is in a throughput run
  std::map<SiteId, std::uint64_t> bytes_per_day;  ///< upper bound, sent and received, with headers
  std::size_t conflicts = 0;                      ///< rules that the timetable breaks; 0, or the planner has a bug
};
PlanSummary summarise(const Mesh& mesh, const Timetable& timetable);

/// Which sites share an uplink, as the checker wants it.
Uplinks uplinks_of(const Mesh& mesh);

}  // namespace sonde
