#include <fmt/format.h>

#include <nlohmann/json.hpp>

#include <initializer_list>
#include <map>
#include <set>
#include <string>
#include <utility>

#include "coordinator/cli/json_read.h"
#include "coordinator/cli/units.h"
#include "coordinator/cli/views.h"

namespace sonde::cli {
namespace {

struct StateWord {
  std::string_view word;  ///< in the cell
  Tone tone;
  std::string_view meaning;  ///< in the legend
};

/// States of the API; `ok` has no word.
const std::map<std::string, StateWord, std::less<>>& state_words() {
  static const std::map<std::string, StateWord, std::less<>> words{
      {"none", {"-", Tone::faint, "not measured on this link"}},
      {"paused", {"paused", Tone::faint, "an operator paused it"}},
      {"agent_silent", {"silent", Tone::warning, "the agent at from is not heard"}},
      {"never", {"never", Tone::faint, "no result yet"}},
      {"down", {"DOWN", Tone::bad, "the last two runs brought no value"}},
      {"stale", {"stale", Tone::warning, "results stopped coming"}},
      {"unsynced", {"unsynced", Tone::faint, "the clocks' error is too large"}},
      {"degraded", {"DEGRADED", Tone::bad, "a rule is raised"}},
  };
  return words;
}

struct Seen {
  std::set<std::string> states;
  bool few = false;
};

TextCell cell_text(const Json& cell, std::string_view unit, Seen& seen) {
  TextCell out{human_at(cell, "value", unit), raw_at(cell, "value"), Tone::plain};
  if (!out.text.empty() && at(cell, "few") == true) {
    out.text += '~';
    seen.few = true;
  }
  if (const auto error = number_at(cell, "error_s"); error && !out.text.empty()) out.text += " +-" + human(*error, "s");
  const std::string state = text_at(cell, "state");
  const auto word = state_words().find(state);
  if (word == state_words().end()) return out;
  seen.states.insert(state);
  out.tone = word->second.tone;
  if (!out.text.empty()) out.text += ' ';
  out.text += word->second.word;
  return out;
}

std::vector<std::string> explanations(const Seen& seen) {
  std::string line = seen.few ? "~ fewer than 20 samples" : "";
  for (const std::string& state : seen.states) {
    const StateWord& word = state_words().at(state);
    line += fmt::format("{}{}: {}", line.empty() ? "" : "; ", word.word, word.meaning);
  }
  return line.empty() ? std::vector<std::string>() : std::vector{line + "."};
}

std::string window_text(const Json& json) {
  const auto window = number_at(json, "window_s");
  return window ? human_stretch(*window) : "?";
}

using Key = std::pair<std::string, std::string>;

std::map<Key, const Json*> cells_by_link(const Json& matrix) {
  std::map<Key, const Json*> cells;
  for (const Json& cell : at(matrix, "cells")) cells[{text_at(cell, "from"), text_at(cell, "to")}] = &cell;
  return cells;
}

/// CSV: one row for each cell, whichever view it comes from.
TextTable cell_columns() {
  TextTable table;
  for (const char* name : {"from", "to", "metric", "stat", "unit", "value", "count", "age_s", "state", "error_s"})
    table.columns.push_back({name, name, Align::left});
  return table;
}

/// `subject`: from, to, metric, stat, unit.
std::vector<TextCell> cell_row(std::initializer_list<Json> subject, const Json& cell) {
  std::vector<TextCell> row;
  for (const Json& part : subject) row.push_back(same(raw(part)));
  for (const char* field : {"value", "count", "age_s", "state", "error_s"}) row.push_back(same(raw_at(cell, field)));
  return row;
}

/// True where the metric is in this state in all directions.
bool all_are(const Json& directions, std::string_view metric, std::string_view state) {
  for (const Json& direction : directions)
    if (text_at(at(at(direction, "cells"), metric), "state") != state) return false;
  return true;
}

}  // namespace

TextTable matrix_view(const Json& matrix) {
  TextTable table;
  table.overflow = Overflow::blocks;
  table.columns.push_back({"from \\ to", "from", Align::left});
  const std::string unit = text_at(matrix, "unit");
  const auto cells = cells_by_link(matrix);
  std::set<std::string> rows;
  for (const auto& [key, cell] : cells) rows.insert(key.first);
  for (const Json& site : at(matrix, "sites")) table.columns.push_back({raw(site), raw(site), Align::right});
  Seen seen;
  for (const Json& from_json : at(matrix, "sites")) {
    const std::string from = raw(from_json);
    if (!rows.contains(from)) continue;  // no agent there: a column only
    std::vector<TextCell> row{same(from)};
    for (const Json& to : at(matrix, "sites")) {
      const auto cell = cells.find({from, raw(to)});
      row.push_back(cell != cells.end() ? cell_text(*cell->second, unit, seen) : TextCell{".", "", Tone::faint});
    }
    table.rows.push_back(std::move(row));
  }
  table.legend = {fmt::format("{} {} over {} in {}, {} UTC, mesh {}", text_at(matrix, "metric"),
                              text_at(matrix, "stat"), window_text(matrix), unit == "1" ? "counts" : unit,
                              clock_time(text_at(matrix, "at")), text_at(matrix, "mesh"))};
  for (std::string& line : explanations(seen)) table.legend.push_back(std::move(line));
  return table;
}

TextTable matrix_rows(const Json& matrix) {
  TextTable table = cell_columns();
  for (const Json& cell : at(matrix, "cells"))
    table.rows.push_back(cell_row(
        {at(cell, "from"), at(cell, "to"), at(matrix, "metric"), at(matrix, "stat"), at(matrix, "unit")}, cell));
  return table;
}

namespace {

/// ", light in fibre 17.7 ms: the least round trip is 2.26 times that"
std::string efficiency_text(const Json& link) {
  const Json& efficiency = at(link, "efficiency");
  const auto fibre = number_at(efficiency, "fibre_rtt_s");
  if (!fibre) return "";
  const auto ratio = number_at(efficiency, "ratio");
  return fmt::format(
      ", there and back in fibre {}{}", human(*fibre, "s"),
      ratio && *ratio > 0 ? fmt::format(": the least round trip takes {:.2f} times that", 1 / *ratio) : std::string());
}

}  // namespace

TextTable link_view(const Json& link) {
  TextTable table;
  table.overflow = Overflow::blocks;
  table.columns = {{"metric", "metric", Align::left}, {"stat", "stat", Align::left}};
  const Json& directions = at(link, "directions");
  for (const Json& direction : directions) {
    const std::string title = text_at(direction, "from") + " -> " + text_at(direction, "to");
    table.columns.push_back({title, title, Align::right});
    for (const char* beside : {"samples", "age"}) table.columns.push_back({beside, beside, Align::right, true});
  }
  Seen seen;
  const Json none = Json::object();
  const Json& names = directions.is_array() && !directions.empty() ? at(directions[0], "cells") : none;
  std::string nowhere;
  std::string never;
  for (const auto& [metric, first] : names.items()) {
    if (all_are(directions, metric, "none")) {
      nowhere += (nowhere.empty() ? "" : ", ") + metric;
      continue;
    }
    if (all_are(directions, metric, "never")) {
      never += (never.empty() ? "" : ", ") + metric;
      continue;
    }
    std::vector<TextCell> row{same(metric), same(text_at(first, "stat"))};
    for (const Json& direction : directions) {
      const Json& cell = at(at(direction, "cells"), metric);
      row.push_back(cell_text(cell, text_at(cell, "unit"), seen));
      row.push_back(same(raw_at(cell, "count")));
      const auto age = number_at(cell, "age_s");
      row.push_back(plain(age ? human_age(*age) : "", raw_at(cell, "age_s")));
    }
    table.rows.push_back(std::move(row));
  }
  table.legend.push_back(fmt::format("over {}, {} UTC, mesh {}", window_text(link), clock_time(text_at(link, "at")),
                                     text_at(link, "mesh")));
  if (!never.empty()) table.legend.push_back("no result yet: " + never);
  if (!nowhere.empty()) table.legend.push_back("not measured here: " + nowhere);
  if (const auto distance = number_at(link, "distance_m"))
    table.legend.push_back(fmt::format("great circle {:.0f} km{}", *distance / 1000, efficiency_text(link)));
  for (std::string& line : explanations(seen)) table.legend.push_back(std::move(line));
  return table;
}

TextTable link_rows(const Json& link) {
  TextTable table = cell_columns();
  for (const Json& direction : at(link, "directions"))
    for (const auto& [metric, cell] : at(direction, "cells").items())
      table.rows.push_back(cell_row(
          {at(direction, "from"), at(direction, "to"), Json(metric), at(cell, "stat"), at(cell, "unit")}, cell));
  return table;
}

}  // namespace sonde::cli
