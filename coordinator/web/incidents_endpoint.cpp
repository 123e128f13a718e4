#include <fmt/format.h>

#include <nlohmann/json.hpp>

#include <string>
#include <utility>

#include "coordinator/web/endpoints.h"
#include "coordinator/web/incident_json.h"
#include "coordinator/web/json.h"
#include "coordinator/web/path_json.h"

namespace sonde::web {
namespace {

Json name_or_null(const std::string& name) { return name.empty() ? Json() : Json(name); }

Json cause_json(const Cause& cause) {
  return Json{{"cause", name(cause.kind)},
              {"site", name_or_null(cause.site.str())},
              {"from", name_or_null(cause.link.from.str())},
              {"to", name_or_null(cause.link.to.str())},
              {"uplink", cause.kind == CauseKind::uplink ? Json(cause.name) : Json()},
              {"group", cause.kind == CauseKind::group ? Json(cause.name) : Json()}};
}

Json link_json(const Link& link) { return Json{{"from", link.from.str()}, {"to", link.to.str()}}; }

}  // namespace

std::string words_of(const LinkEvidence& evidence) {
  const std::string link = fmt::format("{} -> {}", evidence.link.from.str(), evidence.link.to.str());
  switch (signal_of(evidence.metric).value_or(Signal::answer)) {
    case Signal::answer: return link + ": no probe is answered";
    case Signal::connectivity: return link + ": no connection can be made";
    case Signal::loss: return fmt::format("{}: {:.1f} % lost", link, evidence.value * 100);
    case Signal::latency: return fmt::format("{}: {:.1f} ms above the usual", link, evidence.value * 1e3);
    case Signal::silence: return fmt::format("{}: no result for {:.0f} s", link, evidence.value);
    case Signal::asymmetry: return fmt::format("{}: {:.0f} % of the way back's rate", link, evidence.value * 100);
    case Signal::clock: return fmt::format("{}: the clocks may be {:.3g} ms apart", link, evidence.value * 1e3);
    case Signal::throughput: return fmt::format("{}: {:.0f} % of the usual rate", link, evidence.value * 100);
  }
  return link;
}

Json incident_json(const Incident& incident) {
  Json metrics = Json::array();
  for (const Metric metric : incident.metrics) metrics.push_back(name(metric));
  Json links = Json::array();
  for (const Link& link : incident.links) links.push_back(link_json(link));
  Json alternatives = Json::array();
  for (const Alternative& other : incident.alternatives) {
    Json one = cause_json(other.cause);
    one["confidence"] = number(other.confidence);
    one["text"] = describe(other.cause);
    alternatives.push_back(std::move(one));
  }
  Json evidence = Json::array();
  for (const LinkEvidence& seen : incident.evidence) {
    Json one = link_json(seen.link);
    one["kind"] = "rule";
    one["metric"] = name(seen.metric);
    one["value"] = number(seen.value);
    one["text"] = words_of(seen);
    evidence.push_back(std::move(one));
  }
  for (const PathEvidence& path : incident.paths) evidence.push_back(path_json(path));
  if (!incident.measurer.empty()) evidence.push_back(Json{{"kind", "measurer"}, {"text", incident.measurer}});
  Json timeline = Json::array();
  for (const Moment& moment : incident.timeline)
    timeline.push_back(Json{{"at", time(moment.at)}, {"text", moment.text}});
  Json patterns = Json::array();
  for (const PatternSeen& seen : incident.patterns)
    patterns.push_back(Json{{"pattern", name(seen.pattern)}, {"text", seen.text}});
  Json json{{"id", incident.id}};
  json.update(cause_json(incident.cause));
  json["metrics"] = std::move(metrics);
  json["severity"] = name(incident.severity);
  json["state"] = incident.open() ? "open" : "closed";
  json["started_at"] = time(incident.started_at);
  json["ended_at"] = time(incident.ended_at);
  json["confidence"] = number(incident.confidence);
  json["flapping"] = incident.flapping();
  json["summary"] = incident.summary;
  json["runbook"] = name_or_null(incident.runbook);
  json["links"] = std::move(links);
  json["alternatives"] = std::move(alternatives);
  json["evidence"] = std::move(evidence);
  json["patterns"] = std::move(patterns);
  json["timeline"] = std::move(timeline);
  return json;
}

Json incident_json(const Incident& incident, const Sources& sources) {
  Json json = incident_json(incident);
  Silences::Hold hold;
  if (sources.silences != nullptr) hold = sources.silences->hold_of(incident, sources.now);
  // What is over is held by nothing any more.
  if (!incident.open()) hold = {.silences = {}, .windows = {}, .acknowledged = hold.acknowledged, .held = false};
  json.update(hold_json(hold));
  return json;
}

std::string incidents_text(const Sources& sources, std::optional<bool> open) {
  Json list = Json::array();
  if (sources.incidents != nullptr)
    for (const Incident* incident : sources.incidents->list())
      if (!open || *open == incident->open()) list.push_back(incident_json(*incident, sources));
  return to_text(Json{{"mesh", sources.mesh.name}, {"incidents", std::move(list)}});
}

Response incidents_endpoint(const Target& target, const Sources& sources) {
  Parameters parameters(target, sources.now);
  std::optional<bool> open;
  if (const auto state = parameters.text("state")) {
    if (*state != "open" && *state != "closed")
      parameters.refuse(400, fmt::format("unknown state '{}'; there are open, closed", *state));
    open = *state == "open";
  }
  if (auto problem = parameters.problem()) return std::move(*problem);
  Response response;
  response.body = incidents_text(sources, open);
  return response;
}

Response incident_endpoint(std::string_view id, const Target& target, const Sources& sources) {
  Parameters parameters(target, sources.now);
  if (auto problem = parameters.problem()) return std::move(*problem);
  const Incident* incident = sources.incidents != nullptr ? sources.incidents->find(id) : nullptr;
  if (incident == nullptr)
    return error_response(404, fmt::format("no incident has the id '{}'; /api/v1/incidents lists them", id));
  return json_response(incident_json(*incident, sources));
}

}  // namespace sonde::web
