#include <nlohmann/json.hpp>

#include <cmath>
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

Json spread(nanoseconds p50, nanoseconds p99, nanoseconds max) {
  return {{"p50", seconds(p50)}, {"p99", seconds(p99)}, {"max", seconds(max)}};
}

Json pressure(const wire::Heartbeat& said) { return said.cpu_pressure_known ? number(said.cpu_pressure) : Json(); }

/// How well the measuring itself goes.
Json measurer_json(const wire::Heartbeat& said) {
  Json clock{{"synchronised", said.clock_synchronised},
             {"error_s", said.clock_error ? seconds(*said.clock_error) : Json()},
             {"offset_s", said.clock_offset ? seconds(*said.clock_offset) : Json()},
             {"offset_error_s", said.clock_offset ? seconds(said.clock_offset_error) : Json()}};
  return {{"send_lateness_s", spread(said.send_lateness_p50, said.send_lateness_p99, said.send_lateness_max)},
          {"slot_lateness_s", spread(said.slot_lateness_p50, said.slot_lateness_p99, said.slot_lateness_max)},
          {"hold_s", spread(said.hold_p50, said.hold_p99, said.hold_max)},
          {"socket_drops", said.socket_drops},
          {"lost_stamps", said.lost_stamps},
          {"results_dropped", said.results_dropped},
          {"results_starved", said.results_starved},
          {"cpu_pressure", pressure(said)},
          {"real_time", said.real_time},
          {"listen_overflows", said.listen_overflows},
          {"clock", std::move(clock)}};
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
  json["cpu_pressure"] = pressure(status.heartbeat);
  json["measurer"] = measurer_json(status.heartbeat);
}

Json traffic_json(const SiteId& site, const Sources& sources) {
  if (sources.spending == nullptr) return {};
  return {{"days", Spending::days},
          {"bytes", number(std::round(sources.spending->spent(site, sources.now)))},
          {"budget", number(sources.spending->budget(site))}};
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
    json["probe_traffic"] = traffic_json(site.site, sources);
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

}  // namespace sonde::web
