// What stands below the table of a link: courses and distributions of both directions as pictures in a line.
#include <fmt/format.h>

#include <nlohmann/json.hpp>

#include <algorithm>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "coordinator/cli/json_read.h"
#include "coordinator/cli/sketch.h"
#include "coordinator/cli/units.h"
#include "coordinator/cli/views.h"

namespace sonde::cli {
namespace {

using Values = std::vector<std::optional<double>>;

std::string link_name(const Json& json) { return text_at(json, "from") + " -> " + text_at(json, "to"); }

/// Medians; of ratios the means, since the median of rare losses is 0.
Values values_of(const Json& series) {
  const char* key = text_at(series, "unit") == "ratio" ? "mean" : "p50";
  Values values;
  for (const Json& point : at(series, "points")) values.push_back(number_at(point, key));
  return values;
}

std::optional<Range> range_of(const std::vector<Values>& all) {
  std::optional<Range> range;
  for (const Values& values : all)
    for (const std::optional<double>& value : values) {
      if (!value) continue;
      if (!range) range = Range{*value, *value};
      range->low = std::min(range->low, *value);
      range->high = std::max(range->high, *value);
    }
  return range;
}

std::vector<Bucket> buckets_of(const Json& histogram) {
  std::vector<Bucket> buckets;
  for (const Json& bucket : at(histogram, "buckets"))
    buckets.push_back({number_at(bucket, "low").value_or(0), number_at(bucket, "high").value_or(0),
                       number_at(bucket, "count").value_or(0)});
  return buckets;
}

/// Those of one step, which names its buckets by their places among all.
std::vector<Bucket> step_buckets(const Json& step, const std::vector<Bucket>& all) {
  std::vector<Bucket> own;
  for (const Json& place : at(step, "places")) {
    if (!place.is_array() || place.size() != 2 || !place[0].is_number_unsigned() || !place[1].is_number()) continue;
    const auto k = place[0].get<std::size_t>();
    if (k < all.size()) own.push_back({all[k].low, all[k].high, place[1].get<double>()});
  }
  return own;
}

std::string words(double value, const std::string& unit) { return human(value, unit); }

/// Empty columns of a part without a sample are blanks: they look different from a few samples.
Values shares_of(const std::vector<double>& counts) {
  const double most = counts.empty() ? 0 : *std::ranges::max_element(counts);
  Values shares;
  for (const double count : counts) shares.push_back(count > 0 ? std::optional(count / most) : std::nullopt);
  return shares;
}

}  // namespace

TextTable courses_view(const std::vector<std::vector<Json>>& metrics, Ink ink) {
  TextTable table;
  table.columns = {
      {"course", ""}, {"", ""}, {"oldest to newest", ""}, {"least", "", Align::right}, {"most", "", Align::right}};
  double step_s = 0;
  for (const std::vector<Json>& directions : metrics) {
    std::vector<Values> all;
    for (const Json& series : directions) all.push_back(values_of(series));
    const auto range = range_of(all);
    if (!range) continue;
    for (std::size_t i = 0; i < directions.size(); ++i) {
      const Json& series = directions[i];
      const std::string unit = text_at(series, "unit");
      const auto own = range_of({all[i]});
      if (!own) continue;
      step_s = number_at(series, "step_s").value_or(step_s);
      const double low = unit == "ratio" ? 0 : range->low;
      table.rows.push_back({same(i == 0 ? text_at(series, "metric") : ""), same(link_name(series)),
                            same(sparkline(all[i], low, range->high, ink)), same(words(own->low, unit)),
                            same(words(own->high, unit))});
    }
  }
  if (table.rows.empty()) return {};
  table.legend = {
      fmt::format("a column is {}: its median (of ratios the mean); both directions of a metric have one scale",
                  human_age(step_s))};
  return table;
}

TextTable distributions_view(const std::vector<Json>& histograms, std::size_t columns, Ink ink) {
  TextTable table;
  std::optional<Range> range;
  std::vector<std::vector<Bucket>> all;
  for (const Json& histogram : histograms) {
    all.push_back(buckets_of(histogram));
    const auto bulk = bulk_of(all.back());
    if (!bulk) continue;
    range = range ? Range{std::min(range->low, bulk->low), std::max(range->high, bulk->high)} : *bulk;
  }
  if (!range) return {};
  const std::string unit = text_at(histograms.front(), "unit");
  table.columns = {{"distribution", ""},
                   {"", ""},
                   {fmt::format("{} to {}", words(range->low, unit), words(range->high, unit)), ""},
                   {"samples", "", Align::right}};
  for (std::size_t i = 0; i < histograms.size(); ++i) {
    if (!bulk_of(all[i])) continue;
    const Values shares = shares_of(spread_over(all[i], *range, columns));
    table.rows.push_back({same(i == 0 ? text_at(histograms[i], "metric") : ""), same(link_name(histograms[i])),
                          same(sparkline(shares, 0, 1, ink)), same(raw_at(histograms[i], "count"))});
  }
  table.legend = {"of each direction by itself; a hundredth at either end is left out"};
  return table;
}

TextTable histogram_steps_view(const Json& histogram, std::size_t columns, Ink ink) {
  const std::vector<Bucket> all = buckets_of(histogram);
  const std::string unit = text_at(histogram, "unit");
  TextTable table;
  table.legend = {fmt::format("{} of {} -> {}: a row is {}, of itself; a hundredth at either end is left out",
                              text_at(histogram, "metric"), text_at(histogram, "from"), text_at(histogram, "to"),
                              human_age(number_at(histogram, "step_s").value_or(0)))};
  const auto range = bulk_of(all);
  table.columns = {{"from", "start", Align::left},
                   {range ? fmt::format("{} to {}", words(range->low, unit), words(range->high, unit)) : "", ""},
                   {"samples", "count", Align::right}};
  for (const Json& step : at(histogram, "steps")) {
    const std::vector<Bucket> own = step_buckets(step, all);
    const Values shares = range ? shares_of(spread_over(own, *range, columns)) : Values(columns);
    table.rows.push_back(
        {same(clock_time(text_at(step, "start"))), same(sparkline(shares, 0, 1, ink)), same(raw_at(step, "count"))});
  }
  return table;
}

TextTable histogram_steps_rows(const Json& histogram) {
  const std::vector<Bucket> all = buckets_of(histogram);
  TextTable table;
  table.columns = {{"from", "start", Align::left},
                   {"above", "low", Align::right},
                   {"up to", "high", Align::right},
                   {"samples", "count", Align::right}};
  for (const Json& step : at(histogram, "steps"))
    for (const Bucket& bucket : step_buckets(step, all))
      table.rows.push_back({same(raw_at(step, "start")), same(fmt::format("{}", bucket.low)),
                            same(fmt::format("{}", bucket.high)), same(fmt::format("{}", bucket.count))});
  return table;
}

}  // namespace sonde::cli
