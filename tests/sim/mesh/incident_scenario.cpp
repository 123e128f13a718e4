#include "tests/sim/mesh/incident_scenario.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <map>

#include "shared/base/error.h"

namespace sonde::sim {
namespace {

constexpr auto interval = std::chrono::seconds(10);
constexpr std::int64_t begin_s = 1'795'176'000;
/// MaDDash 2's published rules for its reports: most of a row, of a column, or of both.
constexpr double maddash_direction = 0.7;
constexpr double maddash_site = 0.6;

class World {
 public:
  explicit World(const ScenarioPlan& plan) : plan_(plan), random_(plan.seed) {
    make_mesh();
    for (const SiteSpec& site : mesh_.sites) agents_[site.site].route = "r";
    break_something();
    incidents_.set_mesh(mesh_, AlertPolicy{});
  }
  ScenarioOutcome run();

 private:
  SharedTime now() const { return shared_from_ns(begin_s * 1'000'000'000) + interval * step_; }
  const SiteId& any_site() { return mesh_.sites[random_.below(mesh_.sites.size())].site; }
  void make_mesh();
  void break_something();
  Cause draw_cause();
  Fault draw_fault();
  bool is_ambiguous(const Fault& fault) const;
  bool look_like_one(const Fault& one, const Fault& two) const;
  std::set<Link> links_of(const Cause& cause) const;
  std::vector<Cause> all_causes() const;
  bool is_broken(const Link& link) const;
  Fault draw_measuring_fault();
  bool measuring_fault(CauseKind kind, const SiteId& site) const;
  bool is_gone(const SiteId& site) const;
  bool is_unheard(const SiteId& site) const;
  void spoil(Result& result, bool& shows);
  Result measure(const Link& link);
  void one_interval();
  void note_incidents(const Incidents::Out& out);
  void judge_as_maddash();
  void judge_at_the_end_of_the_fault();

  ScenarioPlan plan_;
  Random random_;
  Mesh mesh_;
  AgentStatuses agents_;
  Incidents incidents_;
  ScenarioOutcome outcome_;
  bool faulty_ = false;
  int step_ = 0;
  std::uint64_t seq_ = 0;
  std::map<Link, std::uint8_t> last_;  ///< the last three verdicts, for the others' rules
  std::set<Link> alerted_;
  std::map<std::size_t, int> noticed_;
};

void World::make_mesh() {
  mesh_.name = "sim";
  for (std::size_t i = 0; i < plan_.sites; ++i) {
    SiteSpec site;
    site.site = SiteId::known(fmt::format("s{}", i));
    // Two to four sites behind an uplink, and groups of a sixth of the mesh, where there is room for both.
    if (plan_.sites >= 6 && i < plan_.sites / 2) site.uplink = fmt::format("up{}", i / 3);
    if (plan_.sites >= 10) site.groups = {fmt::format("g{}", i * 5 / plan_.sites)};
    mesh_.sites.push_back(std::move(site));
  }
  mesh_.policy.connect.reset();
  mesh_.policy.throughput.reset();
}

std::set<Link> World::links_of(const Cause& cause) const {
  std::set<Link> links;
  for (const SiteSpec& from : mesh_.sites)
    for (const SiteSpec& to : mesh_.sites)
      if (from.site != to.site && covers(cause, mesh_, {from.site, to.site}, false)) links.insert({from.site, to.site});
  return links;
}

std::vector<Cause> World::all_causes() const {
  std::vector<Cause> out{{.kind = CauseKind::all, .site = {}, .link = {}, .name = {}}};
  std::set<std::string> uplinks;
  std::set<std::string> groups;
  for (const SiteSpec& site : mesh_.sites) {
    for (const CauseKind kind : {CauseKind::site_down, CauseKind::egress, CauseKind::ingress})
      out.push_back({.kind = kind, .site = site.site, .link = {}, .name = {}});
    if (site.uplink) uplinks.insert(*site.uplink);
    groups.insert(site.groups.begin(), site.groups.end());
  }
  for (const std::string& one : uplinks)
    out.push_back({.kind = CauseKind::uplink, .site = {}, .link = {}, .name = one});
  for (const std::string& one : groups) out.push_back({.kind = CauseKind::group, .site = {}, .link = {}, .name = one});
  return out;
}

Cause World::draw_cause() {
  // Without an answer the direction cannot be seen: there only causes that lie on both are fair.
  const bool loop = is_loop(outcome_.signal);
  for (;;) {
    const auto kind = static_cast<CauseKind>(random_.below(8));
    switch (kind) {
      case CauseKind::egress:
      case CauseKind::ingress:
        if (loop) continue;
        return {.kind = kind, .site = any_site(), .link = {}, .name = {}};
      case CauseKind::site_down: return {.kind = kind, .site = any_site(), .link = {}, .name = {}};
      case CauseKind::uplink: {
        const SiteSpec& site = mesh_.sites[random_.below(mesh_.sites.size())];
        if (!site.uplink) continue;
        return {.kind = kind, .site = {}, .link = {}, .name = *site.uplink};
      }
      case CauseKind::group: {
        const SiteSpec& site = mesh_.sites[random_.below(mesh_.sites.size())];
        if (site.groups.empty()) continue;
        return {.kind = kind, .site = {}, .link = {}, .name = site.groups.front()};
      }
      case CauseKind::link:
      case CauseKind::pair: {
        if (loop && kind == CauseKind::link) continue;
        const SiteId from = any_site();
        const SiteId to = any_site();
        if (from == to) continue;
        return {.kind = kind,
                .site = {},
                .link = kind == CauseKind::pair && to < from ? Link{to, from} : Link{from, to},
                .name = {}};
      }
      case CauseKind::all: return {.kind = kind, .site = {}, .link = {}, .name = {}};
      case CauseKind::agent_silent:
      case CauseKind::agent_starved:
      case CauseKind::clock:
      case CauseKind::coordinator:
      case CauseKind::budget: continue;
    }
  }
}

Fault World::draw_measuring_fault() {
  constexpr std::array kinds{CauseKind::agent_silent, CauseKind::agent_starved, CauseKind::clock,
                             CauseKind::coordinator};
  const CauseKind kind = kinds.at(random_.below(kinds.size()));
  const SiteId site = kind == CauseKind::coordinator ? SiteId{} : any_site();
  return {.cause = {.kind = kind, .site = site, .link = {}, .name = {}}, .links = {}};
}

bool World::measuring_fault(CauseKind kind, const SiteId& site) const {
  return faulty_ && plan_.measuring && outcome_.faults.front().cause.kind == kind &&
         (kind == CauseKind::coordinator || outcome_.faults.front().cause.site == site);
}

/// Its agent is not heard, and measures nothing that could be known.
bool World::is_unheard(const SiteId& site) const {
  return is_gone(site) || measuring_fault(CauseKind::agent_silent, site) ||
         measuring_fault(CauseKind::coordinator, site);
}

/// What a measurer in trouble says of the network is as good as anything.
void World::spoil(Result& result, bool& shows) {
  const bool starved = measuring_fault(CauseKind::agent_starved, result.id.from);
  const bool stepped = measuring_fault(CauseKind::clock, result.id.from);
  if (!starved && !stepped) return;
  result.set(starved ? Tag::starved : Tag::clock_stepped);
  // A clock that is set spoils delays, not counts and answers.
  if (starved || outcome_.signal == Signal::latency) shows = random_.unit() < 0.5;
}

Fault World::draw_fault() {
  for (;;) {
    Fault fault{.cause = draw_cause(), .links = {}};
    fault.links = links_of(fault.cause);
    const std::size_t whole = fault.links.size();
    if (plan_.partial) std::erase_if(fault.links, [this](const Link&) { return random_.unit() < 0.2; });
    if (fault.links.empty() || (plan_.partial && fault.links.size() * 10 < whole * 7)) continue;
    if (!is_ambiguous(fault)) return fault;
  }
}

/// Two causes with the same links cannot be told apart by anybody.
bool World::is_ambiguous(const Fault& fault) const {
  const std::set<Link> whole = links_of(fault.cause);
  for (const Cause& other : all_causes()) {
    if (other == fault.cause) continue;
    const std::set<Link> theirs = links_of(other);
    if (theirs == whole || theirs == fault.links) return true;
  }
  return fault.links.size() == 1 && fault.cause.kind != CauseKind::link;
}

/// Nor can two faults be told from a third cause of which they are a good part.
bool World::look_like_one(const Fault& one, const Fault& two) const {
  std::set<Link> both = one.links;
  both.insert(two.links.begin(), two.links.end());
  return std::ranges::any_of(all_causes(), [&](const Cause& other) {
    const std::set<Link> theirs = links_of(other);
    return other != one.cause && other != two.cause && both.size() * 10 >= theirs.size() * 3 &&
           std::ranges::includes(theirs, both);
  });
}

void World::break_something() {
  constexpr std::array signals{Signal::loss, Signal::loss, Signal::latency, Signal::answer};
  outcome_.signal = signals.at(random_.below(signals.size()));
  if (plan_.measuring) {
    outcome_.faults.push_back(draw_measuring_fault());
    return;
  }
  // Beside some a second one would always look like a third: then both are drawn anew.
  constexpr int most_draws = 200;
  for (int draws = 0; outcome_.faults.size() < plan_.faults; ++draws) {
    if (draws == most_draws) {
      draws = 0;
      outcome_.faults.clear();
    }
    Fault fault = draw_fault();
    const bool apart = std::ranges::none_of(outcome_.faults, [&](const Fault& other) {
      const std::set<Link> mine = links_of(fault.cause);
      const std::set<Link> theirs = links_of(other.cause);
      return std::ranges::any_of(
                 mine,
                 [&](const Link& link) { return theirs.contains(link) || theirs.contains({link.to, link.from}); }) ||
             look_like_one(fault, other);
    });
    if (apart && (plan_.faults < 2 || fault.links.size() * 3 < mesh_.sites.size() * (mesh_.sites.size() - 1)))
      outcome_.faults.push_back(std::move(fault));
  }
}

bool World::is_broken(const Link& link) const {
  if (!faulty_) return false;
  return std::ranges::any_of(outcome_.faults, [&](const Fault& fault) {
    return fault.links.contains(link) || (is_loop(outcome_.signal) && fault.links.contains({link.to, link.from}));
  });
}

/// A site that is down takes its agent with it.
bool World::is_gone(const SiteId& site) const {
  return faulty_ && outcome_.signal == Signal::answer && !plan_.partial &&
         std::ranges::any_of(outcome_.faults, [&](const Fault& fault) {
           return fault.cause.kind == CauseKind::site_down && fault.cause.site == site;
         });
}

Result World::measure(const Link& link) {
  const bool broken = is_broken(link);
  bool shows = random_.unit() < (broken ? 1 - plan_.missed : plan_.false_alarm);
  Result result;
  result.id = {link.from, 1, ++seq_};
  result.to = link.to;
  result.scheduled_at = now() - interval;
  result.started_at = result.scheduled_at;
  result.finished_at = now();
  if (measuring_fault(CauseKind::agent_silent, link.to)) {
    result.outcome = Outcome::unreachable;
    result.reason = "no reply to 50 probes: port unreachable, nothing listens there";
    return result;
  }
  spoil(result, shows);
  if (shows && outcome_.signal == Signal::answer) {
    result.outcome = Outcome::timeout;
    return result;
  }
  result.ratios.push_back({Metric::loss, shows && outcome_.signal == Signal::loss ? 10U : 0U, 50});
  Distribution rtt;
  rtt.add(40'000'000 + static_cast<std::int64_t>(random_.below(100'000)), 50);
  result.distributions.push_back({Metric::rtt, rtt});
  Distribution rise;
  const std::int64_t slow = shows && outcome_.signal == Signal::latency ? 30'000'000 : 0;
  rise.add(200'000 + slow + static_cast<std::int64_t>(random_.below(100'000)), 50);
  result.distributions.push_back({Metric::delay_rise, rise});
  std::uint8_t& bits = last_[link];
  bits = static_cast<std::uint8_t>((bits << 1U) | (shows ? 1U : 0U));
  return result;
}

void World::one_interval() {
  ++step_;
  for (auto& [site, agent] : agents_)
    if (!is_unheard(site)) agent.last_heard = now();
  for (const SiteSpec& from : mesh_.sites) {
    if (is_unheard(from.site)) continue;
    for (const SiteSpec& to : mesh_.sites) {
      if (from.site == to.site) continue;
      const Link link{from.site, to.site};
      const Result result = measure(link);
      if (result.outcome != Outcome::ok) last_[link] = static_cast<std::uint8_t>((last_[link] << 1U) | 1U);
      incidents_.on_result(result, now(), agents_);
      const unsigned two_of_three = last_[link] & 7U;
      if (two_of_three == 3 || two_of_three == 5 || two_of_three >= 6) alerted_.insert(link);
    }
  }
  Incidents::Out out;
  incidents_.tick(now(), agents_, out);
  note_incidents(out);
}

void World::note_incidents(const Incidents::Out& out) {
  if (!faulty_) return;
  for (const Incident* incident : incidents_.list()) {
    if (!incident->open()) continue;
    for (std::size_t i = 0; i < outcome_.faults.size(); ++i)
      if (!noticed_.contains(i) &&
          (incident->cause == outcome_.faults[i].cause || std::ranges::any_of(incident->links, [&](const Link& link) {
             return covers(outcome_.faults[i].cause, mesh_, link, is_loop(outcome_.signal));
           })))
        noticed_[i] = step_ - plan_.well_before;
  }
  for (const Incident& incident : out.changed)
    outcome_.story += fmt::format("  {:>3}: {} {} ({:.2f})\n", step_ - plan_.well_before,
                                  incident.open() ? "" : "closed", incident.summary, incident.confidence);
}

/// Row and column shares of bad cells; what the rules do not name stays a list of red cells.
void World::judge_as_maddash() {
  const auto bad = [&](const Link& link) { return (last_[link] & 1U) != 0 && !is_unheard(link.from); };
  std::set<Cause> named;
  for (const SiteSpec& site : mesh_.sites) {
    double row = 0;
    double column = 0;
    for (const SiteSpec& other : mesh_.sites) {
      if (other.site == site.site) continue;
      row += bad({site.site, other.site}) || is_unheard(site.site) ? 1 : 0;
      column += bad({other.site, site.site}) ? 1 : 0;
    }
    const auto others = static_cast<double>(mesh_.sites.size() - 1);
    if (row / others >= maddash_site && column / others >= maddash_site)
      named.insert({.kind = CauseKind::site_down, .site = site.site, .link = {}, .name = {}});
    else if (row / others >= maddash_direction)
      named.insert({.kind = CauseKind::egress, .site = site.site, .link = {}, .name = {}});
    else if (column / others >= maddash_direction)
      named.insert({.kind = CauseKind::ingress, .site = site.site, .link = {}, .name = {}});
  }
  outcome_.maddash_named = named.size();
  for (const Fault& fault : outcome_.faults) outcome_.maddash_right += named.erase(fault.cause);
  outcome_.maddash_wrong = named.size();
}

void World::judge_at_the_end_of_the_fault() {
  for (const Fault& fault : outcome_.faults)
    for (const Incident* incident : incidents_.list())
      if (incident->open() && incident->cause == fault.cause) {
        ++outcome_.right;
        break;
      }
  judge_as_maddash();
}

ScenarioOutcome World::run() {
  for (int i = 0; i < plan_.well_before; ++i) one_interval();
  faulty_ = plan_.faults > 0;
  for (const Fault& fault : outcome_.faults)
    outcome_.story += fmt::format("  fault: {} on {} links, {} sites, {}, seed {}\n", describe(fault.cause),
                                  fault.links.size(), plan_.sites, name(metric_of(outcome_.signal)), plan_.seed);
  for (int i = 0; i < plan_.broken; ++i) one_interval();
  judge_at_the_end_of_the_fault();
  faulty_ = false;
  for (int i = 0; i < plan_.well_after; ++i) one_interval();
  for (const auto& [fault, after] : noticed_) outcome_.raise.push_back(after);
  const SharedTime healed = shared_from_ns(begin_s * 1'000'000'000) + interval * (plan_.well_before + plan_.broken);
  for (const Incident* incident : incidents_.list()) {
    ++outcome_.incidents;
    const bool named =
        std::ranges::any_of(outcome_.faults, [&](const Fault& fault) { return fault.cause == incident->cause; });
    outcome_.wrong += named ? 0U : 1U;
    if (incident->open())
      ++outcome_.never_cleared;
    else if (*incident->ended_at > healed)
      outcome_.clear.push_back(static_cast<int>((*incident->ended_at - healed) / interval));
  }
  outcome_.alerts_by_link = alerted_.size();
  return std::move(outcome_);
}

}  // namespace

ScenarioOutcome play(const ScenarioPlan& plan) { return World(plan).run(); }

}  // namespace sonde::sim
