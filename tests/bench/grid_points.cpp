#include "tests/bench/grid_points.h"

#include <algorithm>
#include <cmath>

#include "shared/base/random.h"

namespace sonde::bench {
namespace {

constexpr int emulated = 24;
constexpr int through_tbf = 8;

/// Between the two, uniform in the logarithm.
double between(double low, double high, double unit) { return low * std::pow(high / low, unit); }

/// The queue holds 100 ms, and never less than 16 packets: what slow links have.
Bytes queue_of(BitsPerSecond rate, double seconds) {
  return {static_cast<std::uint64_t>(std::max(24'000.0, rate.value / 8 * seconds))};
}

}  // namespace

std::vector<GridPoint> grid_points(std::uint64_t seed) {
  Random random(seed);
  std::vector<GridPoint> points;
  for (int i = 0; i < emulated; ++i) {
    // One rate in each of equal steps of the logarithm, so that no decade is left out.
    const double rate = between(9e3, 250e6, (i + random.unit()) / emulated);
    const double bucket = between(1'600, 256'000, random.unit());
    const double longest = std::min(0.6, 8e6 / rate);  // rate x round trip <= 1 MB
    const double round_trip = between(0.001, longest, random.unit());
    points.push_back({i,
                      {.rate = {std::round(rate)},
                       .bucket = {static_cast<std::uint64_t>(bucket)},
                       .queue = queue_of({rate}, 0.1),
                       .round_trip = from_seconds(round_trip)}});
  }
  for (int i = 0; i < through_tbf; ++i) {
    const double rate = between(300e6, 1e9, (i + random.unit()) / through_tbf);
    // Below some 10 us of data a timer of the kernel, not the bucket, would set the rate.
    const double bucket = between(16'000, 256'000, random.unit());
    points.push_back({emulated + i,
                      {.rate = {std::round(rate)},
                       .bucket = {static_cast<std::uint64_t>(bucket)},
                       .queue = queue_of({rate}, 0.02),
                       .by_tbf = true}});
  }
  return points;
}

}  // namespace sonde::bench
