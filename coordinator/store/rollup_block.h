// Roll-ups of one series as a block of columns: a row for each minute of an hour, or each hour of a day. Layout:
// docs/storage.md. Pure.
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <vector>

#include "coordinator/core/rollup.h"
#include "coordinator/store/columns.h"
#include "coordinator/store/roll_sum.h"

namespace sonde::store {

/// What (start, start + the level's span] holds.
struct RollRow {
  std::int64_t start = 0;  ///< ns since 1970
  RollUp roll;
};

/// Which rows and metrics are made of a block; others are passed over.
struct RollFilter {
  std::int64_t first = std::numeric_limits<std::int64_t>::min();  ///< start >= first
  std::int64_t end = std::numeric_limits<std::int64_t>::max();    ///< start < end
  MetricMask metrics = ~MetricMask{0};
};

/// Rows ordered by start.
Octets encode_rolls(std::span<const RollRow> rows);
/// nullopt where the octets are not what encode_rolls has made.
std::optional<std::vector<RollRow>> decode_rolls(std::span<const std::uint8_t> block, const RollFilter& filter);

/// The same rows added up. False where decode_rolls() has nothing; what the sum holds then is to be dropped.
bool add_rolls(std::span<const std::uint8_t> block, const RollFilter& filter, RollSum& sum);

}  // namespace sonde::store
