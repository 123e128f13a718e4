#include "coordinator/core/window_sum.h"

#include <algorithm>
#include <cmath>
#include <ranges>

#include "shared/base/error.h"

namespace sonde {
namespace {

double share_of(const RatioValue& ratio) { return static_cast<double>(ratio.hits) / static_cast<double>(ratio.tries); }

std::int64_t raw_share(const RatioValue& ratio) { return std::llround(share_of(ratio) * raw_per_unit(ratio.metric)); }

/// Those that finished in (after, until].
std::span<const Reading> between(std::span<const Reading> readings, SharedTime after, SharedTime until) {
  const auto begin = std::ranges::upper_bound(readings, after, {}, &Reading::finished_at);
  const auto end = std::ranges::upper_bound(begin, readings.end(), until, {}, &Reading::finished_at);
  return {begin, end};
}

/// Before the first instant of all there is none.
SharedTime begin_of(SharedTime at, nanoseconds window) {
  return at < SharedTime::min() + window ? SharedTime::min() : at - window;
}

}  // namespace

void WindowSum::add(const Reading& reading, Metric metric) {
  if (!counts(reading, metric)) return;
  worst_error_s_ = std::max(worst_error_s_, reading.error_s);
  switch (info(metric).shape) {
    case MetricShape::distribution: return samples_.add(reading, metric);
    case MetricShape::value: return samples_.add(*value_in(reading, metric));
    case MetricShape::ratio: break;
  }
  const RatioValue ratio = *ratio_in(reading, metric);
  hits_ += ratio.hits;
  tries_ += ratio.tries;
  samples_.add(raw_share(ratio));
}

void WindowSum::remove(const Reading& reading, Metric metric) {
  if (!counts(reading, metric)) return;
  const bool worst = metric == Metric::delay && reading.error_s >= worst_error_s_;
  switch (info(metric).shape) {
    case MetricShape::distribution: samples_.remove(reading, metric); break;
    case MetricShape::value: samples_.remove(*value_in(reading, metric)); break;
    case MetricShape::ratio: {
      const RatioValue ratio = *ratio_in(reading, metric);
      hits_ -= ratio.hits;
      tries_ -= ratio.tries;
      samples_.remove(raw_share(ratio));
      break;
    }
  }
  if (worst || samples_.ends_open()) ends_open_ = true;
}

void WindowSum::set_ends(std::span<const Reading> rest, Metric metric, SharedTime after, SharedTime until) {
  worst_error_s_ = 0;
  samples_.forget_ends();
  for (const Reading& reading : between(rest, after, until)) {
    if (!counts(reading, metric)) continue;
    worst_error_s_ = std::max(worst_error_s_, reading.error_s);
    switch (info(metric).shape) {
      case MetricShape::distribution: samples_.widen_ends(reading, metric); break;
      case MetricShape::value: samples_.widen_ends(*value_in(reading, metric)); break;
      case MetricShape::ratio: samples_.widen_ends(raw_share(*ratio_in(reading, metric))); break;
    }
  }
  ends_open_ = false;
}

WindowValue WindowSum::value(Metric metric, Stat stat) const {
  SONDE_ASSERT(!ends_open_);
  const bool ratio = info(metric).shape == MetricShape::ratio;
  const Distribution samples = samples_.total();
  WindowValue window{.value = {}, .count = ratio ? tries_ : samples.count(), .error_s = {}};
  if (ratio && stat == Stat::mean && tries_ > 0)
    window.value = static_cast<double>(hits_) / static_cast<double>(tries_);
  else if (const auto raw = statistic(samples, stat))
    window.value = *raw / raw_per_unit(metric);
  if (metric == Metric::delay && window.count > 0) window.error_s = worst_error_s_;
  return window;
}

double point_of(const Reading& reading, Metric metric) {
  switch (info(metric).shape) {
    case MetricShape::distribution:
      return distribution_in(reading, metric)->quantile(0.5).value() / raw_per_unit(metric);
    case MetricShape::value: return static_cast<double>(*value_in(reading, metric)) / raw_per_unit(metric);
    case MetricShape::ratio: break;
  }
  return share_of(*ratio_in(reading, metric));
}

bool KeptWindow::can_keep(Metric metric, Stat stat) {
  return stat != Stat::ewma && source_of(metric) == metric && metric != Metric::rtt_loaded;
}

void KeptWindow::on_reading(const Reading& fresh, std::span<const Reading> readings, const CellQuery& query) {
  if (!counts(fresh, query.metric) || at_ == SharedTime::min()) return;
  if (fresh.finished_at > at_) {
    next_change_ = std::min(next_change_, fresh.finished_at);
    return;
  }
  if (fresh.finished_at <= at_ - query.window) return;
  if (!sum_) sum_ = std::make_unique<WindowSum>();
  sum_->add(fresh, query.metric);
  next_change_ = std::min(next_change_, fresh.finished_at + query.window);
  settle(readings, query);
}

void KeptWindow::on_drop(const Reading& old, const CellQuery& query) {
  if (!counts(old, query.metric) || old.finished_at <= begin_of(at_, query.window)) return;
  *this = {};  // it leaves before its time: what is left is added up anew
}

void KeptWindow::move(SharedTime at, std::span<const Reading> readings, const CellQuery& query) {
  if (at < at_) return;
  const SharedTime old_begin = begin_of(at_, query.window);
  const SharedTime begin = begin_of(at, query.window);
  if (sum_)
    for (const Reading& reading : between(readings, old_begin, std::min(begin, at_)))
      sum_->remove(reading, query.metric);
  for (const Reading& reading : between(readings, std::max(begin, at_), at)) {
    if (!counts(reading, query.metric)) continue;
    if (!sum_) sum_ = std::make_unique<WindowSum>();
    sum_->add(reading, query.metric);
  }
  at_ = at;
  const auto wanted = [&](const Reading& reading) { return counts(reading, query.metric); };
  const auto inside = between(readings, begin, at);
  const auto oldest = std::ranges::find_if(inside, wanted);
  const auto later = between(readings, at, SharedTime::max());
  const auto next = std::ranges::find_if(later, wanted);
  next_change_ = SharedTime::max();
  if (oldest != inside.end()) next_change_ = oldest->finished_at + query.window;
  if (next != later.end()) next_change_ = std::min(next_change_, next->finished_at);
  if (oldest == inside.end()) sum_.reset();
  settle(readings, query);
}

void KeptWindow::settle(std::span<const Reading> readings, const CellQuery& query) {
  value_ = {};
  if (!sum_) return;
  const SharedTime begin = begin_of(at_, query.window);
  if (sum_->ends_open()) sum_->set_ends(readings, query.metric, begin, at_);
  value_ = sum_->value(query.metric, query.stat);
  if (query.stat != Stat::last) {
    if (!value_.value) value_.error_s.reset();
    return;
  }
  const Reading* last = nullptr;
  for (const Reading& reading : std::views::reverse(between(readings, begin, at_)))
    if (counts(reading, query.metric) && (last == nullptr || last->started_at <= reading.started_at)) last = &reading;
  value_.value = point_of(*last, query.metric);
}

}  // namespace sonde
