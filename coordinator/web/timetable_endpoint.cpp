#include <fmt/format.h>

#include <nlohmann/json.hpp>

#include <utility>

#include "coordinator/web/endpoints.h"
#include "coordinator/web/json.h"

namespace sonde::web {
namespace {

Json latency_json(const std::optional<LatencyPolicy>& policy) {
  if (!policy) return nullptr;
  return Json{{"rate_per_s", policy->rate.per_second},
              {"every_s", seconds(policy->every)},
              {"timeout_s", seconds(policy->timeout)},
              {"dscp", policy->dscp},
              {"authenticated", policy->authenticated}};
}

Json connect_json(const std::optional<ConnectPolicy>& policy) {
  if (!policy) return nullptr;
  return Json{{"every_s", seconds(policy->every)}, {"timeout_s", seconds(policy->timeout)}};
}

Json throughput_json(const std::optional<ThroughputPolicy>& policy, const Timetable& timetable) {
  if (!policy) return nullptr;
  return Json{{"every_s", seconds(timetable.throughput_every)},
              {"duration_s", seconds(policy->duration)},
              {"max_duration_s", seconds(policy->max_duration)},
              {"max_bytes", policy->max_bytes.count},
              {"streams", policy->streams},
              {"iterations", policy->iterations}};
}

/// Slots and phases that are told at once: those of 400 sites. More would be hundreds of megabytes of JSON, made while
/// the coordinator does nothing else.
constexpr std::size_t most_entries = 320'000;

bool touches(const Link& link, const std::optional<SiteId>& site) {
  return !site || link.from == *site || link.to == *site;
}

}  // namespace

Response timetable_endpoint(const Target& target, const Sources& sources) {
  Parameters parameters(target, sources.now);
  const auto site = parameters.site("site", sources.mesh);
  if (auto problem = parameters.problem()) return std::move(*problem);

  const Timetable& timetable = sources.timetable;
  if (!site && timetable.slots.size() + timetable.phases.size() > most_entries)
    return error_response(400,
                          fmt::format("the timetable has {} slots and {} phases, more than are told at once; ask for "
                                      "one site's with site=NAME",
                                      timetable.slots.size(), timetable.phases.size()));
  Json slots = Json::array();
  for (const ThroughputSlot& slot : timetable.slots)
    if (touches(slot.link, site))
      slots.push_back(Json{{"round", slot.round.number},
                           {"from", slot.link.from.str()},
                           {"to", slot.link.to.str()},
                           {"start_s", seconds(slot.start)},
                           {"length_s", seconds(slot.length)}});
  Json phases = Json::array();
  for (const LinkPhase& phase : timetable.phases)
    if (touches(phase.link, site))
      phases.push_back(Json{{"from", phase.link.from.str()},
                            {"to", phase.link.to.str()},
                            {"latency_phase_s", seconds(phase.latency_phase)},
                            {"connect_phase_s", seconds(phase.connect_phase)}});
  return json_response(Json{{"mesh", sources.mesh.name},
                            {"generation", timetable.generation.number},
                            {"effective_at", time(timetable.effective_at)},
                            {"epoch", time(timetable.epoch)},
                            {"rounds", timetable.rounds},
                            {"cycle_s", seconds(timetable.cycle)},
                            {"throughput_every_s", seconds(timetable.throughput_every)},
                            {"probes",
                             {{"latency", latency_json(timetable.policy.latency)},
                              {"connect", connect_json(timetable.policy.connect)},
                              {"throughput", throughput_json(timetable.policy.throughput, timetable)}}},
                            {"autonomy_s", seconds(timetable.policy.autonomy)},
                            {"slots", std::move(slots)},
                            {"phases", std::move(phases)}});
}

}  // namespace sonde::web
