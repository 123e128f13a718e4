// What `sonde plan` says: the other half of planner.h.
#include <algorithm>
#include <cmath>
#include <unordered_map>
#include <vector>

#include "coordinator/core/link_rules.h"
#include "coordinator/core/packing.h"
#include "coordinator/core/planner.h"
#include "coordinator/core/probe_cost.h"

namespace sonde {
namespace {

struct Load {
  double busy_share = 0;
  double bytes_per_day = 0;
};
using LoadBySite = std::unordered_map<SiteId, Load>;

void add_throughput(const Timetable& timetable, LoadBySite& loads) {
  if (!timetable.policy.throughput || timetable.throughput_every <= nanoseconds(0)) return;
  const double octets = throughput_run_octets(*timetable.policy.throughput);
  for (const ThroughputSlot& slot : timetable.slots)
    for (const SiteId* site : {&slot.link.from, &slot.link.to}) {
      Load& load = loads[*site];
      const double every = to_seconds(timetable.interval(slot));
      load.busy_share += to_seconds(slot.length) / every;
      load.bytes_per_day += octets * seconds_per_day / every;
    }
}

void add_small_probes(const Timetable& timetable, LoadBySite& loads) {
  const double octets = small_probes_octets_per_second(timetable.policy) * seconds_per_day;
  for (const LinkPhase& phase : timetable.phases) {
    loads[phase.link.from].bytes_per_day += octets;
    loads[phase.link.to].bytes_per_day += octets;
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
  // With full duplex what receives is another unit.
  const bool duplex = timetable.policy.throughput && timetable.policy.throughput->full_duplex;
  const auto receiver = duplex ? static_cast<std::uint32_t>(units.size()) : 0;
  std::vector<Job> jobs;
  jobs.reserve(timetable.slots.size());
  for (const ThroughputSlot& slot : timetable.slots)
    jobs.push_back({unit_of.at(slot.link.from), unit_of.at(slot.link.to) + receiver, slot.length - slot_overhead});
  return packing_bound(jobs, static_cast<std::uint32_t>(units.size()) + receiver);
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
  for (const SiteSpec& site : mesh.sites) {
    const Load& load = loads[site.site];
    out.utilisation[site.site] = load.busy_share;
    out.bytes_per_day[site.site] = static_cast<std::uint64_t>(std::ceil(load.bytes_per_day));
  }
  out.conflicts = broken_rules(timetable, uplinks_of(mesh), exceptions_of(mesh)).size();
  return out;
}

}  // namespace sonde
