// A mergeable distribution of non-negative samples: DDSketch (Masson, Rim, Lee 2019) with relative accuracy 1 %,
// unbounded buckets, a zero bucket of its own, and exact moments beside it. Merging is exact: any split and order of
// the same samples gives the same distribution.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <utility>
#include <vector>

namespace sonde {

/// An unsigned 128-bit count as two words, so that sums of squares of nanoseconds are exact.
struct Wide {
  std::uint64_t high = 0;
  std::uint64_t low = 0;
  bool operator==(const Wide&) const = default;
};

/// The sum, or the greatest number where that is too large: adding up in any order gives the same.
Wide saturated_sum(Wide a, Wide b);

/// Samples are integers in the metric's raw unit: nanoseconds for times, bits per second for rates, parts per million
/// for ratios, plain counts otherwise (see raw_per_unit in aggregate.h). A negative sample is refused.
class Distribution {
 public:
  static constexpr double alpha = 0.01;
  static constexpr double gamma = (1 + alpha) / (1 - alpha);
  using Bucket = std::pair<std::int32_t, std::uint64_t>;  ///< index i covers (gamma^(i-1), gamma^i]; how many samples

  /// False, and nothing changes, where the sample is negative.
  bool add(std::int64_t sample, std::uint64_t times = 1);
  void merge(const Distribution& other);

  std::uint64_t count() const { return count_; }
  bool empty() const { return count_ == 0; }
  std::uint64_t zeros() const { return zeros_; }
  /// Of an empty distribution: 0.
  std::int64_t min() const { return min_; }
  std::int64_t max() const { return max_; }
  Wide sum() const { return sum_; }
  Wide sum_of_squares() const { return squares_; }
  /// Sum of floor(2^96 / x) over the samples that are not zero, at most 2^128 - 1: whole numbers, so that the order in
  /// which samples come or distributions are merged cannot matter. Over 2^32 samples of 1 fit, and of rates any number.
  Wide sum_of_inverses() const { return inverses_; }
  static constexpr int inverse_bits = 96;
  /// Sorted by index, no empty bucket.
  std::span<const Bucket> buckets() const { return buckets_; }

  /// The q-quantile (0 <= q <= 1) of rank floor(q (count-1)), within 1 % of that sample, and never outside [min, max];
  /// nullopt when empty.
  std::optional<double> quantile(double q) const;
  std::optional<double> mean() const;
  /// Of the samples themselves (divided by count), 0 for one sample.
  std::optional<double> stddev() const;
  /// Harmonic mean; 0 where a sample was zero.
  std::optional<double> harmonic_mean() const;

  /// Everything that the wire and the disk carry. `restore` refuses what no sequence of add() could have made.
  struct Parts {
    std::uint64_t zeros = 0;
    std::int64_t min = 0;
    std::int64_t max = 0;
    Wide sum;
    Wide squares;
    Wide inverses{};
    std::vector<Bucket> buckets;
  };
  Parts parts() const;
  static std::optional<Distribution> restore(Parts parts);

  bool operator==(const Distribution&) const = default;

 private:
  std::uint64_t count_ = 0;
  std::uint64_t zeros_ = 0;
  std::int64_t min_ = 0;
  std::int64_t max_ = 0;
  Wide sum_;
  Wide squares_;
  Wide inverses_;
  std::vector<Bucket> buckets_;
};

}  // namespace sonde
