// Many results of one link become one number. Pure.
//
// Distributions merge (Masson, Rim, Lee: DDSketch, 2019), so p5 to p99 of a window are within 1 % of those of its
// samples; count, min, max, mean, stddev and hmean are exact. Definitions: docs/measurements.md.
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <vector>

#include "coordinator/core/reading.h"
#include "shared/base/time.h"
#include "shared/measure/distribution.h"
#include "shared/measure/metric.h"
#include "shared/measure/result.h"

namespace sonde {

/// What is asked of one link: a number for the results that finished in (at - window, at].
struct CellQuery {
  Metric metric = Metric::rtt;
  Stat stat = Stat::p50;
  nanoseconds window = std::chrono::hours(1);
  SharedTime at;
};

/// What a window holds of one metric.
struct WindowValue {
  std::optional<double> value;    ///< in the metric's unit; nullopt only when the window holds no sample
  std::uint64_t count = 0;        ///< samples; of a ratio the tries
  std::optional<double> error_s;  ///< delay only: the worst +- in the window
};

/// Below this many samples in the window rtt_loaded and its ratio have no value.
inline constexpr std::uint64_t least_loaded_samples = 20;

/// The metric whose results a metric is made of: rtt_loaded for the ratio of rtt_loaded to rtt, else itself.
constexpr Metric source_of(Metric metric) { return metric == Metric::rtt_loaded_ratio ? Metric::rtt_loaded : metric; }

/// The harmonic mean is defined for rates only; everything else applies everywhere.
bool stat_applies(Metric metric, Stat stat);

/// p5 to p99, mean, min, max, stddev and hmean of samples, in their own unit; nullopt for none, and for statistics that
/// go over results (last, ewma).
std::optional<double> statistic(const Distribution& samples, Stat stat);

/// Results may come in any order; those outside the window are left out.
WindowValue aggregate(const std::vector<const Result*>& results, const CellQuery& query);
/// Readings ordered by finished_at.
WindowValue aggregate(std::span<const Reading> readings, const CellQuery& query);

}  // namespace sonde
