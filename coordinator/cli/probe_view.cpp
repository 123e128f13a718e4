// One run with everything that it brought.
#include <fmt/format.h>

#include <nlohmann/json.hpp>

#include <algorithm>
#include <array>
#include <string>
#include <string_view>
#include <utility>

#include "coordinator/cli/json_read.h"
#include "coordinator/cli/units.h"
#include "coordinator/cli/views.h"
#include "shared/base/limits.h"
#include "shared/measure/metric.h"

namespace sonde::cli {
namespace {

/// A detail's unit is the end of its name.
std::string_view unit_of_detail(std::string_view name) {
  if (name.ends_with("_s")) return "s";
  if (name.ends_with("_ratio")) return "ratio";
  if (name.ends_with("_bps")) return "bit/s";
  return name == "bytes" || name.ends_with("_bytes") || name.starts_with("bytes_") ? "B" : "1";
}

std::string human_detail(double value, std::string_view name) {
  const std::string_view unit = unit_of_detail(name);
  if (unit == "B") return human_bytes(value);
  if (unit == "1") return fmt::format("{:.10g}", value);
  return human(value, unit);
}

constexpr std::string_view quantiles[] = {"p5", "p50", "p95", "p99", "min", "max"};

std::vector<TextCell> metric_row(const Json& result, const MetricInfo& metric) {
  const Json& samples = at(at(result, "distributions"), metric.name);
  const Json& median = at(result, metric.name);
  std::vector<TextCell> row{
      same(std::string(metric.name)), plain(human_at(result, metric.name, metric.unit), raw(median)),
      same(samples.is_object() ? raw_at(samples, "count") : raw_at(at(result, "counts"), metric.name))};
  for (const std::string_view quantile : quantiles)
    if (quantile != "p50") row.push_back(plain(human_at(samples, quantile, metric.unit), raw_at(samples, quantile)));
  return row;
}

/// "iteration_0_" or "stream_3_": figures of a part of the run, which have lines of their own.
bool is_of_part(std::string_view name) {
  const auto of = [&](std::string_view kind) {
    return name.starts_with(kind) && name.size() > kind.size() && name[kind.size()] >= '0' && name[kind.size()] <= '9';
  };
  return of("iteration_") || of("stream_");
}

/// What a part of a run moved, with the details that begin so; empty where there are none.
std::string part_line(const Json& details, const std::string& prefix) {
  std::string line;
  const auto add = [&](const char* name, std::string_view words) {
    const Json& value = at(details, (prefix + name).c_str());
    if (!value.is_number()) return;
    const std::string text = human_detail(value.get<double>(), prefix + name);
    line += fmt::format("{}{}{}", line.empty() ? "" : ", ", text, words);
  };
  add("bps", "");
  add("total_bps", " in all");
  add("bytes", "");
  add("packets", " packets");
  add("retransmits", " sent again");
  return line;
}

/// Each stream of what `prefix` names, one line each.
void add_stream_lines(const Json& details, const std::string& prefix, std::string_view what,
                      std::vector<std::string>& out) {
  for (std::size_t s = 0; s < limits::streams_per_run; ++s) {
    const std::string line = part_line(details, fmt::format("{}stream_{}_", prefix, s));
    if (line.empty()) return;
    out.push_back(fmt::format("{}stream {}: {}", what, s, line));
  }
}

void add_part_lines(const Json& result, std::vector<std::string>& out) {
  const Json& details = at(result, "details");
  if (!details.is_object()) return;
  add_stream_lines(details, "", "", out);
  for (std::size_t i = 0; i < limits::iterations_per_run; ++i) {
    const std::string prefix = fmt::format("iteration_{}_", i);
    const std::string line = part_line(details, prefix);
    if (line.empty()) return;
    out.push_back(fmt::format("iteration {}: {}", i, line));
    add_stream_lines(details, prefix, fmt::format("iteration {}, ", i), out);
  }
}

/// What the numbers of a transfer's details mean (docs/measurements.md).
struct Coded {
  const char* name;
  std::array<const char*, 6> words;
};
constexpr std::array<Coded, 3> coded_details{
    {{"ended_by",
      {"settled within 5 %", "ended after its duration", "ended at its byte budget", "ended with its slot",
       "ended by the sender", "ended with the other way's run"}},
     {"knee",
      {"no knee: the rate is an upper bound", "steady behind the knee (slow start or a burst)", "the knee is not clear",
       nullptr, nullptr, nullptr}},
     {"limited_by",
      {"limited by the path", "limited by the receiver's window", "limited by the sender's buffer",
       "limited by the sending agent", nullptr, nullptr}}}};

bool is_coded(std::string_view name) {
  return std::ranges::any_of(coded_details, [&](const Coded& coded) { return name == coded.name; });
}

/// How a transfer went, in words; empty for other probes.
std::string course_line(const Json& result) {
  std::string line;
  for (const Coded& coded : coded_details) {
    const Json& value = at(at(result, "details"), coded.name);
    if (!value.is_number()) continue;
    const double number = value.get<double>();
    if (!(number >= 0 && number < static_cast<double>(coded.words.size()))) continue;
    const char* words = coded.words.at(static_cast<std::size_t>(number));
    if (words != nullptr) line += fmt::format("{}{}", line.empty() ? "" : ", ", words);
  }
  return line;
}

std::string details_line(const Json& result) {
  std::string line;
  const Json& details = at(result, "details");
  if (!details.is_object()) return line;
  for (const auto& [name, value] : details.items())
    if (value.is_number() && name != "demand" && !is_coded(name) && !is_of_part(name))
      line += fmt::format("{}{} {}", line.empty() ? "" : ", ", name, human_detail(value.get<double>(), name));
  return line;
}

std::string tags_line(const Json& result) {
  std::string line;
  for (const Json& tag : at(result, "tags"))
    if (tag != "on_demand") line += (line.empty() ? "" : ", ") + raw(tag);
  return line;
}

}  // namespace

TextTable probe_view(const Json& run) {
  TextTable table;
  const Json& result = at(run, "result");
  const std::string what = fmt::format("{} {} -> {}", text_at(run, "probe"), text_at(run, "from"), text_at(run, "to"));
  if (!result.is_object()) {
    table.legend = {fmt::format("{}: {}, {}", what, text_at(run, "state"), text_at(run, "reason"))};
    return table;
  }
  table.columns = {{"metric", "metric"},         {"median", "value", Align::right}, {"samples", "count", Align::right},
                   {"p5", "p5", Align::right},   {"p95", "p95", Align::right},      {"p99", "p99", Align::right},
                   {"min", "min", Align::right}, {"max", "max", Align::right}};
  for (const MetricInfo& metric : all_metrics())
    if (at(result, metric.name).is_number()) table.rows.push_back(metric_row(result, metric));
  if (table.rows.empty()) table.columns.clear();
  const std::string reason = text_at(result, "reason");
  table.legend.push_back(fmt::format("{}: {}{}{}, finished {} UTC, {}", what, text_at(result, "outcome"),
                                     reason.empty() ? "" : ", ", reason, clock_time(text_at(result, "finished_at")),
                                     text_at(result, "id")));
  if (const std::string tags = tags_line(result); !tags.empty()) table.legend.push_back("tags: " + tags);
  if (const std::string course = course_line(result); !course.empty()) table.legend.push_back("run: " + course);
  add_part_lines(result, table.legend);
  if (const std::string details = details_line(result); !details.empty()) table.legend.push_back("details: " + details);
  return table;
}

TextTable probe_rows(const Json& run) {
  TextTable table;
  for (const char* name : {"from", "to", "probe", "outcome", "name", "stat", "value"})
    table.columns.push_back({name, name});
  const Json& result = at(run, "result");
  const auto add = [&](std::string_view name, std::string_view stat, const Json& value) {
    if (!value.is_number()) return;
    table.rows.push_back({same(text_at(run, "from")), same(text_at(run, "to")), same(text_at(run, "probe")),
                          same(text_at(result, "outcome")), same(std::string(name)), same(std::string(stat)),
                          same(raw(value))});
  };
  for (const MetricInfo& metric : all_metrics()) {
    const Json& samples = at(at(result, "distributions"), metric.name);
    add(metric.name, samples.is_object() ? "p50" : "", at(result, metric.name));
    for (const char* stat : {"p5", "p95", "p99", "min", "max", "mean", "count"})
      add(metric.name, stat, at(samples, stat));
  }
  if (const Json& details = at(result, "details"); details.is_object())
    for (const auto& [name, value] : details.items()) add(name, "", value);
  return table;
}

}  // namespace sonde::cli
