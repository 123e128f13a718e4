// A small seeded generator (SplitMix64 seeding xoshiro256**, public domain algorithms by Blackman and Vigna), so that
// every random decision can be replayed by its seed on every platform; std:: distributions differ between libraries.
#pragma once

#include <array>
#include <cstdint>

namespace sonde {

class Random {
 public:
  explicit Random(std::uint64_t seed);
  std::uint64_t next();
  /// Uniform in [0, bound); bound > 0.
  std::uint64_t below(std::uint64_t bound);
  /// Uniform in [0, 1) with 53 bits.
  double unit();

 private:
  std::array<std::uint64_t, 4> state_{};
};

}  // namespace sonde
