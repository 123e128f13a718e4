#include "coordinator/core/causes.h"

#include <algorithm>
#include <cmath>
#include <map>
#include <set>
#include <span>
#include <unordered_map>
#include <utility>

#include "shared/base/error.h"

namespace sonde {
namespace {

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
  std::vector<float> worth;  ///< of each of them: what it adds while nothing else covers it
  SharedTime since;          ///< when it began, were it the cause
};

/// One candidate that covers a link.
struct Cover {
  std::uint32_t candidate = 0;
  float worth = 0;
};

class Search {
 public:
  explicit Search(const CausesInput& input);
  std::vector<FoundCause> run();

 private:
  void index_sites();
  void propose(Cause cause, double prior, double reach, Part part = Part::whole);
  void propose_of(Index bad);
  void propose_site(std::size_t site, bool out, bool in);
  void propose_shared(std::size_t site);
  void index_covers();
  std::span<const Cover> covers_of(Index link) const;
  void cover(std::size_t which);
  void uncover(std::size_t which);
  void fill(Candidate& candidate);
  void add_row(std::size_t from, std::vector<Index>& out) const;
  void add_column(std::size_t to, std::vector<Index>& out) const;
  void collect(const Candidate& candidate, std::vector<Index>& out) const;
  double prior_of(double share, double places) const;
  double evidence(Index link, SharedTime since) const;
  double contribution(const Candidate& candidate, Index link) const;
  double own_gain(std::size_t which) const;
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
  std::set<Cause> open_;
  std::set<Cause> found_;
  std::vector<Candidate> candidates_;
  std::set<std::pair<Cause, Part>> proposed_;  ///< without links and pairs, which come once anyway
  std::vector<bool> as_from_;                  ///< sites that a bad link begins at, so far
  std::vector<bool> as_to_;                    ///< likewise, ends at
  std::vector<Cover> covers_;                  ///< link by link
  std::vector<std::uint32_t> covers_at_;       ///< where those of a link begin; one more at the end
  std::vector<double> gains_;                  ///< of each candidate, beside those that are chosen
  std::vector<std::size_t> chosen_;
  std::vector<std::uint16_t> covered_;  ///< by how many of the chosen
};

Search::Search(const CausesInput& input)
    : in_(input),
      n_(input.mesh.sites.size()),
      open_(input.open.begin(), input.open.end()),
      found_(input.found.begin(), input.found.end()),
      as_from_(n_),
      as_to_(n_) {
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
    case CauseKind::coordinator:
    case CauseKind::budget: return;
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
  const bool single = cause.kind == CauseKind::link || cause.kind == CauseKind::pair;
  if (!single && !proposed_.emplace(cause, part).second) return;
  if (found_.contains(cause))
    prior = std::max(prior, found_prior);
  else if (open_.contains(cause))
    prior += open_bonus;
  Candidate candidate{
      .cause = std::move(cause), .part = part, .prior = prior, .reach = reach, .links = {}, .worth = {}, .since = {}};
  fill(candidate);
  candidates_.push_back(std::move(candidate));
}

void Search::propose_shared(std::size_t site) {
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

void Search::propose_site(std::size_t site, bool out, bool in) {
  const auto sites = static_cast<double>(n_);
  const double direction = in_.loop ? loop_direction : 1;
  const SiteId& id = in_.mesh.sites[site].site;
  const bool has_agent = in_.mesh.sites[site].has_agent;
  const bool heard = in_.sites[site].heard;
  const double for_down = !has_agent ? 0 : heard ? heard_against_down * (in_.loop ? 0.5 : 1) : silent_for_down;
  const double for_out = has_agent && !heard ? silent_for_egress : 0;
  propose({.kind = CauseKind::site_down, .site = id, .link = {}, .name = {}}, prior_of(share_site, sites) + for_down,
          reach_many);
  if (out)
    propose({.kind = CauseKind::egress, .site = id, .link = {}, .name = {}},
            prior_of(share_site * direction, sites) + for_out, reach_many);
  if (in)
    propose({.kind = CauseKind::ingress, .site = id, .link = {}, .name = {}}, prior_of(share_site * direction, sites),
            reach_many);
}

void Search::propose_of(Index bad) {
  const std::size_t from = bad / n_;
  const std::size_t to = bad % n_;
  const bool new_from = !as_from_[from];
  const bool new_to = !as_to_[to];
  as_from_[from] = as_to_[to] = true;
  if (new_from) propose_site(from, true, in_.loop);
  if (new_to) propose_site(to, in_.loop, true);
  if (new_from) propose_shared(from);
  if (new_to) propose_shared(to);
  if (bad == bad_.front())
    propose({.kind = CauseKind::all, .site = {}, .link = {}, .name = {}}, prior_of(share_all, 1), reach_many);
  if (bad_.size() > most_single_candidates) return;
  const Link link = link_at(bad);
  const auto sites = static_cast<double>(n_);
  const double links = sites * (sites - 1);
  const double direction = in_.loop ? loop_direction : 1;
  propose({.kind = CauseKind::link, .site = {}, .link = link, .name = {}}, prior_of(share_link * direction, links),
          reach_single);
  // Of a pair whose links are both bad the first has proposed it.
  const Index back = reversed(bad);
  if (back < bad && in_.links[back].known && in_.links[back].bad > 0) return;
  propose(
      {.kind = CauseKind::pair, .site = {}, .link = link.from < link.to ? link : Link{link.to, link.from}, .name = {}},
      prior_of(share_pair, links / 2), reach_single);
}

/// Who covers which link, so that choosing one changes the gains of those only that share links with it.
void Search::index_covers() {
  covers_at_.assign(in_.links.size() + 1, 0);
  for (const Candidate& candidate : candidates_)
    for (const Index link : candidate.links) ++covers_at_[link + 1];
  for (std::size_t i = 1; i < covers_at_.size(); ++i) covers_at_[i] += covers_at_[i - 1];
  covers_.resize(covers_at_.back());
  std::vector<std::uint32_t> next(covers_at_.begin(), covers_at_.end() - 1);
  gains_.resize(candidates_.size());
  for (std::uint32_t which = 0; which < candidates_.size(); ++which) {
    Candidate& candidate = candidates_[which];
    gains_[which] = candidate.prior;
    candidate.worth.reserve(candidate.links.size());
    for (const Index link : candidate.links) {
      const auto worth = static_cast<float>(contribution(candidate, link));
      candidate.worth.push_back(worth);
      gains_[which] += static_cast<double>(worth);
      covers_[next[link]++] = {which, worth};
    }
  }
}

std::span<const Cover> Search::covers_of(Index link) const {
  return std::span(covers_).subspan(covers_at_[link], covers_at_[link + 1] - covers_at_[link]);
}

void Search::cover(std::size_t which) {
  for (const Index link : candidates_[which].links)
    if (covered_[link]++ == 0)
      for (const Cover& one : covers_of(link)) gains_[one.candidate] -= static_cast<double>(one.worth);
}

void Search::uncover(std::size_t which) {
  for (const Index link : candidates_[which].links)
    if (--covered_[link] == 0)
      for (const Cover& one : covers_of(link)) gains_[one.candidate] += static_cast<double>(one.worth);
}

/// Of one that is chosen: what would be missing without it.
double Search::own_gain(std::size_t which) const {
  const Candidate& candidate = candidates_[which];
  double sum = candidate.prior;
  for (std::size_t i = 0; i < candidate.links.size(); ++i)
    if (covered_[candidate.links[i]] == 1) sum += static_cast<double>(candidate.worth[i]);
  return sum;
}

void Search::choose() {
  std::vector<bool> is_chosen(candidates_.size());
  while (chosen_.size() < most_causes) {
    std::optional<std::size_t> best;
    double best_gain = least_gain;
    for (std::size_t i = 0; i < candidates_.size(); ++i) {
      if (gains_[i] <= best_gain || is_chosen[i]) continue;
      best = i;
      best_gain = gains_[i];
    }
    if (!best) return;
    chosen_.push_back(*best);
    cover(*best);
    prune();
    is_chosen.assign(candidates_.size(), false);
    for (const std::size_t which : chosen_) is_chosen[which] = true;
  }
}

/// Takes away what the others have made needless.
void Search::prune() {
  for (std::size_t i = 0; i < chosen_.size();) {
    if (own_gain(chosen_[i]) >= least_gain / 2) {
      ++i;
      continue;
    }
    uncover(chosen_[i]);
    chosen_.erase(chosen_.begin() + static_cast<std::ptrdiff_t>(i));
    i = 0;
  }
}

/// How sure it is: what else would explain the same links, with single links for the rest.
void Search::weigh(std::size_t which, FoundCause& out) const {
  const Candidate& chosen = candidates_[which];
  // What each would gain in its place, and how many of its bad links it explains.
  std::vector<double> gains = gains_;
  std::vector<std::uint32_t> shared(candidates_.size());
  std::vector<Index> mine;
  for (const Index link : chosen.links) {
    if (covered_[link] != 1) continue;
    const bool bad = in_.links[link].bad > 0;
    if (bad) mine.push_back(link);
    for (const Cover& one : covers_of(link)) {
      gains[one.candidate] += static_cast<double>(one.worth);
      shared[one.candidate] += bad ? 1U : 0U;
    }
  }
  const auto sites = static_cast<double>(n_);
  const double single = prior_of(share_link, sites * (sites - 1));
  std::vector<std::pair<double, const Candidate*>> scores;
  for (std::size_t i = 0; i < candidates_.size(); ++i) {
    const Candidate& candidate = candidates_[i];
    // Only what explains a good part of it can stand in its place.
    if (i != which && std::size_t{shared[i]} * 3 < mine.size()) continue;
    double score = gains[i];
    if (shared[i] < mine.size())
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
  out.gain = own_gain(which);
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
  index_covers();
  choose();
  std::vector<FoundCause> out;
  out.reserve(chosen_.size());
  for (const std::size_t which : chosen_) out.push_back(found(which));
  std::ranges::stable_sort(out, std::greater<>(), &FoundCause::gain);
  return out;
}

}  // namespace

std::vector<FoundCause> find_causes(const CausesInput& input) { return Search(input).run(); }

}  // namespace sonde
