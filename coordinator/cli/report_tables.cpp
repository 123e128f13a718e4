// What a report says, before it takes a form.
#include <fmt/format.h>

#include <nlohmann/json.hpp>

#include <cmath>
#include <limits>
#include <string>
#include <utility>

#include "coordinator/cli/json_read.h"
#include "coordinator/cli/report_view.h"
#include "coordinator/cli/units.h"
#include "shared/base/time.h"
#include "shared/measure/metric.h"

namespace sonde::cli {
namespace report {
namespace {

constexpr std::pair<std::string_view, std::string_view> figures[] = {
    {"average", "mean"}, {"median", "p50"}, {"std. deviation", "stddev"}, {"min", "min"}, {"max", "max"}};

std::string direction_of(const Json& direction) {
  return text_at(direction, "from") + " -> " + text_at(direction, "to");
}

/// For people; the names of docs/measurements.md stand beside it.
std::string title_of(std::string_view metric) {
  constexpr std::pair<std::string_view, std::string_view> titles[] = {
      {"connect", "Latency: time to connect"},
      {"connect_clean", "Time to connect without a retransmitted SYN"},
      {"rtt", "Round trip"},
      {"delay", "One-way delay"},
      {"delay_rise", "Rise of the one-way delay over its least"},
      {"jitter", "Jitter"},
      {"rtt_loaded", "Round trip under load"},
      {"loss", "Loss on the way there"},
      {"loss_rtt", "Loss there and back"},
      {"throughput", "Throughput: steady"},
      {"throughput_total", "Throughput: octets over time, as in 1997"}};
  for (const auto& [name, title] : titles)
    if (name == metric) return fmt::format("{} ({})", title, metric);
  return std::string(metric);
}

std::vector<double> numbers(const Json& list) {
  std::vector<double> out;
  for (const Json& item : list)
    out.push_back(item.is_number() ? item.get<double>() : std::numeric_limits<double>::quiet_NaN());
  return out;
}

bool has_any(const std::vector<double>& values) {
  for (const double value : values)
    if (std::isfinite(value)) return true;
  return false;
}

void add_curve(std::vector<Curve>& to, const Json& direction, const std::string& unit, const Json& points) {
  Curve curve{direction_of(direction), unit, numbers(at(points, points.contains("mean") ? "mean" : "p50")),
              numbers(at(points, "p5")), numbers(at(points, "p95"))};
  if (curve.lows.size() != curve.values.size()) curve.lows.clear();
  if (curve.highs.size() != curve.values.size()) curve.highs.clear();
  if (has_any(curve.values)) to.push_back(std::move(curve));
}

}  // namespace

std::vector<Table> statistics(const Json& report) {
  std::vector<Table> tables;
  for (const auto& [metric, unit] : at(report, "units").items()) {
    Table table;
    table.title = title_of(metric);
    const auto known = metric_named(metric);
    if (known) table.note = std::string(info(*known).help);
    for (const auto& [title, key] : figures) table.columns.emplace_back(title);
    const bool ratio = known && info(*known).shape == MetricShape::ratio;
    table.columns.emplace_back(ratio ? "tries" : "samples");
    for (const Json& direction : at(report, "directions")) {
      const Json& of = at(at(direction, "metrics"), metric);
      if (!of.is_object()) continue;
      Row row{direction_of(direction), {}};
      for (const auto& [title, key] : figures) row.cells.push_back(human_at(of, key, raw(unit)));
      row.cells.push_back(raw_at(of, "count"));
      table.rows.push_back(std::move(row));
    }
    if (!table.rows.empty()) tables.push_back(std::move(table));
  }
  return tables;
}

Table outcomes(const Json& report) {
  Table table;
  table.title = "Outcomes";
  table.note = "How the runs ended; connected is the share of those that were tried and came through.";
  table.columns = {"probe", "runs"};
  for (std::size_t i = 0; i < outcome_count; ++i) table.columns.emplace_back(name(static_cast<Outcome>(i)));
  table.columns.emplace_back("connected");
  for (const Json& direction : at(report, "directions"))
    for (const auto& [probe, counts] : at(direction, "outcomes").items()) {
      Row row{direction_of(direction), {probe}};
      double all = 0;
      double tried = 0;
      std::vector<std::string> cells;
      for (std::size_t i = 0; i < outcome_count; ++i) {
        const auto outcome = static_cast<Outcome>(i);
        const double count = number_at(counts, name(outcome)).value_or(0);
        all += count;
        if (was_tried(outcome)) tried += count;
        cells.push_back(fmt::format("{:.0f}", count));
      }
      row.cells.push_back(fmt::format("{:.0f}", all));
      row.cells.insert(row.cells.end(), cells.begin(), cells.end());
      row.cells.push_back(tried > 0 ? human(number_at(counts, "ok").value_or(0) / tried, "ratio") : "");
      table.rows.push_back(std::move(row));
    }
  return table;
}

bool too_many_for_curves(const Json& report) { return at(report, "directions").size() > curves_at_most; }

std::vector<CurveSet> curves(const Json& report) {
  std::vector<CurveSet> sets;
  if (too_many_for_curves(report)) return sets;
  for (const auto& [metric, unit] : at(report, "units").items()) {
    CurveSet set{metric, title_of(metric), {}, {}};
    for (const Json& direction : at(report, "directions")) {
      const Json& of = at(at(direction, "metrics"), metric);
      if (const Json& points = at(of, "series"); points.is_object())
        add_curve(set.over_time, direction, raw(unit), points);
      if (const Json& hours = at(of, "hours"); hours.is_object()) add_curve(set.by_hour, direction, raw(unit), hours);
    }
    if (!set.over_time.empty()) sets.push_back(std::move(set));
  }
  return sets;
}

std::string minute_later(std::string_view rfc3339, double seconds) {
  const auto time = parse_time(rfc3339);
  if (!time || !(std::abs(seconds) < 1e9)) return "";
  return clock_time(format_rfc3339(*time + from_seconds(seconds))).substr(0, 16);
}

std::string heading(const Json& report) {
  return fmt::format("{}, {} to {} UTC", text_at(report, "mesh"), minute_later(text_at(report, "since"), 0),
                     minute_later(text_at(report, "until"), 0));
}

std::string with_arrow(std::string_view text) {
  std::string out(text);
  for (auto place = out.find("->"); place != std::string::npos; place = out.find("->", place))
    out.replace(place, 2, "→");
  return out;
}

}  // namespace report

TextTable report_rows(const Json& report) {
  TextTable table;
  for (const char* column : {"from", "to", "metric", "unit", "count", "mean", "p50", "stddev", "min", "max"})
    table.columns.push_back({column, column});
  for (const Json& direction : at(report, "directions"))
    for (const auto& [metric, of] : at(direction, "metrics").items()) {
      std::vector<TextCell> row{same(text_at(direction, "from")), same(text_at(direction, "to")), same(metric),
                                same(raw_at(at(report, "units"), metric))};
      for (const char* key : {"count", "mean", "p50", "stddev", "min", "max"}) row.push_back(same(raw_at(of, key)));
      table.rows.push_back(std::move(row));
    }
  return table;
}

}  // namespace sonde::cli
