// What a stretch of time held for each direction, as the figures that a report prints, and in sentences what of it
// stands out. Pure: roll-ups in, figures out.
#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <vector>

#include "coordinator/core/explain.h"
#include "coordinator/core/rollup.h"
#include "shared/base/ids.h"
#include "shared/base/time.h"
#include "shared/measure/metric.h"

namespace sonde {

/// (since, until], cut into steps that begin at multiples of their length since 1970 UTC: days begin at midnight. The
/// first and the last may be cut short.
struct ReportSpan {
  static constexpr std::int64_t points_at_most = 96;

  SharedTime since;
  SharedTime until;
  nanoseconds step{0};  ///< a usual one: minutes, hours, a day, weeks

  /// The shortest step that gives at most points_at_most of them. `until` must be after `since`.
  static ReportSpan of(SharedTime since, SharedTime until);
  std::size_t points() const;
  SharedTime start(std::size_t point) const;
  /// The step that holds what ended at `end`; each covers (start, start + step].
  std::size_t point_of(SharedTime end) const;
};

inline constexpr std::size_t hours_of_day = 24;

/// A stretch of a curve: the median with p5 and p95 of its samples, of ratios the pooled ratio alone.
struct ReportPoint {
  std::uint64_t count = 0;  ///< samples; of ratios tries
  std::optional<double> value;
  std::optional<double> low;
  std::optional<double> high;
};

/// One metric of one direction over the whole span; values in the metric's unit.
struct ReportMetric {
  Metric metric = Metric::rtt;
  std::uint64_t count = 0;
  std::optional<double> mean = {};  ///< of ratios pooled
  std::optional<double> median = {};
  std::optional<double> stddev = {};
  std::optional<double> min = {};
  std::optional<double> max = {};
  std::optional<double> p10 = {};
  std::optional<double> p90 = {};
  std::vector<ReportPoint> points = {};           ///< one for each step; only of metrics that have a curve
  std::array<ReportPoint, hours_of_day> hours{};  ///< by hour of the day (UTC); the same
};

struct ReportDirection {
  using Outcomes = std::array<std::uint64_t, outcome_count>;

  Link link;
  std::array<Outcomes, probe_count> outcomes{};
  std::vector<ReportMetric> metrics;   ///< those that brought something, in the order of report_metrics()
  std::vector<std::uint64_t> results;  ///< latency and connect results in each step
  std::uint64_t runs(Probe probe) const;
  std::uint64_t tried(Probe probe) const;
  const ReportMetric* find(Metric metric) const;
};

/// What a report has tables of, in their order; those with a curve are those that it also shows over time.
struct ReportedMetric {
  Metric metric;
  bool curve;
};
const std::vector<ReportedMetric>& report_metrics();
/// The probes whose results a report is made of.
inline constexpr std::array report_probes{Probe::latency, Probe::connect, Probe::throughput};
/// What must be read of one probe.
MetricMask report_mask(Probe probe);

/// Collects the roll-ups of one direction; any order gives the same.
class DirectionReport {
 public:
  DirectionReport(const Link& link, const ReportSpan& span);
  /// A stretch that ended at `end`, inside the span.
  void add(Probe probe, SharedTime end, const RollUp& roll);
  ReportDirection finish() const;

 private:
  struct OfProbe {
    RollUp all;
    std::vector<RollUp> points;
    std::array<RollUp, hours_of_day> hours;
  };
  Link link_;
  ReportSpan span_;
  std::array<OfProbe, probe_count> probes_;
};

/// What stands out, the most important first; never empty, at most report_findings_limit.
inline constexpr std::size_t report_findings_limit = 60;
std::vector<Finding> report_findings(const std::vector<ReportDirection>& directions, const ReportSpan& span);

}  // namespace sonde
