#include "coordinator/core/causes.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cmath>
#include <map>
#include <set>
#include <unordered_map>
#include <utility>

#include "shared/base/error.h"

namespace sonde {
namespace {

constexpr std::array<std::string_view, cause_kind_count> kind_names{
    "site_down", "egress", "ingress",      "uplink",        "group", "link",
    "pair",      "all",    "agent_silent", "agent_starved", "clock", "coordinator"};

/// How often a mesh breaks in some way, for each window, and how that is shared out among the kinds.
constexpr double fault_rate = 5e-3;
constexpr double share_site = 0.2;  // each of egress, ingress and site_down
constexpr double share_link = 0.2;
constexpr double share_pair = 0.1;
constexpr double share_shared = 0.1;  // uplinks, and groups, together
constexpr double share_all = 0.05;
/// Where only answers count, the direction of a cut is not seen: a site that is gone is the likelier story.
constexpr double loop_direction = 0.25;
/// What an agent that is heard, or not, says of its site.
constexpr double heard_against_down = -2;
constexpr double silent_for_down = 3;
constexpr double silent_for_egress = 1.5;
constexpr double open_bonus = 2;
constexpr double found_prior = -1;
/// The share of its links that a fault reaches: of those that are one thing, nearly all.
constexpr double reach_single = 0.97;
constexpr double reach_many = 0.95;
/// Good verdicts that count against a fault, and the evidence that counts for one.
constexpr unsigned most_goods = 3;
constexpr unsigned most_goods_before = 2;
constexpr double most_evidence = 30;
constexpr double least_gain = 1;
constexpr std::size_t most_causes = 64;
constexpr std::size_t most_single_candidates = 20'000;
constexpr std::size_t alternatives_kept = 3;
constexpr double least_alternative = 0.01;

using Index = std::uint32_t;  ///< of a link: from x sites + to

enum class Part : std::uint8_t { whole, out, in };

struct Candidate {
  Cause cause;
  Part part = Part::whole;  ///< of uplink: which direction across it
  double prior = 0;
  double reach = 1;
  std::vector<Index> links;  ///< that it covers, of which something is known
  SharedTime since;          ///< when it began, were it the cause
};

class Search {
 public:
  explicit Search(const CausesInput& input);
  std::vector<FoundCause> run();

 private:
  void index_sites();
  void propose(Cause cause, double prior, double reach, Part part = Part::whole);
  void propose_of(Index bad);
  void propose_shared(std::size_t from, std::size_t to);
  void fill(Candidate& candidate);
  void add_row(std::size_t from, std::vector<Index>& out) const;
  void add_column(std::size_t to, std::vector<Index>& out) const;
  void collect(const Candidate& candidate, std::vector<Index>& out) const;
  double prior_of(double share, double places) const;
  double evidence(Index link, SharedTime since) const;
  double contribution(const Candidate& candidate, Index link) const;
  double gain(const Candidate& candidate, const std::vector<std::uint16_t>& covered) const;
  void choose();
  void prune();
  FoundCause found(std::size_t which) const;
  void weigh(std::size_t which, FoundCause& out) const;
  Link link_at(Index at) const { return {in_.mesh.sites[at / n_].site, in_.mesh.sites[at % n_].site}; }
  Index at(std::size_t from, std::size_t to) const { return static_cast<Index>(from * n_ + to); }
  Index reversed(Index link) const { return at(link % n_, link / n_); }

