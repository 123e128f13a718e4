// What an agent knows of the throughput runs that load its site and the far ones, and whom it has to tell. Pure.
#pragma once

#include <cstddef>
#include <deque>
#include <optional>
#include <vector>

#include "agent/core/path_load.h"
#include "agent/core/prober.h"
#include "agent/core/transfer_types.h"
#include "shared/base/time.h"
#include "shared/measure/result.h"
#include "shared/measure/site_load.h"
#include "shared/schedule/policy.h"

namespace sonde {

/// The agent's own runs come from the transfer engine, those of sites that share its uplink from the timetable, those
/// of far sites from the replies to its latency probes.
class LoadBook {
 public:
  /// Own runs that are remembered; with full duplex, in a duplex run and between iterations there is more than one.
  static constexpr std::size_t most_own = 16;
  /// A connect result waits for what the far site says of its runs, but no longer than this.
  static constexpr nanoseconds longest_wait = std::chrono::seconds(1);

  struct News {
    std::vector<OwnLoad> loads;          ///< for our own probes
    std::optional<SiteLoad> for_others;  ///< what our reflector says from now on
  };

  News on_activity(const TransferActivity& activity);
  /// The result of a run that began here: what its sender saw goes beside the loaded round trips.
  News on_result(const Result& result);
  /// The neighbours' runs that are under way (Prober::neighbours); told once each.
  News on_neighbours(const std::vector<Prober::Neighbour>& current, const ClockMap& clock);
  void on_far_run(const FarRun& run) { far_.tell(run); }

  /// A connect result, until a latency probe that left after it may have told of a run at the far site.
  void hold(MonoTime now, Result result, const std::optional<LatencyPolicy>& latency);
  /// Those that have waited long enough; where one met a run at either end, its times are kept apart as loaded.
  std::vector<Result> judged(MonoTime now, const ClockMap& clock);

 private:
  struct OwnRun {
    OwnLoad load;
    TransferRole role = TransferRole::sends;
    bool reported = false;  ///< the result that it belongs to is there
  };
  struct Held {
    Result result;
    MonoTime until;
  };

  OwnRun& own_run(const TransferActivity& activity);
  SiteLoad span_with(const OwnRun& run) const;
  bool own_is_active() const;
  void judge(Result& result, const ClockMap& clock) const;

  OwnLoads loads_;
  FarRuns far_;
  std::vector<OwnRun> own_;  ///< in the order in which they began
  std::vector<Prober::Neighbour> neighbours_;
  std::deque<Held> held_;
};

}  // namespace sonde
