// A result as the live matrix keeps it: what the statistics of a window need and nothing else, packed into a few
// hundred octets. Pure.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "shared/base/time.h"
#include "shared/measure/distribution.h"
#include "shared/measure/metric.h"
#include "shared/measure/result.h"

namespace sonde {

/// Which metrics a result brought: bit i is metric i.
using MetricMask = std::uint64_t;
static_assert(metric_count < 61, "the three highest bits of MetricMask have a meaning of their own");

constexpr MetricMask mask_of(Metric metric) { return MetricMask{1} << static_cast<unsigned>(metric); }

/// The run was ok and would have brought a one-way delay, had the clocks agreed closely enough.
inline constexpr MetricMask delay_hidden = MetricMask{1} << 63U;
/// The run was ok, but all that it measured met a throughput run: no evidence against the idle path.
inline constexpr MetricMask only_loaded = MetricMask{1} << 62U;

/// The run was ok and moved data, but was over too quickly to tell a rate: no evidence against the path.
inline constexpr MetricMask rate_hidden = MetricMask{1} << 61U;

/// Samples are kept in integers of this many per unit: nanoseconds for times, parts per million for ratios, bits per
/// second and plain counts as they are.
double raw_per_unit(Metric metric);

/// Invariant: `packed` holds exactly the metrics of `brings` (delay_hidden, only_loaded and rate_hidden are none), or
/// is empty where only the run and not its values are known.
struct Reading {
  SharedTime started_at;  ///< of a run that never started: its scheduled instant
  SharedTime finished_at;
  MetricMask brings = 0;
  Outcome outcome = Outcome::ok;
  float error_s = 0;  ///< +- of the one-way delay
  std::string packed;

  bool tried() const { return was_tried(outcome); }
  bool has(MetricMask any_of) const { return (brings & any_of) != 0; }
};

/// Times, rates and counts are taken from ok runs only, ratios from every run that was tried. What no honest agent
/// reports (a negative time, a ratio of nothing, a metric of another probe) is left out.
Reading reading_of(const Result& result);

/// Adds distributions up without taking each apart into a Distribution: a window of an hour holds hundreds of them.
class SampleSum {
 public:
  /// Nothing where the reading does not bring this metric, or it has another shape.
  void add(const Reading& reading, Metric metric);
  Distribution total() const;

 private:
  Distribution::Parts parts_;          ///< buckets stay empty
  std::vector<std::uint64_t> counts_;  ///< by bucket index
  bool empty_ = true;
};

/// nullopt where the reading does not bring this metric, or it has another shape. Samples and values are raw.
std::optional<Distribution> distribution_in(const Reading& reading, Metric metric);
std::optional<std::int64_t> value_in(const Reading& reading, Metric metric);
std::optional<RatioValue> ratio_in(const Reading& reading, Metric metric);

}  // namespace sonde
