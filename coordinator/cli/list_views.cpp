#include <fmt/format.h>

#include <nlohmann/json.hpp>

#include <algorithm>
#include <string>
#include <utility>

#include "coordinator/cli/json_read.h"
#include "coordinator/cli/units.h"
#include "coordinator/cli/views.h"
#include "shared/measure/metric.h"

namespace sonde::cli {
namespace {

Tone agent_tone(std::string_view state) {
  if (state == "silent") return Tone::bad;
  return state == "never" ? Tone::warning : Tone::plain;
}

std::string duration_at(const Json& json, std::string_view key) {
  const auto seconds = number_at(json, key);
  return seconds ? human_stretch(*seconds) : "?";
}

Tone outcome_tone(std::string_view outcome) {
  if (outcome == "ok") return Tone::plain;
  return outcome == "busy" || outcome == "skipped" ? Tone::warning : Tone::bad;
}

/// The numbers that a person looks for first, of the probe.
std::vector<Metric> headline(std::string_view probe) {
  if (probe == "latency") return {Metric::rtt, Metric::loss_rtt, Metric::jitter};
  if (probe == "connect") return {Metric::connect, Metric::resolve};
  return {Metric::throughput, Metric::throughput_total, Metric::retransmits};
}

constexpr const char* result_field_names[] = {"id",           "seq",        "probe",       "from",    "to",    "round",
                                              "scheduled_at", "started_at", "finished_at", "outcome", "reason"};

/// What the site's probes have put on the wire, of its budget where it has one.
TextCell traffic_cell(const Json& traffic) {
  if (!traffic.is_object()) return same("");
  const std::string spent = human_bytes(number_at(traffic, "bytes").value_or(0));
  const auto budget = number_at(traffic, "budget");
  return plain(budget ? fmt::format("{} of {}", spent, human_bytes(*budget)) : spent, raw_at(traffic, "bytes"));
}

}  // namespace

TextTable sites_view(const Json& sites) {
  TextTable table;
  table.columns = {{"site", "name"},
                   {"agent", "state"},
                   {"heard", "last_heard"},
                   {"version", "version"},
                   {"results", "results", Align::right},
                   {"spooled", "spooled", Align::right},
                   {"traffic", "probe_traffic", Align::right},
                   {"clock", "clock_offset_s", Align::right},
                   {"address", "addresses"},
                   {"uplink", "uplink"},
                   {"groups", "groups"}};
  for (const Json& site : at(sites, "sites")) {
    const std::string state = text_at(site, "state");
    table.rows.push_back({same(text_at(site, "name")),
                          {state == "no_agent" ? "none" : state, state, agent_tone(state)},
                          plain(ago(at(sites, "at"), at(site, "last_heard")), raw_at(site, "last_heard")),
                          same(raw_at(site, "version")),
                          same(raw_at(site, "results")),
                          same(raw_at(site, "spooled")),
                          traffic_cell(at(site, "probe_traffic")),
                          plain(human_at(site, "clock_offset_s", "s"), raw_at(site, "clock_offset_s")),
                          same(raw_at(site, "addresses")),
                          same(raw_at(site, "uplink")),
                          same(raw_at(site, "groups"))});
  }
  table.legend.push_back(fmt::format("{} of {} agents heard, {} UTC, mesh {}", raw_at(sites, "heard"),
                                     raw_at(sites, "agents"), clock_time(text_at(sites, "at")),
                                     text_at(sites, "mesh")));
  return table;
}

TextTable measurers_view(const Json& sites) {
  TextTable table;
  table.columns = {{"site", "name"},
                   {"sends late p99", "send_lateness_p99_s", Align::right},
                   {"max", "send_lateness_max_s", Align::right},
                   {"slots late p99", "slot_lateness_p99_s", Align::right},
                   {"hold p50", "hold_p50_s", Align::right},
                   {"p99", "hold_p99_s", Align::right},
                   {"drops", "socket_drops", Align::right},
                   {"lost stamps", "lost_stamps", Align::right},
                   {"starved", "results_starved", Align::right},
                   {"CPU pressure", "cpu_pressure", Align::right},
                   {"real time", "real_time"},
                   {"clock +-", "clock_error_s", Align::right}};
  for (const Json& site : at(sites, "sites")) {
    const Json& said = at(site, "measurer");
    if (!said.is_object()) continue;
    const auto time = [](const Json& spread, std::string_view key) {
      return plain(human_at(spread, key, "s"), raw_at(spread, key));
    };
    const Json& clock = at(said, "clock");
    const Json& real_time = at(said, "real_time");
    table.rows.push_back({same(text_at(site, "name")), time(at(said, "send_lateness_s"), "p99"),
                          time(at(said, "send_lateness_s"), "max"), time(at(said, "slot_lateness_s"), "p99"),
                          time(at(said, "hold_s"), "p50"), time(at(said, "hold_s"), "p99"),
                          same(raw_at(said, "socket_drops")), same(raw_at(said, "lost_stamps")),
                          same(raw_at(said, "results_starved")),
                          plain(human_at(said, "cpu_pressure", "ratio"), raw_at(said, "cpu_pressure")),
                          plain(real_time == true ? "yes" : "no", raw_at(said, "real_time")),
                          plain(human_at(clock, "error_s", "s"), raw_at(clock, "error_s"))});
  }
  table.legend.push_back(
      "lateness and hold of the last minute; drops, lost stamps and starved results since the agent's start");
  return table;
}

TextTable timetable_view(const Json& timetable) {
  TextTable table;
  table.columns = {{"round", "round", Align::right},
                   {"from", "from"},
                   {"to", "to"},
                   {"start", "start_s", Align::right},
                   {"length", "length_s", Align::right}};
  for (const Json& slot : at(timetable, "slots"))
    table.rows.push_back({same(raw_at(slot, "round")), same(raw_at(slot, "from")), same(raw_at(slot, "to")),
                          plain(duration_at(slot, "start_s"), raw_at(slot, "start_s")),
                          plain(duration_at(slot, "length_s"), raw_at(slot, "length_s"))});
  table.legend.push_back(fmt::format("timetable {} of mesh {}, in force since {} UTC", raw_at(timetable, "generation"),
                                     text_at(timetable, "mesh"), clock_time(text_at(timetable, "effective_at"))));
  const Json& probes = at(timetable, "probes");
  if (at(probes, "throughput").is_object())
    table.legend.push_back(fmt::format("throughput: {} rounds in {}, repeated every {}", raw_at(timetable, "rounds"),
                                       duration_at(timetable, "cycle_s"),
                                       duration_at(timetable, "throughput_every_s")));
  if (const Json& latency = at(probes, "latency"); latency.is_object())
    table.legend.push_back(fmt::format("latency: {} probes/s on each link, a result every {}",
                                       raw_at(latency, "rate_per_s"), duration_at(latency, "every_s")));
  if (const Json& connect = at(probes, "connect"); connect.is_object())
    table.legend.push_back(fmt::format("connect: a run on each link every {}", duration_at(connect, "every_s")));
  return table;
}

TextTable results_head() {
  TextTable table;
  table.columns = {{"finished (UTC)", ""}, {"probe", ""}, {"from", ""}, {"to", ""}, {"outcome", ""}, {"values", ""}};
  return table;
}

std::vector<TextCell> result_row(const Json& result) {
  const std::string outcome = text_at(result, "outcome");
  std::string values;
  for (const Metric metric : headline(text_at(result, "probe"))) {
    const std::string value = human_at(result, name(metric), info(metric).unit);
    if (!value.empty()) values += fmt::format("{}{} {}", values.empty() ? "" : ", ", name(metric), value);
  }
  if (const std::string reason = text_at(result, "reason"); !reason.empty())
    values += (values.empty() ? "" : ", ") + reason;
  return {same(clock_time(text_at(result, "finished_at"))),
          same(text_at(result, "probe")),
          same(text_at(result, "from")),
          same(text_at(result, "to")),
          {outcome, outcome, outcome_tone(outcome)},
          same(shorten(values, 100))};
}

TextTable result_columns() {
  TextTable table;
  for (const char* field : result_field_names) table.columns.push_back({field, field});
  for (const MetricInfo& metric : all_metrics())
    table.columns.push_back({std::string(metric.name), std::string(metric.name)});
  return table;
}

std::vector<TextCell> result_fields(const Json& result) {
  std::vector<TextCell> row;
  for (const char* field : result_field_names) row.push_back(same(raw_at(result, field)));
  for (const MetricInfo& metric : all_metrics()) row.push_back(same(raw_at(result, metric.name)));
  return row;
}

}  // namespace sonde::cli
