// Evidence of the way: whom to ask for a look, when, and what becomes of it. Pure.
//
// At the onset of an incident both agents of a few of its links look at the way to each other. So that there is
// something to compare it with, each link is looked at now and then while nothing is wrong with it. All of it is
// bounded: hundreds of bad links are few looks.
#pragma once

#include <cstddef>
#include <cstdint>
#include <deque>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "coordinator/core/incidents.h"
#include "coordinator/core/mesh.h"
#include "coordinator/core/path_evidence.h"
#include "coordinator/core/roster.h"
#include "shared/base/event.h"
#include "shared/base/ids.h"
#include "shared/base/time.h"
#include "shared/wire/messages.h"

namespace sonde {

struct EvidencePolicy {
  bool onset = true;                                         ///< at the onset of an incident
  std::optional<nanoseconds> every = std::chrono::hours(6);  ///< of each link while all is well; nullopt: never
};

class EvidenceDesk {
 public:
  /// Links of one incident that are looked at, each from both sides.
  static constexpr std::size_t links_of_incident = 3;
  /// Looks at onsets that are begun within a minute, over the whole mesh; what finds no room waits.
  static constexpr std::size_t onsets_in_a_minute = 60;
  /// Of the evidence of an onset, from when the incident was opened: later it would not be one of the onset.
  static constexpr nanoseconds onset_patience = std::chrono::seconds(60);
  /// An order without an answer is given up after this.
  static constexpr nanoseconds answer_patience = std::chrono::seconds(90);
  /// Ways that are remembered; links beyond are only looked at when an incident begins.
  static constexpr std::size_t most_paths = 100'000;
  /// Looks at leisure in a second over the whole mesh, where the interval does not ask for more.
  static constexpr double leisure_rate = 2;
  /// A link is looked at again so soon after its incident, and after a look that failed; the first times sooner, from
  /// `soonest_again` on twice as late each time.
  static constexpr nanoseconds again_after = std::chrono::minutes(10);
  static constexpr nanoseconds soonest_again = std::chrono::seconds(5);
  /// A good look that is younger than this at an onset may have been taken of what went wrong a moment later.
  static constexpr nanoseconds settling = std::chrono::minutes(2);

  struct Order {
    SiteId from;
    wire::EvidenceOrder order;
  };
  struct Attached {
    std::string incident;
    PathEvidence evidence;
  };
  struct Known {
    Link link;
    PathTrace trace;
  };
  struct Out {
    std::vector<Order> orders;
    std::vector<Attached> attached;
    std::vector<Known> known;  ///< to be stored: the newest good look of a link
    Events events;
  };
  struct Counters {
    std::uint64_t ordered = 0;
    std::uint64_t taken = 0;
    std::uint64_t unanswered = 0;
    std::uint64_t left_out = 0;  ///< onsets that did not get their turn in time
  };

  void set_mesh(const Mesh& mesh, const EvidencePolicy& policy);
  /// At start, from the store; orders are numbered from the time on, so that answers to those of before are not taken
  /// for ours.
  void restore(SharedTime now, std::vector<Known> known);
  void on_taken(SharedTime now, const SiteId& site, wire::EvidenceTaken taken, const Incidents& incidents, Out& out);
  /// About once a second.
  void tick(SharedTime now, const Incidents& incidents, const AgentStatuses& agents, Out& out);

  /// The last look while all was well; nullptr: none.
  const PathTrace* known(const Link& link) const;
  const Counters& counters() const { return counters_; }

 private:
  struct Path {
    std::optional<PathTrace> trace;
    std::optional<PathTrace> previous;  ///< the last that was another way, or had another MTU
    std::optional<SharedTime> tried;    ///< when it was ordered last
    unsigned failures = 0;              ///< of the last looks, in a row
  };
  struct Waiting {
    std::string incident;
    Link link;
    SharedTime until;
  };
  /// An incident whose onset is looked into: as it grows, further links are looked at while it is young.
  struct Noticed {
    std::optional<SharedTime> until;              ///< nullopt: its onset was before our time
    std::set<std::pair<SiteId, SiteId>> pairs{};  ///< sites between which somebody was asked to look
  };
  struct Asked {
    std::optional<std::string> incident;  ///< nullopt: at leisure
    Link link;
    SharedTime until;
  };

  void notice_onsets(SharedTime now, const Incidents& incidents);
  void look_again_after(const Incident& over, SharedTime now);
  void choose_links(const Incident& incident, SharedTime now, Noticed& noticed);
  void order_onsets(SharedTime now, const AgentStatuses& agents, Out& out);
  void order_at_leisure(SharedTime now, const Incidents& incidents, const AgentStatuses& agents, Out& out);
  void give_up_unanswered(SharedTime now, Out& out);
  void order(SharedTime now, const Link& link, std::optional<std::string> incident, Out& out);
  void attach(const std::string& incident, const Link& link, PathTrace trace, Out& out) const;
  bool wants_look(const Link& link, SharedTime now) const;
  bool is_good(const Link& link, const Incidents& incidents) const;
  bool has_agent(const SiteId& site) const;

  EvidencePolicy policy_;
  std::vector<Link> links_;  ///< those with an agent at their beginning
  std::set<SiteId> agents_;
  std::size_t cursor_ = 0;
  std::map<Link, Path> paths_;
  std::map<std::string, Noticed> noticed_;  ///< the open incidents
  std::deque<Waiting> waiting_;
  std::map<std::uint64_t, Asked> asked_;
  std::set<SiteId> at_leisure_;    ///< sites that have such an order
  std::deque<SharedTime> onsets_;  ///< when those of the last minute were ordered
  double allowance_ = 0;
  std::optional<SharedTime> ticked_;
  std::uint64_t next_id_ = 1;
  Counters counters_;
};

}  // namespace sonde
