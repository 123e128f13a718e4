#include "coordinator/core/aggregate.h"

#include <algorithm>
#include <cmath>
#include <ranges>
#include <utility>

#include "coordinator/core/window_sum.h"

namespace sonde {
namespace {

/// One result's single number for a metric, for the statistics that go over results instead of samples.
struct Point {
  SharedTime started_at;
  double value = 0;
};

std::optional<double> share_of(Stat stat) {
  switch (stat) {
    case Stat::p5: return 0.05;
    case Stat::p25: return 0.25;
    case Stat::p50: return 0.5;
    case Stat::p75: return 0.75;
    case Stat::p95: return 0.95;
    case Stat::p99: return 0.99;
    default: return std::nullopt;
  }
}

bool goes_over_results(Stat stat) { return stat == Stat::last || stat == Stat::ewma; }

std::optional<double> over_results(std::vector<Point> points, Stat stat) {
  if (points.empty()) return std::nullopt;
  std::ranges::stable_sort(points, {}, &Point::started_at);
  if (stat == Stat::last) return points.back().value;
  double average = points.front().value;
  for (const Point& point : points) average = 0.8 * average + 0.2 * point.value;
  return average;
}

class Window {
 public:
  explicit Window(const CellQuery& query) : query_(query) {}

  void add(const Reading& reading) {
    const bool inside = reading.finished_at > query_.at - query_.window && reading.finished_at <= query_.at;
    if (!inside || !counts(reading, query_.metric)) return;
    sum_.add(reading, query_.metric);
    if (matters(reading)) points_.push_back({reading.started_at, point_of(reading, query_.metric)});
  }

  WindowValue result() && {
    WindowValue window = sum_.value(query_.metric, query_.stat);
    if (goes_over_results(query_.stat)) window.value = over_results(std::move(points_), query_.stat);
    if (!window.value) window.error_s.reset();
    return window;
  }

 private:
  /// Whether a statistic over results needs this one's number; for `last` only the newest so far.
  bool matters(const Reading& reading) const {
    if (query_.stat == Stat::last) return points_.empty() || points_.back().started_at <= reading.started_at;
    return query_.stat == Stat::ewma;
  }

  const CellQuery& query_;
  WindowSum sum_;
  std::vector<Point> points_;
};

}  // namespace

std::optional<double> statistic(const Distribution& samples, Stat stat) {
  if (samples.empty()) return std::nullopt;
  if (const auto share = share_of(stat)) return samples.quantile(*share);
  switch (stat) {
    case Stat::mean: return samples.mean();
    case Stat::min: return static_cast<double>(samples.min());
    case Stat::max: return static_cast<double>(samples.max());
    case Stat::stddev: return samples.stddev();
    case Stat::hmean: return samples.harmonic_mean();
    default: return std::nullopt;
  }
}

bool stat_applies(Metric metric, Stat stat) { return stat != Stat::hmean || info(metric).unit == "bit/s"; }

namespace {

WindowValue one_metric(const std::vector<const Result*>& results, const CellQuery& query) {
  Window window(query);
  for (const Result* result : results)
    if (result->probe == info(query.metric).probe) window.add(reading_of(*result));
  return std::move(window).result();
}

WindowValue one_metric(std::span<const Reading> readings, const CellQuery& query) {
  Window window(query);
  // The newest first, so that `last` unpacks one of them and not all.
  for (const Reading& reading : std::views::reverse(readings)) {
    if (reading.finished_at <= query.at - query.window) break;
    window.add(reading);
  }
  return std::move(window).result();
}

template <typename From>
WindowValue aggregate_any(const From& from, const CellQuery& query) {
  CellQuery source = query;
  source.metric = source_of(query.metric);
  WindowValue window = one_metric(from, source);
  if (source.metric != Metric::rtt_loaded) return window;
  if (window.count < least_loaded_samples) window.value.reset();
  if (query.metric != Metric::rtt_loaded_ratio || !window.value) return window;
  source.metric = Metric::rtt;
  const auto idle = one_metric(from, source).value;
  window.value = idle && *idle > 0 ? std::optional(*window.value / *idle) : std::nullopt;
  return window;
}

}  // namespace

WindowValue aggregate(const std::vector<const Result*>& results, const CellQuery& query) {
  return aggregate_any(results, query);
}

WindowValue aggregate(std::span<const Reading> readings, const CellQuery& query) {
  return aggregate_any(readings, query);
}

}  // namespace sonde
