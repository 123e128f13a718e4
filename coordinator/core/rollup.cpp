#include "coordinator/core/rollup.h"

#include <algorithm>
#include <cmath>
#include <numeric>

namespace sonde {
namespace {

__extension__ using uint128 = unsigned __int128;

constexpr std::array<std::string_view, 3> level_names{"raw", "minute", "hour"};

uint128 widen(Wide wide) { return static_cast<uint128>(wide.high) << 64U | wide.low; }
Wide narrow(uint128 value) { return {static_cast<std::uint64_t>(value >> 64U), static_cast<std::uint64_t>(value)}; }
Wide sum_of(Wide a, Wide b) { return narrow(widen(a) + widen(b)); }
Wide inverse_of(std::int64_t sample) { return narrow((uint128{1} << 96U) / static_cast<std::uint64_t>(sample)); }
bool is_rate(Metric metric) { return info(metric).unit == "bit/s"; }

/// The newest run's number; the greater of two that began at one instant, so that order cannot matter.
void keep_last(MetricRoll& roll, SharedTime started_at, double last, bool first) {
  if (!first && std::pair(started_at, last) <= std::pair(roll.started_at, roll.last)) return;
  roll.started_at = started_at;
  roll.last = last;
}

std::optional<double> harmonic_mean(const MetricRoll& roll) {
  if (roll.samples.zeros() > 0) return 0.0;
  const double inverses = std::ldexp(static_cast<double>(roll.inverses.high), -32) +
                          std::ldexp(static_cast<double>(roll.inverses.low), -96);
  return inverses > 0 ? std::optional(static_cast<double>(roll.samples.count()) / inverses) : std::nullopt;
}

bool equal_samples(const Distribution& a, const Distribution& b) {
  return a.count() == b.count() && a.zeros() == b.zeros() && a.min() == b.min() && a.max() == b.max() &&
         a.sum() == b.sum() && a.sum_of_squares() == b.sum_of_squares() && std::ranges::equal(a.buckets(), b.buckets());
}

}  // namespace

std::string_view name(RollLevel level) { return level_names.at(static_cast<std::size_t>(level)); }

nanoseconds span_of(RollLevel level) {
  switch (level) {
    case RollLevel::raw: return nanoseconds(0);
    case RollLevel::minute: return std::chrono::minutes(1);
    case RollLevel::hour: return std::chrono::hours(1);
  }
  return nanoseconds(0);
}

std::int64_t bucket_of(std::int64_t ns, nanoseconds span) {
  const std::int64_t rest = (ns % span.count() + span.count() - 1) % span.count();
  // Below the first bucket of all time there is none to round down to.
  return ns < std::numeric_limits<std::int64_t>::min() + 2 * span.count() ? ns : ns - 1 - rest;
}

bool MetricRoll::operator==(const MetricRoll& other) const {
  return metric == other.metric && equal_samples(samples, other.samples) && inverses == other.inverses &&
         hits == other.hits && tries == other.tries && started_at == other.started_at && last == other.last;
}

MetricRoll& RollUp::roll_of(Metric metric) {
  const auto place = std::ranges::lower_bound(metrics_, metric, {}, &MetricRoll::metric);
  if (place != metrics_.end() && place->metric == metric) return *place;
  MetricRoll roll;
  roll.metric = metric;
  return *metrics_.insert(place, std::move(roll));
}

const MetricRoll* RollUp::find(Metric metric) const {
  const auto place = std::ranges::lower_bound(metrics_, metric, {}, &MetricRoll::metric);
  return place != metrics_.end() && place->metric == metric ? &*place : nullptr;
}

std::uint64_t RollUp::results() const { return std::accumulate(outcomes_.begin(), outcomes_.end(), std::uint64_t{0}); }

void RollUp::saw(MetricMask mask, SharedTime at) {
  const auto place = std::ranges::lower_bound(newest_, mask, {}, &Newest::first);
  if (place != newest_.end() && place->first == mask)
    place->second = std::max(place->second, at);
  else
    newest_.insert(place, {mask, at});
}

void RollUp::saw_tried(const Tried& tried) {
  const auto newer = [](const Tried& a, const Tried& b) {
    return std::pair(a.finished_at, a.brings) > std::pair(b.finished_at, b.brings);
  };
  tried_.insert(std::ranges::upper_bound(tried_, tried, newer), tried);
  if (tried_.size() > tried_kept) tried_.pop_back();
}

void RollUp::add(const Reading& reading) {
  ++outcomes_.at(static_cast<std::size_t>(reading.outcome));
  if (reading.tried()) saw_tried({reading.finished_at, reading.brings});
  for (unsigned bit = 0; bit < 64; ++bit)
    if (const MetricMask mask = MetricMask{1} << bit; reading.has(mask)) saw(mask, reading.finished_at);
  if (reading.has(mask_of(Metric::delay))) error_s_ = std::max(error_s_, reading.error_s);
  for (const MetricInfo& each : all_metrics()) {
    if (!reading.has(mask_of(each.metric))) continue;
    const double scale = raw_per_unit(each.metric);
    MetricRoll& roll = roll_of(each.metric);
    const bool first = roll.samples.empty();
    if (const auto samples = distribution_in(reading, each.metric)) {
      roll.samples.merge(*samples);
      keep_last(roll, reading.started_at, samples->quantile(0.5).value_or(0) / scale, first);
    } else if (const auto value = value_in(reading, each.metric)) {
      roll.samples.add(*value);
      if (is_rate(each.metric) && *value > 0) roll.inverses = sum_of(roll.inverses, inverse_of(*value));
      keep_last(roll, reading.started_at, static_cast<double>(*value) / scale, first);
    } else if (const auto ratio = ratio_in(reading, each.metric)) {
      const double share = static_cast<double>(ratio->hits) / static_cast<double>(ratio->tries);
      roll.samples.add(std::llround(share * scale));
      roll.hits += ratio->hits;
      roll.tries += ratio->tries;
      keep_last(roll, reading.started_at, share, first);
    }
  }
}

void RollUp::merge(const RollUp& other) {
  for (std::size_t i = 0; i < outcomes_.size(); ++i) outcomes_[i] += other.outcomes_[i];
  error_s_ = std::max(error_s_, other.error_s_);
  for (const MetricRoll& more : other.metrics_) {
    MetricRoll& roll = roll_of(more.metric);
    keep_last(roll, more.started_at, more.last, roll.samples.empty());
    roll.samples.merge(more.samples);
    roll.inverses = sum_of(roll.inverses, more.inverses);
    roll.hits += more.hits;
    roll.tries += more.tries;
  }
  for (const auto& [mask, at] : other.newest_) saw(mask, at);
  for (const Tried& tried : other.tried_) saw_tried(tried);
}

WindowValue RollUp::value(Metric metric, Stat stat) const {
  const MetricRoll* roll = find(source_of(metric));
  WindowValue window;
  if (roll == nullptr) return window;
  const bool ratio = info(roll->metric).shape == MetricShape::ratio;
  window.count = ratio ? roll->tries : roll->samples.count();
  if (stat == Stat::last)
    window.value = roll->last;
  else if (ratio && stat == Stat::mean && roll->tries > 0)
    window.value = static_cast<double>(roll->hits) / static_cast<double>(roll->tries);
  else if (const auto raw = stat == Stat::hmean ? harmonic_mean(*roll) : statistic(roll->samples, stat))
    window.value = *raw / raw_per_unit(roll->metric);
  if (metric == Metric::delay && window.value) window.error_s = error_s_;
  if (roll->metric != Metric::rtt_loaded) return window;
  if (window.count < least_loaded_samples) window.value.reset();
  if (metric != Metric::rtt_loaded_ratio || !window.value) return window;
  const auto idle = value(Metric::rtt, stat).value;
  window.value = idle && *idle > 0 ? std::optional(*window.value / *idle) : std::nullopt;
  return window;
}

std::optional<RollUp> RollUp::restore(Parts parts) {
  const bool ordered =
      std::ranges::adjacent_find(parts.metrics, std::ranges::greater_equal(), &MetricRoll::metric) ==
          parts.metrics.end() &&
      std::ranges::adjacent_find(parts.newest, std::ranges::greater_equal(), &Newest::first) == parts.newest.end();
  if (!ordered || parts.tried.size() > tried_kept || !std::isfinite(parts.error_s)) return std::nullopt;
  RollUp roll;
  roll.outcomes_ = parts.outcomes;
  roll.error_s_ = parts.error_s;
  roll.metrics_ = std::move(parts.metrics);
  roll.newest_ = std::move(parts.newest);
  roll.tried_ = std::move(parts.tried);
  return roll;
}

RollUp RollUp::without_values() const {
  RollUp roll;
  roll.newest_ = newest_;
  roll.tried_ = tried_;
  return roll;
}

}  // namespace sonde
