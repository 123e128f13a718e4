#include "coordinator/core/evidence_desk.h"

#include <fmt/format.h>

#include <algorithm>

#include "shared/base/endpoint.h"

namespace sonde {
namespace {

/// Links that one tick looks at to find those whose turn it is.
constexpr std::size_t links_in_a_tick = 5000;
constexpr nanoseconds onset_window = std::chrono::minutes(1);  // of onsets_in_a_minute
/// An agent that has more to do than this answers that it did not get to it.
constexpr nanoseconds onset_turn = std::chrono::seconds(30);
constexpr nanoseconds leisure_turn = std::chrono::seconds(60);

bool reachable(const AgentStatuses& agents, const SiteId& site, SharedTime now) {
  const auto agent = agents.find(site);
  return agent != agents.end() && !agent->second.route.empty() && agent->second.heard(now);
}

/// What an agent says goes to people: only addresses where addresses belong, no control characters.
std::string plain(std::string text) {
  std::erase_if(text, [](char c) { return static_cast<unsigned char>(c) < 0x20 || c == 0x7F; });
  return text;
}

void clean(PathTrace& trace) {
  const auto clean_address = [](std::string& text) {
    if (!text.empty() && !IpAddress::parse(text)) text.clear();
  };
  for (Hop& hop : trace.hops) {
    clean_address(hop.address);
    if (hop.address.empty()) hop = {};
  }
  clean_address(trace.mtu_told_by);
  for (std::string* text : {&trace.source, &trace.target, &trace.interface, &trace.trouble}) *text = plain(*text);
  for (InterfaceCounter& counter : trace.counters) counter.name = plain(counter.name);
}

}  // namespace

void EvidenceDesk::set_mesh(const Mesh& mesh, const EvidencePolicy& policy) {
  policy_ = policy;
  agents_.clear();
  links_.clear();
  cursor_ = 0;
  for (const SiteSpec& site : mesh.sites)
    if (site.has_agent) agents_.insert(site.site);
  for (const SiteSpec& from : mesh.sites)
    for (const SiteSpec& to : mesh.sites)
      if (from.has_agent && from.site != to.site) links_.push_back({from.site, to.site});
  std::erase_if(paths_,
                [&](const auto& path) { return !has_agent(path.first.from) || mesh.site(path.first.to) == nullptr; });
}

void EvidenceDesk::restore(SharedTime now, std::vector<Known> known) {
  next_id_ = static_cast<std::uint64_t>(std::max<std::int64_t>(to_ns(now), 1));
  for (Known& one : known) {
    if (paths_.size() >= most_paths) break;
    Path& path = paths_[one.link];
    path.tried = one.trace.began_at;
    path.trace = std::move(one.trace);
  }
}

bool EvidenceDesk::has_agent(const SiteId& site) const { return agents_.contains(site); }

const PathTrace* EvidenceDesk::known(const Link& link) const {
  const auto path = paths_.find(link);
  return path != paths_.end() && path->second.trace ? &*path->second.trace : nullptr;
}

void EvidenceDesk::tick(SharedTime now, const Incidents& incidents, const AgentStatuses& agents, Out& out) {
  give_up_unanswered(now, out);
  if (policy_.onset) {
    notice_onsets(now, incidents);
    order_onsets(now, agents, out);
  }
  if (policy_.every) order_at_leisure(now, incidents, agents, out);
  ticked_ = now;
}

void EvidenceDesk::notice_onsets(SharedTime now, const Incidents& incidents) {
  std::map<std::string, Noticed> open;
  for (const Incident* incident : incidents.list()) {
    if (!incident->open()) continue;
    const auto known = noticed_.find(incident->id);
    if (known != noticed_.end()) {
      const auto moved = open.insert(noticed_.extract(known)).position;
      if (moved->second.until && now < *moved->second.until) choose_links(*incident, now, moved->second);
      continue;
    }
    // An incident of before a restart, or one that only came back, has had its onset.
    const bool begins = incident->reopened == 0 && incident->paths.empty() && ticked_;
    Noticed fresh;
    if (begins) {
      fresh.until = now + onset_patience;
      choose_links(*incident, now, fresh);
    }
    open.emplace(incident->id, std::move(fresh));
  }
  for (const auto& [id, noticed] : noticed_)  // what is left there
    if (const Incident* over = incidents.find(id); over != nullptr) look_again_after(*over, now);
  noticed_ = std::move(open);
}

/// The way may be another one since.
void EvidenceDesk::look_again_after(const Incident& over, SharedTime now) {
  if (!policy_.every || *policy_.every <= again_after) return;
  for (const Link& link : over.links)
    if (const auto path = paths_.find(link); path != paths_.end())
      path->second.tried = std::min(path->second.tried.value_or(now), now - *policy_.every + again_after);
}

/// The worst first, and of each far site one: three ways say more than three times the same.
void EvidenceDesk::choose_links(const Incident& incident, SharedTime now, Noticed& noticed) {
  if (noticed.pairs.size() >= links_of_incident) return;
  switch (incident.cause.kind) {
    case CauseKind::agent_silent:
    case CauseKind::agent_starved:
    case CauseKind::clock:
    case CauseKind::coordinator:
    case CauseKind::budget: return;  // not of the network
    case CauseKind::site_down:
    case CauseKind::egress:
    case CauseKind::ingress:
    case CauseKind::uplink:
    case CauseKind::group:
    case CauseKind::link:
    case CauseKind::pair:
    case CauseKind::all: break;
  }
  std::vector<Link> candidates;
  for (const LinkEvidence& seen : incident.evidence) candidates.push_back(seen.link);
  candidates.insert(candidates.end(), incident.links.begin(), incident.links.end());
  for (const Link& link : candidates) {
    if (noticed.pairs.size() >= links_of_incident) return;
    if (!noticed.pairs.insert(std::minmax(link.from, link.to)).second) continue;
    waiting_.push_back({incident.id, link, now + onset_patience});
    waiting_.push_back({incident.id, {link.to, link.from}, now + onset_patience});
  }
}

void EvidenceDesk::attach(const std::string& incident, const Link& link, PathTrace trace, Out& out) const {
  PathEvidence evidence{.link = link, .now = std::move(trace), .before = std::nullopt};
  if (const auto path = paths_.find(link); path != paths_.end()) {
    evidence.before = path->second.trace;
    const bool young = evidence.before && evidence.now.began_at - evidence.before->began_at < settling;
    if (young && path->second.previous) evidence.before = path->second.previous;
  }
  out.attached.push_back({incident, std::move(evidence)});
}

void EvidenceDesk::order(SharedTime now, const Link& link, std::optional<std::string> incident, Out& out) {
  const std::uint64_t id = next_id_++;
  const bool at_leisure = !incident.has_value();
  asked_.insert_or_assign(id, Asked{std::move(incident), link, now + answer_patience});
  if (at_leisure) at_leisure_.insert(link.from);
  out.orders.push_back(
      {link.from,
       {.id = id, .to = link.to, .patience = at_leisure ? leisure_turn : onset_turn, .at_leisure = at_leisure}});
  ++counters_.ordered;
}

void EvidenceDesk::order_onsets(SharedTime now, const AgentStatuses& agents, Out& out) {
  while (!onsets_.empty() && now - onsets_.front() >= onset_window) onsets_.pop_front();
  const auto refuse = [&](const Waiting& waiting, const char* why) {
    PathTrace none;
    none.began_at = now;
    none.trouble = why;
    attach(waiting.incident, waiting.link, std::move(none), out);
  };
  while (!waiting_.empty()) {
    const Waiting waiting = waiting_.front();
    const bool can = has_agent(waiting.link.from) && reachable(agents, waiting.link.from, now);
    if (can && now < waiting.until && onsets_.size() >= onsets_in_a_minute) return;
    waiting_.pop_front();
    if (!has_agent(waiting.link.from)) continue;
    if (now >= waiting.until) {
      ++counters_.left_out;
      refuse(waiting, "too many incidents began at once");
    } else if (!can) {
      refuse(waiting, "the agent there is not heard");
    } else {
      onsets_.push_back(now);
      order(now, waiting.link, waiting.incident, out);
    }
  }
}

bool EvidenceDesk::wants_look(const Link& link, SharedTime now) const {
  const auto path = paths_.find(link);
  if (path == paths_.end()) return paths_.size() < most_paths;
  if (!path->second.tried) return true;
  nanoseconds wait = *policy_.every;
  if (const unsigned failures = path->second.failures; failures > 0)
    wait = std::min({wait, again_after, soonest_again * (1 << std::min(failures - 1, 10U))});
  return now - *path->second.tried >= wait;
}

bool EvidenceDesk::is_good(const Link& link, const Incidents& incidents) const {
  for (const Signal signal : {Signal::answer, Signal::connectivity, Signal::loss, Signal::latency, Signal::throughput})
    if (incidents.verdicts().raised(link, signal)) return false;
  return incidents.on_link(link).empty();
}

void EvidenceDesk::order_at_leisure(SharedTime now, const Incidents& incidents, const AgentStatuses& agents, Out& out) {
  if (links_.empty() || !ticked_) return;
  const double elapsed = std::clamp(to_seconds(now - *ticked_), 0.0, 5.0);
  const double rate = std::max(leisure_rate, 1.5 * static_cast<double>(links_.size()) / to_seconds(*policy_.every));
  allowance_ = std::min(allowance_ + rate * elapsed, std::max(1.0, 2 * rate));
  const std::size_t most = std::min(links_.size(), links_in_a_tick);
  for (std::size_t i = 0; i < most && allowance_ >= 1; ++i) {
    cursor_ = (cursor_ + 1) % links_.size();
    const Link& link = links_[cursor_];
    if (at_leisure_.contains(link.from) || !wants_look(link, now) || !reachable(agents, link.from, now)) continue;
    if (has_agent(link.to) && !reachable(agents, link.to, now)) continue;
    if (!is_good(link, incidents)) continue;
    Path& path = paths_[link];
    path.tried = now;
    ++path.failures;  // until it has succeeded
    allowance_ -= 1;
    order(now, link, std::nullopt, out);
  }
}

void EvidenceDesk::give_up_unanswered(SharedTime now, Out& out) {
  for (auto asked = asked_.begin(); asked != asked_.end();) {
    if (now < asked->second.until) {
      ++asked;
      continue;
    }
    ++counters_.unanswered;
    if (asked->second.incident) {
      PathTrace none;
      none.began_at = now;
      none.trouble = "the agent there did not answer";
      attach(*asked->second.incident, asked->second.link, std::move(none), out);
    } else {
      at_leisure_.erase(asked->second.link.from);
    }
    asked = asked_.erase(asked);
  }
}

void EvidenceDesk::on_taken(SharedTime now, const SiteId& site, wire::EvidenceTaken taken, const Incidents& incidents,
                            Out& out) {
  const auto found = asked_.find(taken.id);
  if (found == asked_.end() || found->second.link != Link{site, taken.to}) return;  // given up, or never asked
  const Asked asked = found->second;
  asked_.erase(found);
  ++counters_.taken;
  clean(taken.trace);
  if (asked.incident) return attach(*asked.incident, asked.link, std::move(taken.trace), out);
  at_leisure_.erase(site);
  // What was taken while something went wrong is nothing to compare with.
  if (!taken.trace.reached || !is_good(asked.link, incidents)) return;
  Path& path = paths_[asked.link];
  path.tried = now;
  path.failures = 0;
  if (path.trace) {
    if (const auto hop = changed_hop(*path.trace, taken.trace))
      out.events.push_back({Severity::info,
                            "path_changed",
                            {{"from", site.str()},
                             {"to", taken.to.str()},
                             {"hop", std::to_string(*hop)},
                             {"was", path.trace->hops[*hop - 1].address},
                             {"is", taken.trace.hops[*hop - 1].address}}});
  }
  const bool other = path.trace && (changed_hop(*path.trace, taken.trace) || path.trace->mtu != taken.trace.mtu ||
                                    path.trace->hops.size() != taken.trace.hops.size());
  if (other) path.previous = std::move(path.trace);
  path.trace = taken.trace;
  out.known.push_back({asked.link, std::move(taken.trace)});
}

}  // namespace sonde
