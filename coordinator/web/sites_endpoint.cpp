#include <nlohmann/json.hpp>

#include <utility>

#include "coordinator/web/endpoints.h"
#include "coordinator/web/json.h"

namespace sonde::web {
namespace {

Json spec_json(const SiteSpec& site) {
  Json json{{"name", site.site.str()},
            {"addresses", site.addresses},
            {"port", site.port},
            {"location", site.location ? Json::array({site.location->latitude, site.location->longitude}) : Json()},
            {"uplink", site.uplink ? Json(*site.uplink) : Json()},
            {"groups", site.groups},
            {"inbound", site.inbound},
            {"agent", site.has_agent}};
  return json;
}

void add_agent(Json& json, const AgentStatus& status) {
  json["last_heard"] = time(status.last_heard);
  json["connected_at"] = time(status.connected_at);
  json["version"] = status.hello.agent_version;
  json["boot_id"] = status.hello.boot_id;
  json["generation"] = status.heartbeat.generation.number;
  json["spooled"] = status.heartbeat.spooled;
  json["results"] = status.results;
  json["clock_offset_s"] = status.clock_offset ? seconds(*status.clock_offset) : Json();
  json["clock_error_s"] = status.heartbeat.clock_error ? seconds(*status.heartbeat.clock_error) : Json();
  json["send_lateness_p99_s"] = seconds(status.heartbeat.send_lateness_p99);
  json["slot_lateness_p99_s"] = seconds(status.heartbeat.slot_lateness_p99);
  json["socket_drops"] = status.heartbeat.socket_drops;
  json["cpu_pressure"] = number(status.heartbeat.cpu_pressure);
}

}  // namespace

std::string_view agent_state(const SiteSpec& site, const Sources& sources) {
  if (!site.has_agent) return "no_agent";
  const auto found = sources.agents.find(site.site);
  if (found == sources.agents.end() || !found->second.last_heard) return "never";
  return found->second.heard(sources.now) ? "ok" : "silent";
}

std::string sites_text(const Sources& sources) {
  Json sites = Json::array();
  std::size_t agents = 0;
  std::size_t heard = 0;
  for (const SiteSpec& site : sources.mesh.sites) {
    Json json = spec_json(site);
    const std::string_view state = agent_state(site, sources);
    json["state"] = state;
    agents += site.has_agent ? 1U : 0U;
    heard += state == "ok" ? 1U : 0U;
    const auto found = sources.agents.find(site.site);
    if (site.has_agent && found != sources.agents.end()) add_agent(json, found->second);
    sites.push_back(std::move(json));
  }
  return to_text(Json{{"mesh", sources.mesh.name},
                      {"at", time(sources.now)},
                      {"agents", agents},
                      {"heard", heard},
                      {"sites", std::move(sites)}});
}

Response sites_endpoint(const Target& target, const Sources& sources) {
  Parameters parameters(target, sources.now);
  if (auto problem = parameters.problem()) return std::move(*problem);
  Response response;
  response.body = sites_text(sources);
  return response;
}

Response incidents_endpoint(const Target& target, const Sources& sources) {
  Parameters parameters(target, sources.now);
  if (auto problem = parameters.problem()) return std::move(*problem);
  return json_response(Json{{"incidents", Json::array()}});
}

}  // namespace sonde::web
