// What is usual on a link in one hour of the week, from that hour of the past weeks: so that a nightly backup is no
// alarm, and a slow drift is one. Pure.
#pragma once

#include <array>
#include <cstddef>
#include <optional>

#include "coordinator/core/alerts.h"
#include "coordinator/core/rollup.h"
#include "shared/base/time.h"

namespace sonde {

inline constexpr std::size_t baseline_weeks = 4;
/// Fewer say nothing of a week.
inline constexpr std::size_t baseline_least_weeks = 2;
/// Samples that a week's hour must hold to count; of throughput one run does.
inline constexpr std::size_t baseline_samples = 20;

/// The full hour that holds (hour, hour + 1 h].
SharedTime baseline_hour(SharedTime inside);
/// The same hour, so many weeks (from 0: the last) before.
SharedTime hour_in_week(SharedTime hour, std::size_t week);

/// nullopt: too few weeks have it.
struct HourBaseline {
  std::optional<Usual> round_trip = {};  ///< seconds
  std::optional<Usual> rise = {};        ///< seconds, of delay_rise
  std::optional<Usual> one_way = {};     ///< seconds, of delay
  std::optional<Usual> rate = {};        ///< bit/s
  bool empty() const { return !round_trip && !rise && !one_way && !rate; }
};

/// The hours of one link, week by week. Of each week's p5, median and p95 the median over the weeks counts (of two the
/// better), so that a week in which something was wrong does not become usual.
class HourWeeks {
 public:
  void add(std::size_t week, const RollUp& roll) { weeks_.at(week).merge(roll); }
  HourBaseline baseline() const;

 private:
  std::optional<Usual> usual(Metric metric, std::size_t samples, bool more_is_better) const;
  std::array<RollUp, baseline_weeks> weeks_;
};

}  // namespace sonde
