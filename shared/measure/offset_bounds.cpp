#include "shared/measure/offset_bounds.h"

#include <algorithm>
#include <cmath>
#include <cstddef>

namespace sonde {
namespace {

/// Rounded up: never less than the clocks may have drifted.
nanoseconds widening(nanoseconds age) {
  return nanoseconds(std::llround(std::ceil(static_cast<double>(age.count()) * OffsetBounds::most_drift)));
}

/// What `other` says at the instant of `own`.
OffsetInterval widened(const OffsetSample& other, MonoTime sent, nanoseconds away) {
  const nanoseconds by = widening(std::chrono::abs(sent - other.sent) + other.away + away);
  return {other.low - by, other.high + by};
}

/// What both say at the instant of `own`. Bounds that exclude each other by no more than the stamps' error are brought
/// together inside the sample's own, which hold in any case.
OffsetSample combined(const OffsetSample& own, const OffsetSample& other) {
  const OffsetInterval there = widened(other, own.sent, own.away);
  OffsetSample both = own;
  both.low = std::clamp(there.low, own.low, own.high);
  both.high = std::clamp(there.high, both.low, own.high);
  return both;
}

bool contradict(const OffsetSample& earlier, const OffsetSample& later) {
  const OffsetInterval there = widened(earlier, later.sent, later.away);
  return later.low > there.high + OffsetBounds::stamp_slack || later.high < there.low - OffsetBounds::stamp_slack;
}

}  // namespace

std::optional<OffsetInterval> intersect(const OffsetInterval& a, const OffsetInterval& b) {
  const OffsetInterval both{std::max(a.low, b.low), std::min(a.high, b.high)};
  if (both.low > both.high) return std::nullopt;
  return both;
}

std::vector<OffsetInterval> OffsetBounds::on_samples(std::span<const OffsetSample> samples) {
  std::vector<OffsetSample> at;
  std::vector<bool> begins;  // a contradiction separates this sample from the one before
  for (OffsetSample sample : samples) {
    if (sample.low > sample.high) std::swap(sample.low, sample.high);
    const bool broken = known_ && contradict(*known_, sample);
    if (broken) {
      ++contradictions_;
      known_.reset();
    }
    known_ = known_ ? combined(sample, *known_) : sample;
    at.push_back(*known_);
    begins.push_back(broken);
  }
  for (std::size_t i = at.size(); i-- > 1;)
    if (!begins[i]) at[i - 1] = combined(at[i - 1], at[i]);
  std::vector<OffsetInterval> intervals;
  intervals.reserve(at.size());
  for (const OffsetSample& sample : at) intervals.push_back({sample.low, sample.high});
  return intervals;
}

std::optional<OffsetInterval> OffsetBounds::at(MonoTime t) const {
  if (!known_) return std::nullopt;
  return widened(*known_, t, nanoseconds(0));
}

nanoseconds least_delay(double metres) {
  constexpr double speed_of_light = 299'792'458;  // m/s
  constexpr double sphere_error = 0.0056;         // of great circles on a sphere against the ellipsoid, at most
  constexpr double location_error = 1600;         // m: both ends rounded to two decimals of a degree
  const double certain = metres * (1 - sphere_error) - location_error;
  return nanoseconds(static_cast<std::int64_t>(std::max(0.0, certain) / speed_of_light * 1e9));
}

}  // namespace sonde
