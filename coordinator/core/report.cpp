#include "coordinator/core/report.h"

#include <algorithm>
#include <numeric>

namespace sonde {
namespace {

using std::chrono::hours;
using std::chrono::minutes;

constexpr nanoseconds day = hours(24);
constexpr nanoseconds steps[] = {minutes(1), minutes(2), minutes(5), minutes(10), minutes(15), minutes(30), hours(1),
                                 hours(2),   hours(4),   hours(8),   day,         7 * day,     28 * day,    364 * day};

/// The multiple of `step` at or before an instant.
std::int64_t floor_to(std::int64_t ns, nanoseconds step) {
  const std::int64_t rest = ns % step.count();
  return ns - (rest < 0 ? rest + step.count() : rest);
}

/// Of what ended at `end`, in UTC; what ends on the full hour belongs to the hour before.
std::size_t hour_of_day(SharedTime end) {
  const std::int64_t inside = to_ns(end) - 1;
  return static_cast<std::size_t>((inside - floor_to(inside, day)) / nanoseconds(hours(1)).count());
}

ReportPoint point_of(const RollUp& roll, Metric metric) {
  const bool ratio = info(metric).shape == MetricShape::ratio;
  const WindowValue middle = roll.value(metric, ratio ? Stat::mean : Stat::p50);
  ReportPoint point{middle.count, middle.value, std::nullopt, std::nullopt};
  if (ratio) return point;
  point.low = roll.value(metric, Stat::p5).value;
  point.high = roll.value(metric, Stat::p95).value;
  return point;
}

std::optional<double> quantile_of(const RollUp& roll, Metric metric, double q) {
  const MetricRoll* found = roll.find(metric);
  const auto raw = found != nullptr ? found->samples.quantile(q) : std::nullopt;
  return raw ? std::optional(*raw / raw_per_unit(metric)) : std::nullopt;
}

}  // namespace

ReportSpan ReportSpan::of(SharedTime since, SharedTime until) {
  ReportSpan span{since, until, std::end(steps)[-1]};
  for (const nanoseconds step : steps)
    if ((until - since) / step < points_at_most) {
      span.step = step;
      break;
    }
  // Both ends may be cut short, which makes one more.
  if (const auto* longer = std::ranges::upper_bound(steps, span.step);
      longer != std::end(steps) && span.points() > static_cast<std::size_t>(points_at_most))
    span.step = *longer;
  return span;
}

std::size_t ReportSpan::points() const { return point_of(until) + 1; }

SharedTime ReportSpan::start(std::size_t point) const {
  return shared_from_ns(floor_to(to_ns(since), step)) + step * static_cast<std::int64_t>(point);
}

std::size_t ReportSpan::point_of(SharedTime end) const {
  const std::int64_t after = to_ns(end) - 1 - floor_to(to_ns(since), step);
  return static_cast<std::size_t>(std::max<std::int64_t>(after, 0) / step.count());
}

const std::vector<ReportedMetric>& report_metrics() {
  static const std::vector<ReportedMetric> all{{Metric::connect, true},
                                               {Metric::connect_clean, false},
                                               {Metric::rtt, true},
                                               {Metric::delay, false},
                                               {Metric::delay_rise, false},
                                               {Metric::jitter, false},
                                               {Metric::rtt_loaded, false},
                                               {Metric::loss, true},
                                               {Metric::loss_rtt, false},
                                               {Metric::throughput, true},
                                               {Metric::throughput_total, false}};
  return all;
}

MetricMask report_mask(Probe probe) {
  MetricMask mask = 0;
  for (const ReportedMetric& each : report_metrics())
    if (info(each.metric).probe == probe) mask |= mask_of(each.metric);
  return mask;
}

std::uint64_t ReportDirection::runs(Probe probe) const {
  const Outcomes& counts = outcomes.at(static_cast<std::size_t>(probe));
  return std::accumulate(counts.begin(), counts.end(), std::uint64_t{0});
}

std::uint64_t ReportDirection::tried(Probe probe) const {
  std::uint64_t sum = 0;
  for (std::size_t i = 0; i < outcome_count; ++i)
    if (was_tried(static_cast<Outcome>(i))) sum += outcomes.at(static_cast<std::size_t>(probe)).at(i);
  return sum;
}

const ReportMetric* ReportDirection::find(Metric metric) const {
  const auto found = std::ranges::find(metrics, metric, &ReportMetric::metric);
  return found == metrics.end() ? nullptr : &*found;
}

DirectionReport::DirectionReport(const Link& link, const ReportSpan& span) : link_(link), span_(span) {
  for (const Probe probe : report_probes) probes_.at(static_cast<std::size_t>(probe)).points.resize(span.points());
}

void DirectionReport::add(Probe probe, SharedTime end, const RollUp& roll) {
  OfProbe& into = probes_.at(static_cast<std::size_t>(probe));
  if (into.points.empty()) return;
  into.all.merge(roll);
  into.points[std::min(span_.point_of(end), into.points.size() - 1)].merge(roll);
  into.hours.at(hour_of_day(end)).merge(roll);
}

ReportDirection DirectionReport::finish() const {
  ReportDirection out;
  out.link = link_;
  out.results.resize(span_.points());
  for (const Probe probe : report_probes) {
    const OfProbe& of = probes_.at(static_cast<std::size_t>(probe));
    for (std::size_t i = 0; i < outcome_count; ++i)
      out.outcomes.at(static_cast<std::size_t>(probe)).at(i) = of.all.count(static_cast<Outcome>(i));
    if (probe == Probe::throughput) continue;
    for (std::size_t i = 0; i < of.points.size(); ++i) out.results[i] += of.points[i].results();
  }
  for (const auto& [metric, curve] : report_metrics()) {
    const OfProbe& of = probes_.at(static_cast<std::size_t>(info(metric).probe));
    const auto stat = [&](Stat which) { return of.all.value(metric, which).value; };
    ReportMetric made{.metric = metric, .count = of.all.value(metric, Stat::mean).count};
    if (made.count == 0) continue;
    made.mean = stat(Stat::mean);
    made.median = stat(Stat::p50);
    made.stddev = stat(Stat::stddev);
    made.min = stat(Stat::min);
    made.max = stat(Stat::max);
    made.p10 = quantile_of(of.all, metric, 0.1);
    made.p90 = quantile_of(of.all, metric, 0.9);
    if (curve) {
      for (const RollUp& roll : of.points) made.points.push_back(point_of(roll, metric));
      for (std::size_t i = 0; i < hours_of_day; ++i) made.hours.at(i) = point_of(of.hours.at(i), metric);
    }
    out.metrics.push_back(std::move(made));
  }
  return out;
}

}  // namespace sonde
