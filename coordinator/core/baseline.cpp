#include "coordinator/core/baseline.h"

#include <algorithm>
#include <functional>
#include <vector>

namespace sonde {
namespace {

double middle_of(std::vector<double> values, bool more_is_better) {
  if (more_is_better)
    std::ranges::sort(values, std::greater<>());
  else
    std::ranges::sort(values);
  return values[(values.size() - 1) / 2];
}

}  // namespace

SharedTime baseline_hour(SharedTime inside) {
  return shared_from_ns(bucket_of(to_ns(inside), span_of(RollLevel::hour)));
}

SharedTime hour_in_week(SharedTime hour, std::size_t week) {
  return hour - std::chrono::hours(24 * 7) * static_cast<std::int64_t>(week + 1);
}

std::optional<Usual> HourWeeks::usual(Metric metric, std::size_t samples, bool more_is_better) const {
  std::array<std::vector<double>, 3> over_weeks;
  for (const RollUp& week : weeks_) {
    constexpr std::array stats{Stat::p5, Stat::p50, Stat::p95};
    if (const auto count = week.value(metric, Stat::p50).count; count < samples) continue;
    for (std::size_t i = 0; i < stats.size(); ++i)
      if (const auto value = week.value(metric, stats.at(i)).value) over_weeks.at(i).push_back(*value);
  }
  if (over_weeks[1].size() < baseline_least_weeks || over_weeks[0].size() != over_weeks[1].size() ||
      over_weeks[2].size() != over_weeks[1].size())
    return std::nullopt;
  Usual out{.middle = middle_of(over_weeks[1], more_is_better),
            .low = middle_of(over_weeks[0], more_is_better),
            .high = middle_of(over_weeks[2], more_is_better)};
  // These are single samples rather than medians: the highest of twenty is far out by itself.
  out.wander = out.high - out.middle;
  return out;
}

HourBaseline HourWeeks::baseline() const {
  return {.round_trip = usual(Metric::rtt, baseline_samples, false),
          .rise = usual(Metric::delay_rise, baseline_samples, false),
          .one_way = usual(Metric::delay, baseline_samples, false),
          .rate = usual(Metric::throughput, 1, true)};
}

}  // namespace sonde
