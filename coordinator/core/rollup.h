// What a stretch of time holds of one link and probe, as a value that merges: any split, order and repetition of
// merging the same results gives the same roll-up, bit for bit. What the history keeps of each minute and hour. Pure.
#pragma once

#include <array>
#include <cstdint>
#include <limits>
#include <optional>
#include <string_view>
#include <utility>
#include <vector>

#include "coordinator/core/aggregate.h"
#include "coordinator/core/reading.h"
#include "shared/base/ids.h"
#include "shared/base/time.h"
#include "shared/measure/distribution.h"
#include "shared/measure/metric.h"

namespace sonde {

/// How finely the history knows a stretch of time. The numbers are on disk: append only.
enum class RollLevel : std::uint8_t { raw = 0, minute = 1, hour = 2 };
std::string_view name(RollLevel level);
/// 0 for raw.
nanoseconds span_of(RollLevel level);
/// The start of the minute or hour that counts an instant: each covers (start, start + span], as windows do.
std::int64_t bucket_of(std::int64_t ns, nanoseconds span);

/// Which part of the history is wanted.
struct RollQuery {
  SiteId from;
  std::optional<SiteId> to = {};  ///< nullopt: every link that begins at `from`
  Probe probe = Probe::latency;
  MetricMask metrics = ~MetricMask{0};
  SharedTime since;  ///< finished_at in (since, until]
  SharedTime until;
  RollLevel coarsest = RollLevel::hour;  ///< nothing coarser is given, unless nothing finer is kept
};

/// One metric in a roll-up.
struct MetricRoll {
  Metric metric = Metric::rtt;
  /// Raw samples (raw_per_unit); of value metrics one for each run, of ratios each run's ratio. Its sum of inverses is
  /// without meaning: see below.
  Distribution samples;
  /// Rates only: sum of floor(2^96 / x) over the samples that are not zero. Whole numbers, so that order cannot matter.
  Wide inverses;
  std::uint64_t hits = 0;  ///< ratios only
  std::uint64_t tries = 0;
  SharedTime started_at;  ///< of the newest run; of two that began at once the greater value counts
  double last = 0;        ///< its median or value, in the metric's unit

  bool operator==(const MetricRoll& other) const;
};

class RollUp {
 public:
  /// One run that was tried, as a cell's state needs it.
  struct Tried {
    SharedTime finished_at;
    MetricMask brings = 0;
    bool operator==(const Tried&) const = default;
  };
  using Newest = std::pair<MetricMask, SharedTime>;
  static constexpr std::size_t tried_kept = 2;

  /// One result. `reading` must not be added twice.
  void add(const Reading& reading);
  void merge(const RollUp& other);

  bool empty() const { return results() == 0; }
  /// All results, also those that were not tried.
  std::uint64_t results() const;
  std::uint64_t count(Outcome outcome) const { return outcomes_.at(static_cast<std::size_t>(outcome)); }
  /// nullptr where nothing brought this metric.
  const MetricRoll* find(Metric metric) const;
  /// The number that a window shows which holds exactly this. `ewma` goes over single results and has none here.
  WindowValue value(Metric metric, Stat stat) const;

  /// For each bit of MetricMask that was brought, when last; sorted.
  const std::vector<Newest>& newest() const { return newest_; }
  /// The newest runs that were tried, the newest first; at most tried_kept.
  const std::vector<Tried>& tried() const { return tried_; }

  /// Everything that the disk carries. `restore` refuses what cannot have been.
  struct Parts {
    std::array<std::uint64_t, outcome_count> outcomes{};
    float error_s = 0;
    std::vector<MetricRoll> metrics;  ///< sorted
    std::vector<Newest> newest;
    std::vector<Tried> tried;
    bool operator==(const Parts&) const = default;
  };
  Parts parts() const { return {outcomes_, error_s_, metrics_, newest_, tried_}; }
  static std::optional<RollUp> restore(Parts parts);
  /// Only what a cell's state needs: newest() and tried().
  RollUp without_values() const;

  bool operator==(const RollUp&) const = default;

 private:
  MetricRoll& roll_of(Metric metric);
  void saw(MetricMask mask, SharedTime at);
  void saw_tried(const Tried& tried);

  std::array<std::uint64_t, outcome_count> outcomes_{};
  float error_s_ = 0;  ///< worst +- of one-way delays
  std::vector<MetricRoll> metrics_;
  std::vector<Newest> newest_;
  std::vector<Tried> tried_;
};

}  // namespace sonde
