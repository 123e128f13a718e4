// The distributions of a chunk's rows as columns, each number beside its likes and told by what is known already: ends
// by their buckets, sums by the buckets' middles, one distribution by another of the same samples. Exact, whatever a
// peer has sent. Layout: docs/storage.md. Pure. Private to this room.
#pragma once

#include <bitset>
#include <memory>
#include <optional>
#include <span>
#include <vector>

#include "coordinator/store/columns.h"
#include "shared/measure/metric.h"
#include "shared/measure/result.h"

namespace sonde::store {

/// The columns' keys: [first, end).
inline constexpr ColumnKey first_distribution_key = 320;
inline constexpr ColumnKey columns_of_a_distribution = 24;
inline constexpr ColumnKey end_of_distribution_keys =
    first_distribution_key + columns_of_a_distribution * static_cast<ColumnKey>(metric_count);

/// A row's; of rates with the sum of inverses.
void put_distributions(ColumnsOut& columns, std::span<const DistributionValue> values);

/// Reads what put_distributions() has put, row by row.
class DistributionsIn {
 public:
  /// Of all metrics, or of one: then columns of others that it is not told by are not touched. `columns` has to live as
  /// long.
  DistributionsIn(ColumnsIn& columns, std::optional<Metric> only);
  ~DistributionsIn();
  DistributionsIn(const DistributionsIn&) = delete;
  DistributionsIn& operator=(const DistributionsIn&) = delete;
  /// The next row's, which was put with these metrics. nullopt where they cannot be; nothing is made, only passed over,
  /// unless `make`.
  std::optional<std::vector<DistributionValue>> take(std::span<const Metric> metrics, bool make);

 private:
  ColumnsIn& columns_;
  std::bitset<metric_count> wanted_;
  std::bitset<metric_count> needed_;  ///< whether or not a row has what is wanted, or the columns would fall apart
  struct Row;
  std::unique_ptr<Row>
      row_;  ///< what the row in work has told so far; kept, or its vectors would be made anew each time
};

}  // namespace sonde::store
