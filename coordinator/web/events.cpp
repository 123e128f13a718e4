#include "coordinator/web/events.h"

#include <fmt/format.h>

#include <algorithm>
#include <unordered_map>
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
  follow_mesh(sources.mesh);
  query_.at = sources.now;
  const std::size_t size = sites_.size();
  std::set<std::size_t> places;
  for (const Link& link : changed)
    if (const auto place = sources.matrix.place_of(link)) places.insert(place->from * size + place->to);
  add_aged(sources, places);
  if (places.empty()) return;
  out += fmt::format(R"(event: cells{}data: {{"metric":"{}","stat":"{}","unit":"{}","window_s":{},"at":"{}","cells":[)",
                     '\n', name(query_.metric), name(query_.stat), info(query_.metric).unit, to_seconds(query_.window),
                     format_rfc3339(query_.at));
  bool first = true;
  for (const std::size_t place : places) {
    const Link link{sites_[place / size], sites_[place % size]};
    const Cell cell = sources.matrix.cell(link, query_);
    states_[place] = cell.state;
    if (!std::exchange(first, false)) out += ',';
    append_cell(out, link, query_.metric, cell);
  }
  out += "]}\n\n";
}

void EventStream::add_aged(const Sources& sources, std::set<std::size_t>& places) {
  const std::size_t size = sites_.size();
  const nanoseconds every = states_.size() <= small_mesh_links ? std::chrono::seconds(1) : std::chrono::seconds(10);
  if (begun_ && sources.mono - swept_at_ < every) return;
  swept_at_ = sources.mono;
  sources.matrix.each_state(query_.metric, query_.at, [&](std::size_t from, std::size_t to, CellState state) {
    auto& told = states_[from * size + to];
    if (told && *told != state) places.insert(from * size + to);
    told = state;
  });
}

/// Links that are new count as told when they are looked at first; the others keep what was told of them.
void EventStream::follow_mesh(const Mesh& mesh) {
  if (std::ranges::equal(mesh.sites, sites_, {}, &SiteSpec::site)) return;
  std::unordered_map<SiteId, std::size_t> before;
  for (std::size_t site = 0; site < sites_.size(); ++site) before.emplace(sites_[site], site);
  const std::size_t size = mesh.sites.size();
  std::vector<std::optional<CellState>> states(size * size);
  for (std::size_t from = 0; from < size; ++from) {
    const auto old_from = before.find(mesh.sites[from].site);
    if (old_from == before.end()) continue;
    for (std::size_t to = 0; to < size; ++to)
      if (const auto old_to = before.find(mesh.sites[to].site); old_to != before.end())
        states[from * size + to] = states_[old_from->second * sites_.size() + old_to->second];
  }
  states_ = std::move(states);
  sites_.clear();
  for (const SiteSpec& site : mesh.sites) sites_.push_back(site.site);
}

}  // namespace sonde::web
