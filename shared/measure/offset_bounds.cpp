#include "shared/measure/offset_bounds.h"

#include <algorithm>
#include <cmath>
#include <cstddef>

#include "shared/base/error.h"

namespace sonde {
namespace {

/// Rounded up: never less than the clocks may have drifted.
nanoseconds widening(nanoseconds age) {
  return nanoseconds(std::llround(std::ceil(static_cast<double>(age.count()) * OffsetBounds::most_drift)));
}

/// What a sample says of any other instant: it holds somewhere in [sent, sent + away].
OffsetTent tent_of(const OffsetSample& sample) {
  const nanoseconds by = widening(sample.away);
  return {sample.sent, {sample.low - by, sample.high + by}};
}

OffsetInterval at_instant(const OffsetTent& tent, MonoTime t) {
  const nanoseconds by = widening(std::chrono::abs(t - tent.at));
  return {tent.interval.low - by, tent.interval.high + by};
}

/// What a tent leaves of a sample's own bounds. Where they exclude each other by no more than the stamps' error the
/// result lies inside the sample's own, which hold in any case.
OffsetInterval left_of(const OffsetSample& own, const OffsetTent& others) {
  const OffsetInterval there = at_instant(others, own.sent);
  const nanoseconds by = widening(own.away);
  const nanoseconds low = std::clamp(there.low - by, own.low, own.high);
  return {low, std::clamp(there.high + by, low, own.high)};
}

/// The tighter one of each side, as of the instant of `next`; where they exclude each other, `next` alone.
OffsetTent joined(const OffsetTent& before, const OffsetTent& next) {
  const OffsetInterval there = at_instant(before, next.at);
  return {next.at, intersect(there, next.interval).value_or(next.interval)};
}

bool contradict(const OffsetTent& known, const OffsetSample& sample) {
  const OffsetInterval there = at_instant(known, sample.sent);
  const nanoseconds slack = OffsetBounds::stamp_slack + widening(sample.away);
  return sample.low > there.high + slack || sample.high < there.low - slack;
}

}  // namespace

std::optional<OffsetInterval> intersect(const OffsetInterval& a, const OffsetInterval& b) {
  const OffsetInterval both{std::max(a.low, b.low), std::min(a.high, b.high)};
  if (both.low > both.high) return std::nullopt;
  return both;
}

std::vector<OffsetInterval> OffsetBounds::on_samples(std::span<const OffsetSample> samples) {
  std::vector<OffsetInterval> intervals;
  std::vector<bool> begins;  // a contradiction separates this sample from the one before
  intervals.reserve(samples.size());
  for (const OffsetSample& sample : samples) {
    SONDE_ASSERT(sample.low <= sample.high);
    begins.push_back(known_ && contradict(*known_, sample));
    if (begins.back()) {
      ++contradictions_;
      known_.reset();
    }
    intervals.push_back(known_ ? left_of(sample, *known_) : OffsetInterval{sample.low, sample.high});
    known_ = known_ ? joined(*known_, tent_of(sample)) : tent_of(sample);
  }
  std::optional<OffsetTent> behind;
  for (std::size_t i = samples.size(); i-- > 0;) {
    if (behind) {
      const OffsetInterval from_behind = left_of(samples[i], *behind);
      intervals[i] = intersect(intervals[i], from_behind).value_or(intervals[i]);
    }
    behind = behind ? joined(*behind, tent_of(samples[i])) : tent_of(samples[i]);
    if (begins[i]) behind.reset();
  }
  return intervals;
}

std::optional<OffsetInterval> OffsetBounds::at(MonoTime t) const {
  if (!known_) return std::nullopt;
  return at_instant(*known_, t);
}

nanoseconds least_delay(double metres) {
  constexpr double speed_of_light = 299'792'458;  // m/s
  constexpr double sphere_error = 0.0056;         // of great circles on a sphere against the ellipsoid, at most
  constexpr double location_error = 1600;         // m: both ends rounded to two decimals of a degree
  const double certain = metres * (1 - sphere_error) - location_error;
  return nanoseconds(static_cast<std::int64_t>(std::max(0.0, certain) / speed_of_light * 1e9));
}

}  // namespace sonde
