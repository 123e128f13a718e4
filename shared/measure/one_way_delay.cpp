#include "shared/measure/one_way_delay.h"

#include <algorithm>
#include <cstddef>

namespace sonde {
namespace {

using Estimate = OneWayDelay::Estimate;

Estimate on_one_clock(std::span<const TimedWay> samples) {
  Estimate estimate{.delays = {}, .error = OneWayDelay::stamp_error};
  for (const TimedWay& way : samples) {
    estimate.delays.push_back(way.forward);
    if (way.forward < nanoseconds(0)) ++estimate.impossible;
  }
  return estimate;
}

bool faster_than(std::span<const TimedWay> samples, nanoseconds least) {
  return std::ranges::any_of(
      samples, [&](const TimedWay& way) { return way.forward + way.backward + OffsetBounds::stamp_slack < 2 * least; });
}

}  // namespace

Estimate OneWayDelay::on_samples(std::span<const TimedWay> samples, const ClockKnowledge& known) {
  if (known.same_clock) return on_one_clock(samples);
  Estimate estimate;
  estimate.distance_refuted = faster_than(samples, known.least);
  const nanoseconds least = estimate.distance_refuted ? nanoseconds(0) : known.least;
  std::vector<OffsetSample> bounds;
  bounds.reserve(samples.size());
  for (const TimedWay& way : samples)
    bounds.push_back({way.sent, way.away, least - way.backward, std::max(least - way.backward, way.forward - least)});
  // A distance that was believed until now has made the older bounds too tight.
  if (estimate.distance_refuted || !known.steps_are_told) bounds_.break_clock();
  std::vector<OffsetInterval> intervals;
  if (known.steps_are_told)
    intervals = bounds_.on_samples(bounds);
  else
    for (const OffsetSample& sample : bounds) intervals.push_back({sample.low, sample.high});

  if (known.claim) {
    const OffsetInterval claimed{-*known.claim, *known.claim};
    const OffsetInterval with_slack{claimed.low - OffsetBounds::stamp_slack, claimed.high + OffsetBounds::stamp_slack};
    estimate.claim_refuted =
        std::ranges::any_of(intervals, [&](const OffsetInterval& i) { return !intersect(i, with_slack); });
    if (!estimate.claim_refuted)
      for (OffsetInterval& interval : intervals) interval = intersect(interval, claimed).value_or(interval);
  }
  for (std::size_t i = 0; i < samples.size(); ++i) {
    estimate.delays.push_back(std::max(nanoseconds(0), samples[i].forward - intervals[i].middle()));
    estimate.error = std::max(estimate.error, intervals[i].half_width() + stamp_error);
  }
  return estimate;
}

}  // namespace sonde
