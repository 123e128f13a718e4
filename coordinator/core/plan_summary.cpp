// What `sonde plan` says: the other half of planner.h.
#include <algorithm>
#include <chrono>
#include <numeric>
#include <unordered_map>
#include <utility>
#include <vector>

#include "coordinator/core/link_rules.h"
#include "coordinator/core/packing.h"
#include "coordinator/core/planner.h"
#include "coordinator/core/probe_cost.h"

namespace sonde {
namespace {

constexpr nanoseconds day_length = std::chrono::hours(24);
/// Of a link in somebody's quiet hours so many runs are looked at.
constexpr std::int64_t most_runs_looked_at = 20'000;

/// Busy shares of the two directions; one without full duplex.
struct BusyShares {
  double out = 0;
  double in = 0;
};

/// Adds the uses up under the names of sites, uplinks and links.
class Uses {
 public:
  Uses(const Mesh& mesh, const Timetable& timetable, PlanSummary& out)
      : duplex_(timetable.policy.throughput && timetable.policy.throughput->full_duplex), out_(out) {
    for (const SiteSpec& site : mesh.sites) {
      specs_.emplace(site.site, &site);
      out_.of_site[site.site];
      if (site.uplink) out_.of_uplink[*site.uplink];
    }
  }

  const SiteSpec& spec(const SiteId& site) const { return *specs_.at(site); }

  void add_time(const Link& link, double share) {
    add_busy(busy_sites_[link.from], share, true);
    add_busy(busy_sites_[link.to], share, false);
    const auto& from = spec(link.from).uplink;
    const auto& to = spec(link.to).uplink;
    if (from) add_busy(busy_uplinks_[*from], share, true);
    // A run between two sites of one uplink keeps it busy once, with full duplex in both directions.
    if (to && (to != from || duplex_)) add_busy(busy_uplinks_[*to], share, false);
    out_.of_link[link].utilisation += share;
  }
  void add_bytes(const Link& link, double per_day) {
    out_.of_site[link.from].bytes_per_day += per_day;
    out_.of_site[link.to].bytes_per_day += per_day;
    const auto& from = spec(link.from).uplink;
    const auto& to = spec(link.to).uplink;
    if (from) out_.of_uplink[*from].bytes_per_day += per_day;
    if (to && to != from) out_.of_uplink[*to].bytes_per_day += per_day;
    out_.of_link[link].bytes_per_day += per_day;
  }
  void finish() {
    for (const auto& [site, busy] : busy_sites_) out_.of_site[site].utilisation = std::max(busy.out, busy.in);
    for (const auto& [uplink, busy] : busy_uplinks_) out_.of_uplink[uplink].utilisation = std::max(busy.out, busy.in);
  }

 private:
  void add_busy(BusyShares& busy, double share, bool sends) const { (sends || !duplex_ ? busy.out : busy.in) += share; }

  bool duplex_;
  PlanSummary& out_;
  std::unordered_map<SiteId, const SiteSpec*> specs_;
  std::unordered_map<SiteId, BusyShares> busy_sites_;
  std::unordered_map<std::string, BusyShares> busy_uplinks_;
};

/// The longest time between the starts of two runs of this slot that quiet hours do not leave out.
nanoseconds longest_pause(const Timetable& timetable, const ThroughputSlot& slot) {
  const nanoseconds every = timetable.interval(slot);
  const bool may_be_quiet = std::ranges::any_of(
      timetable.quiet, [&](const QuietSite& q) { return q.site == slot.link.from || q.site == slot.link.to; });
  if (!may_be_quiet) return every;
  // The pattern of a day comes again after so many runs.
  const std::int64_t pattern = day_length.count() / std::gcd(day_length.count(), every.count());
  nanoseconds longest{0};
  nanoseconds pause{0};
  for (std::int64_t k = 0; k < 2 * std::min(pattern, most_runs_looked_at); ++k) {
    pause += every;
    if (timetable.is_quiet(slot.link, timetable.epoch + slot.start + k * every, slot.length)) continue;
    longest = std::max(longest, std::exchange(pause, nanoseconds(0)));
  }
  return std::max(longest, every);
}

/// Throughput runs, by their own lengths where `usual` has them.
void add_throughput(const Timetable& timetable, const std::unordered_map<Link, nanoseconds>& usual, Uses& uses,
                    PlanSummary& out) {
  if (!timetable.policy.throughput || timetable.throughput_every <= nanoseconds(0)) return;
  const double octets = throughput_run_octets(*timetable.policy.throughput);
  for (const ThroughputSlot& slot : timetable.slots) {
    const double every = to_seconds(timetable.interval(slot));
    const auto known = usual.find(slot.link);
    const nanoseconds run = known == usual.end() ? slot.length - slot_overhead : known->second;
    uses.add_time(slot.link, to_seconds(run) / every);
    uses.add_bytes(slot.link, octets * seconds_per_day / every);
    // The run before may have ended at once, and this one may last as long as its slot.
    out.oldest_cell_s = std::max(out.oldest_cell_s, to_seconds(longest_pause(timetable, slot) + slot.length));
  }
}

void add_small_probes(const Timetable& timetable, Uses& uses, PlanSummary& out) {
  const Policy& policy = timetable.policy;
  if (timetable.phases.empty()) return;
  for (const LinkPhase& phase : timetable.phases)
    uses.add_bytes(phase.link, small_probes_octets_per_second(policy, uses.spec(phase.link.to)) * seconds_per_day);
  if (policy.latency)
    out.oldest_cell_s = std::max(out.oldest_cell_s, to_seconds(policy.latency->every + policy.latency->timeout));
  if (policy.connect)
    out.oldest_cell_s = std::max(out.oldest_cell_s, to_seconds(policy.connect->every + policy.connect->timeout));
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

double PlanUse::bytes_per_month() const { return bytes_per_day * (seconds_per_month / seconds_per_day); }

PlannedUse planned_use(const Mesh& mesh, const Timetable& timetable,
                       const std::unordered_map<Link, nanoseconds>& usual) {
  PlanSummary scratch;
  Uses uses(mesh, timetable, scratch);
  add_throughput(timetable, usual, uses, scratch);
  uses.finish();
  PlannedUse out;
  for (const auto& [site, use] : scratch.of_site) out.of_site[site] = use.utilisation;
  for (const auto& [uplink, use] : scratch.of_uplink) out.of_uplink[uplink] = use.utilisation;
  return out;
}

PlanSummary summarise(const Mesh& mesh, const Timetable& timetable) {
  PlanSummary out;
  out.sites = mesh.sites.size();
  out.rounds = timetable.rounds;
  out.cycle_s = to_seconds(timetable.cycle);
  out.every_s = to_seconds(timetable.throughput_every);
  out.lower_bound_s = to_seconds(bare_bound(mesh, timetable));
  Uses uses(mesh, timetable, out);
  add_throughput(timetable, {}, uses, out);
  add_small_probes(timetable, uses, out);
  uses.finish();
  out.conflicts = broken_rules(timetable, uplinks_of(mesh), exceptions_of(mesh)).size();
  return out;
}

}  // namespace sonde
