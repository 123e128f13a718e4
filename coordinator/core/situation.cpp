#include "coordinator/core/situation.h"

#include <array>
#include <cmath>
#include <string>
#include <utility>

namespace sonde {
namespace {

constexpr std::array main_metrics = {std::pair{Probe::latency, Metric::rtt}, std::pair{Probe::connect, Metric::connect},
                                     std::pair{Probe::throughput, Metric::throughput}};

void add_news(const Link& link, const Matrix& matrix, SharedTime now, std::vector<wire::LinkNews>& out) {
  for (const auto& [probe, metric] : main_metrics) {
    const Cell cell = matrix.cell(link, {.metric = metric, .stat = Stat::last, .at = now});
    if (cell.state == CellState::none) continue;
    wire::LinkNews news{.link = link, .probe = probe, .state = std::string(name(cell.state)), .age = {}};
    if (cell.age_s) news.age = from_seconds(*cell.age_s);
    out.push_back(std::move(news));
  }
}

}  // namespace

wire::Situation situation_of(const SiteId& site, const Mesh& mesh, const Roster& roster, const Matrix& matrix,
                             SharedTime now) {
  wire::Situation situation{.mesh = mesh.name,
                            .now = now,
                            .silence = {},
                            .agent_version = {},
                            .timetable = roster.timetable().for_site(site),
                            .links = {}};
  // Who asks looks at the members; the slots of others over its uplink could be more than a message holds.
  std::erase_if(situation.timetable.slots,
                [&](const ThroughputSlot& slot) { return slot.link.from != site && slot.link.to != site; });
  const AgentStatuses& agents = roster.agents();
  if (const auto agent = agents.find(site); agent != agents.end() && agent->second.last_heard) {
    situation.silence = now - *agent->second.last_heard;
    situation.agent_version = agent->second.hello.agent_version;
  }
  if (mesh.site(site) == nullptr) return situation;
  for (const SiteSpec& other : mesh.sites) {
    if (other.site == site) continue;
    add_news({site, other.site}, matrix, now, situation.links);
    add_news({other.site, site}, matrix, now, situation.links);
  }
  return situation;
}

}  // namespace sonde
