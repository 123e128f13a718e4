#include <fmt/format.h>

#include <nlohmann/json.hpp>

#include <algorithm>
#include <cmath>
#include <iterator>
#include <string>

#include "coordinator/cli/json_read.h"
#include "coordinator/cli/report_view.h"
#include "coordinator/cli/units.h"

namespace sonde::cli {
namespace {

using namespace report;

/// Nothing that a name holds may become markup.
std::string escaped(std::string_view text) {
  std::string out;
  for (const char c : text) {
    if (std::string_view("\\`*[]<>|#").find(c) != std::string_view::npos) out += '\\';
    out += static_cast<unsigned char>(c) < 0x20 ? ' ' : c;
  }
  return out;
}

/// Code points, near enough to columns for site names.
std::size_t width_of(std::string_view text) {
  return static_cast<std::size_t>(
      std::ranges::count_if(text, [](char c) { return (static_cast<unsigned char>(c) & 0xC0U) != 0x80U; }));
}

std::string padded(const std::string& text, std::size_t width, bool right) {
  const std::string blanks(width - std::min(width, width_of(text)), ' ');
  return right ? blanks + text : text + blanks;
}

void write_table(std::string& out, const std::vector<std::string>& columns,
                 const std::vector<std::vector<std::string>>& rows) {
  std::vector<std::size_t> widths;
  for (std::size_t i = 0; i < columns.size(); ++i) {
    std::size_t width = std::max<std::size_t>(width_of(columns[i]), 3);
    for (const auto& row : rows) width = std::max(width, width_of(row[i]));
    widths.push_back(width);
  }
  const auto line = [&](const std::vector<std::string>& cells) {
    for (std::size_t i = 0; i < cells.size(); ++i) out += (i == 0 ? "| " : " | ") + padded(cells[i], widths[i], i > 0);
    out += " |\n";
  };
  line(columns);
  for (std::size_t i = 0; i < columns.size(); ++i)
    out += i == 0 ? "|-" + std::string(widths[i], '-') + "-|" : " " + std::string(widths[i] - 1, '-') + ": |";
  out += '\n';
  for (const auto& row : rows) line(row);
  out += '\n';
}

void write_table(std::string& out, const Table& table) {
  out += fmt::format("## {}\n\n", escaped(table.title));
  if (!table.note.empty()) out += escaped(table.note) + "\n\n";
  std::vector<std::string> columns{"direction"};
  columns.insert(columns.end(), table.columns.begin(), table.columns.end());
  std::vector<std::vector<std::string>> rows;
  for (const Row& row : table.rows) {
    rows.push_back({escaped(with_arrow(row.direction))});
    for (const std::string& cell : row.cells) rows.back().push_back(escaped(cell));
  }
  write_table(out, columns, rows);
}

struct Range {
  double least = 0;
  double greatest = 0;
};

Range range_of(const std::vector<double>& values) {
  Range range{INFINITY, -INFINITY};
  for (const double value : values)
    if (std::isfinite(value)) range = {std::min(range.least, value), std::max(range.greatest, value)};
  return range;
}

/// A character for each value, from the least to the greatest; a blank where nothing came.
std::string blocks_of(const std::vector<double>& values) {
  constexpr std::string_view levels[] = {"▁", "▂", "▃", "▄", "▅", "▆", "▇", "█"};
  const auto [least, greatest] = range_of(values);
  std::string out;
  for (const double value : values) {
    if (!std::isfinite(value)) {
      out += ' ';
      continue;
    }
    const double share = greatest > least ? (value - least) / (greatest - least) : 0;
    out += levels[std::min(std::size(levels) - 1, static_cast<std::size_t>(share * std::size(levels)))];
  }
  return out;
}

void write_over_time(std::string& out, const CurveSet& set, const Json& report) {
  const double step = number_at(report, "step_s").value_or(0);
  out += fmt::format(
      "## {} over time\n\nEach character is {} ({} UTC on), from the least to the greatest of its line.\n\n```text\n",
      escaped(set.what), human_age(step), minute_later(text_at(report, "first_step"), 0));
  std::size_t width = 0;
  for (const Curve& curve : set.over_time) width = std::max(width, width_of(curve.direction));
  for (const Curve& curve : set.over_time) {
    const auto [least, greatest] = range_of(curve.values);
    out += fmt::format("{}  {}  {} to {}\n", padded(curve.direction, width, false), blocks_of(curve.values),
                       human(least, curve.unit), human(greatest, curve.unit));
  }
  out += "```\n\n";
}

std::string hour_text(const std::vector<double>& values, double wanted) {
  const auto place = std::ranges::find(values, wanted);
  return fmt::format("{:02}:00", place - values.begin());
}

void write_by_hour(std::string& out, const CurveSet& set) {
  if (set.by_hour.empty()) return;
  out += fmt::format("## {} by hour of the day (UTC)\n\n", escaped(set.what));
  std::vector<std::vector<std::string>> rows;
  for (const Curve& curve : set.by_hour) {
    const auto [least, greatest] = range_of(curve.values);
    rows.push_back({escaped(with_arrow(curve.direction)), "`" + blocks_of(curve.values) + "`",
                    escaped(human(least, curve.unit)), hour_text(curve.values, least),
                    escaped(human(greatest, curve.unit)), hour_text(curve.values, greatest)});
  }
  write_table(out, {"direction", "0:00 to 23:00", "least", "from", "greatest", "from"}, rows);
}

std::string_view mark(std::string_view weight) {
  if (weight == "bad") return "**Bad:** ";
  return weight == "warning" ? "**Warning:** " : "";
}

}  // namespace

std::string report_markdown(const Json& report) {
  std::string out = fmt::format("# Report of the mesh {}\n\n## What stands out\n\n", escaped(heading(report)));
  for (const Json& finding : at(report, "findings"))
    out += fmt::format("- {}{}\n", mark(text_at(finding, "weight")), escaped(with_arrow(text_at(finding, "text"))));
  out += '\n';
  for (const Table& table : statistics(report)) write_table(out, table);
  write_table(out, outcomes(report));
  if (too_many_for_curves(report))
    out += fmt::format("Curves are left out for more than {} directions; ask for one site with `--from` or `--to`.\n\n",
                       curves_at_most);
  for (const CurveSet& set : curves(report)) {
    write_over_time(out, set, report);
    write_by_hour(out, set);
  }
  out += fmt::format("Made {} UTC by Sonde.\n", clock_time(text_at(report, "made_at")));
  return out;
}

}  // namespace sonde::cli
