// How long a cycle takes with Sonde's timetable, beside its lower bound and two other ways to keep runs apart; one line
// of JSON for each number of sites. timetable.py makes the table and judges. No packet is sent.
#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <cstdio>
#include <cstdlib>
#include <ctime>
#include <span>
#include <stdexcept>
#include <string_view>
#include <unordered_map>
#include <utility>
#include <vector>

#include "coordinator/core/link_rules.h"
#include "coordinator/core/packing.h"
#include "coordinator/core/planner.h"
#include "coordinator/core/slot_board.h"
#include "shared/base/random.h"

namespace sonde {
namespace {

using namespace std::chrono_literals;

constexpr nanoseconds run_length = 10s;
/// perfSONAR reserves this much more for each run: 4 s set-up, 3 s wait, 2 s end.
constexpr nanoseconds perfsonar_slack = 9s;
/// Above, the negotiation of every pair takes too long to play; its load is then that of so many sites.
constexpr std::uint32_t most_negotiated_sites = 100;
constexpr int intervals_played = 3;

Mesh mesh_of(std::uint32_t sites, bool full_duplex) {
  Mesh mesh;
  for (std::uint32_t i = 0; i < sites; ++i) {
    SiteSpec site;
    site.site = SiteId::known(fmt::format("s{:04}", i));
    site.addresses = {"192.0.2.1"};
    mesh.sites.push_back(site);
  }
  mesh.policy.throughput->duration = run_length;
  mesh.policy.throughput->full_duplex = full_duplex;
  return mesh;
}

/// CPU time, so that what else runs on the machine does not count.
template <typename Act>
double seconds_for(Act&& act) {
  const std::clock_t before = std::clock();
  act();
  return static_cast<double>(std::clock() - before) / CLOCKS_PER_SEC;
}

/// Each pair of hosts looks for the first time after a random one at which both are free; every interval anew.
struct Negotiation {
  bool dropped = false;
  double oldest_s = 0;  ///< the longest time between two ends of one link's runs, and the run
};

Negotiation negotiate(std::uint32_t sites, nanoseconds interval, std::uint64_t seed) {
  const nanoseconds reserved = run_length + perfsonar_slack;
  SlotBoard board(sites, interval.count() * intervals_played);
  Random random(seed);
  Negotiation out;
  std::vector<std::int64_t> last(std::size_t{sites} * sites, -1);
  std::vector<std::pair<std::uint32_t, std::uint32_t>> links;
  for (std::uint32_t a = 0; a < sites; ++a)
    for (std::uint32_t b = 0; b < sites; ++b)
      if (a != b) links.emplace_back(a, b);
  for (std::int64_t turn = 0; turn < intervals_played; ++turn) {
    for (std::size_t i = links.size(); i > 1; --i) std::swap(links[i - 1], links[random.below(i)]);
    for (const auto& [a, b] : links) {
      const SlotBoard::Run run{{a, b, reserved}, interval.count() * intervals_played};
      const std::int64_t begin = turn * interval.count();
      const auto wanted = begin + static_cast<std::int64_t>(random.below(static_cast<std::uint64_t>(interval.count())));
      auto start = board.first_fit(run, wanted, begin + interval.count());
      if (!start) start = board.first_fit(run, begin, begin + interval.count());  // the slip reaches back as well
      if (!start) {
        out.dropped = true;
        return out;
      }
      board.add(run, *start, 0);
      std::int64_t& before = last[std::size_t{a} * sites + b];
      if (before >= 0) out.oldest_s = std::max(out.oldest_s, static_cast<double>(*start - before) * 1e-9);
      before = *start;
    }
  }
  out.oldest_s += to_seconds(run_length);
  return out;
}

/// The shortest interval, in steps of 5 %, at which no run is dropped.
std::pair<nanoseconds, Negotiation> negotiated(std::uint32_t sites) {
  nanoseconds interval = 2 * (sites - 1) * (run_length + perfsonar_slack);
  for (int step = 0; step < 60; ++step, interval += interval / 20)
    if (const Negotiation played = negotiate(sites, interval, sites); !played.dropped) return {interval, played};
  return {interval, {}};
}

/// By one site; the newcomer of a mesh with a core belongs to it.
Mesh joined(const Mesh& mesh) {
  Mesh grown = mesh;
  SiteSpec site = mesh.sites.front();
  site.site = SiteId::known("newcomer");
  grown.sites.push_back(site);
  return grown;
}

/// What a join or leave costs, and what it moves.
struct Change {
  double joined_s = 0;
  double left_s = 0;
  std::size_t new_runs = 0;
  std::size_t moved = 0;
  std::size_t kept = 0;
  std::size_t conflicts = 0;
  bool planned = true;
};

Change join_and_leave(const Mesh& mesh, const Timetable& timetable,
                      const std::unordered_map<Link, nanoseconds>& lengths = {}) {
  Change change;
  const Mesh grown = joined(mesh);
  Timetable next = timetable;
  next.slots.reserve(next.slots.size() / 16 * 17);  // as a timetable that was planned here has it
  next.phases.reserve(next.phases.size() / 16 * 17);
  PlanRequest join{.mesh = grown, .measured = lengths, .effective_at = SharedTime(2h)};
  change.joined_s = seconds_for([&] { change.planned = replan(next, join).has_value(); });
  {
    std::unordered_map<Link, nanoseconds> starts;
    for (const ThroughputSlot& slot : next.slots) starts[slot.link] = slot.start;
    for (const ThroughputSlot& slot : timetable.slots)
      ++(starts.at(slot.link) == slot.start ? change.kept : change.moved);
    change.new_runs = next.slots.size() - timetable.slots.size();
  }
  change.conflicts = broken_rules(next, uplinks_of(grown), exceptions_of(grown)).size();
  PlanRequest leave{.mesh = mesh, .measured = lengths, .effective_at = SharedTime(3h)};
  change.left_s = seconds_for([&] { change.planned = replan(next, leave).has_value() && change.planned; });
  change.conflicts += broken_rules(next, uplinks_of(mesh), exceptions_of(mesh)).size();
  return change;
}

/// Meshes in which not all runs are alike.
void measure_wishes(std::uint32_t sites) {
  const Mesh plain = mesh_of(sites, false);
  std::vector<std::pair<std::string_view, Mesh>> meshes(5, {"", plain});
  meshes[0].first = "runs of many lengths";
  meshes[1].first = "20 sites every hour";
  LinkRule often;
  often.group = "core";
  often.every = 1h;
  meshes[1].second.links.push_back(often);
  for (std::uint32_t i = 0; i < std::min(sites, 20U); ++i) meshes[1].second.sites[i * (sites / 20)].groups = {"core"};
  meshes[2].first = "a budget of bytes";
  const PlanSummary all = summarise(plain, *plan({.mesh = plain, .effective_at = SharedTime(1h)}));
  const double fixed = all.of_site.begin()->second.bytes_per_month();
  meshes[2].second.policy.latency.reset();
  meshes[2].second.sites[7].bytes_per_month = Bytes{static_cast<std::uint64_t>(fixed / 10)};
  meshes[3].first = "an uplink's share";
  for (const std::uint32_t i : {3U, 4U}) meshes[3].second.sites[i].uplink = "x";
  meshes[3].second.uplinks = {{"x", 0.5}};
  meshes[4].first = "10 sites with quiet nights";
  for (std::uint32_t i = 0; i < 10; ++i) meshes[4].second.sites[i * (sites / 10)].quiet_hours = {{22h, 8h}};
  for (const auto& [name, mesh] : meshes) {
    std::unordered_map<Link, nanoseconds> lengths;
    Random random(11);
    if (name == meshes[0].first)
      for (const SiteSpec& from : mesh.sites)
        for (const SiteSpec& to : mesh.sites)
          lengths[{from.site, to.site}] = 5s + nanoseconds(static_cast<std::int64_t>(random.below(10'000'000'000)));
    Timetable timetable;
    const double planned_s =
        seconds_for([&] { timetable = *plan({.mesh = mesh, .measured = lengths, .effective_at = SharedTime(1h)}); });
    const Change change = join_and_leave(mesh, timetable, lengths);
    if (!change.planned) throw std::runtime_error("a site that joins or leaves could not be planned for");
    fmt::print(
        R"({{"wish":"{}","sites":{},"planned_s":{},"joined_s":{},"left_s":{},"new_runs":{},"join_moved":{},"join_kept":{},"conflicts":{}}})"
        "\n",
        name, sites, planned_s, change.joined_s, change.left_s, change.new_runs, change.moved, change.kept,
        change.conflicts);
    std::fflush(stdout);
  }
}

void measure(std::uint32_t sites) {
  const Mesh mesh = mesh_of(sites, false);
  Timetable timetable;
  const double planned_s = seconds_for([&] { timetable = *plan({.mesh = mesh, .effective_at = SharedTime(1h)}); });
  const PlanSummary summary = summarise(mesh, timetable);
  const Mesh duplex = mesh_of(sites, true);
  const Timetable both = *plan({.mesh = duplex, .effective_at = SharedTime(1h)});
  const Change change = join_and_leave(mesh, timetable);
  if (!change.planned) throw std::runtime_error("a site that joins or leaves could not be planned for");
  const std::uint32_t played = std::min(sites, most_negotiated_sites);
  const auto [interval, negotiation] = negotiated(played);
  const double scale = (sites - 1.0) / (played - 1.0);
  fmt::print(
      R"({{"sites":{},"bound_s":{},"cycle_s":{},"oldest_s":{},"duplex_cycle_s":{},"token_cycle_s":{},"token_oldest_s":{},)"
      R"("negotiated_cycle_s":{},"negotiated_oldest_s":{},"negotiated_of":{},"planned_s":{},"joined_s":{},"left_s":{},"join_moved":{},)"
      R"("join_kept":{},"conflicts":{},"rounds":{}}})"
      "\n",
      sites, summary.lower_bound_s, summary.cycle_s, summary.cycle_s + to_seconds(run_length), to_seconds(both.cycle),
      to_seconds(sites * (sites - 1) * run_length), to_seconds(sites * (sites - 1) * run_length + run_length),
      to_seconds(interval) * scale, negotiation.oldest_s * scale, played, planned_s, change.joined_s, change.left_s,
      change.moved, change.kept, summary.conflicts + broken_rules(both, {}).size() + change.conflicts, summary.rounds);
  std::fflush(stdout);
}

}  // namespace
}  // namespace sonde

int main(int argc, char** argv) {
  std::uint32_t most = 0;
  for (const char* text : std::span(argv, static_cast<std::size_t>(argc)).subspan(1)) {
    const auto sites = static_cast<std::uint32_t>(std::strtoul(text, nullptr, 10));
    sonde::measure(sites);
    most = std::max(most, sites);
  }
  if (most >= 20) sonde::measure_wishes(most);
}
