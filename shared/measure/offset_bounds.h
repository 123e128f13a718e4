// Between which values the offset between two hosts' clocks must lie, from nothing but probes that went there and back.
//
// No packet arrives before it was sent, nor sooner than light covers the distance. With L = the least time that light
// needs, every answered probe says of theta = far clock - own clock (docs/measurements.md, "One-way delay"):
//   L - (t4 - t3) <= theta <= (t2 - t1) - L
// Bounds from other instants hold too, each widened by what the two clocks may have drifted apart since.
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <vector>

#include "shared/base/time.h"

namespace sonde {

/// What one answered probe says of the offset at the instant when it was at the far side: some time in [sent, sent +
/// away]. low <= high.
struct OffsetSample {
  MonoTime sent;
  nanoseconds away{0};
  nanoseconds low{0};
  nanoseconds high{0};
};

/// The offset lies in [low, high].
struct OffsetInterval {
  nanoseconds low{0};
  nanoseconds high{0};
  nanoseconds middle() const { return low + (high - low) / 2; }
  /// Rounded up: middle() is never further than this from the truth.
  nanoseconds half_width() const { return (high - low + nanoseconds(1)) / 2; }
  bool operator==(const OffsetInterval&) const = default;
};

/// An interval as of one instant, and wider by what may have drifted at any other.
struct OffsetTent {
  MonoTime at;
  OffsetInterval interval;
};

/// What is left of both; nullopt where they exclude each other.
std::optional<OffsetInterval> intersect(const OffsetInterval& a, const OffsetInterval& b);

/// All that a stream's probes say together. Constant memory: every bound widens at the same pace, so of all older
/// samples only the tightest one on each side counts. A clock that is stepped must be told (break_clock); a step that
/// is not, but leaves an impossible offset, is noticed by that and counted.
class OffsetBounds {
 public:
  /// How fast two clocks drift apart at most: two kernels that slew by 500 ppm each.
  static constexpr double most_drift = 1000e-6;
  /// What stamps may be off by: bounds that exclude each other by less are no contradiction.
  static constexpr nanoseconds stamp_slack = std::chrono::microseconds(20);

  /// Takes the next samples of the stream, in about the order of time, and gives the interval at the instant of each,
  /// from all samples before and behind it that no step separates from it. Each lies within its own sample's bounds.
  std::vector<OffsetInterval> on_samples(std::span<const OffsetSample> samples);
  /// The interval at an instant behind the last sample; nullopt without one since the last break.
  std::optional<OffsetInterval> at(MonoTime t) const;

  /// One of the clocks was stepped: what was learnt before says nothing any more.
  void break_clock() { known_.reset(); }
  /// Contradictions that only a step, of which nobody told, explains.
  std::uint64_t contradictions() const { return contradictions_; }

 private:
  std::optional<OffsetTent> known_;  ///< all samples so far, as of the newest
  std::uint64_t contradictions_ = 0;
};

/// The least time in which anything gets from one place to another over a distance along the surface: at the speed of
/// light in vacuum, which radio links come close to. Rounded down by what the Earth's flattening and a location with
/// two decimals make uncertain.
nanoseconds least_delay(double metres);

}  // namespace sonde
