// From bad links to what broke: the smallest set of causes that explains them and is not contradicted by good ones.
// Pure: one call, no memory.
//
// Bayesian, with noise. A verdict on a link is missed in 5 % and false in 1 % of the cases (`missed`, `false_alarm`),
// so each bad verdict speaks for a fault with ln(0.95/0.01) and each good one against it with ln(0.05/0.99). A cause
// explains the links that it covers, of which some may go free (`reach`); it costs its prior, which is the smaller the
// more places there are where it could have happened. Causes are added while the evidence pays for them, and taken
// away where the others make them needless: weighted set cover by greedy choice and pruning.
#pragma once

#include <compare>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "coordinator/core/mesh.h"
#include "shared/base/ids.h"
#include "shared/base/time.h"

namespace sonde {

/// What broke. The first eight are of the network, the rest of the measuring itself.
enum class CauseKind : std::uint8_t {
  site_down,      ///< every link from and to a site
  egress,         ///< every link from a site
  ingress,        ///< every link to a site
  uplink,         ///< every link across an uplink that sites share, in both directions or in one
  group,          ///< every link that touches a site of the group
  link,           ///< one link
  pair,           ///< both links between two sites
  all,            ///< every link
  agent_silent,   ///< the network may be well, but an agent is not heard
  agent_starved,  ///< an agent's host lacks CPU
  clock,          ///< a host's clock was set
  coordinator,    ///< no agent is heard: the coordinator itself is cut off
  budget,         ///< a site's probes have used up its bytes of a month
};
inline constexpr std::size_t cause_kind_count = 13;
/// Not of the network: what is the matter with an agent, a clock, the coordinator, a budget.
constexpr bool of_agent(CauseKind kind) { return kind >= CauseKind::agent_silent; }
std::string_view name(CauseKind kind);
std::optional<CauseKind> cause_kind_named(std::string_view name);

/// Invariant: only what the kind needs is set. `name` is of the uplink or the group.
struct Cause {
  CauseKind kind = CauseKind::all;
  SiteId site;
  Link link;  ///< of link; of pair the one with from < to
  std::string name;
  auto operator<=>(const Cause&) const = default;
};

/// "athens egress", "berlin -> athens", "uplink dfn".
std::string describe(const Cause& cause);

/// ln of the odds that a verdict moves.
inline constexpr double missed = 0.05;
inline constexpr double false_alarm = 0.01;
double weight_of_bad();
double weight_of_good();  ///< below 0

/// What the verdicts on one link and one signal say so far.
struct Observation {
  bool known = false;         ///< something was measured
  bool raised = false;        ///< the rule's n of m
  double bad = 0;             ///< ln of the odds for a fault, >= 0: the best stretch of verdicts that ends now
  SharedTime since{};         ///< where `bad` > 0: the first verdict of that stretch
  unsigned goods = 0;         ///< good verdicts in a row, until now
  unsigned goods_before = 0;  ///< where `bad` > 0: good ones in a row before that stretch
  nanoseconds every{0};       ///< between the last two verdicts
  SharedTime newest{};
};

/// What is known of a site beside its links.
struct SiteFacts {
  bool heard = true;  ///< its agent
};

struct CausesInput {
  const Mesh& mesh;
  /// By from x number of sites + to, in the order of mesh.sites.
  const std::vector<Observation>& links;
  /// In the order of mesh.sites.
  const std::vector<SiteFacts>& sites;
  /// True for signals that need an answer: a fault of either direction shows on both links of a pair.
  bool loop = false;
  /// Causes of open incidents: they cost a little less, so that a close call does not swing to and fro.
  const std::vector<Cause>& open;
  /// Causes that were found on other signals just now: they are paid for.
  const std::vector<Cause>& found;
};

struct Alternative {
  Cause cause;
  double confidence = 0;
  bool operator==(const Alternative&) const = default;
};

struct FoundCause {
  Cause cause;
  double confidence = 0;     ///< 0 to 1: against the alternatives and against mere noise
  double settled = 0;        ///< the same with those that have the very same links, which no waiting tells apart
  double gain = 0;           ///< ln of the odds against not having it
  std::vector<Link> links;   ///< those that it explains, with evidence for a fault
  std::size_t covered = 0;   ///< links that the fault itself lies on, of which something is known
  std::size_t verdicts = 0;  ///< bad ones of the link that has most, about
  std::vector<Alternative> alternatives;  ///< the most likely first, at most 3
};

/// The strongest first. Empty where noise is the best explanation.
std::vector<FoundCause> find_causes(const CausesInput& input);

/// Whether a fault of `cause` shows on `link`; of `loop` signals a fault of the way back, too.
bool covers(const Cause& cause, const Mesh& mesh, const Link& link, bool loop);

/// Whether the site is in it: its own, at an end of its link, behind its uplink, in its group.
bool involves(const Cause& cause, const Mesh& mesh, const SiteId& site);

}  // namespace sonde
