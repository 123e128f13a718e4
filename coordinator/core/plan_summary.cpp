// What `sonde plan` says: the other half of planner.h.
#include <algorithm>
#include <cmath>
#include <unordered_map>
#include <vector>

#include "coordinator/core/packing.h"
#include "coordinator/core/planner.h"

namespace sonde {
namespace {

constexpr double seconds_per_day = 86'400;
// Upper bounds of what one probe puts on the wire, in octets. IPv6 and UDP headers 48, a STAMP packet between agents
// 100 (docs/protocol.md).
constexpr double latency_packet = 48 + 100;
// A handshake, its end and some retransmissions: seven segments of 80.
constexpr double connect_run = 7 * 80;
// Headers and acknowledgements on top of TCP payload: IPv6 and TCP with options 72 + half of 72 for each 1,428.
constexpr double tcp_share = 1 + (72.0 + 36.0) / 1428.0;

struct Load {
  nanoseconds busy{0};
  double bytes_per_day = 0;
};
using LoadBySite = std::unordered_map<SiteId, Load>;

void add_throughput(const Timetable& timetable, LoadBySite& loads) {
  if (!timetable.policy.throughput || timetable.throughput_every <= nanoseconds(0)) return;
  const double runs_per_day = seconds_per_day / to_seconds(timetable.throughput_every);
  const double bytes = static_cast<double>(timetable.policy.throughput->max_bytes.count) * tcp_share * runs_per_day;
  for (const ThroughputSlot& slot : timetable.slots)
    for (const SiteId* site : {&slot.link.from, &slot.link.to}) {
      Load& load = loads[*site];
      load.busy += slot.length;
      load.bytes_per_day += bytes;
    }
}

void add_small_probes(const Timetable& timetable, LoadBySite& loads) {
  double bytes = 0;
  if (timetable.policy.latency)
    bytes += 2 * latency_packet * timetable.policy.latency->rate.per_second * seconds_per_day;
  if (timetable.policy.connect) bytes += connect_run * seconds_per_day / to_seconds(timetable.policy.connect->every);
  for (const LinkPhase& phase : timetable.phases) {
    loads[phase.link.from].bytes_per_day += bytes;
    loads[phase.link.to].bytes_per_day += bytes;
  }
}

/// The slots as jobs without any overhead.
nanoseconds bare_bound(const Mesh& mesh, const Timetable& timetable) {
  std::unordered_map<std::string, std::uint32_t> units;
  std::unordered_map<SiteId, std::uint32_t> unit_of;
  for (const SiteSpec& site : mesh.sites) {
    const std::string name = site.uplink ? "uplink " + *site.uplink : "site " + site.site.str();
    unit_of[site.site] = units.emplace(name, static_cast<std::uint32_t>(units.size())).first->second;
  }
  std::vector<Job> jobs;
  jobs.reserve(timetable.slots.size());
  for (const ThroughputSlot& slot : timetable.slots)
    jobs.push_back({unit_of.at(slot.link.from), unit_of.at(slot.link.to), slot.length - slot_overhead});
  return packing_bound(jobs, static_cast<std::uint32_t>(units.size()));
}

}  // namespace

Uplinks uplinks_of(const Mesh& mesh) {
  Uplinks uplinks;
  for (const SiteSpec& site : mesh.sites)
    if (site.uplink) uplinks.emplace(site.site, *site.uplink);
  return uplinks;
}

PlanSummary summarise(const Mesh& mesh, const Timetable& timetable) {
  PlanSummary out;
  out.sites = mesh.sites.size();
  out.rounds = timetable.rounds;
  out.cycle_s = to_seconds(timetable.cycle);
  out.lower_bound_s = to_seconds(bare_bound(mesh, timetable));
  LoadBySite loads;
  add_throughput(timetable, loads);
  add_small_probes(timetable, loads);
  const double every = to_seconds(timetable.throughput_every);
  for (const SiteSpec& site : mesh.sites) {
    const Load& load = loads[site.site];
    out.utilisation[site.site] = every > 0 ? to_seconds(load.busy) / every : 0;
    out.bytes_per_day[site.site] = static_cast<std::uint64_t>(std::ceil(load.bytes_per_day));
  }
  out.conflicts = broken_rules(timetable, uplinks_of(mesh)).size();
  return out;
}

}  // namespace sonde
