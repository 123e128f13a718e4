// What can be said of a distribution's sums and samples before they are told: for packing them tightly. Whole numbers
// modulo 2^128, the same on every machine. Pure. Private to this room.
#pragma once

#include <bit>
#include <cstddef>
#include <cstdint>

#include "shared/measure/distribution.h"

namespace sonde::store {

__extension__ using uint128 = unsigned __int128;

constexpr uint128 widen(Wide wide) { return static_cast<uint128>(wide.high) << 64U | wide.low; }
constexpr Wide narrow(uint128 value) {
  return {static_cast<std::uint64_t>(value >> 64U), static_cast<std::uint64_t>(value)};
}
/// 0, -1, 1, -2 ... as 0, 1, 2, 3 ...
constexpr uint128 zigzag(uint128 number) { return number << 1U ^ (number >> 127U != 0 ? ~uint128{0} : 0); }
constexpr uint128 unzigzag(uint128 code) { return code >> 1U ^ ((code & 1U) != 0 ? ~uint128{0} : 0); }
constexpr unsigned width_of(uint128 number) {
  const Wide wide = narrow(number);
  return static_cast<unsigned>(wide.high != 0 ? 64 + std::bit_width(wide.high) : std::bit_width(wide.low));
}

/// Sums about the least sample instead of about zero: shorter, and equal for distributions that are each other's shift.
struct Moments {
  std::uint64_t count = 0;
  uint128 sum = 0;
  uint128 squares = 0;
  /// The sum of squares about the mean, nearly. Only where `count` is not 0.
  uint128 about_mean() const { return squares - sum * sum / count; }
};
Moments moments_of(const Distribution& samples);
/// The other way.
void put_moments(Distribution::Parts& parts, const Moments& moments);

/// From the buckets and the ends alone: where the samples of each bucket lie evenly.
struct ExpectedMoments {
  uint128 sum = 0;
  uint128 squares = 0;
  uint128 slope = 0;          ///< how much `squares` is off for each 1 that `sum` is off
  unsigned sum_bits = 0;      ///< that many low bits of what the sum is off by cannot be guessed
  unsigned squares_bits = 0;  ///< and of what is left of the squares
};
ExpectedMoments expected_of(const Distribution::Parts& parts);

/// Where a sample may be, both ends included.
struct Span {
  std::uint64_t low = 0;
  std::uint64_t high = 0;
};

/// The samples of a distribution one by one, the least first, shifted so that the least would be `least`.
class SampleSpans {
 public:
  /// `parts` has to live as long.
  SampleSpans(const Distribution::Parts& parts, std::int64_t least);
  /// Beyond the last one: the last.
  Span next();

 private:
  std::uint64_t shifted(std::uint64_t sample) const;

  const Distribution::Parts& parts_;
  std::uint64_t least_;
  std::uint64_t zeros_left_;
  std::size_t bucket_ = 0;
  std::uint64_t in_bucket_ = 0;
  bool first_ = true;
};

}  // namespace sonde::store
