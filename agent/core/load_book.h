// What an agent knows of the throughput runs that load its site, and whom it has to tell. Pure.
#pragma once

#include <optional>
#include <vector>

#include "agent/core/path_load.h"
#include "agent/core/prober.h"
#include "agent/core/transfer_types.h"
#include "shared/base/time.h"
#include "shared/measure/result.h"
#include "shared/measure/site_load.h"

namespace sonde {

/// The agent's own runs come from the transfer engine, those of sites that share its uplink from the timetable.
class LoadBook {
 public:
  struct News {
    std::vector<OwnLoad> loads;          ///< for our own probes
    std::optional<SiteLoad> for_others;  ///< what our reflector says from now on
  };

  News on_activity(const TransferActivity& activity);
  /// The result of a run that began here: what its sender saw goes beside the loaded round trips.
  News on_result(const Result& result);
  /// The neighbours' runs that are under way (Prober::neighbours); told once each.
  News on_neighbours(const std::vector<Prober::Neighbour>& current, const ClockMap& clock);

  /// A connect result that met one of these runs is kept apart.
  void judge_connect(Result& result, const ClockMap& clock) const;

 private:
  News told(const OwnLoad& load, std::optional<SiteLoad> for_others);

  OwnLoads loads_;
  std::optional<OwnLoad> own_;  ///< the newest run that this site takes part in
  std::vector<Prober::Neighbour> neighbours_;
};

}  // namespace sonde
