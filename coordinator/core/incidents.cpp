#include "coordinator/core/incidents.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <utility>

#include "coordinator/core/human.h"

namespace sonde {
namespace {

void remember(Incident& incident, SharedTime at, std::string text) {
  incident.timeline.push_back({at, std::move(text)});
  // The beginning stays; what is left out lies behind it.
  if (incident.timeline.size() > Incidents::moments_kept) incident.timeline.erase(incident.timeline.begin() + 1);
}

std::size_t shared_links(const std::vector<Link>& sorted, const std::set<Link>& links) {
  return static_cast<std::size_t>(
      std::ranges::count_if(links, [&](const Link& link) { return std::ranges::binary_search(sorted, link); }));
}

bool is_single(CauseKind kind) { return kind == CauseKind::link || kind == CauseKind::pair; }

/// Of what lies on several links: silence of an agent may turn out to be its site's, and the other way round.
bool may_become(const Incident& incident, const Cause& to, const Mesh& mesh) {
  const CauseKind from = incident.cause.kind;
  if (of_agent(from) && of_agent(to.kind)) return false;
  if (from == CauseKind::agent_silent) return !is_single(to.kind) && involves(to, mesh, incident.cause.site);
  if (to.kind == CauseKind::agent_silent)
    return incident.cause.site == to.site && std::ranges::all_of(incident.metrics, [](Metric metric) {
             return is_loop(signal_of(metric).value_or(Signal::loss));
           });
  return !of_agent(from) && !of_agent(to.kind);
}

}  // namespace

void Incidents::set_mesh(const Mesh& mesh, const AlertPolicy& policy) {
  mesh_ = mesh;
  links_from_.clear();
  budget_rule_ = policy.budget;
  verdicts_.set_mesh(mesh, policy);
  const auto left = [&](const auto& entry) { return mesh_.site(entry.first) == nullptr; };
  std::erase_if(watches_, left);
  std::erase_if(member_since_, left);
}

void Incidents::restore(std::vector<Incident> incidents) {
  std::ranges::sort(incidents, {}, &Incident::started_at);
  for (Incident& incident : incidents) {
    if (incident.open()) {
      for (const Metric metric : incident.metrics)
        if (const auto signal = signal_of(metric))
          for (const Link& link : incident.links) verdicts_.restore(link, *signal, incident.started_at);
      AgentWatch* watch = of_agent(incident.cause.kind) ? &watches_[incident.cause.site] : nullptr;
      if (incident.cause.kind == CauseKind::agent_starved) {
        watch->starved = 0xFF;
        watch->was_starved = true;
        watch->since_starved = incident.started_at;
      }
      if (incident.cause.kind == CauseKind::clock) {
        watch->stepped = 0xFF;
        watch->was_stepped = true;
        watch->since_stepped = incident.started_at;
      }
    }
    std::set<Link> proven(incident.links.begin(), incident.links.end());
    const bool was_silent = incident.summary.starts_with(describe(incident.cause));
    incidents_.push_back({.incident = std::move(incident),
                          .quiet_since = {},
                          .covered = 0,
                          .proven = std::move(proven),
                          .was_silent = was_silent});
  }
  ++revision_;
}

void Incidents::on_result(const Result& result, SharedTime now, const AgentStatuses& agents) {
  if (mesh_.site(result.id.from) == nullptr || mesh_.site(result.to) == nullptr) return;
  verdicts_.on_arrival(result, now);
  if (now - result.finished_at > late) return;
  watch(result);
  const auto far = agents.find(result.to);
  const bool gone = far != agents.end() &&
                    (far->second.route.empty() || !far->second.last_heard || now - *far->second.last_heard >= doubt);
  verdicts_.on_result(result, gone);
}

/// Which open incident each of the causes in sight belongs to: the one with the same cause, else the one that it shares
/// most links with.
std::vector<std::optional<std::size_t>> Incidents::match(const std::vector<Seen>& seen) const {
  std::vector<std::optional<std::size_t>> out(seen.size());
  std::set<std::size_t> taken;
  for (std::size_t i = 0; i < seen.size(); ++i)
    for (std::size_t k = 0; k < incidents_.size(); ++k) {
      if (!incidents_[k].incident.open() || incidents_[k].incident.cause != seen[i].cause) continue;
      out[i] = k;
      taken.insert(k);
    }
  for (std::size_t i = 0; i < seen.size(); ++i) {
    if (out[i]) continue;
    std::size_t most = 0;
    for (std::size_t k = 0; k < incidents_.size(); ++k) {
      const Incident& incident = incidents_[k].incident;
      if (!incident.open() || taken.contains(k) || !may_become(incident, seen[i].cause, mesh_)) continue;
      const std::size_t both = shared_links(incident.links, seen[i].links);
      const std::size_t smaller = std::min(incident.links.size(), seen[i].links.size());
      if (both * 2 < smaller || both <= most) continue;
      most = both;
      out[i] = k;
    }
    if (out[i]) taken.insert(*out[i]);
  }
  return out;
}

void Incidents::tick(SharedTime now, const AgentStatuses& agents, Out& out) {
  for (const SiteSpec& site : mesh_.sites) member_since_.try_emplace(site.site, now);
  for (const auto& [site, agent] : agents)
    if (agent.last_heard) heard_[site] = *agent.last_heard;
  if (all_silent(now, agents)) deaf_until_ = now;
  verdicts_.on_time(now, [&](const SiteId& site) {
    const auto agent = agents.find(site);
    return agent != agents.end() && agent->second.heard(now);
  });
  const std::vector<Seen> seen = look(now, agents);
  const auto matched = match(seen);
  std::vector<std::pair<std::size_t, std::size_t>> updates;
  for (std::size_t i = 0; i < seen.size(); ++i)
    if (matched[i]) updates.emplace_back(*matched[i], i);
  for (const auto& [which, what] : updates) update(incidents_[which], seen[what], now, agents, out);
  std::set<std::size_t> in_sight;
  for (const auto& [which, what] : updates) in_sight.insert(which);
  const std::size_t before = incidents_.size();
  for (std::size_t k = 0; k < before; ++k)
    if (incidents_[k].incident.open()) {
      if (!in_sight.contains(k))
        settle(incidents_[k], seen, now, agents, out);
      else if (!still_bad(incidents_[k].incident, now, agents))
        settle(incidents_[k], {}, now, agents, out);
      else
        incidents_[k].quiet_since.reset();
    }
  for (std::size_t i = 0; i < seen.size(); ++i)
    if (!matched[i] && may_open(seen[i], now, agents)) open(seen[i], now, agents, out);
  for (Live& live : incidents_)
    if (live.incident.open() && !of_agent(live.incident.cause.kind)) note_patterns(live, now, out);
  std::erase_if(paths_, [this](const auto& entry) { return on_link(entry.first).empty(); });
  std::size_t closed = incidents_.size();
  for (const Live& live : incidents_) closed -= live.incident.open() ? 1U : 0U;
  for (auto live = incidents_.begin(); closed > closed_kept && live != incidents_.end();) {
    if (live->incident.open()) {
      ++live;
      continue;
    }
    live = incidents_.erase(live);
    --closed;
  }
}

void Incidents::describe_anew(Live& live, SharedTime now) {
  Incident& incident = live.incident;
  incident.severity = incident.cause.kind == CauseKind::coordinator ? AlertSeverity::critical
                      : of_agent(incident.cause.kind)               ? AlertSeverity::warning
                                                                    : AlertSeverity::info;
  incident.evidence.clear();
  for (const Metric metric : incident.metrics) {
    const auto signal = signal_of(metric);
    if (!signal) continue;
    for (const Link& link : incident.links) {
      if (!verdicts_.raised(link, *signal)) continue;
      const AlertRule& rule = verdicts_.rule(link, *signal);
      if (rule.severity > incident.severity) incident.severity = rule.severity;
      if (incident.runbook.empty()) incident.runbook = rule.runbook;
      if (incident.evidence.size() < evidence_kept)
        incident.evidence.push_back({link, metric, verdicts_.value(link, *signal).value_or(0)});
    }
  }
  const bool down = incident.cause.kind == CauseKind::site_down;
  // Also while it heals, and its agent is heard again.
  live.was_silent = live.was_silent || (down && site_silent(incident.cause.site, now));
  incident.summary = summary_of(incident, live.covered, down && !live.was_silent);
  if (const Overdraft* over = overdraft_of(incident.cause)) {
    incident.severity = budget_rule_.severity;
    incident.runbook = budget_rule_.runbook;
    incident.summary +=
        fmt::format(", {} of {} in {} days", human_bytes(over->spent), human_bytes(over->budget), Spending::days);
  }
}

void Incidents::on_path(const Link& link, const PathFacts& path) { paths_[link] = path; }

/// What its links look like. A pattern that was seen once stays: it was there when the trouble began.
void Incidents::note_patterns(Live& live, SharedTime now, Out& out) {
  Incident& incident = live.incident;
  std::vector<std::pair<Link, std::pair<Pattern, std::string>>> shown;
  std::size_t looked_at = 0;
  for (const Link& link : live.proven) {
    if (++looked_at > patterns_of_links) break;
    const auto path = paths_.find(link);
    for (auto& pattern : verdicts_.patterns(link, path == paths_.end() ? PathFacts{} : path->second))
      shown.emplace_back(link, std::move(pattern));
  }
  bool news = false;
  for (PatternSeen& seen : together(shown)) {
    if (std::ranges::find(incident.patterns, seen.pattern, &PatternSeen::pattern) != incident.patterns.end()) continue;
    remember(incident, now, seen.text);
    incident.patterns.push_back(std::move(seen));
    news = true;
  }
  if (!news) return;
  out.changed.push_back(incident);
  ++revision_;
}

/// A doubtful guess does not replace what is known; and while an incident heals, its last bad links are no new cause.
bool Incidents::may_replace(const Live& live, const Seen& seen) const {
  if (seen.sure) return true;
  if (seen.settled < 0.5) return false;
  const bool loop = std::ranges::any_of(seen.signals, is_loop);
  return std::ranges::all_of(live.proven, [&](const Link& link) {
    if (covers(seen.cause, mesh_, link, loop)) return true;
    return std::ranges::any_of(live.incident.metrics, [&](Metric metric) {
      const auto signal = signal_of(metric);
      return signal && verdicts_.raised(link, *signal);
    });
  });
}

void Incidents::update(Live& live, const Seen& seen, SharedTime now, const AgentStatuses& agents, Out& out) {
  const Incident before = live.incident;
  Incident& incident = live.incident;
  const bool other_cause = incident.cause != seen.cause;
  if (other_cause && !may_replace(live, seen)) return;
  if (other_cause) {
    remember(incident, now, fmt::format("the cause is rather: {}", describe(seen.cause)));
    incident.cause = seen.cause;
    if (seen.sure) incident.metrics.clear();
    incident.measurer = measurer_words(seen.cause, agents, now);
  }
  for (const Link& link : seen.links) {
    const auto at = std::ranges::lower_bound(incident.links, link);
    if (at == incident.links.end() || *at != link) incident.links.insert(at, link);
  }
  for (const Signal signal : seen.signals)
    if (std::ranges::find(incident.metrics, metric_of(signal)) == incident.metrics.end())
      incident.metrics.push_back(metric_of(signal));
  if (incident.links.size() != before.links.size() && !other_cause)
    remember(incident, now, fmt::format("{} links", incident.links.size()));
  live.proven.insert(seen.proven.begin(), seen.proven.end());
  live.covered = std::max(other_cause ? 0 : live.covered, seen.covered);
  const bool news = other_cause || incident.links != before.links || incident.metrics != before.metrics;
  // Confidence creeps all the time; it is told with what changes, and when it has moved by much.
  if (!news && std::abs(seen.confidence - incident.confidence) < 0.1) return;
  incident.confidence = seen.confidence;
  incident.alternatives = seen.alternatives;
  describe_anew(live, now);
  if (news) tell(incident, "incident_changed", out);
  out.changed.push_back(incident);
  ++revision_;
}

std::string Incidents::fresh_id(SharedTime now) {
  for (std::int64_t number = to_ns(now) / 1'000'000;; ++number) {
    std::string id = std::to_string(number);
    if (find(id) == nullptr) return id;
  }
}

void Incidents::open(const Seen& seen, SharedTime now, const AgentStatuses& agents, Out& out) {
  const auto returned = std::ranges::find_if(incidents_, [&](const Live& live) {
    return !live.incident.open() && live.incident.cause == seen.cause && now - *live.incident.ended_at <= flap_window;
  });
  if (returned != incidents_.end()) {
    Incident& incident = returned->incident;
    incident.ended_at.reset();
    ++incident.reopened;
    incident.measurer = measurer_words(seen.cause, agents, now);
    remember(incident, now, "it is back");
    returned->quiet_since.reset();
    update(*returned, seen, now, agents, out);
    describe_anew(*returned, now);
    tell(incident, "incident_opened", out);
    out.changed.push_back(incident);
    ++revision_;
    return;
  }
  Live live;
  live.incident.id = fresh_id(now);
  live.incident.cause = seen.cause;
  live.incident.measurer = measurer_words(seen.cause, agents, now);
  for (const Signal signal : seen.signals) live.incident.metrics.push_back(metric_of(signal));
  live.incident.started_at = std::min(seen.since, now);
  live.incident.confidence = seen.confidence;
  live.incident.links.assign(seen.links.begin(), seen.links.end());
  live.incident.alternatives = seen.alternatives;
  live.covered = seen.covered;
  live.proven = seen.proven;
  remember(live.incident, live.incident.started_at, "the first sign");
  remember(live.incident, now, fmt::format("opened as: {}", describe(seen.cause)));
  describe_anew(live, now);
  tell(live.incident, "incident_opened", out);
  out.changed.push_back(live.incident);
  incidents_.push_back(std::move(live));
  ++opened_;
  ++revision_;
}

bool Incidents::site_silent(const SiteId& site, SharedTime now) const {
  const auto heard = heard_.find(site);
  return heard == heard_.end() || now - heard->second >= agent_silence;
}

bool Incidents::still_bad(const Incident& incident, SharedTime now, const AgentStatuses& agents) const {
  switch (incident.cause.kind) {
    case CauseKind::agent_silent: {
      const auto agent = agents.find(incident.cause.site);
      if (agent != agents.end() && !agent->second.heard(now)) return true;
      break;
    }
    case CauseKind::agent_starved:
    case CauseKind::clock: {
      const auto watch = watches_.find(incident.cause.site);
      if (watch != watches_.end() &&
          (incident.cause.kind == CauseKind::clock ? watch->second.was_stepped : watch->second.was_starved))
        return true;
      break;
    }
    case CauseKind::coordinator: return all_silent(now, agents);
    case CauseKind::budget: return overdraft_of(incident.cause) != nullptr;
    case CauseKind::site_down:
    case CauseKind::egress:
    case CauseKind::ingress:
    case CauseKind::uplink:
    case CauseKind::group:
    case CauseKind::link:
    case CauseKind::pair:
    case CauseKind::all: break;
  }
  return std::ranges::any_of(incident.metrics, [&](Metric metric) {
    const auto signal = signal_of(metric);
    return signal &&
           std::ranges::any_of(incident.links, [&](const Link& link) { return verdicts_.raised(link, *signal); });
  });
}

/// An open incident whose cause is not in sight, or whose rules are all cleared.
void Incidents::settle(Live& live, const std::vector<Seen>& seen, SharedTime now, const AgentStatuses& agents,
                       Out& out) {
  Incident& incident = live.incident;
  if (still_bad(incident, now, agents)) {
    live.quiet_since.reset();
    // Another incident may explain all that is left of it.
    const auto heir = std::ranges::find_if(incidents_, [&](const Live& other) {
      const Incident& one = other.incident;
      return &other != &live && one.open() && one.started_at <= incident.started_at &&
             std::ranges::any_of(seen, [&](const Seen& now_seen) { return now_seen.cause == one.cause; }) &&
             std::ranges::includes(one.links, incident.links) &&
             std::ranges::all_of(incident.metrics, [&](Metric metric) {
               return std::ranges::find(one.metrics, metric) != one.metrics.end();
             });
    });
    if (heir != incidents_.end()) {
      close(live, now, fmt::format("it is part of incident {}", heir->incident.id), out);
    }
    return;
  }
  if (!live.quiet_since) live.quiet_since = now;
  if (incident.flapping() && now - *live.quiet_since < flap_window) return;
  close(live, now, "every rule is cleared", out);
}

void Incidents::close(Live& live, SharedTime now, const std::string& why, Out& out) {
  live.incident.ended_at = now;
  remember(live.incident, now, "closed: " + why);
  tell(live.incident, "incident_closed", out);
  out.changed.push_back(live.incident);
  ++revision_;
}

void Incidents::tell(const Incident& incident, std::string_view code, Out& out) {
  const Severity severity = code == "incident_opened" ? Severity::warning : Severity::info;
  out.events.push_back({severity,
                        code,
                        {{"id", incident.id},
                         {"cause", std::string(name(incident.cause.kind))},
                         {"severity", std::string(name(incident.severity))},
                         {"confidence", fmt::format("{:.2f}", incident.confidence)},
                         {"summary", incident.summary}}});
}

void Incidents::attach(std::string_view id, PathEvidence evidence, SharedTime now, Out& out) {
  const auto live = std::ranges::find_if(incidents_, [id](const Live& one) { return one.incident.id == id; });
  if (live == incidents_.end() || live->incident.paths.size() >= paths_kept) return;
  Incident& incident = live->incident;
  if (incident.paths.empty()) remember(incident, now, "agents looked at the way");
  on_path(evidence.link, facts_of(evidence));
  refine_patterns(incident, evidence.link);
  incident.paths.push_back(std::move(evidence));
  out.changed.push_back(incident);
  ++revision_;
}

/// What was guessed of a link before its way was seen is said anew.
void Incidents::refine_patterns(Incident& incident, const Link& link) const {
  const auto path = paths_.find(link);
  if (path == paths_.end() || path->second == PathFacts{}) return;
  std::vector<std::pair<Link, std::pair<Pattern, std::string>>> shown;
  for (auto& pattern : verdicts_.patterns(link, path->second)) shown.emplace_back(link, std::move(pattern));
  for (PatternSeen& seen : together(shown)) {
    const auto known = std::ranges::find(incident.patterns, seen.pattern, &PatternSeen::pattern);
    if (known != incident.patterns.end() && seen.pattern == Pattern::latency_step) known->text = std::move(seen.text);
  }
}

std::vector<const Incident*> Incidents::list() const {
  std::vector<const Incident*> out;
  for (const Live& live : incidents_) out.push_back(&live.incident);
  std::ranges::stable_sort(out, [](const Incident* a, const Incident* b) {
    if (a->open() != b->open()) return a->open();
    return a->started_at > b->started_at;
  });
  return out;
}

const Incident* Incidents::find(std::string_view id) const {
  for (const Live& live : incidents_)
    if (live.incident.id == id) return &live.incident;
  return nullptr;
}

std::vector<const Incident*> Incidents::on_link(const Link& link) const {
  std::vector<const Incident*> out;
  for (const Live& live : incidents_)
    if (live.incident.open() && std::ranges::binary_search(live.incident.links, link)) out.push_back(&live.incident);
  return out;
}

std::size_t Incidents::open_count(CauseKind kind) const {
  return static_cast<std::size_t>(std::ranges::count_if(
      incidents_, [kind](const Live& live) { return live.incident.open() && live.incident.cause.kind == kind; }));
}

}  // namespace sonde
