#include "coordinator/cli/sketch.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <string_view>

namespace sonde::cli {
namespace {

constexpr std::array<std::string_view, 8> blocks{"\u2581", "\u2582", "\u2583", "\u2584",
                                                 "\u2585", "\u2586", "\u2587", "\u2588"};
constexpr std::array<std::string_view, 8> letters{"_", ".", ":", "-", "=", "+", "*", "#"};
constexpr double left_out = 0.01;

}  // namespace

std::string sparkline(std::span<const std::optional<double>> values, double low, double high, Ink ink) {
  const auto& bars = ink == Ink::blocks ? blocks : letters;
  std::string out;
  for (const std::optional<double>& value : values) {
    if (!value) {
      out += ' ';
      continue;
    }
    const double share = high > low ? std::clamp((*value - low) / (high - low), 0.0, 1.0) : 0;
    const auto last = static_cast<double>(bars.size() - 1);
    out += bars.at(static_cast<std::size_t>(std::lround(share * last)));
  }
  return out;
}

std::optional<Range> bulk_of(std::span<const Bucket> buckets) {
  double all = 0;
  for (const Bucket& bucket : buckets) all += bucket.count;
  if (all <= 0) return std::nullopt;
  std::optional<Range> range;
  double below = 0;
  for (const Bucket& bucket : buckets) {
    below += bucket.count;
    if (bucket.count <= 0 || below <= left_out * all) continue;
    if (!range) range = Range{bucket.low, bucket.high};
    range->high = bucket.high;
    if (below >= (1 - left_out) * all) break;
  }
  return range;
}

std::vector<double> spread_over(std::span<const Bucket> buckets, Range range, std::size_t columns) {
  std::vector<double> counts(columns, 0);
  const double width = (range.high - range.low) / static_cast<double>(std::max<std::size_t>(columns, 1));
  if (!(width > 0)) return counts;
  for (const Bucket& bucket : buckets) {
    const double length = std::max(bucket.high - bucket.low, width * 1e-9);
    for (std::size_t i = 0; i < columns; ++i) {
      const double from = range.low + static_cast<double>(i) * width;
      const double common = std::min(bucket.low + length, from + width) - std::max(bucket.low, from);
      if (common > 0) counts[i] += bucket.count * common / length;
    }
  }
  return counts;
}

}  // namespace sonde::cli
