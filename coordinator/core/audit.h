// Did the mesh do what the timetable said? From what really ran: over a window of the history (audit), and as results
// come in (RunAudit). Pure.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <deque>
#include <map>
#include <optional>
#include <string>
#include <unordered_map>
#include <vector>

#include "coordinator/core/mesh.h"
#include "shared/base/event.h"
#include "shared/base/time.h"
#include "shared/measure/distribution.h"
#include "shared/measure/result.h"
#include "shared/schedule/timetable.h"

namespace sonde {

/// What an audit needs of a result; results of a day are many.
struct AuditedRun {
  Link link;
  SharedTime scheduled_at;
  std::optional<SharedTime> started_at;
  SharedTime finished_at;
  Outcome outcome = Outcome::ok;
  std::uint64_t count = 1;     ///< slots that a skipped result stands for
  nanoseconds clock_error{0};  ///< how wrong the agent's shared time may have been, +-; 0: it did not say
};
AuditedRun audited(const Result& result);

/// Exact figures over |started_at - scheduled_at| of the runs that started, in seconds.
struct StartError {
  double p50 = 0;
  double p99 = 0;
  double max = 0;
};

/// Share of the time in throughput runs; with full duplex, of the busier direction.
struct AuditedUse {
  double measured = 0;  ///< since the window's beginning, or the first timetable's where that is later
  double planned = 0;   ///< by the present timetable: of its slots what runs take, without their guards
};

struct Audit {
  std::uint64_t runs = 0;  ///< that started
  /// Throughput only: pairs of runs that were under way at one time although they need the same site or uplink; with
  /// full duplex in the same direction.
  std::optional<std::uint64_t> overlaps;
  /// Those of the overlaps that are no longer than what both agents' clocks may have been wrong by.
  std::optional<std::uint64_t> overlaps_within_clock_error;
  std::uint64_t busy = 0;        ///< answered busy
  std::uint64_t skipped = 0;     ///< slots that agents told as skipped
  std::uint64_t unreported = 0;  ///< throughput slots of which nobody told anything `report_grace` after their end
  std::optional<StartError> start_error;  ///< nullopt without a run
  nanoseconds clock_error{0};             ///< the largest of the runs
  std::map<Outcome, std::uint64_t> outcomes;
  std::map<SiteId, AuditedUse> of_site;         ///< throughput only
  std::map<std::string, AuditedUse> of_uplink;  ///< throughput only

  /// Runs that the timetable has and that did not start.
  std::uint64_t missed() const { return busy + skipped + unreported; }
};

inline constexpr nanoseconds report_grace = std::chrono::seconds(30);

/// `runs`: all of one probe that finished in (since, until], in any order. Slots without a report are looked for where
/// the present timetable was in force. `usual`: what runs of a link take, as earlier ones have shown
/// (RunLengths::usual).
Audit audit(Probe probe, const std::vector<AuditedRun>& runs, const Mesh& mesh, const Timetable& timetable,
            SharedTime since, SharedTime until, const std::unordered_map<Link, nanoseconds>& usual = {});

/// What a run keeps busy, as numbers: its two sites, or their uplinks, in the direction that counts.
class RunPlaces {
 public:
  RunPlaces() = default;
  RunPlaces(const Mesh& mesh, bool full_duplex);

  struct Pair {
    std::uint32_t from;
    std::uint32_t to;  ///< may equal `from`: both sites are behind one uplink
  };
  /// Links of sites that the mesh does not have are nobody's business: nullopt.
  std::optional<Pair> of(const Link& link) const;
  std::uint32_t count() const { return count_; }
  /// The site's or uplink's name, for people.
  const std::string& name(std::uint32_t place) const { return names_.at(place % names_.size()); }

 private:
  bool full_duplex_ = false;
  std::unordered_map<SiteId, std::uint32_t> unit_of_;
  std::vector<std::string> names_;  ///< of the units
  std::uint32_t count_ = 0;
};

/// Counts what ran as its results come in, in whatever order, and notices overlaps.
class RunAudit {
 public:
  /// Of each place the newest runs are kept to compare others with; a result that comes later than so many is not
  /// compared (the audit over the history does).
  static constexpr std::size_t runs_kept = 256;

  struct Counts {
    std::uint64_t runs = 0;
    std::uint64_t overlaps = 0;
    std::uint64_t busy = 0;
    std::uint64_t skipped = 0;
    Distribution start_error;  ///< ns
    double start_error_sum_s = 0;
  };

  void set_plan(const Mesh& mesh, const Timetable& timetable);
  /// A result that was stored just now; an overlap is an event.
  void on_result(const Result& result, Events& events);

  const Counts& counts(Probe probe) const { return counts_.at(static_cast<std::size_t>(probe)); }
  /// Time in throughput runs of each site, in seconds; sending and receiving both count.
  const std::map<SiteId, double>& busy_seconds() const { return busy_seconds_; }

 private:
  void compare(const AuditedRun& run, Events& events);
  void keep(const AuditedRun& run, const RunPlaces::Pair& pair);
  void tell(const AuditedRun& one, const AuditedRun& other, std::uint32_t place, Events& events);

  RunPlaces places_;
  nanoseconds longest_slot_{0};
  std::vector<std::deque<AuditedRun>> recent_;  ///< by place, ordered by start
  std::array<Counts, probe_count> counts_;
  std::map<SiteId, double> busy_seconds_;
};

}  // namespace sonde
