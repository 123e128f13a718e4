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

Mesh joined(const Mesh& mesh) {
  Mesh grown = mesh;
  SiteSpec site = mesh.sites.front();
  site.site = SiteId::known("newcomer");
  grown.sites.push_back(site);
  return grown;
}

void measure(std::uint32_t sites) {
  const Mesh mesh = mesh_of(sites, false);
  Timetable timetable;
  const double planned_s = seconds_for([&] { timetable = *plan({.mesh = mesh, .effective_at = SharedTime(1h)}); });
  const PlanSummary summary = summarise(mesh, timetable);
  const Mesh duplex = mesh_of(sites, true);
  const Timetable both = *plan({.mesh = duplex, .effective_at = SharedTime(1h)});
  const Mesh grown = joined(mesh);
  Timetable next = timetable;
  next.slots.reserve(next.slots.size() / 16 * 17);  // as a timetable that was planned here has it
  next.phases.reserve(next.phases.size() / 16 * 17);
  bool planned = true;
  const double joined_s =
      seconds_for([&] { planned = replan(next, {.mesh = grown, .effective_at = SharedTime(2h)}).has_value(); });
  std::size_t moved = 0;
  std::size_t kept = 0;
  {
    std::unordered_map<Link, nanoseconds> starts;
    for (const ThroughputSlot& slot : next.slots) starts[slot.link] = slot.start;
    for (const ThroughputSlot& slot : timetable.slots) ++(starts.at(slot.link) == slot.start ? kept : moved);
  }
  Timetable after = next;
  const double left_s =
      seconds_for([&] { planned = planned && replan(after, {.mesh = mesh, .effective_at = SharedTime(3h)}); });
  if (!planned) throw std::runtime_error("a site that joins or leaves could not be planned for");
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
      to_seconds(interval) * scale, negotiation.oldest_s * scale, played, planned_s, joined_s, left_s, moved, kept,
      summary.conflicts + broken_rules(both, {}).size() + broken_rules(next, {}).size() +
          broken_rules(after, {}).size(),
      summary.rounds);
  std::fflush(stdout);
}

}  // namespace
}  // namespace sonde

int main(int argc, char** argv) {
  for (const char* sites : std::span(argv, static_cast<std::size_t>(argc)).subspan(1))
    sonde::measure(static_cast<std::uint32_t>(std::strtoul(sites, nullptr, 10)));
}
