#include <fmt/format.h>

#include <nlohmann/json.hpp>

#include <string>
#include <utility>

#include "coordinator/cli/json_read.h"
#include "coordinator/cli/units.h"
#include "coordinator/cli/views.h"

namespace sonde::cli {
namespace {

Tone severity_tone(const Json& incident) {
  if (text_at(incident, "state") != "open") return Tone::faint;
  return text_at(incident, "severity") == "critical" ? Tone::bad : Tone::warning;
}

std::vector<TextCell> row_of(const Json& incident) {
  const Tone tone = severity_tone(incident);
  const auto toned = [&](std::string_view key) {
    const std::string text = raw_at(incident, key);
    return TextCell{text, text, tone};
  };
  const auto confidence = number_at(incident, "confidence");
  return {same(raw_at(incident, "id")),
          toned("state"),
          toned("severity"),
          plain(clock_time(text_at(incident, "started_at")), raw_at(incident, "started_at")),
          plain(clock_time(text_at(incident, "ended_at")), raw_at(incident, "ended_at")),
          plain(confidence ? human(*confidence, "ratio") : "", raw_at(incident, "confidence")),
          same(raw_at(incident, "summary")),
          same(raw_at(incident, "cause")),
          same(raw_at(incident, "site")),
          same(raw_at(incident, "from")),
          same(raw_at(incident, "to")),
          same(raw_at(incident, "uplink"))};
}

}  // namespace

TextTable incidents_view(const Json& incidents) {
  TextTable table;
  // What a person reads first stands first; the parts of the cause are for programs.
  table.columns = {{"incident", "id"},      {"state", "state"},    {"severity", "severity"},
                   {"since", "started_at"}, {"until", "ended_at"}, {"sure", "confidence", Align::right},
                   {"summary", "summary"},  {"cause", "cause"},    {"site", "site"},
                   {"from", "from"},        {"to", "to"},          {"uplink", "uplink"}};
  const Json& list = at(incidents, "incidents");
  if (incidents.is_object() && incidents.contains("id")) table.rows.push_back(row_of(incidents));
  for (const Json& incident : list) table.rows.push_back(row_of(incident));
  if (table.rows.empty()) table.legend.push_back("no incidents");
  return table;
}

TextTable incident_view(const Json& incident) {
  TextTable table;
  table.hang = 4;
  table.legend.push_back(text_at(incident, "summary"));
  const auto confidence = number_at(incident, "confidence");
  table.legend.push_back(fmt::format("{}, {}, since {} UTC{}, {} sure", text_at(incident, "state"),
                                     text_at(incident, "severity"), clock_time(text_at(incident, "started_at")),
                                     at(incident, "ended_at").is_string()
                                         ? ", until " + clock_time(text_at(incident, "ended_at")) + " UTC"
                                         : std::string(),
                                     confidence ? human(*confidence, "ratio") : "not"));
  for (const Json& other : at(incident, "alternatives"))
    table.legend.push_back(
        fmt::format("or  {} ({})", text_at(other, "text"), human(number_at(other, "confidence").value_or(0), "ratio")));
  for (const Json& seen : at(incident, "evidence"))
    table.legend.push_back(fmt::format("  - {}", text_at(seen, "text")));
  for (const Json& moment : at(incident, "timeline"))
    table.legend.push_back(fmt::format("  {}  {}", clock_time(text_at(moment, "at")), text_at(moment, "text")));
  std::string links;
  for (const Json& link : at(incident, "links"))
    links += fmt::format("{}{}->{}", links.empty() ? "" : ", ", text_at(link, "from"), text_at(link, "to"));
  if (!links.empty()) table.legend.push_back("explains " + links);
  if (const std::string runbook = text_at(incident, "runbook"); !runbook.empty())
    table.legend.push_back("runbook " + runbook);
  return table;
}

}  // namespace sonde::cli
