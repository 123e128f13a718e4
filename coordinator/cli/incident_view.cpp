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

/// Why nobody is told of it, in a word or two; empty where everybody is.
std::string held_words(const Json& incident) {
  std::string words;
  const auto add = [&](const char* word) { words += fmt::format("{}{}", words.empty() ? "" : ", ", word); };
  if (at(incident, "acknowledged").is_object()) add("acknowledged");
  bool silenced = false;
  bool window = false;
  for (const Json& one : at(incident, "silenced")) (at(one, "window").is_string() ? window : silenced) = true;
  if (silenced) add("silenced");
  if (window) add("maintenance");
  return words;
}

/// "until 2026-01-02 03:04:05 UTC, ann: new router"
std::string until_by(const Json& one) {
  return fmt::format("until {} UTC, {}: {}", clock_time(text_at(one, "ends_at")), text_at(one, "author"),
                     text_at(one, "reason"));
}

/// "site athens, severity info or warning"
std::string match_words(const Json& match) {
  std::string words;
  if (!match.is_object()) return words;
  for (const auto& [key, values] : match.items()) {
    words += fmt::format("{}{}", words.empty() ? "" : ", ", key);
    bool first = true;
    for (const Json& value : values)
      words += fmt::format("{}{}", std::exchange(first, false) ? " " : " or ", raw(value));
  }
  return words;
}

std::vector<TextCell> row_of_silence(const Json& silence, bool window) {
  const std::string state = raw_at(silence, "state");
  const auto when = [&](const char* key) { return plain(clock_time(text_at(silence, key)), raw_at(silence, key)); };
  return {same(window ? "window " + raw_at(silence, "name") : raw_at(silence, "id")),
          TextCell{state, state, state == "active" ? Tone::warning : Tone::faint},
          when("starts_at"),
          when("ends_at"),
          same(raw_at(silence, "author")),
          same(match_words(at(silence, "matchers"))),
          same(raw_at(silence, "reason"))};
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
          same(held_words(incident)),
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
  table.columns = {{"incident", "id"},
                   {"state", "state"},
                   {"severity", "severity"},
                   {"held", "held"},
                   {"since", "started_at"},
                   {"until", "ended_at"},
                   {"sure", "confidence", Align::right},
                   {"summary", "summary"},
                   {"cause", "cause"},
                   {"site", "site"},
                   {"from", "from"},
                   {"to", "to"},
                   {"uplink", "uplink"}};
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
  if (const Json& by = at(incident, "acknowledged"); by.is_object()) {
    const std::string reason = text_at(by, "reason");
    table.legend.push_back(fmt::format("acknowledged by {} at {} UTC{}{}{}", text_at(by, "author"),
                                       clock_time(text_at(by, "at")), reason.empty() ? "" : ": ", reason,
                                       at(incident, "held") == false && text_at(incident, "state") == "open"
                                           ? "; it has become worse since, so notices go out again"
                                           : ""));
  }
  for (const Json& one : at(incident, "silenced"))
    table.legend.push_back(at(one, "window").is_string()
                               ? fmt::format("maintenance window {} {}", text_at(one, "window"), until_by(one))
                               : fmt::format("silence {} {}", text_at(one, "silence"), until_by(one)));
  for (const Json& other : at(incident, "alternatives"))
    table.legend.push_back(
        fmt::format("or  {} ({})", text_at(other, "text"), human(number_at(other, "confidence").value_or(0), "ratio")));
  for (const Json& seen : at(incident, "patterns"))
    table.legend.push_back(fmt::format("  * {}", text_at(seen, "text")));
  for (const Json& seen : at(incident, "evidence")) {
    table.legend.push_back(fmt::format("  - {}", text_at(seen, "text")));
    if (const std::string hops = text_at(seen, "hops"); !hops.empty())
      table.legend.push_back(fmt::format("      hops: {}", hops));
  }
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

TextTable rules_view(const Json& replayed) {
  TextTable table = incidents_view(replayed);
  table.legend.clear();
  const auto then = number_at(replayed, "raised_then");
  table.legend.push_back(fmt::format("{} UTC to {} UTC, {:.0f} results: these rules would have raised {} incident{}{}",
                                     clock_time(text_at(replayed, "since")), clock_time(text_at(replayed, "until")),
                                     number_at(replayed, "results").value_or(0), table.rows.size(),
                                     table.rows.size() == 1 ? "" : "s",
                                     then ? fmt::format("; the coordinator has raised {:.0f}", *then) : ""));
  return table;
}

TextTable silences_view(const Json& silences) {
  TextTable table;
  table.columns = {{"silence", "id"},    {"state", "state"},    {"from", "starts_at"}, {"until", "ends_at"},
                   {"author", "author"}, {"means", "matchers"}, {"reason", "reason"}};
  if (silences.is_object() && silences.contains("id")) table.rows.push_back(row_of_silence(silences, false));
  for (const Json& one : at(silences, "silences")) table.rows.push_back(row_of_silence(one, false));
  for (const Json& one : at(silences, "windows")) table.rows.push_back(row_of_silence(one, true));
  if (table.rows.empty()) table.legend.push_back("nothing is silenced");
  return table;
}

}  // namespace sonde::cli
