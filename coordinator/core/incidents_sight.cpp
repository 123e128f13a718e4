// What is the matter now: the causes behind the raised rules, and what agents say of themselves.
#include <algorithm>
#include <bit>

#include "coordinator/core/incidents.h"
#include "coordinator/core/link_rules.h"

namespace sonde {
namespace {

/// Those that know their direction come first: what they find is paid for when answers are explained, which do not.
constexpr std::array signals{Signal::loss,   Signal::latency,      Signal::throughput, Signal::asymmetry,
                             Signal::answer, Signal::connectivity, Signal::silence,    Signal::clock};
constexpr double sure_enough = 0.8;
/// After so many bad verdicts on a link the likeliest cause is told, however unsure it is.
constexpr std::size_t patience = 6;
/// An agent that was never heard counts as silent this long after the start, or after its site became a member.
constexpr nanoseconds never_heard_after = std::chrono::minutes(1);

const AgentStatus* status_of(const AgentStatuses& agents, const SiteId& site) {
  const auto found = agents.find(site);
  return found == agents.end() ? nullptr : &found->second;
}

bool in_doubt(const AgentStatuses& agents, const SiteId& site, SharedTime now) {
  const AgentStatus* agent = status_of(agents, site);
  if (agent == nullptr || !agent->last_heard) return false;
  const nanoseconds age = now - *agent->last_heard;
  return age >= Incidents::doubt && age < agent_silence;
}

/// What is the matter with a site's measuring is its agent's, or its clock's, and no fault of the network.
Cause named_for(Signal signal, const Cause& cause) {
  if (!of_measuring(signal) || (cause.kind != CauseKind::egress && cause.kind != CauseKind::site_down)) return cause;
  return {.kind = signal == Signal::clock ? CauseKind::clock : CauseKind::agent_silent,
          .site = cause.site,
          .link = {},
          .name = {}};
}

/// How many of the last eight results have to say it: those of most of the site's links.
int enough_bits(std::size_t links) { return static_cast<int>(std::clamp<std::size_t>(links / 2 + 1, 1, 6)); }

}  // namespace

std::set<Link> Incidents::links_of_site(const SiteId& id, bool both_ways) const {
  std::set<Link> out;
  const SiteSpec* site = mesh_.site(id);
  if (site == nullptr) return out;
  for (const SiteSpec& other : mesh_.sites) {
    if (has_latency(mesh_, *site, other)) out.insert({id, other.site});
    if (both_ways && has_latency(mesh_, other, *site)) out.insert({other.site, id});
  }
  return out;
}

std::size_t Incidents::links_from(const SiteId& site) {
  const auto known = links_from_.find(site);
  if (known != links_from_.end()) return known->second;
  return links_from_.emplace(site, links_of_site(site, false).size()).first->second;
}

void Incidents::watch(const Result& result) {
  if (!was_tried(result.outcome)) return;
  const bool starved = result.has(Tag::starved);
  // A connect run that met a full accept queue is the far host's fault.
  const bool far = starved && result.detail("far_listen_overflows").has_value();
  AgentWatch& watch = watches_[far ? result.to : result.id.from];
  const int enough = enough_bits(links_from(result.id.from));
  const auto push = [&](std::uint8_t& bits, bool& was, SharedTime& since, bool now) {
    if (now && bits == 0) since = result.finished_at;
    bits = static_cast<std::uint8_t>((static_cast<unsigned>(bits) << 1U) | (now ? 1U : 0U));
    if (std::popcount(bits) >= enough) was = true;
    if (bits == 0) was = false;
  };
  push(watch.starved, watch.was_starved, watch.since_starved, starved);
  if (!far) push(watch.stepped, watch.was_stepped, watch.since_stepped, result.has(Tag::clock_stepped));
}

bool Incidents::all_silent(SharedTime now, const AgentStatuses& agents) const {
  std::size_t known = 0;
  for (const auto& [site, agent] : agents) {
    if (!agent.last_heard) continue;
    if (agent.heard(now)) return false;
    ++known;
  }
  return known >= 2;
}

SharedTime Incidents::last_sign(const SiteId& site, const AgentStatus& agent) const {
  return agent.last_heard ? *agent.last_heard : member_since_.at(site);
}

/// After a time in which nobody was heard, the agents come back one by one.
bool Incidents::is_silent(const SiteId& site, const AgentStatus& agent, SharedTime now) const {
  if (!agent.last_heard) return now - last_sign(site, agent) >= never_heard_after;
  return !agent.heard(now) && (!deaf_until_ || now - *deaf_until_ >= agent_silence);
}

/// An agent that falls silent while the others are heard on is alone with it. Where nobody has been heard since, that
/// may be the coordinator's own fault, and the next seconds tell.
bool Incidents::others_heard_since(const SiteId& site, SharedTime last, const AgentStatuses& agents) {
  std::size_t others = 0;
  for (const auto& [other, agent] : agents) {
    if (other == site || !agent.last_heard) continue;
    if (*agent.last_heard - last >= doubt) return true;
    ++others;
  }
  return others == 0;
}

std::vector<Incidents::Seen> Incidents::look(SharedTime now, const AgentStatuses& agents) const {
  std::vector<Seen> out;
  if (all_silent(now, agents)) {
    SharedTime since = now;
    for (const auto& [site, agent] : agents)
      if (agent.last_heard) since = std::min(since, *agent.last_heard);
    out.push_back({.cause = {.kind = CauseKind::coordinator, .site = {}, .link = {}, .name = {}},
                   .links = {},
                   .proven = {},
                   .signals = {},
                   .since = since,
                   .alternatives = {},
                   .sure = true});
    return out;  // nothing else can be known now
  }
  look_at_links(now, agents, out);
  look_at_agents(now, agents, out);
  look_at_budgets(out);
  return out;
}

void Incidents::look_at_links(SharedTime now, const AgentStatuses& agents, std::vector<Seen>& out) const {
  std::vector<Cause> open;
  std::vector<Cause> found_now;
  std::set<Signal> shown;
  for (const Live& live : incidents_) {
    if (!live.incident.open()) continue;
    open.push_back(live.incident.cause);
    for (const Metric metric : live.incident.metrics)
      if (const auto signal = signal_of(metric)) shown.insert(*signal);
  }
  std::vector<SiteFacts> sites;
  for (const SiteSpec& spec : mesh_.sites) {
    const AgentStatus* agent = status_of(agents, spec.site);
    sites.push_back({.heard = agent == nullptr || !is_silent(spec.site, *agent, now)});
  }
  for (const Signal signal : signals) {
    if (verdicts_.raised_count(signal) == 0 && !shown.contains(signal)) continue;
    const auto observations = verdicts_.observations(signal);
    const auto causes = find_causes({.mesh = mesh_,
                                     .links = observations,
                                     .sites = sites,
                                     .loop = is_loop(signal),
                                     .open = open,
                                     .found = found_now});
    for (const FoundCause& found : causes) {
      add_found(found, signal, observations, out);
      if (!of_measuring(signal)) found_now.push_back(found.cause);
    }
  }
  fold(out);
}

void Incidents::add_found(const FoundCause& found, Signal signal, const std::vector<Observation>& observations,
                          std::vector<Seen>& out) const {
  const Cause cause = named_for(signal, found.cause);
  auto seen = std::ranges::find(out, cause, &Seen::cause);
  if (seen == out.end()) {
    out.push_back({.cause = cause,
                   .confidence = 0,
                   .settled = 0,
                   .links = {},
                   .proven = {},
                   .signals = {},
                   .since = {},
                   .alternatives = {}});
    seen = std::prev(out.end());
  }
  const std::size_t size = mesh_.sites.size();
  const auto place = [&](const SiteId& id) {
    return static_cast<std::size_t>(std::ranges::find(mesh_.sites, id, &SiteSpec::site) - mesh_.sites.begin());
  };
  for (const Link& link : found.links) {
    const Observation& seen_here = observations[place(link.from) * size + place(link.to)];
    if (seen->links.empty() || seen_here.since < seen->since) seen->since = seen_here.since;
    seen->links.insert(link);
    if (seen_here.raised) seen->proven.insert(link);
  }
  seen->signals.insert(signal);
  seen->covered = std::max(seen->covered, found.covered);
  seen->verdicts = std::max(seen->verdicts, found.verdicts);
  seen->settled = std::max(seen->settled, found.settled);
  if (found.confidence > seen->confidence) {
    seen->confidence = found.confidence;
    seen->alternatives = found.alternatives;
  }
}

/// What another, larger cause explains on another signal is the same trouble.
void Incidents::fold(std::vector<Seen>& seen) const {
  for (std::size_t small = 0; small < seen.size();) {
    const auto explains = [&](const Seen& large) {
      if (&large == &seen[small] || large.links.size() < seen[small].links.size()) return false;
      if (large.links.size() == seen[small].links.size() && *large.signals.begin() > *seen[small].signals.begin())
        return false;
      if (std::ranges::includes(large.signals, seen[small].signals)) return false;  // already judged together
      const bool loop = is_loop(*seen[small].signals.begin()) || is_loop(*large.signals.begin());
      return std::ranges::all_of(seen[small].links,
                                 [&](const Link& link) { return covers(large.cause, mesh_, link, loop); });
    };
    const auto large = std::ranges::find_if(seen, explains);
    if (large == seen.end()) {
      ++small;
      continue;
    }
    large->links.insert(seen[small].links.begin(), seen[small].links.end());
    large->signals.insert(seen[small].signals.begin(), seen[small].signals.end());
    large->proven.insert(seen[small].proven.begin(), seen[small].proven.end());
    large->since = std::min(large->since, seen[small].since);
    seen.erase(seen.begin() + static_cast<std::ptrdiff_t>(small));
    small = 0;
  }
}

/// A silent agent whose host still answers, or says that nobody listens. While nothing has come in since it fell silent
/// that could tell, it waits for three intervals.
bool Incidents::is_agent_alone(const SiteSpec& site, const AgentStatus& agent, SharedTime now) const {
  const SharedTime since = last_sign(site.site, agent);
  bool any_bad = false;
  for (const SiteSpec& other : mesh_.sites)
    for (const Signal signal : {Signal::answer, Signal::connectivity}) {
      const Link link{other.site, site.site};
      if (verdicts_.good_since(link, signal, since)) return true;
      any_bad = any_bad || verdicts_.bad_since(link, signal, since);
    }
  if (any_bad) return false;
  const auto& latency = mesh_.policy.latency;
  const nanoseconds wait = latency ? 3 * latency->every + latency->timeout : agent_silence;
  // Nobody listens there: such results are no verdicts, so that nothing was said until now.
  return now - since >= std::max(wait, agent_silence);
}

/// No link is bad for it.
void Incidents::look_at_budgets(std::vector<Seen>& out) const {
  for (const Overdraft& over : overdrafts_)
    out.push_back({.cause = {.kind = CauseKind::budget, .site = over.site, .link = {}, .name = {}},
                   .links = {},
                   .proven = {},
                   .signals = {},
                   .since = over.since,
                   .alternatives = {},
                   .sure = true});
}

const Overdraft* Incidents::overdraft_of(const Cause& cause) const {
  const auto over = std::ranges::find(overdrafts_, cause.site, &Overdraft::site);
  return cause.kind == CauseKind::budget && over != overdrafts_.end() ? &*over : nullptr;
}

void Incidents::look_at_agents(SharedTime now, const AgentStatuses& agents, std::vector<Seen>& out) const {
  const auto report = [&](CauseKind kind, const SiteId& site, SharedTime since, bool both_ways) {
    out.push_back({.cause = {.kind = kind, .site = site, .link = {}, .name = {}},
                   .links = links_of_site(site, both_ways),
                   .proven = {},
                   .signals = {},
                   .since = since,
                   .alternatives = {},
                   .sure = true});
  };
  for (const SiteSpec& site : mesh_.sites) {
    const AgentStatus* agent = status_of(agents, site.site);
    if (!site.has_agent || agent == nullptr) continue;
    if (is_silent(site.site, *agent, now)) {
      const bool explained = std::ranges::any_of(out, [&](const Seen& seen) {
        return !seen.sure && seen.cause.kind != CauseKind::link && seen.cause.kind != CauseKind::pair &&
               involves(seen.cause, mesh_, site.site);
      });
      const SharedTime last = last_sign(site.site, *agent);
      if (!explained && others_heard_since(site.site, last, agents) && is_agent_alone(site, *agent, now))
        report(CauseKind::agent_silent, site.site, last, true);
      continue;
    }
    const auto watched = watches_.find(site.site);
    if (watched == watches_.end()) continue;
    if (watched->second.was_starved) report(CauseKind::agent_starved, site.site, watched->second.since_starved, false);
    if (watched->second.was_stepped) report(CauseKind::clock, site.site, watched->second.since_stepped, false);
  }
}

bool Incidents::may_open(const Seen& seen, SharedTime now, const AgentStatuses& agents) const {
  if (seen.sure) return true;
  if (seen.proven.empty()) return false;
  // The last bad links of an incident that heals are no new one.
  const bool is_part = std::ranges::any_of(incidents_, [&](const Live& live) {
    const Incident& incident = live.incident;
    return incident.open() && !of_agent(incident.cause.kind) &&
           std::ranges::all_of(seen.signals,
                               [&](Signal signal) {
                                 return std::ranges::find(incident.metrics, metric_of(signal)) !=
                                        incident.metrics.end();
                               }) &&
           std::ranges::all_of(seen.links, [&](const Link& link) {
             return std::ranges::binary_search(incident.links, link) &&
                    covers(incident.cause, mesh_, link, std::ranges::any_of(seen.signals, is_loop));
           });
  });
  if (is_part) return false;
  if (seen.settled < sure_enough && seen.verdicts < patience) return false;
  const bool only_answers = std::ranges::all_of(seen.signals, is_loop);
  return !only_answers || std::ranges::none_of(seen.links, [&](const Link& link) {
    return in_doubt(agents, link.from, now) || in_doubt(agents, link.to, now);
  });
}

}  // namespace sonde
