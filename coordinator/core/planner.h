// The planner: makes the timetable of a mesh. Pure; only the coordinator calls it. docs/timetable.md says how and why.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <unordered_map>

#include "coordinator/core/link_times.h"
#include "coordinator/core/mesh.h"
#include "shared/base/error.h"
#include "shared/base/ids.h"
#include "shared/base/time.h"
#include "shared/schedule/checker.h"
#include "shared/schedule/timetable.h"

namespace sonde {

/// What a throughput slot holds beside the run: for its end, and a guard for clocks that are within `usual_clock_error`
/// of shared time.
inline constexpr nanoseconds slot_overhead = std::chrono::milliseconds(200);
inline constexpr nanoseconds usual_clock_error = std::chrono::milliseconds(50);

struct PlanRequest {
  /// Whose epoch and, where possible, slots are kept; nullptr: the first timetable begins at effective_at.
  const Timetable* previous = nullptr;
  const Mesh& mesh;
  /// How long a link's run takes from its slot's beginning until the link is idle again, where earlier runs have shown
  /// it.
  LinkTimes measured{};
  /// Sites whose agents know shared time worse than `usual_clock_error`, and by how much: nothing else is planned at
  /// either site for so long before and after the slots of the runs that begin there.
  std::map<SiteId, nanoseconds> guards{};
  std::uint64_t seed = 0;   ///< which of many equally good timetables
  SharedTime effective_at;  ///< when the timetable takes over
  Generation at_least{1};   ///< lowest generation, where agents already have seen higher ones than `previous`
};

/// Every link whose to-site can be reached and that no rule takes out has one throughput slot in each of its intervals;
/// no site and no uplink is in two at a time (with full duplex: in two of one direction). Slots last the duration or,
/// if it is known, what is measured (policy.shortest_run() to max_duration), each times the iterations, and
/// slot_overhead; where given intervals would not hold longer ones or the sites' guards these are cut back. What does
/// not even fit with the durations is an error. Slots of the timetable before stay where they are, but for those that
/// are in the way of new ones, while everything fits into the interval; one that was chosen (`auto`) must be neither
/// too short (5 % to spare) nor longer than an hour and twice what the busiest site needs.
Expected<Timetable> plan(const PlanRequest& request);

/// The same with the timetable before in place of `previous`, which is changed: without the copy a site that joins a
/// thousand takes a tenth of a second. An error changes nothing.
Expected<void> replan(Timetable& timetable, PlanRequest request);

/// The first instant from `not_before` on at which no throughput slot runs and none of the cycle is left: taking over
/// then neither cuts a run nor skips one. For timetables that can wait, such as those with new lengths.
SharedTime quiet_instant(const Timetable& current, SharedTime not_before);

/// Why a mesh's throughput runs do not fit: more than all of a site's time, of an uplink's share or of a site's octets.
struct Misfit {
  enum class About : std::uint8_t {
    interval,     ///< probes.throughput.every, or the intervals of some links
    site_budget,  ///< a site's bytes_per_month
    uplink_share  ///< an uplink's share
  };
  About about = About::interval;
  std::string name{};    ///< the site or uplink whose limit it is; may be empty
  std::string text{};    ///< what is wrong, with the figure
  std::string advice{};  ///< what would fit

  const std::string& what() const { return text; }
  const std::string& remedy() const { return advice; }
};
/// Nullopt where everything that the configuration asks for fits, as far as the durations say.
std::optional<Misfit> throughput_misfit(const Mesh& mesh);

/// What a timetable asks of a site, an uplink or a link.
struct PlanUse {
  /// Share of the time in throughput runs, without the slots' guards, quiet hours not counted; with full duplex, of the
  /// busier direction.
  double utilisation = 0;
  double bytes_per_day = 0;  ///< upper bound, sent and received, with the headers of IP and above
  double bytes_per_month() const;
};

/// What `sonde plan` says of a timetable before anything runs.
struct PlanSummary {
  std::size_t sites = 0;
  std::uint32_t rounds = 0;
  double cycle_s = 0;        ///< all rounds back to back
  double lower_bound_s = 0;  ///< no cycle without any overhead is shorter: site load, uplink load, odd sets
  double every_s = 0;        ///< after which everything repeats; 0 without throughput
  double oldest_cell_s = 0;  ///< the oldest that a cell of any probe gets, just before its next result is there
  std::map<SiteId, PlanUse> of_site;
  std::map<std::string, PlanUse> of_uplink;
  std::unordered_map<Link, PlanUse> of_link;  ///< every measured link
  std::size_t conflicts = 0;                  ///< rules that the timetable breaks; 0, or the planner has a bug
};
PlanSummary summarise(const Mesh& mesh, const Timetable& timetable);

/// The same utilisations alone. `usual`: what runs of a link take, where that is known; the others are taken to last as
/// long as their slots allow.
struct PlannedUse {
  std::map<SiteId, double> of_site;
  std::map<std::string, double> of_uplink;
};
PlannedUse planned_use(const Mesh& mesh, const Timetable& timetable,
                       const std::unordered_map<Link, nanoseconds>& usual = {});

/// Which sites share an uplink, as the checker wants it.
Uplinks uplinks_of(const Mesh& mesh);

}  // namespace sonde
