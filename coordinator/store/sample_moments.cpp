#include "coordinator/store/sample_moments.h"

#include <algorithm>

#include "coordinator/store/bucket_bounds.h"

namespace sonde::store {
namespace {

/// Widths of buckets are looked at with so many bits, so that their fourth powers are not too large.
constexpr unsigned looked_at = 24;
/// Of what a prediction is off by, about so many bits are worth telling with an entropy coder.
constexpr unsigned told_bits = 3;

std::uint64_t own(std::int64_t sample) { return static_cast<std::uint64_t>(sample); }

/// Of a bucket, about the least sample.
struct Stretch {
  std::uint64_t begin = 0;
  std::uint64_t end = 0;
  std::uint64_t times = 0;
};

Stretch stretch_of(const Distribution::Parts& parts, std::size_t i) {
  const auto& [index, times] = parts.buckets[i];
  const std::uint64_t least = own(parts.min);
  const std::uint64_t begin = std::max(least_of(index), least);
  const std::uint64_t end = std::max(begin, std::min(bound_of(index), own(parts.max)));
  // Two samples are known exactly: the ends.
  std::uint64_t known = 0;
  if (i == 0 && parts.zeros == 0) ++known;
  if (i + 1 == parts.buckets.size()) ++known;
  return {begin - least, end - least, times - std::min(times, known)};
}

unsigned beyond_told(uint128 variance, unsigned more = 0) {
  const unsigned bits = width_of(variance) / 2 + more;
  return bits > told_bits ? bits - told_bits : 0;
}

}  // namespace

Moments moments_of(const Distribution& samples) {
  const uint128 least = own(samples.min());
  const uint128 sum = widen(samples.sum());
  const uint128 count = samples.count();
  return {samples.count(), sum - least * count,
          widen(samples.sum_of_squares()) - 2 * least * sum + least * least * count};
}

void put_moments(Distribution::Parts& parts, const Moments& moments) {
  const uint128 least = own(parts.min);
  const uint128 sum = moments.sum + least * moments.count;
  parts.sum = narrow(sum);
  parts.squares = narrow(moments.squares + 2 * least * sum - least * least * moments.count);
}

ExpectedMoments expected_of(const Distribution::Parts& parts) {
  const std::uint64_t extent = own(parts.max) - own(parts.min);
  const auto width = static_cast<unsigned>(std::bit_width(extent));
  const unsigned scale = width > looked_at ? width - looked_at : 0;
  uint128 sum_2 = 0;       // twice
  uint128 squares_12 = 0;  // twelve times, and so on
  uint128 variance_12 = 0;
  uint128 weights = 0;
  uint128 weighted = 0;
  uint128 spread_12 = 0;
  uint128 fourths_180 = 0;
  for (std::size_t i = 0; i < parts.buckets.size(); ++i) {
    const Stretch part = stretch_of(parts, i);
    const uint128 both = static_cast<uint128>(part.begin) + part.end;
    const uint128 wide = part.end - part.begin;
    sum_2 += both * part.times;
    squares_12 += (3 * both * both + wide * wide) * part.times;
    variance_12 += wide * wide * part.times;
    const uint128 weight = (wide >> scale) * (wide >> scale) * part.times;
    weights += weight;
    weighted += weight * (both >> scale);
    spread_12 += weight * (both >> scale) * (both >> scale);
    fourths_180 += weight * (wide >> scale) * (wide >> scale);
  }
  const uint128 slope = weights == 0 ? 0 : weighted / weights;
  // The greatest sample is one of the two; the least counts nothing.
  const bool has_greatest =
      !parts.buckets.empty() && (parts.zeros > 0 || parts.buckets.back().second > 1 || parts.buckets.size() > 1);
  const uint128 greatest = has_greatest ? extent : 0;
  const uint128 rest = (spread_12 - slope * weighted) / 12 + fourths_180 / 180;
  return {.sum = sum_2 / 2 + greatest,
          .squares = squares_12 / 12 + greatest * greatest,
          .slope = slope << scale,
          .sum_bits = beyond_told(variance_12 / 12),
          .squares_bits = std::min(beyond_told(rest, 2 * scale), 120U)};
}

SampleSpans::SampleSpans(const Distribution::Parts& parts, std::int64_t least)
    : parts_(parts), least_(own(least)), zeros_left_(parts.zeros) {}

std::uint64_t SampleSpans::shifted(std::uint64_t sample) const {
  // The sample is not less than the least of its own.
  const std::uint64_t above = sample - std::min(sample, own(parts_.min));
  return std::min(above, ~least_) + least_;
}

Span SampleSpans::next() {
  const bool first = first_;
  first_ = false;
  if (zeros_left_ > 0) {
    --zeros_left_;
    return {shifted(0), shifted(0)};
  }
  if (bucket_ == parts_.buckets.size()) return {shifted(own(parts_.max)), shifted(own(parts_.max))};
  const auto& [index, times] = parts_.buckets[bucket_];
  ++in_bucket_;
  const bool last = bucket_ + 1 == parts_.buckets.size() && in_bucket_ == times;
  Span span{std::max(least_of(index), own(parts_.min)), std::min(bound_of(index), own(parts_.max))};
  if (first) span.high = own(parts_.min);
  if (last) span.low = own(parts_.max);
  span.high = std::max(span.low, span.high);
  if (in_bucket_ == times) {
    ++bucket_;
    in_bucket_ = 0;
  }
  return {shifted(span.low), shifted(span.high)};
}

}  // namespace sonde::store
