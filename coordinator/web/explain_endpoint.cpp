#include <nlohmann/json.hpp>

#include <utility>

#include "coordinator/core/explain.h"
#include "coordinator/web/endpoints.h"
#include "coordinator/web/json.h"

namespace sonde::web {
namespace {

AgentStatus status_of(const Sources& sources, const SiteId& site) {
  const auto found = sources.agents.find(site);
  return found == sources.agents.end() ? AgentStatus{} : found->second;
}

/// Those that finished in the window; the history puts older ones in front, which states need.
std::vector<Result> within(std::vector<Result> results, SharedTime since) {
  std::erase_if(results, [&](const Result& result) { return result.finished_at <= since; });
  return results;
}

}  // namespace

Json finding_json(const Finding& finding) {
  Json figures = Json::object();
  for (const auto& [key, value] : finding.figures) figures[std::string(key)] = number(value);
  return Json{{"code", finding.code},
              {"weight", name(finding.weight)},
              {"text", finding.text},
              {"figures", std::move(figures)}};
}

namespace {

/// What agents saw of this way at the onset of incidents that are open.
std::vector<std::string> seen_on(const Link& link, const Incidents* incidents) {
  std::vector<std::string> texts;
  if (incidents == nullptr) return texts;
  for (const Incident* incident : incidents->on_link(link))
    for (const PathEvidence& path : incident->paths)
      if (path.link == link) texts.push_back(text_of(path) + ". Hops: " + hops_text(path.now));
  return texts;
}

}  // namespace

Response explain_endpoint(const Link& link, const Target& target, const Sources& sources) {
  Parameters parameters(target, sources.now);
  const nanoseconds window = parameters.window(std::chrono::hours(1));
  if (auto problem = parameters.problem()) return std::move(*problem);
  if (sources.history == nullptr) return no_store_response();
  double expected = 0;
  for (const Probe probe : {Probe::latency, Probe::connect, Probe::throughput})
    expected += expected_results(sources, probe, window, link);
  if (expected > explained_results_limit)
    return error_response(400, "window: too long to explain; ask for a shorter one");

  std::map<Probe, Cell> cells;
  for (const auto& [probe, metric] : {std::pair(Probe::latency, Metric::rtt),
                                      {Probe::connect, Metric::connect},
                                      {Probe::throughput, Metric::throughput}})
    cells[probe] = sources.matrix.cell(link, {metric, Stat::p50, std::chrono::seconds(1), sources.now});
  // Only this link's places of the timetable: they are copied.
  Timetable timetable = sources.timetable;
  std::erase_if(timetable.slots, [&](const ThroughputSlot& slot) { return slot.link != link; });
  std::erase_if(timetable.phases, [&](const LinkPhase& phase) { return phase.link != link; });
  timetable.members.clear();
  std::vector<std::pair<std::string, nanoseconds>> incidents;
  if (sources.incidents != nullptr)
    for (const Incident* incident : sources.incidents->on_link(link))
      incidents.emplace_back(incident->summary, sources.now - incident->started_at);
  std::vector<std::string> paths = seen_on(link, sources.incidents);
  return deferred_response([history = sources.history, mesh = sources.mesh, timetable = std::move(timetable), link,
                            now = sources.now, window, cells = std::move(cells), incidents = std::move(incidents),
                            paths = std::move(paths), from = status_of(sources, link.from),
                            to = status_of(sources, link.to)] {
    const auto read = [&](Probe probe) {
      return within(history->link_results(link, probe, now - window, now), now - window);
    };
    const ExplainInput input{.mesh = mesh,
                             .timetable = timetable,
                             .link = link,
                             .now = now,
                             .window = window,
                             .latency = read(Probe::latency),
                             .connect = read(Probe::connect),
                             .throughput = read(Probe::throughput),
                             .cells = cells,
                             .incidents = incidents,
                             .paths = paths,
                             .from = from,
                             .to = to};
    Json findings = Json::array();
    for (const Finding& finding : explain(input)) findings.push_back(finding_json(finding));
    return json_response(Json{{"mesh", mesh.name},
                              {"from", link.from.str()},
                              {"to", link.to.str()},
                              {"window_s", seconds(window)},
                              {"at", time(now)},
                              {"findings", std::move(findings)}});
  });
}

}  // namespace sonde::web