  const CausesInput& in_;
  const std::size_t n_;
  std::vector<Index> bad_;
  std::unordered_map<SiteId, std::size_t> places_;
  std::map<std::string, std::vector<std::size_t>> uplinks_;
  std::map<std::string, std::vector<std::size_t>> groups_;
  std::vector<Candidate> candidates_;
  std::set<std::pair<Cause, Part>> proposed_;
  std::vector<std::size_t> chosen_;
  std::vector<std::uint16_t> covered_;
};

Search::Search(const CausesInput& input) : in_(input), n_(input.mesh.sites.size()) {
  SONDE_ASSERT(in_.links.size() == n_ * n_ && in_.sites.size() == n_);
  for (Index link = 0; link < in_.links.size(); ++link)
    if (in_.links[link].known && in_.links[link].bad > 0) bad_.push_back(link);
  covered_.resize(in_.links.size());
}

void Search::index_sites() {
  for (std::size_t i = 0; i < n_; ++i) {
    const SiteSpec& site = in_.mesh.sites[i];
    places_.emplace(site.site, i);
    if (site.uplink) uplinks_[*site.uplink].push_back(i);
    for (const std::string& group : site.groups) groups_[group].push_back(i);
  }
  // What one site or every site is in says no more than the site or the mesh.
  const auto useless = [this](const auto& entry) { return entry.second.size() < 2 || entry.second.size() + 1 > n_; };
  std::erase_if(uplinks_, useless);
  std::erase_if(groups_, useless);
}

double Search::prior_of(double share, double places) const { return std::log(fault_rate * share / places); }

/// Of the good verdicts only those count that came after the fault began; also where a link turned bad later than the
/// others, which may be chance, or a fault that spreads.
double Search::evidence(Index link, SharedTime since) const {
  const Observation& seen = in_.links[link];
  const auto verdicts_in = [&](nanoseconds span) {
    if (span <= nanoseconds(0)) return 0U;
    return seen.every > nanoseconds(0) ? static_cast<unsigned>(std::min<std::int64_t>(span / seen.every, most_goods))
                                       : 1U;
  };
  if (seen.bad > 0)
    return std::min(seen.bad, most_evidence) +
           weight_of_good() * std::min({seen.goods_before, verdicts_in(seen.since - since), most_goods_before});
  if (seen.goods == 0 || seen.newest < since) return 0;
  return weight_of_good() * std::min({seen.goods, verdicts_in(seen.newest - since + seen.every), most_goods});
}

double Search::contribution(const Candidate& candidate, Index link) const {
  const double odds = evidence(link, candidate.since);
  // ln(reach * e^odds + 1 - reach), without overflow.
  return odds > 0 ? odds + std::log(candidate.reach + (1 - candidate.reach) * std::exp(-odds))
                  : std::log(candidate.reach * std::exp(odds) + 1 - candidate.reach);
}

void Search::add_row(std::size_t from, std::vector<Index>& out) const {
  for (std::size_t to = 0; to < n_; ++to) out.push_back(at(from, to));
}

void Search::add_column(std::size_t to, std::vector<Index>& out) const {
  for (std::size_t from = 0; from < n_; ++from) out.push_back(at(from, to));
}

/// The links on which the fault itself lies, whatever is known of them.
void Search::collect(const Candidate& candidate, std::vector<Index>& out) const {
  const Cause& cause = candidate.cause;
  const auto index = [this](const SiteId& id) { return places_.at(id); };
  const bool out_part = candidate.part != Part::in;
  const bool in_part = candidate.part != Part::out;
  switch (cause.kind) {
    case CauseKind::egress: return add_row(index(cause.site), out);
    case CauseKind::ingress: return add_column(index(cause.site), out);
    case CauseKind::site_down: add_row(index(cause.site), out); return add_column(index(cause.site), out);
    case CauseKind::link: out.push_back(at(index(cause.link.from), index(cause.link.to))); return;
    case CauseKind::pair:
      out.push_back(at(index(cause.link.from), index(cause.link.to)));
      out.push_back(reversed(out.back()));
      return;
    case CauseKind::uplink: {
      const auto& members = uplinks_.at(cause.name);
      for (const std::size_t member : members)
        for (std::size_t other = 0; other < n_; ++other) {
          if (std::ranges::binary_search(members, other)) continue;  // inside the uplink
          if (out_part) out.push_back(at(member, other));
          if (in_part) out.push_back(at(other, member));
        }
      return;
    }
    case CauseKind::group:
      for (const std::size_t member : groups_.at(cause.name)) {
        add_row(member, out);
        add_column(member, out);
      }
      return;
    case CauseKind::all:
      for (std::size_t from = 0; from < n_; ++from) add_row(from, out);
      return;
    case CauseKind::agent_silent:
    case CauseKind::agent_starved:
    case CauseKind::clock:
    case CauseKind::coordinator: return;
  }
}

void Search::fill(Candidate& candidate) {
  std::vector<Index> links;
  collect(candidate, links);
  if (in_.loop)
    for (std::size_t i = 0, count = links.size(); i < count; ++i) links.push_back(reversed(links[i]));
  std::ranges::sort(links);
  links.erase(std::unique(links.begin(), links.end()), links.end());
  std::erase_if(links, [this](Index link) { return !in_.links[link].known; });
  // The median, so that a chance alarm before the fault does not make everything late.
  std::vector<SharedTime> beginnings;
  for (const Index link : links)
    if (const Observation& seen = in_.links[link]; seen.bad > 0) beginnings.push_back(seen.since);
  if (!beginnings.empty()) {
    const auto middle = beginnings.begin() + static_cast<std::ptrdiff_t>((beginnings.size() - 1) / 2);
    std::ranges::nth_element(beginnings, middle);
    candidate.since = *middle;
  }
  candidate.links = std::move(links);
}

void Search::propose(Cause cause, double prior, double reach, Part part) {
  if (!proposed_.emplace(cause, part).second) return;
  if (std::ranges::find(in_.found, cause) != in_.found.end())
    prior = std::max(prior, found_prior);
  else if (std::ranges::find(in_.open, cause) != in_.open.end())
    prior += open_bonus;
  Candidate candidate{
      .cause = std::move(cause), .part = part, .prior = prior, .reach = reach, .links = {}, .since = {}};
  fill(candidate);
  candidates_.push_back(std::move(candidate));
}

void Search::propose_shared(std::size_t from, std::size_t to) {
  for (const std::size_t site : {from, to}) {
    const SiteSpec& spec = in_.mesh.sites[site];
    if (spec.uplink && uplinks_.contains(*spec.uplink))
      for (const Part part : {Part::whole, Part::out, Part::in})
        propose({.kind = CauseKind::uplink, .site = {}, .link = {}, .name = *spec.uplink},
                prior_of(share_shared / 3, static_cast<double>(uplinks_.size())), reach_many, part);
    for (const std::string& group : spec.groups)
      if (groups_.contains(group))
        propose({.kind = CauseKind::group, .site = {}, .link = {}, .name = group},
                prior_of(share_shared, static_cast<double>(groups_.size())), reach_many);
  }
}

void Search::propose_of(Index bad) {
  const std::size_t from = bad / n_;
  const std::size_t to = bad % n_;
  const auto sites = static_cast<double>(n_);
  const double direction = in_.loop ? loop_direction : 1;
  for (const std::size_t site : {from, to}) {
    const SiteId& id = in_.mesh.sites[site].site;
    const bool has_agent = in_.mesh.sites[site].has_agent;
    const bool heard = in_.sites[site].heard;
    const double down = !has_agent ? 0 : heard ? heard_against_down * (in_.loop ? 0.5 : 1) : silent_for_down;
    const double out = has_agent && !heard ? silent_for_egress : 0;
    propose({.kind = CauseKind::site_down, .site = id, .link = {}, .name = {}}, prior_of(share_site, sites) + down,
            reach_many);
    if (in_.loop || site == from)
      propose({.kind = CauseKind::egress, .site = id, .link = {}, .name = {}},
              prior_of(share_site * direction, sites) + out, reach_many);
    if (in_.loop || site == to)
      propose({.kind = CauseKind::ingress, .site = id, .link = {}, .name = {}}, prior_of(share_site * direction, sites),
              reach_many);
  }
  propose_shared(from, to);
  propose({.kind = CauseKind::all, .site = {}, .link = {}, .name = {}}, prior_of(share_all, 1), reach_many);
  if (bad_.size() > most_single_candidates) return;
  const Link link = link_at(bad);
  const double links = sites * (sites - 1);
  propose({.kind = CauseKind::link, .site = {}, .link = link, .name = {}}, prior_of(share_link * direction, links),
          reach_single);
  propose(
      {.kind = CauseKind::pair, .site = {}, .link = link.from < link.to ? link : Link{link.to, link.from}, .name = {}},
      prior_of(share_pair, links / 2), reach_single);
}

double Search::gain(const Candidate& candidate, const std::vector<std::uint16_t>& covered) const {
  double sum = candidate.prior;
  for (const Index link : candidate.links)
    if (covered[link] == 0) sum += contribution(candidate, link);
  return sum;
}

void Search::choose() {
  while (chosen_.size() < most_causes) {
    std::optional<std::size_t> best;
    double best_gain = least_gain;
    for (std::size_t i = 0; i < candidates_.size(); ++i) {
      if (std::ranges::find(chosen_, i) != chosen_.end()) continue;
      const double here = gain(candidates_[i], covered_);
      if (here > best_gain) {
        best = i;
        best_gain = here;
      }
    }
    if (!best) return;
    chosen_.push_back(*best);
    for (const Index link : candidates_[*best].links) ++covered_[link];
    prune();
  }
}

/// Takes away what the others have made needless.
void Search::prune() {
  for (std::size_t i = 0; i < chosen_.size();) {
    const Candidate& candidate = candidates_[chosen_[i]];
    for (const Index link : candidate.links) --covered_[link];
    if (gain(candidate, covered_) < least_gain / 2) {
      chosen_.erase(chosen_.begin() + static_cast<std::ptrdiff_t>(i));
      i = 0;
      continue;
    }
    for (const Index link : candidate.links) ++covered_[link];
    ++i;
  }
}

/// How sure it is: what else would explain the same links, with single links for the rest.
void Search::weigh(std::size_t which, FoundCause& out) const {
  const Candidate& chosen = candidates_[which];
  std::vector<std::uint16_t> others = covered_;
  for (const Index link : chosen.links) --others[link];
  std::vector<Index> mine;
  for (const Index link : chosen.links)
    if (others[link] == 0 && in_.links[link].bad > 0) mine.push_back(link);
  const auto sites = static_cast<double>(n_);
  const double single = prior_of(share_link, sites * (sites - 1));
  std::vector<std::pair<double, const Candidate*>> scores;
  for (const Candidate& candidate : candidates_) {
    // Only what explains a good part of it can stand in its place.
    if (&candidate != &chosen && candidate.links.size() * 3 < mine.size()) continue;
    const auto shared =
        std::ranges::count_if(mine, [&](Index link) { return std::ranges::binary_search(candidate.links, link); });
    if (&candidate != &chosen && static_cast<std::size_t>(shared) * 3 < mine.size()) continue;
    double score = gain(candidate, others);
    for (const Index link : mine)
      if (!std::ranges::binary_search(candidate.links, link))
        score += std::max(0.0, evidence(link, chosen.since) + single);
    scores.emplace_back(score, &candidate);
  }
  std::ranges::sort(scores, std::greater<>(), [](const auto& one) { return one.first; });
  const double top = std::max(scores.front().first, 0.0);
  double sum = std::exp(-top);  // mere noise
  for (const auto& [score, candidate] : scores) sum += std::exp(score - top);
  std::map<Cause, double> shares;  // the directions of an uplink are one cause
  for (const auto& [score, candidate] : scores) {
    const double share = std::exp(score - top) / sum;
    shares[candidate->cause] += share;
    if (candidate->cause == chosen.cause || candidate->links == chosen.links) out.settled += share;
  }
  out.confidence = shares[chosen.cause];
  for (const auto& [cause, share] : shares)
    if (cause != chosen.cause && share >= least_alternative) out.alternatives.push_back({cause, share});
  std::ranges::stable_sort(out.alternatives, std::greater<>(), &Alternative::confidence);
  if (out.alternatives.size() > alternatives_kept) out.alternatives.resize(alternatives_kept);
}

FoundCause Search::found(std::size_t which) const {
  const Candidate& candidate = candidates_[which];
  FoundCause out{.cause = candidate.cause,
                 .confidence = 0,
                 .settled = 0,
                 .gain = 0,
                 .links = {},
                 .covered = 0,
                 .verdicts = 0,
                 .alternatives = {}};
  std::vector<std::uint16_t> others = covered_;
  for (const Index link : candidate.links) --others[link];
  out.gain = gain(candidate, others);
  double most = 0;
  for (const Index link : candidate.links) {
    if (covers(candidate.cause, in_.mesh, link_at(link), false)) ++out.covered;
    if (in_.links[link].bad <= 0) continue;
    out.links.push_back(link_at(link));
    most = std::max(most, in_.links[link].bad);
  }
  out.verdicts = static_cast<std::size_t>(std::lround(most / weight_of_bad()));
  weigh(which, out);
  return out;
}

std::vector<FoundCause> Search::run() {
  if (bad_.empty()) return {};
  index_sites();
  for (const Index link : bad_) propose_of(link);
  choose();
  std::vector<FoundCause> out;
  out.reserve(chosen_.size());
  for (const std::size_t which : chosen_) out.push_back(found(which));
  std::ranges::stable_sort(out, std::greater<>(), &FoundCause::gain);
  return out;
}

bool touches(const Mesh& mesh, const SiteId& id, const Cause& cause) {
  const SiteSpec* site = mesh.site(id);
  if (site == nullptr) return false;
  if (cause.kind == CauseKind::uplink) return site->uplink == cause.name;
  return std::ranges::find(site->groups, cause.name) != site->groups.end();
}

bool lies_on(const Cause& cause, const Mesh& mesh, const Link& link) {
  switch (cause.kind) {
    case CauseKind::egress: return link.from == cause.site;
    case CauseKind::ingress: return link.to == cause.site;
    case CauseKind::site_down:
    case CauseKind::agent_silent: return link.from == cause.site || link.to == cause.site;
    case CauseKind::agent_starved:
    case CauseKind::clock: return link.from == cause.site;
    case CauseKind::link: return link == cause.link;
    case CauseKind::pair: return link == cause.link || (link.from == cause.link.to && link.to == cause.link.from);
    case CauseKind::uplink: return touches(mesh, link.from, cause) != touches(mesh, link.to, cause);
    case CauseKind::group: return touches(mesh, link.from, cause) || touches(mesh, link.to, cause);
    case CauseKind::all:
    case CauseKind::coordinator: return true;
  }
  return false;
}

}  // namespace

std::string_view name(CauseKind kind) { return kind_names.at(static_cast<std::size_t>(kind)); }

std::optional<CauseKind> cause_kind_named(std::string_view wanted) {
  for (std::size_t i = 0; i < kind_names.size(); ++i)
    if (kind_names[i] == wanted) return static_cast<CauseKind>(i);
  return std::nullopt;
}

double weight_of_bad() { return std::log((1 - missed) / false_alarm); }
double weight_of_good() { return std::log(missed / (1 - false_alarm)); }

std::string describe(const Cause& cause) {
  switch (cause.kind) {
    case CauseKind::site_down: return fmt::format("{} is down", cause.site.str());
    case CauseKind::egress: return fmt::format("{} egress", cause.site.str());
    case CauseKind::ingress: return fmt::format("{} ingress", cause.site.str());
    case CauseKind::uplink: return fmt::format("uplink {}", cause.name);
    case CauseKind::group: return fmt::format("group {}", cause.name);
    case CauseKind::link: return fmt::format("{} -> {}", cause.link.from.str(), cause.link.to.str());
    case CauseKind::pair: return fmt::format("{} and {}", cause.link.from.str(), cause.link.to.str());
    case CauseKind::all: return "the whole mesh";
    case CauseKind::agent_silent: return fmt::format("agent of {} is silent", cause.site.str());
    case CauseKind::agent_starved: return fmt::format("agent of {} is starved", cause.site.str());
    case CauseKind::clock: return fmt::format("clock of {}", cause.site.str());
    case CauseKind::coordinator: return "the coordinator is cut off";
  }
  return "";
}

bool covers(const Cause& cause, const Mesh& mesh, const Link& link, bool loop) {
  return lies_on(cause, mesh, link) || (loop && lies_on(cause, mesh, {link.to, link.from}));
}

bool involves(const Cause& cause, const Mesh& mesh, const SiteId& site) {
  switch (cause.kind) {
    case CauseKind::uplink:
    case CauseKind::group: return touches(mesh, site, cause);
    case CauseKind::link:
    case CauseKind::pair: return cause.link.from == site || cause.link.to == site;
    case CauseKind::all:
    case CauseKind::coordinator: return true;
    case CauseKind::site_down:
    case CauseKind::egress:
    case CauseKind::ingress:
    case CauseKind::agent_silent:
    case CauseKind::agent_starved:
    case CauseKind::clock: return cause.site == site;
  }
  return false;
}

std::vector<FoundCause> find_causes(const CausesInput& input) { return Search(input).run(); }

}  // namespace sonde
