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

/// No result has more samples of one metric than this.
inline constexpr std::uint64_t most_samples = std::uint64_t{1} << 36U;

/// Adds samples up without taking each result apart into a Distribution: a window of an hour holds hundreds of them.
/// What was added can be taken away again; all of it is counted in whole numbers, so nothing is left behind. At most
/// 2^16 readings at a time.
class SampleSum {
 public:
  /// Nothing where the reading does not bring this metric, or it has another shape.
  void add(const Reading& reading, Metric metric);
  void add(std::int64_t sample);
  /// Only of what was added. `ends_open` tells whether the least or the greatest sample may have gone with it.
  void remove(const Reading& reading, Metric metric);
  void remove(std::int64_t sample);

  bool ends_open() const { return ends_open_; }
  /// Then widen_ends for everything that is in the sum.
  void forget_ends();
  void widen_ends(const Reading& reading, Metric metric);
  void widen_ends(std::int64_t sample);

  /// Not while ends are open.
  Distribution total() const;

 private:
  /// A bucket's index in the highest 12 bits, how many samples it holds in the others; sorted.
  using Packed = std::uint64_t;
  void add_to_bucket(std::int32_t index, std::uint64_t times);
  void take_from_bucket(std::int32_t index, std::uint64_t times);
  void widen(std::int64_t least, std::int64_t greatest);

  std::uint64_t zeros_ = 0;
  std::int64_t min_ = 0;
  std::int64_t max_ = 0;
  Wide sum_;
  Wide squares_;
  Wide inverses_;
  std::vector<Packed> buckets_;
  bool empty_ = true;  ///< nothing says where it begins and ends
  bool ends_open_ = false;
};

/// nullopt where the reading does not bring this metric, or it has another shape. Samples and values are raw.
std::optional<Distribution> distribution_in(const Reading& reading, Metric metric);
std::optional<std::int64_t> value_in(const Reading& reading, Metric metric);
std::optional<RatioValue> ratio_in(const Reading& reading, Metric metric);

}  // namespace sonde
