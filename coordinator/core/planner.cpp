#include "coordinator/core/planner.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <map>
#include <numeric>
#include <string>
#include <tuple>
#include <utility>
#include <vector>

#include "coordinator/core/packing.h"
#include "shared/base/limits.h"
#include "shared/base/random.h"

namespace sonde {
namespace {

using namespace std::chrono_literals;

constexpr nanoseconds least_auto_every = 1h;
constexpr double auto_slack = 1.25;
constexpr nanoseconds least_duration = 100ms;

/// The sites in order of name, each with its unit; equal whatever order the configuration has.
struct Cast {
  std::vector<const SiteSpec*> sites;
  std::vector<std::uint32_t> unit_of;  ///< shuffled by the seed
  std::uint32_t units = 0;
};

Cast cast_of(const Mesh& mesh, std::uint64_t seed) {
  Cast cast;
  for (const SiteSpec& site : mesh.sites) cast.sites.push_back(&site);
  std::ranges::sort(cast.sites, {}, [](const SiteSpec* site) -> const SiteId& { return site->site; });
  std::map<std::string_view, std::uint32_t> uplinks;
  for (const SiteSpec* site : cast.sites) {
    const auto unit = site->uplink ? uplinks.emplace(*site->uplink, cast.units).first->second : cast.units;
    cast.unit_of.push_back(unit);
    cast.units = std::max(cast.units, unit + 1);
  }
  std::vector<std::uint32_t> shuffled(cast.units);
  std::iota(shuffled.begin(), shuffled.end(), 0U);
  Random random(seed);
  for (std::uint32_t i = cast.units; i > 1; --i) std::swap(shuffled[i - 1], shuffled[random.below(i)]);
  for (std::uint32_t& unit : cast.unit_of) unit = shuffled[unit];
  return cast;
}

bool takes_probes(const SiteSpec& site) { return site.inbound || !site.has_agent; }

struct Run {
  std::uint32_t from = 0;  ///< index into Cast::sites
  std::uint32_t to = 0;
};

struct Runs {
  std::vector<Run> runs;
  std::vector<Job> jobs;  ///< jobs[i] is runs[i]
};

/// `stretch` of 0 to 1: how much of what measured runs took beyond the duration is granted.
Runs runs_of(const Cast& cast, const ThroughputPolicy& policy, const std::unordered_map<Link, nanoseconds>& measured,
             double stretch) {
  Runs out;
  for (std::uint32_t from = 0; from < cast.sites.size(); ++from)
    for (std::uint32_t to = 0; to < cast.sites.size(); ++to) {
      const SiteSpec& source = *cast.sites[from];
      const SiteSpec& sink = *cast.sites[to];
      if (from == to || !source.has_agent || !sink.has_agent || !sink.inbound) continue;
      nanoseconds length = policy.duration;
      if (!measured.empty())
        if (const auto known = measured.find({source.site, sink.site}); known != measured.end()) {
          const nanoseconds wanted =
              std::clamp(known->second, policy.duration, std::max(policy.duration, policy.max_duration));
          length += nanoseconds(std::llround(stretch * static_cast<double>((wanted - policy.duration).count())));
        }
      out.runs.push_back({from, to});
      out.jobs.push_back({cast.unit_of[from], cast.unit_of[to], length + slot_overhead});
    }
  return out;
}

void place_slots(const Cast& cast, const Runs& runs, const Packing& packing, Timetable& out) {
  // Sites are in order of name, so that indices order as links do.
  std::vector<std::tuple<nanoseconds, std::uint32_t, std::uint32_t, std::uint32_t>> order;
  order.reserve(runs.runs.size());
  for (std::uint32_t i = 0; i < runs.runs.size(); ++i)
    order.emplace_back(packing.places[i].start, runs.runs[i].from, runs.runs[i].to, i);
  std::ranges::sort(order);
  out.slots.reserve(order.size());
  for (const auto& [start, from, to, i] : order)
    out.slots.push_back({Round{packing.places[i].round}, Link{cast.sites[from]->site, cast.sites[to]->site}, start,
                         runs.jobs[i].length});
  out.rounds = packing.rounds;
  out.cycle = packing.length;
}

nanoseconds interval_for(const ThroughputPolicy& policy, nanoseconds cycle) {
  if (policy.every) return *policy.every;
  const nanoseconds roomy(std::llround(auto_slack * static_cast<double>(cycle.count())));
  return std::max(least_auto_every, roomy);
}

Expected<void> place_throughput(const PlanRequest& request, Timetable& out) {
  const auto& policy = request.mesh.policy.throughput;
  if (!policy) return {};
  const Cast cast = cast_of(request.mesh, request.seed);
  for (const double stretch : {1.0, 0.75, 0.5, 0.25, 0.0}) {
    const Runs runs = runs_of(cast, *policy, request.measured, stretch);
    const Packing packing = pack(runs.jobs, cast.units);
    if (policy->every && packing.length > *policy->every && stretch > 0 && !request.measured.empty()) continue;
    if (policy->every && packing.length > *policy->every) break;
    place_slots(cast, runs, packing, out);
    out.throughput_every = interval_for(*policy, packing.length);
    return {};
  }
  const auto misfit = throughput_misfit(request.mesh);
  SONDE_ASSERT(misfit.has_value());
  return fail(fmt::format("probes.throughput.every: {}; {}", misfit->what(), misfit->remedy()));
}

/// FNV-1a over the two names and a salt, finished as SplitMix64 does; equal on every platform and for ever.
std::uint64_t hash_of(const Link& link, std::uint64_t salt) {
  std::uint64_t hash = 0xCBF2'9CE4'8422'2325 ^ salt;
  const auto feed = [&](std::string_view text) {
    for (const char c : text) hash = (hash ^ static_cast<unsigned char>(c)) * 0x100'0000'01B3;
    hash = (hash ^ 0xFF) * 0x100'0000'01B3;
  };
  feed(link.from.str());
  feed(link.to.str());
  hash = (hash ^ (hash >> 30U)) * 0xBF58'476D'1CE4'E5B9;
  hash = (hash ^ (hash >> 27U)) * 0x94D0'49BB'1331'11EB;
  return hash ^ (hash >> 31U);
}

nanoseconds phase_of(const Link& link, std::uint64_t salt, nanoseconds every) {
  const double share = static_cast<double>(hash_of(link, salt) >> 11U) * 0x1p-53;
  return nanoseconds(static_cast<std::int64_t>(share * static_cast<double>(every.count())));
}

void place_phases(const Mesh& mesh, Timetable& out) {
  const Cast cast = cast_of(mesh, 0);
  for (const SiteSpec* from : cast.sites)
    for (const SiteSpec* to : cast.sites) {
      if (from == to || !from->has_agent || !takes_probes(*to)) continue;
      LinkPhase phase;
      phase.link = {from->site, to->site};
      if (mesh.policy.latency) phase.latency_phase = phase_of(phase.link, 1, mesh.policy.latency->every);
      if (mesh.policy.connect) phase.connect_phase = phase_of(phase.link, 2, mesh.policy.connect->every);
      out.phases.push_back(std::move(phase));
    }
}

/// Names in the order in which they are first met, from 1.
std::uint32_t number_of(std::map<std::string, std::uint32_t>& known, const std::string& name) {
  return known.try_emplace(name, static_cast<std::uint32_t>(known.size()) + 1).first->second;
}

}  // namespace

Expected<Timetable> plan(const PlanRequest& request) {
  if (request.mesh.sites.size() > limits::sites)
    return fail(fmt::format("{} sites are too many; give at most {}", request.mesh.sites.size(), limits::sites));
  Timetable out;
  out.generation = request.at_least;
  if (request.previous != nullptr)
    out.generation = std::max(out.generation, Generation{request.previous->generation.number + 1});
  out.effective_at = request.effective_at;
  // An epoch in the future would stop everything until then.
  out.epoch =
      request.previous != nullptr ? std::min(request.previous->epoch, request.effective_at) : request.effective_at;
  out.policy = request.mesh.policy;
  std::map<std::string, std::uint32_t> uplinks;
  for (const SiteSpec& site : request.mesh.sites)
    out.members.push_back({site.site, site.addresses, site.port, site.inbound, site.has_agent, site.connect,
                           site.public_key, site.location, site.uplink ? number_of(uplinks, *site.uplink) : 0});
  if (auto placed = place_throughput(request, out); !placed) return std::unexpected(placed.error());
  place_phases(request.mesh, out);
  return out;
}

SharedTime quiet_instant(const Timetable& current, SharedTime not_before) {
  if (current.slots.empty() || current.throughput_every <= 0ns || not_before < current.epoch) return not_before;
  const nanoseconds into = (not_before - current.epoch) % current.throughput_every;
  return into >= current.cycle || into == 0ns ? not_before : not_before + (current.cycle - into);
}

std::string Misfit::what() const {
  return fmt::format("{} does not hold the cycle of {} rounds, which takes {} ({:.0f} % of it)", format_duration(every),
                     rounds, format_duration(cycle),
                     100.0 * static_cast<double>(cycle.count()) / static_cast<double>(every.count()));
}

std::string Misfit::remedy() const {
  const nanoseconds whole = std::chrono::ceil<std::chrono::seconds>(cycle);
  std::string text = fmt::format("give at least {} or auto", format_duration(whole));
  if (fitting_duration) text += fmt::format(", or a duration of at most {}", format_duration(*fitting_duration));
  return text;
}

std::optional<Misfit> throughput_misfit(const Mesh& mesh) {
  const auto& policy = mesh.policy.throughput;
  if (!policy || !policy->every) return std::nullopt;
  const Cast cast = cast_of(mesh, 0);
  const Packing packing = pack(runs_of(cast, *policy, {}, 0).jobs, cast.units);
  if (packing.length <= *policy->every) return std::nullopt;
  Misfit misfit{*policy->every, packing.length, packing.rounds, std::nullopt};
  const nanoseconds fitting = *policy->every / packing.rounds - slot_overhead;
  const nanoseconds rounded = fitting - fitting % least_duration;
  if (rounded >= least_duration) misfit.fitting_duration = rounded;
  return misfit;
}

}  // namespace sonde
