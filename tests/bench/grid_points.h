// The points of the throughput grid (goal G7), drawn once by a seed before the estimator was tuned on any of them.
//
// The points of even index served for tuning; those of odd index are kept for final runs only.
#pragma once

#include <cstdint>
#include <vector>

#include "tests/bench/shaped_link.h"

namespace sonde::bench {

struct GridPoint {
  int index = 0;
  Shape shape;
  bool kept() const { return index % 2 == 1; }
};

/// The goal's points; other seeds draw others, for tuning.
inline constexpr std::uint64_t grid_seed = 1997;

/// 9 kbit/s to 250 Mbit/s through the emulator, then 300 Mbit/s to 1 Gbit/s through tbf, each slowest first.
std::vector<GridPoint> grid_points(std::uint64_t seed);

}  // namespace sonde::bench
