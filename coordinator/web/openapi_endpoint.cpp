#include <nlohmann/json.hpp>

#include <algorithm>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "coordinator/core/report.h"
#include "coordinator/web/endpoints.h"
#include "coordinator/web/json.h"

namespace sonde::web {
namespace {

struct Described {
  std::string_view path;
  std::string_view summary;
  std::vector<std::string_view> parameters;  ///< names of parameter()
  std::string_view content_type;
  std::string_view schema;  ///< name in components, empty for text
};

const std::vector<Described>& described() {
  constexpr std::string_view json = "application/json";
  constexpr std::string_view text = "text/plain";
  static const std::vector<Described> all{
      {"/api/v1/matrix",
       "One metric of every link.",
       {"metric", "stat", "window", "at", "layout", "format"},
       json,
       "Matrix"},
      {"/api/v1/sites", "The sites and what their agents last said.", {}, json, "Sites"},
      {"/api/v1/timetable", "Who measures whom, when.", {"site"}, json, "Timetable"},
      {"/api/v1/timetable/audit",
       "What really ran, held against the timetable.",
       {"probe", "window", "at"},
       json,
       "Audit"},
      {"/api/v1/incidents", "Causes with the links that they explain.", {"state"}, json, "Incidents"},
      {"/api/v1/incidents/{id}", "One incident.", {}, json, "Incident"},
      {"/api/v1/silences", "Silences, newest first, and maintenance windows.", {"silence_state"}, json, "SilenceList"},
      {"/api/v1/silences/{id}", "One silence.", {}, json, "Silence"},
      {"/api/v1/results",
       "Runs, oldest first, one JSON object a line.",
       {"since", "until", "from", "to", "probe", "limit", "after_id"},
       "application/x-ndjson",
       "Result"},
      {"/api/v1/report",
       "Tables, curves and sentences over a stretch of time.",
       {"since", "until", "from", "to"},
       json,
       "Report"},
      {"/api/v1/events",
       "Server-sent events: sites, cells, incidents.",
       {"metric", "stat", "window"},
       "text/event-stream",
       ""},
      {"/api/v1/links/{from}/{to}", "All metrics of both directions.", {"stat", "window", "at"}, json, "Link"},
      {"/api/v1/links/{from}/{to}/series",
       "One metric over time.",
       {"metric", "window", "step", "at", "format"},
       json,
       "Series"},
      {"/api/v1/links/{from}/{to}/histogram",
       "One metric's distribution, with a step also over time.",
       {"metric", "window", "step", "at", "format"},
       json,
       "Histogram"},
      {"/api/v1/links/{from}/{to}/profile",
       "One metric by hour of the week, in UTC.",
       {"metric", "window", "at", "format"},
       json,
       "Profile"},
      {"/api/v1/detours", "For each pair the best detour.", {"window", "at", "format"}, json, "Detours"},
      {"/api/v1/links/{from}/{to}/explain", "What the numbers mean, in sentences.", {"window"}, json, "Explanation"},
      {"/api/v1/links/{from}/{to}/path", "The way as it was seen last while all was well.", {}, json, "Path"},
      {"/api/v1/probes", "The last runs on demand, newest first.", {}, json, "ProbeList"},
      {"/api/v1/probes/{id}", "One run on demand.", {}, json, "ProbeRun"},
      {"/api/v1/openapi.json", "This description.", {}, json, ""},
      {"/metrics", "Figures for Prometheus; with links=true a series for each link.", {"links"}, text, ""},
      {"/healthz", "200 while the process answers.", {}, text, ""},
      {"/readyz", "200 once store and control are open, else 503.", {}, text, ""},
  };
  return all;
}

template <typename Range>
Json names_of(const Range& range) {
  Json names = Json::array();
  for (const auto& item : range) names.push_back(item);
  return names;
}

Json schema_of(std::string_view parameter) {
  if (parameter == "metric") {
    Json names = Json::array();
    for (const MetricInfo& metric : all_metrics()) names.push_back(metric.name);
    return Json{{"type", "string"}, {"enum", std::move(names)}, {"default", "rtt"}};
  }
  if (parameter == "stat") {
    Json names = Json::array();
    for (std::size_t i = 0; i < stat_count; ++i) names.push_back(name(static_cast<Stat>(i)));
    return Json{{"type", "string"}, {"enum", std::move(names)}};
  }
  if (parameter == "probe") {
    Json names = Json::array();
    for (std::size_t i = 0; i < probe_count; ++i) names.push_back(name(static_cast<Probe>(i)));
    return Json{{"type", "string"}, {"enum", std::move(names)}};
  }
  if (parameter == "state") return Json{{"type", "string"}, {"enum", {"open", "closed"}}};
  if (parameter == "silence_state") return Json{{"type", "string"}, {"enum", {"pending", "active", "expired"}}};
  if (parameter == "layout") return Json{{"type", "string"}, {"enum", {"cells", "columns"}}, {"default", "cells"}};
  if (parameter == "format") return Json{{"type", "string"}, {"enum", {"json", "csv"}}, {"default", "json"}};
  if (parameter == "links") return Json{{"type", "boolean"}, {"default", false}};
  if (parameter == "after_id")
    return Json{{"type", "string"}, {"example", "berlin-0123456789abcdef-42"}, {"description", "The last line's id."}};
  if (parameter == "limit") return Json{{"type", "integer"}, {"minimum", 0}};
  if (parameter == "window" || parameter == "step")
    return Json{{"type", "string"}, {"example", "1h"}, {"description", "A duration: 90s, 10m, 1h, 7d."}};
  if (parameter == "at" || parameter == "since" || parameter == "until")
    return Json{{"type", "string"}, {"format", "date-time"}};
  return Json{{"type", "string"}, {"description", "Name of a site."}};
}

Json operation(const Described& endpoint) {
  Json parameters = Json::array();
  for (const std::string_view in_path : {"from", "to", "id"})
    if (endpoint.path.find("{" + std::string(in_path) + "}") != std::string_view::npos)
      parameters.push_back(Json{{"name", in_path}, {"in", "path"}, {"required", true}, {"schema", schema_of("site")}});
  for (const std::string_view parameter : endpoint.parameters)
    parameters.push_back(Json{{"name", parameter == "silence_state" ? "state" : parameter},
                              {"in", "query"},
                              {"schema", schema_of(parameter)}});
  Json content{{"schema", endpoint.schema.empty()
                              ? Json{{"type", endpoint.content_type == "application/json" ? "object" : "string"}}
                              : Json{{"$ref", "#/components/schemas/" + std::string(endpoint.schema)}}}};
  Json contents{{endpoint.content_type, std::move(content)}};
  if (std::ranges::find(endpoint.parameters, "format") != endpoint.parameters.end())
    contents["text/csv"] = Json{{"schema", {{"type", "string"}}}};
  Json responses{{"200", {{"description", endpoint.summary}, {"content", std::move(contents)}}},
                 {"400", {{"$ref", "#/components/responses/Error"}}},
                 {"404", {{"$ref", "#/components/responses/Error"}}},
                 {"503", {{"$ref", "#/components/responses/Error"}}}};
  return Json{
      {"get",
       {{"summary", endpoint.summary}, {"parameters", std::move(parameters)}, {"responses", std::move(responses)}}}};
}

Json typed(std::string_view type, bool nullable = false) {
  return nullable ? Json{{"type", {type, "null"}}} : Json{{"type", type}};
}
Json list_of(Json items) { return Json{{"type", "array"}, {"items", std::move(items)}}; }
Json object_of(Json properties) { return Json{{"type", "object"}, {"properties", std::move(properties)}}; }
Json reference(std::string_view name) { return Json{{"$ref", "#/components/schemas/" + std::string(name)}}; }

/// What needs a token. `request` is empty where there is no body; `id` is in the path where `path` has it.
struct Changing {
  std::string_view path;
  std::string_view method;
  std::string_view summary;
  std::string_view request;
  std::string_view status;
  std::string_view answer;
  std::vector<std::string_view> refusals;
};

const std::vector<Changing>& changing() {
  static const std::vector<Changing> all{
      {"/api/v1/probes",
       "post",
       "Measure a link now, in the timetable's next gap.",
       "ProbeRequest",
       "202",
       "ProbeRun",
       {"400", "401", "403", "404", "409", "429", "503"}},
      {"/api/v1/silences",
       "post",
       "Hold the notices of incidents for a while.",
       "SilenceRequest",
       "201",
       "Silence",
       {"400", "401", "403", "503"}},
      {"/api/v1/silences/{id}", "delete", "End a silence.", "", "200", "Silence", {"401", "403", "404", "503"}},
      {"/api/v1/incidents/{id}/acknowledge",
       "post",
       "Say that somebody takes care of an incident: its notices are held.",
       "AcknowledgeRequest",
       "200",
       "Incident",
       {"400", "401", "403", "404", "409", "503"}},
      {"/api/v1/incidents/{id}/acknowledge",
       "delete",
       "Take an acknowledgement back.",
       "",
       "200",
       "Incident",
       {"401", "403", "404", "503"}}};
  return all;
}

Json changing_operation(const Changing& one) {
  const auto content = [](std::string_view schema) {
    return Json{{"application/json", {{"schema", reference(schema)}}}};
  };
  Json responses{{std::string(one.status), {{"description", one.summary}, {"content", content(one.answer)}}}};
  for (const std::string_view status : one.refusals)
    responses[std::string(status)] = Json{{"$ref", "#/components/responses/Error"}};
  Json out{{"summary", one.summary}, {"security", Json::array({Json{{"token", Json::array()}}})}};
  if (one.path.find("{id}") != std::string_view::npos)
    out["parameters"] =
        Json::array({Json{{"name", "id"}, {"in", "path"}, {"required", true}, {"schema", typed("string")}}});
  if (!one.request.empty())
    out["requestBody"] = Json{{"required", one.request != "AcknowledgeRequest"}, {"content", content(one.request)}};
  out["responses"] = std::move(responses);
  return out;
}

/// {"site": [...], "cause": [...], ...}; a request may give one word instead of a list.
Json matchers_schema(bool request) {
  Json words = list_of(typed("string"));
  if (request) words = Json{{"oneOf", Json::array({typed("string"), words})}};
  Json properties = Json::object();
  for (const std::string_view key : match_keys) properties[std::string(key)] = words;
  return object_of(std::move(properties));
}

Json silence_request_schema() {
  Json request = object_of(Json{{"matchers", matchers_schema(true)}});
  for (const char* text : {"author", "reason", "starts_at", "ends_at", "duration"})
    request["properties"][text] = typed("string");
  request["required"] = {"matchers", "reason"};
  return request;
}

Json silence_schema() {
  constexpr std::string_view states[] = {"pending", "active", "expired"};
  Json silence = object_of(Json{{"id", typed("string")},
                                {"state", {{"type", "string"}, {"enum", names_of(states)}}},
                                {"matchers", matchers_schema(false)},
                                {"ended_by", typed("string", true)}});
  for (const char* text : {"author", "token", "reason", "created_at", "starts_at", "ends_at"})
    silence["properties"][text] = typed("string");
  return silence;
}

Json probe_run_schema() {
  constexpr std::string_view states[] = {"queued", "running", "done", "failed", "expired"};
  Json run = object_of(Json{{"id", typed("string")},
                            {"state", {{"type", "string"}, {"enum", names_of(states)}}},
                            {"wait_s", typed("number")},
                            {"length_s", typed("number")},
                            {"progress", object_of(Json{{"elapsed_s", typed("number")}, {"bytes", typed("integer")}})},
                            {"reason", typed("string", true)},
                            {"result", typed("object", true)}});
  for (const char* text : {"probe", "from", "to", "requested_by", "requested_at", "scheduled_at"})
    run["properties"][text] = typed("string");
  return run;
}

Json incident_schema() {
  Json causes = Json::array();
  for (std::size_t i = 0; i < cause_kind_count; ++i) causes.push_back(name(static_cast<CauseKind>(i)));
  constexpr std::string_view severities[] = {"info", "warning", "critical"};
  constexpr std::string_view states[] = {"open", "closed"};
  const Json objects = list_of(typed("object"));
  Json incident = object_of(Json{{"id", typed("string")},
                                 {"cause", {{"type", "string"}, {"enum", std::move(causes)}}},
                                 {"metrics", list_of(typed("string"))},
                                 {"severity", {{"type", "string"}, {"enum", names_of(severities)}}},
                                 {"state", {{"type", "string"}, {"enum", names_of(states)}}},
                                 {"started_at", typed("string")},
                                 {"confidence", typed("number")},
                                 {"flapping", typed("boolean")},
                                 {"held", typed("boolean")},
                                 {"acknowledged", typed("object", true)},
                                 {"summary", typed("string")}});
  for (const char* text : {"site", "from", "to", "uplink", "group", "ended_at", "runbook"})
    incident["properties"][text] = typed("string", true);
  for (const char* list : {"links", "alternatives", "evidence", "patterns", "timeline", "silenced"})
    incident["properties"][list] = objects;
  return incident;
}

Json cell_schema() {
  constexpr std::string_view states[] = {"none",  "paused",   "agent_silent", "never", "down",
                                         "stale", "unsynced", "degraded",     "ok"};
  return object_of(Json{{"from", typed("string")},
                        {"to", typed("string")},
                        {"value", typed("number", true)},
                        {"count", typed("integer")},
                        {"age_s", typed("number", true)},
                        {"state", {{"type", "string"}, {"enum", names_of(states)}}},
                        {"few", typed("boolean")},
                        {"error_s", typed("number", true)}});
}

Json query_head() {
  return Json{{"mesh", typed("string")}, {"metric", typed("string")},   {"stat", typed("string")},
              {"unit", typed("string")}, {"window_s", typed("number")}, {"at", typed("string")}};
}

Json with(Json properties, std::string_view name, Json schema) {
  properties[std::string(name)] = std::move(schema);
  return properties;
}

Json result_schema() {
  Json properties{{"id", typed("string")},           {"seq", typed("integer")},
                  {"probe", typed("string")},        {"from", typed("string")},
                  {"to", typed("string")},           {"round", typed("integer")},
                  {"scheduled_at", typed("string")}, {"started_at", typed("string", true)},
                  {"finished_at", typed("string")},  {"outcome", typed("string")},
                  {"generation", typed("integer")},  {"reason", typed("string")},
                  {"limited_by", typed("string")}};
  for (const MetricInfo& metric : all_metrics())
    properties[std::string(metric.name)] =
        Json{{"type", {"number", "null"}}, {"description", metric.help}, {"x-unit", metric.unit}};
  for (const std::string_view map : {"counts", "details"}) properties[std::string(map)] = typed("object");
  properties["tags"] = list_of(typed("string"));
  return object_of(std::move(properties));
}

/// The statistics of one stretch of time: null where it holds nothing.
Json stretch_properties(Json properties) {
  properties["count"] = typed("integer");
  for (const char* stat : {"p5", "p50", "p95", "mean", "min", "max"}) properties[stat] = typed("number", true);
  return properties;
}

Json link_query_head() {
  return Json{{"mesh", typed("string")},   {"from", typed("string")}, {"to", typed("string")},
              {"metric", typed("string")}, {"unit", typed("string")}, {"window_s", typed("number")},
              {"at", typed("string")}};
}

Json link_schema() {
  const Json objects = list_of(typed("object"));
  return object_of(Json{{"mesh", typed("string")},
                        {"from", typed("string")},
                        {"to", typed("string")},
                        {"window_s", typed("number")},
                        {"at", typed("string")},
                        {"distance_m", typed("number", true)},
                        {"efficiency", typed("object", true)},
                        {"asymmetry", typed("object")},
                        {"sites", objects},
                        {"directions", objects}});
}

constexpr std::string_view roll_levels[] = {"raw", "minute", "hour"};

Json series_schema() {
  Json properties = with(link_query_head(), "step_s", typed("number"));
  properties["level"] = Json{{"type", "string"}, {"enum", names_of(roll_levels)}};
  properties["points"] = list_of(object_of(stretch_properties(Json{{"start", typed("string")}})));
  return object_of(std::move(properties));
}

Json histogram_schema() {
  Json properties = link_query_head();
  properties["count"] = typed("integer");
  properties["min"] = typed("number", true);
  properties["max"] = typed("number", true);
  properties["buckets"] =
      list_of(object_of(Json{{"low", typed("number")}, {"high", typed("number")}, {"count", typed("integer")}}));
  properties["step_s"] = typed("number");
  properties["level"] = Json{{"type", "string"}, {"enum", names_of(roll_levels)}};
  properties["steps"] = list_of(object_of(
      Json{{"start", typed("string")}, {"count", typed("integer")}, {"places", list_of(list_of(typed("integer")))}}));
  return object_of(std::move(properties));
}

Json profile_schema() {
  const Json hour = object_of(stretch_properties(Json{{"day", typed("string")}, {"hour", typed("integer")}}));
  return object_of(with(link_query_head(), "hours", list_of(hour)));
}

Json detours_schema() {
  Json detour{
      {"from", typed("string")}, {"to", typed("string")}, {"via", typed("string")}, {"hours", typed("integer")}};
  for (const char* figure : {"direct_s", "via_s", "gain_s", "gain_ratio"}) detour[figure] = typed("number");
  detour["held_ratio"] = typed("number", true);
  return object_of(with(query_head(), "detours", list_of(object_of(std::move(detour)))));
}

Json report_schema() {
  Json figures = Json::object();
  figures["count"] = typed("integer");
  for (const char* stat : {"mean", "p50", "stddev", "min", "max"}) figures[stat] = typed("number", true);
  Json curve{{"count", list_of(typed("integer"))}};
  for (const char* list : {"mean", "p5", "p50", "p95"}) curve[list] = list_of(typed("number", true));
  for (const char* over : {"series", "hours"}) figures[over] = object_of(curve);
  Json metrics = Json::object();
  for (const ReportedMetric& each : report_metrics()) metrics[std::string(name(each.metric))] = object_of(figures);
  Json counts = Json::object();
  for (std::size_t i = 0; i < outcome_count; ++i) counts[std::string(name(static_cast<Outcome>(i)))] = typed("integer");
  Json outcomes = Json::object();
  for (const Probe probe : report_probes) outcomes[std::string(name(probe))] = object_of(counts);
  return object_of(Json{{"mesh", typed("string")},
                        {"since", typed("string")},
                        {"until", typed("string")},
                        {"made_at", typed("string")},
                        {"step_s", typed("number")},
                        {"first_step", typed("string")},
                        {"units", typed("object")},
                        {"directions", list_of(object_of(Json{{"from", typed("string")},
                                                              {"to", typed("string")},
                                                              {"outcomes", object_of(std::move(outcomes))},
                                                              {"metrics", object_of(std::move(metrics))}}))},
                        {"findings", list_of(typed("object"))}});
}

Json schemas() {
  const Json objects = list_of(typed("object"));
  Json audit{{"probe", typed("string")},           {"runs", typed("integer")},
             {"overlaps", typed("integer", true)}, {"missed", typed("integer")},
             {"busy", typed("integer")},           {"skipped", typed("integer")},
             {"unreported", typed("integer")},     {"overlaps_within_clock_error", typed("integer", true)},
             {"clock_error_s", typed("number")},   {"utilisation", typed("object")},
             {"uplinks", typed("object")},         {"since", typed("string")},
             {"until", typed("string")},           {"start_error_s", typed("object")},
             {"outcomes", typed("object")},        {"generation", typed("integer")}};
  Json timetable{{"mesh", typed("string")},
                 {"autonomy_s", typed("number")},
                 {"generation", typed("integer")},
                 {"effective_at", typed("string")},
                 {"epoch", typed("string")},
                 {"rounds", typed("integer")},
                 {"cycle_s", typed("number")},
                 {"throughput_every_s", typed("number")},
                 {"probes", typed("object")},
                 {"slots", objects},
                 {"phases", objects}};
  return Json{
      {"Cell", cell_schema()},
      {"Matrix",
       object_of(with(with(query_head(), "sites", list_of(typed("string"))), "cells", list_of(reference("Cell"))))},
      {"Sites", object_of(Json{{"mesh", typed("string")},
                               {"at", typed("string")},
                               {"agents", typed("integer")},
                               {"heard", typed("integer")},
                               {"sites", objects}})},
      {"Timetable", object_of(std::move(timetable))},
      {"Audit", object_of(std::move(audit))},
      {"Explanation", object_of(Json{{"mesh", typed("string")},
                                     {"from", typed("string")},
                                     {"to", typed("string")},
                                     {"window_s", typed("number")},
                                     {"at", typed("string")},
                                     {"findings", objects}})},
      {"ProbeRequest",
       object_of(Json{{"from", typed("string")}, {"to", typed("string")}, {"probe", schema_of("probe")}})},
      {"ProbeRun", probe_run_schema()},
      {"ProbeList", object_of(Json{{"at", typed("string")}, {"probes", list_of(reference("ProbeRun"))}})},
      {"Incident", incident_schema()},
      {"Incidents", object_of(Json{{"mesh", typed("string")}, {"incidents", list_of(reference("Incident"))}})},
      {"SilenceRequest", silence_request_schema()},
      {"Silence", silence_schema()},
      {"SilenceList",
       object_of(Json{{"at", typed("string")}, {"silences", list_of(reference("Silence"))}, {"windows", objects}})},
      {"AcknowledgeRequest", object_of(Json{{"author", typed("string")}, {"reason", typed("string")}})},
      {"Path", object_of(Json{{"mesh", typed("string")},
                              {"from", typed("string")},
                              {"to", typed("string")},
                              {"path", typed("object", true)}})},
      {"Link", link_schema()},
      {"Series", series_schema()},
      {"Histogram", histogram_schema()},
      {"Profile", profile_schema()},
      {"Detours", detours_schema()},
      {"Report", report_schema()},
      {"Result", result_schema()},
      {"Error", object_of(Json{{"error", typed("string")}})}};
}

}  // namespace

Response openapi_endpoint(const Target& target, const Sources& sources) {
  Parameters parameters(target, sources.now);
  if (auto problem = parameters.problem()) return std::move(*problem);
  Json paths = Json::object();
  for (const Described& endpoint : described()) paths[std::string(endpoint.path)] = operation(endpoint);
  for (const Changing& one : changing())
    paths[std::string(one.path)][std::string(one.method)] = changing_operation(one);
  const Json error{{"description", "What is wrong and what would be right."},
                   {"content", {{"application/json", {{"schema", reference("Error")}}}}}};
  return json_response(
      Json{{"openapi", "3.1.0"},
           {"info", {{"title", "Sonde"}, {"version", sources.version}, {"license", {{"name", "Apache-2.0"}}}}},
           {"paths", std::move(paths)},
           {"components",
            {{"schemas", schemas()},
             {"responses", {{"Error", error}}},
             {"securitySchemes", {{"token", {{"type", "http"}, {"scheme", "bearer"}}}}}}}});
}

}  // namespace sonde::web
