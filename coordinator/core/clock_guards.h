// How much must stay free around the slots of sites whose clocks are uncertain, learnt from the errors that agents tell
// of their shared time: the planner's `guards`. Pure.
#pragma once

#include <cstddef>
#include <map>
#include <optional>

#include "coordinator/core/planner.h"
#include "shared/base/ids.h"
#include "shared/base/time.h"

namespace sonde {

class ClockGuards {
 public:
  /// A clock that is worse than `usual_clock_error` is taken to be wrong by the next of these, so that a timetable does
  /// not follow every heartbeat; by the last where it is worse still: what is beyond is left to the agents' own books.
  static constexpr nanoseconds steps[] = {std::chrono::milliseconds(150), std::chrono::milliseconds(350),
                                          std::chrono::milliseconds(750)};
  /// A worse clock must have been so for so long (a connection begins with a single exchange), a better one for longer.
  static constexpr nanoseconds worse_after = std::chrono::seconds(10);
  static constexpr nanoseconds better_after = std::chrono::minutes(10);

  /// `error`: +- of what the site's agent takes for shared time. True where its guard changes: the timetable should be
  /// planned anew.
  bool on_error(SharedTime now, const SiteId& site, nanoseconds error);
  /// Beyond what every slot has; nothing for sites with good clocks.
  std::map<SiteId, nanoseconds> guards() const;
  nanoseconds guard(const SiteId& site) const;

 private:
  /// In one direction: nothing has called for the other, or for no change, since.
  struct Change {
    std::size_t towards = 0;  ///< the least change that any error since has called for
    SharedTime since;
  };
  struct Site {
    std::size_t step = 0;  ///< 0: usual; k: steps[k - 1]
    std::optional<Change> change;
  };

  std::map<SiteId, Site> sites_;
};

}  // namespace sonde
