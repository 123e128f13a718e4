#include "coordinator/web/events.h"

#include <fmt/format.h>

#include <utility>

#include "coordinator/web/endpoints.h"
#include "coordinator/web/json.h"

namespace sonde::web {
namespace {

constexpr nanoseconds sites_every = std::chrono::seconds(10);
constexpr nanoseconds heartbeat_every = std::chrono::seconds(10);
/// Looking at every link for a state that changed by itself is cheap but not free: seldom in a large mesh.
constexpr std::size_t small_mesh_links = 10'000;

std::string digest(const Sources& sources) {
  std::string out = fmt::format("{}\n", sources.timetable.generation.number);
  for (const SiteSpec& site : sources.mesh.sites) {
    out += fmt::format("{} {}", site.site.str(), agent_state(site, sources));
    if (const auto found = sources.agents.find(site.site); found != sources.agents.end())
      out += fmt::format(" {} {} {}", found->second.hello.agent_version, found->second.hello.boot_id,
                         found->second.heartbeat.generation.number);
    out += '\n';
  }
  return out;
}

}  // namespace

std::string EventStream::update(const Sources& sources, std::span<const Link> changed) {
  std::string out;
  say_sites(sources, out);
  say_cells(sources, changed, out);
  say_probes(sources, out);
  say_incidents(sources, out);
  if (out.empty() && sources.mono - spoke_at_ >= heartbeat_every) out = ": heartbeat\n\n";
  if (!out.empty()) spoke_at_ = sources.mono;
  begun_ = true;
  return out;
}

/// What was before the stream began is no event.
void EventStream::say_probes(const Sources& sources, std::string& out) {
  if (sources.demand == nullptr) return;
  if (begun_)
    for (const DemandRun& run : sources.demand->runs())
      if (run.revision > probes_seen_) out += "event: probe\ndata: " + demand_text(run, sources.now) + "\n\n";
  probes_seen_ = sources.demand->revision();
}

void EventStream::say_incidents(const Sources& sources, std::string& out) {
  if (sources.incidents == nullptr) return;
  // Both only grow, so that their sum tells a change of either.
  const std::uint64_t revision =
      sources.incidents->revision() + (sources.silences != nullptr ? sources.silences->revision() : 0);
  if (std::exchange(incidents_seen_, revision) != revision)
    out += "event: incidents\ndata: " + incidents_text(sources, std::nullopt) + "\n\n";
}

void EventStream::say_sites(const Sources& sources, std::string& out) {
  std::string agents = digest(sources);
  if (begun_ && agents == agents_ && sources.mono - sites_at_ < sites_every) return;
  agents_ = std::move(agents);
  sites_at_ = sources.mono;
  out += "event: sites\ndata: " + sites_text(sources) + "\n\n";
}

void EventStream::say_cells(const Sources& sources, std::span<const Link> changed, std::string& out) {
  query_.at = sources.now;
  std::unordered_map<Link, Cell> cells;
  for (const Link& link : changed)
    if (sources.mesh.site(link.from) != nullptr && sources.mesh.site(link.to) != nullptr)
      cells.try_emplace(link, sources.matrix.cell(link, query_));
  add_aged(sources, cells);
  if (cells.empty()) return;
  out += fmt::format(R"(event: cells{}data: {{"metric":"{}","stat":"{}","unit":"{}","window_s":{},"at":"{}","cells":[)",
                     '\n', name(query_.metric), name(query_.stat), info(query_.metric).unit, to_seconds(query_.window),
                     format_rfc3339(query_.at));
  bool first = true;
  for (const auto& [link, cell] : cells) {
    states_[link] = cell.state;
    if (!std::exchange(first, false)) out += ',';
    append_cell(out, link, query_.metric, cell);
  }
  out += "]}\n\n";
}

void EventStream::add_aged(const Sources& sources, std::unordered_map<Link, Cell>& cells) {
  const auto links = links_of(sources.mesh);
  const nanoseconds every = links.size() <= small_mesh_links ? std::chrono::seconds(1) : std::chrono::seconds(10);
  if (begun_ && sources.mono - swept_at_ < every) return;
  swept_at_ = sources.mono;
  CellQuery state_only = query_;  // an empty window costs nothing, and a state does not depend on the window
  state_only.window = nanoseconds(1);
  for (const Link& link : links) {
    const CellState state = sources.matrix.cell(link, state_only).state;
    const auto [known, is_new] = states_.try_emplace(link, state);
    if (is_new || known->second == state || cells.contains(link)) continue;
    cells.emplace(link, sources.matrix.cell(link, query_));
  }
  if (states_.size() > links.size())
    std::erase_if(states_, [&](const auto& entry) {
      return sources.mesh.site(entry.first.from) == nullptr || sources.mesh.site(entry.first.to) == nullptr;
    });
}

}  // namespace sonde::web
