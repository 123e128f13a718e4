// What was, as tables: series, histogram, profile of the week, detours.
#include <fmt/format.h>

#include <nlohmann/json.hpp>

#include <algorithm>
#include <string>
#include <utility>

#include "coordinator/cli/json_read.h"
#include "coordinator/cli/units.h"
#include "coordinator/cli/views.h"

namespace sonde::cli {
namespace {

constexpr std::pair<std::string_view, std::string_view> stretch_columns[] = {
    {"p5", "p5"}, {"median", "p50"}, {"p95", "p95"}, {"mean", "mean"}, {"min", "min"}, {"max", "max"}};
constexpr double longest_bar = 40;

std::string headline(const Json& json) {
  return fmt::format("{} of {} -> {}, the last {}, {} UTC", text_at(json, "metric"), text_at(json, "from"),
                     text_at(json, "to"), human_age(number_at(json, "window_s").value_or(0)),
                     clock_time(text_at(json, "at")));
}

TextCell number_cell(const Json& json, std::string_view key, std::string_view unit) {
  return plain(human_at(json, key, unit), raw_at(json, key));
}

void add_stretch_columns(TextTable& table) {
  table.columns.push_back({"samples", "count", Align::right});
  for (const auto& [title, key] : stretch_columns)
    table.columns.push_back({std::string(title), std::string(key), Align::right});
}

void add_stretch(std::vector<TextCell>& row, const Json& stretch, std::string_view unit) {
  row.push_back(same(raw_at(stretch, "count")));
  for (const auto& [title, key] : stretch_columns) row.push_back(number_cell(stretch, key, unit));
}

}  // namespace

TextTable series_view(const Json& series) {
  TextTable table;
  const std::string unit = text_at(series, "unit");
  table.columns.push_back({"from", "start", Align::left});
  add_stretch_columns(table);
  for (const Json& point : at(series, "points")) {
    std::vector<TextCell> row{plain(clock_time(text_at(point, "start")), raw_at(point, "start"))};
    add_stretch(row, point, unit);
    table.rows.push_back(std::move(row));
  }
  const std::string level = text_at(series, "level");
  table.legend.push_back(headline(series));
  table.legend.push_back(fmt::format("a row is {}, made of {}", human_age(number_at(series, "step_s").value_or(0)),
                                     level == "raw" ? "single results" : level + "s"));
  return table;
}

TextTable histogram_view(const Json& histogram) {
  TextTable table;
  const std::string unit = text_at(histogram, "unit");
  table.columns = {{"above", "low", Align::right},
                   {"up to", "high", Align::right},
                   {"samples", "count", Align::right},
                   {"", "share", Align::left}};
  const double all = number_at(histogram, "count").value_or(0);
  double most = 1;
  for (const Json& bucket : at(histogram, "buckets")) most = std::max(most, number_at(bucket, "count").value_or(0));
  for (const Json& bucket : at(histogram, "buckets")) {
    const double count = number_at(bucket, "count").value_or(0);
    const auto length = static_cast<std::size_t>(std::clamp(count / most, 0.0, 1.0) * longest_bar);
    table.rows.push_back({number_cell(bucket, "low", unit), number_cell(bucket, "high", unit),
                          same(raw_at(bucket, "count")),
                          plain(std::string(std::max<std::size_t>(length, count > 0 ? 1 : 0), '#'),
                                fmt::format("{}", all > 0 ? count / all : 0))});
  }
  table.legend.push_back(headline(histogram));
  table.legend.push_back(fmt::format("{} samples, {} to {}", raw_at(histogram, "count"),
                                     human_at(histogram, "min", unit), human_at(histogram, "max", unit)));
  return table;
}

TextTable profile_view(const Json& profile) {
  TextTable table;
  const std::string unit = text_at(profile, "unit");
  table.columns = {{"day", "day", Align::left}, {"hour", "hour", Align::right}};
  add_stretch_columns(table);
  for (const Json& hour : at(profile, "hours")) {
    std::vector<TextCell> row{
        same(text_at(hour, "day")),
        plain(fmt::format("{:02.0f}:00", number_at(hour, "hour").value_or(0)), raw_at(hour, "hour"))};
    add_stretch(row, hour, unit);
    table.rows.push_back(std::move(row));
  }
  table.legend.push_back(headline(profile));
  table.legend.emplace_back("hours of the week in UTC; the same hour of several weeks is one row");
  return table;
}

TextTable detours_view(const Json& detours) {
  TextTable table;
  table.columns = {{"from", "from", Align::left},         {"to", "to", Align::left},
                   {"via", "via", Align::left},           {"direct", "direct_s", Align::right},
                   {"detour", "via_s", Align::right},     {"gain", "gain_s", Align::right},
                   {"share", "gain_ratio", Align::right}, {"held", "held_ratio", Align::right},
                   {"hours", "hours", Align::right}};
  for (const Json& detour : at(detours, "detours"))
    table.rows.push_back({same(text_at(detour, "from")), same(text_at(detour, "to")), same(text_at(detour, "via")),
                          number_cell(detour, "direct_s", "s"), number_cell(detour, "via_s", "s"),
                          number_cell(detour, "gain_s", "s"), number_cell(detour, "gain_ratio", "ratio"),
                          number_cell(detour, "held_ratio", "ratio"), same(raw_at(detour, "hours"))});
  table.legend.push_back(
      fmt::format("median round trips, the last {}, {} UTC; held: share of the hours in which the "
                  "detour was the shorter way",
                  human_age(number_at(detours, "window_s").value_or(0)), clock_time(text_at(detours, "at"))));
  if (table.rows.empty()) table.legend.emplace_back("no way through a third site is shorter than the direct one");
  return table;
}

}  // namespace sonde::cli
