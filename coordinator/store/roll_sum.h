// What many stretches of one series hold together, merged without making a roll-up of each: so the windows of a whole
// matrix are read. Pure. Private to this room.
#pragma once

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <vector>

#include "coordinator/core/rollup.h"
#include "coordinator/store/bucket_bounds.h"
#include "coordinator/store/columns.h"
#include "coordinator/store/sample_moments.h"

namespace sonde::store {

/// One metric's numbers, added up.
class MetricSum {
 public:
  bool empty() const { return !any_; }
  /// Adds what a row of a block has of the metric (rollup_block.cpp), as it stands in its column. False where it cannot
  /// be: what the sum holds has no meaning then.
  bool add(Metric metric, ColumnIn& in, std::int64_t start);
  /// nullopt where no samples can have made it. Empty afterwards, whatever is returned.
  std::optional<MetricRoll> take(Metric metric);

 private:
  bool any_ = false;
  bool sampled_ = false;
  std::vector<std::uint64_t> counts_;  ///< by bucket
  std::size_t low_ = highest_bound;    ///< counts_ is 0 outside of [low_, high_]
  std::size_t high_ = 0;
  std::uint64_t zeros_ = 0;
  std::int64_t min_ = 0;
  std::int64_t max_ = 0;
  uint128 sum_ = 0;
  uint128 squares_ = 0;
  uint128 inverses_ = 0;
  std::uint64_t hits_ = 0;
  std::uint64_t tries_ = 0;
  SharedTime started_at_;
  double last_ = 0;
};

class RollSum {
 public:
  MetricSum& metric(Metric metric) { return metrics_.at(static_cast<std::size_t>(metric)); }
  void add_outcomes(std::size_t outcome, std::uint64_t count) { outcomes_.at(outcome) += count; }
  void add_error(float error_s) { error_s_ = std::max(error_s_, error_s); }
  /// `bit` < 64
  void saw(std::size_t bit, SharedTime at);
  void saw_tried(const RollUp::Tried& tried);
  /// Everything that was added; nullopt where that cannot be. Empty afterwards.
  std::optional<RollUp> take();

 private:
  static constexpr std::size_t mask_bits = 64;
  std::array<std::uint64_t, outcome_count> outcomes_{};
  float error_s_ = 0;
  std::array<MetricSum, metric_count> metrics_;
  MetricMask seen_ = 0;
  std::array<SharedTime, mask_bits> newest_{};
  std::vector<RollUp::Tried> tried_;
};

}  // namespace sonde::store
