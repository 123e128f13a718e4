#include <fmt/format.h>

#include <nlohmann/json.hpp>

#include <string>

#include "coordinator/cli/json_read.h"
#include "coordinator/cli/units.h"
#include "coordinator/cli/views.h"

namespace sonde::cli {
namespace {

std::string stretch_at(const Json& json, std::string_view key) {
  const auto seconds = number_at(json, key);
  return seconds ? human_stretch(*seconds) : "?";
}

TextCell bytes_cell(const Json& json, std::string_view key) {
  const auto bytes = number_at(json, key);
  return plain(bytes ? human_bytes(*bytes) : "", raw_at(json, key));
}

TextCell share_cell(const Json& json, std::string_view key) {
  return plain(human_at(json, key, "ratio"), raw_at(json, key));
}

/// Each site, then each uplink: the rows of a plan whose links nobody asked for.
void add_places(const Json& plan, TextTable& table) {
  table.columns = {{"site", "site"},
                   {"utilisation", "utilisation", Align::right},
                   {"bytes per day, at most", "bytes_per_day", Align::right},
                   {"per month", "bytes_per_month", Align::right}};
  const Json& utilisation = at(plan, "utilisation");
  for (const auto& [site, share] : utilisation.items())
    table.rows.push_back({same(site), share_cell(utilisation, site), bytes_cell(at(plan, "bytes_per_day"), site),
                          bytes_cell(at(plan, "bytes_per_month"), site)});
  for (const auto& [uplink, use] : at(plan, "uplinks").items()) {
    TextCell busy = share_cell(use, "utilisation");
    if (const auto share = number_at(use, "share"); share && *share < 1) busy.text += " of " + human(*share, "ratio");
    table.rows.push_back(
        {same("uplink " + uplink), busy, bytes_cell(use, "bytes_per_day"), bytes_cell(use, "bytes_per_month")});
  }
}

void add_links(const Json& links, TextTable& table) {
  table.columns = {{"from", "from"},
                   {"to", "to"},
                   {"throughput every", "throughput_every_s", Align::right},
                   {"utilisation", "utilisation", Align::right},
                   {"bytes per day, at most", "bytes_per_day", Align::right},
                   {"per month", "bytes_per_month", Align::right}};
  for (const Json& link : links)
    table.rows.push_back({same(text_at(link, "from")), same(text_at(link, "to")),
                          plain(number_at(link, "throughput_every_s") ? stretch_at(link, "throughput_every_s") : "",
                                raw_at(link, "throughput_every_s")),
                          share_cell(link, "utilisation"), bytes_cell(link, "bytes_per_day"),
                          bytes_cell(link, "bytes_per_month")});
}

void add_uses(const Json& uses, std::string_view kind, TextTable& table) {
  for (const auto& [name, use] : uses.items())
    table.rows.push_back({same(std::string(kind) + name), share_cell(use, "measured"), share_cell(use, "planned")});
}

}  // namespace

TextTable audit_view(const Json& audit) {
  TextTable table;
  table.columns = {
      {"site", "site"}, {"in throughput runs", "measured", Align::right}, {"planned", "planned", Align::right}};
  add_uses(at(audit, "utilisation"), "", table);
  add_uses(at(audit, "uplinks"), "uplink ", table);
  table.legend.push_back(fmt::format(
      "{}: {} runs from {} to {} UTC; missed: {} (busy {}, skipped {}, unreported {})", text_at(audit, "probe"),
      raw_at(audit, "runs"), clock_time(text_at(audit, "since")), clock_time(text_at(audit, "until")),
      raw_at(audit, "missed"), raw_at(audit, "busy"), raw_at(audit, "skipped"), raw_at(audit, "unreported")));
  if (const Json& error = at(audit, "start_error_s"); number_at(error, "p50"))
    table.legend.push_back(fmt::format("start error: p50 {}, p99 {}, at most {}", human_at(error, "p50", "s"),
                                       human_at(error, "p99", "s"), human_at(error, "max", "s")));
  if (const auto overlaps = number_at(audit, "overlaps")) {
    const auto uncertain = number_at(audit, "overlaps_within_clock_error").value_or(0);
    table.legend.push_back(
        *overlaps == 0 ? "no overlaps"
                       : fmt::format("{:.0f} OVERLAPS, {:.0f} of them within the clocks' error", *overlaps, uncertain));
  }
  return table;
}

TextTable plan_view(const Json& plan) {
  TextTable table;
  if (const Json& links = at(plan, "links"); links.is_array())
    add_links(links, table);
  else
    add_places(plan, table);
  const auto cycle = number_at(plan, "cycle_s");
  const auto bound = number_at(plan, "lower_bound_s");
  std::string above;
  if (cycle && bound && *bound > 0) above = fmt::format(", {:.1f} % above it", 100 * (*cycle / *bound - 1));
  table.legend.push_back(fmt::format("{} sites; throughput: {} rounds in {}, at least {} without any overhead{}",
                                     raw_at(plan, "sites"), raw_at(plan, "rounds"), stretch_at(plan, "cycle_s"),
                                     stretch_at(plan, "lower_bound_s"), above));
  if (number_at(plan, "every_s").value_or(0) > 0)
    table.legend.push_back(fmt::format("everything repeats every {}; the oldest cell gets {} old",
                                       stretch_at(plan, "every_s"), stretch_at(plan, "oldest_cell_s")));
  const auto conflicts = number_at(plan, "conflicts").value_or(0);
  table.legend.push_back(conflicts == 0 ? "no conflicts" : fmt::format("{:.0f} CONFLICTS", conflicts));
  return table;
}

}  // namespace sonde::cli
