// One incident for each cause, from its beginning to its end. Pure: results, agents and the time in; incidents and
// events out.
//
// In each tick every signal is explained by itself (coordinator/core/causes.h); equal causes are one incident, and what
// a larger cause explains belongs to it. An incident keeps its id while its cause is refined. It ends when every rule
// that it explains has been cleared; missing data clears nothing.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <deque>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <unordered_map>
#include <vector>

#include "coordinator/core/alerts.h"
#include "coordinator/core/causes.h"
#include "coordinator/core/mesh.h"
#include "coordinator/core/path_evidence.h"
#include "coordinator/core/patterns.h"
#include "coordinator/core/roster.h"
#include "coordinator/core/spending.h"
#include "coordinator/core/verdicts.h"
#include "shared/base/event.h"
#include "shared/base/ids.h"
#include "shared/base/time.h"
#include "shared/measure/result.h"

namespace sonde {

/// Something that happened to an incident.
struct Moment {
  SharedTime at;
  std::string text;
  bool operator==(const Moment&) const = default;
};

/// What one link showed when the incident was last judged.
struct LinkEvidence {
  Link link;
  Metric metric = Metric::loss;
  double value = 0;  ///< a share lost, seconds of rise, a share of the usual rate; 1 or 0 for "it answers"
  bool operator==(const LinkEvidence&) const = default;
};

struct Incident {
  std::string id;  ///< never given twice
  Cause cause;
  std::vector<Metric> metrics;  ///< metric_of the signals on which it shows; empty where it is of an agent
  AlertSeverity severity = AlertSeverity::warning;
  SharedTime started_at;  ///< of the first bad result
  std::optional<SharedTime> ended_at;
  double confidence = 0;    ///< 0 to 1
  std::vector<Link> links;  ///< every link that it has explained so far, sorted
  std::vector<Alternative> alternatives;
  std::vector<LinkEvidence> evidence;  ///< of the worst links, at most `evidence_kept`
  std::vector<Moment> timeline;        ///< the newest last, at most `moments_kept`
  std::vector<PatternSeen> patterns;   ///< what it has looked like so far, each once
  std::string summary;
  std::string runbook;
  std::uint32_t reopened = 0;         ///< it came back so often within `flap_window`
  std::vector<PathEvidence> paths{};  ///< what agents saw of the way at the onset, at most `paths_kept`
  std::string measurer{};             ///< of_agent: what the agent had said of itself at the onset; see measurer_words

  bool open() const { return !ended_at.has_value(); }
  bool flapping() const { return reopened >= 2; }
  bool operator==(const Incident&) const = default;
};

class Incidents {
 public:
  /// Closed ones that are remembered here; the store keeps more.
  static constexpr std::size_t closed_kept = 500;
  static constexpr std::size_t evidence_kept = 10;
  static constexpr std::size_t moments_kept = 50;
  /// Links of an incident that are looked at for patterns.
  static constexpr std::size_t patterns_of_links = 50;
  static constexpr std::size_t paths_kept = 12;
  /// One that returns so soon after its end is the same; after the second time it ends only when it was quiet as long.
  static constexpr nanoseconds flap_window = std::chrono::minutes(10);
  /// An agent that has not been heard for this long may be about to fall silent: nothing is concluded from its links
  /// yet.
  static constexpr nanoseconds doubt = std::chrono::milliseconds(2500);
  /// An older result says nothing of the present: it comes from a spool.
  static constexpr nanoseconds late = std::chrono::minutes(2);

  struct Out {
    std::vector<Incident> changed;  ///< to be stored
    Events events;
  };

  void set_mesh(const Mesh& mesh, const AlertPolicy& policy);
  /// At start, from the store, in any order.
  void restore(std::vector<Incident> incidents);
  /// What is usual, from results that were stored before the start.
  void learn(const Result& result) { verdicts_.learn(result); }
  /// What is usual in an hour; see Verdicts::set_baseline.
  void set_baseline(const Link& link, SharedTime hour, const HourBaseline& baseline) {
    verdicts_.set_baseline(link, hour, baseline);
  }
  void on_result(const Result& result, SharedTime now, const AgentStatuses& agents);
  /// What agents found out about the path of a link at the onset of its trouble; it holds while an incident explains
  /// the link.
  void on_path(const Link& link, const PathFacts& path);
  /// Sites that have used up their bytes of a month; for the next tick.
  void set_overdrafts(std::vector<Overdraft> overdrafts) { overdrafts_ = std::move(overdrafts); }
  /// Idempotent; about once a second.
  void tick(SharedTime now, const AgentStatuses& agents, Out& out);

  /// What agents saw of the way; passed over where the incident is not known any more, or has enough.
  void attach(std::string_view id, PathEvidence evidence, SharedTime now, Out& out);

  /// Open ones first, then the newest.
  std::vector<const Incident*> list() const;
  const Incident* find(std::string_view id) const;
  /// Open ones that explain this link.
  std::vector<const Incident*> on_link(const Link& link) const;
  std::size_t open_count(CauseKind kind) const;
  std::uint64_t opened() const { return opened_; }
  /// Grows with every change of any incident.
  std::uint64_t revision() const { return revision_; }
  const Verdicts& verdicts() const { return verdicts_; }

 private:
  /// A cause as it is seen in this tick.
  struct Seen {
    Cause cause;
    double confidence = 1;
    double settled = 1;  ///< FoundCause::settled
    std::set<Link> links;
    std::set<Link> proven;  ///< those on which a rule is raised
    std::set<Signal> signals;
    std::size_t covered = 0;
    std::size_t verdicts = 0;
    SharedTime since;
    std::vector<Alternative> alternatives;
    bool sure = false;  ///< observed, not inferred
  };
  struct Live {
    Incident incident;
    std::optional<SharedTime> quiet_since;
    std::size_t covered = 0;
    std::set<Link> proven;    ///< of its links those on which a rule was raised
    bool was_silent = false;  ///< of site_down: the agent fell silent with its site
  };
  /// What the last eight results of a site's agent said of the agent itself; the newest is the lowest bit.
  struct AgentWatch {
    std::uint8_t starved = 0;
    std::uint8_t stepped = 0;
    bool was_starved = false;
    bool was_stepped = false;
    SharedTime since_starved;
    SharedTime since_stepped;
  };

  // incidents_sight.cpp: what is the matter now
  std::vector<Seen> look(SharedTime now, const AgentStatuses& agents) const;
  bool all_silent(SharedTime now, const AgentStatuses& agents) const;
  /// Its last word, or where it never spoke when its site became a member as far as is known.
  SharedTime last_sign(const SiteId& site, const AgentStatus& agent) const;
  bool is_silent(const SiteId& site, const AgentStatus& agent, SharedTime now) const;
  static bool others_heard_since(const SiteId& site, SharedTime last, const AgentStatuses& agents);
  void look_at_links(SharedTime now, const AgentStatuses& agents, std::vector<Seen>& out) const;
  void look_at_agents(SharedTime now, const AgentStatuses& agents, std::vector<Seen>& out) const;
  void look_at_budgets(std::vector<Seen>& out) const;
  const Overdraft* overdraft_of(const Cause& cause) const;
  bool is_agent_alone(const SiteSpec& site, const AgentStatus& agent, SharedTime now) const;
  void add_found(const FoundCause& found, Signal signal, const std::vector<Observation>& observations,
                 std::vector<Seen>& out) const;
  void fold(std::vector<Seen>& seen) const;
  bool may_open(const Seen& seen, SharedTime now, const AgentStatuses& agents) const;
  std::set<Link> links_of_site(const SiteId& site, bool both_ways) const;
  /// How many of them begin at the site.
  std::size_t links_from(const SiteId& site);
  void watch(const Result& result);

  // incidents.cpp: what that means for the incidents
  std::vector<std::optional<std::size_t>> match(const std::vector<Seen>& seen) const;
  void update(Live& live, const Seen& seen, SharedTime now, const AgentStatuses& agents, Out& out);
  void open(const Seen& seen, SharedTime now, const AgentStatuses& agents, Out& out);
  void settle(Live& live, const std::vector<Seen>& seen, SharedTime now, const AgentStatuses& agents, Out& out);
  bool still_bad(const Incident& incident, SharedTime now, const AgentStatuses& agents) const;
  void close(Live& live, SharedTime now, const std::string& why, Out& out);
  void describe_anew(Live& live, SharedTime now);
  void refine_patterns(Incident& incident, const Link& link) const;
  void note_patterns(Live& live, SharedTime now, Out& out);
  bool may_replace(const Live& live, const Seen& seen) const;
  bool site_silent(const SiteId& site, SharedTime now) const;
  void tell(const Incident& incident, std::string_view code, Out& out);
  std::string fresh_id(SharedTime now);

  Mesh mesh_;
  std::map<SiteId, std::size_t> links_from_;  ///< counted once for each mesh: every result asks
  Verdicts verdicts_;
  AlertRule budget_rule_;
  std::vector<Overdraft> overdrafts_;
  std::map<SiteId, AgentWatch> watches_;
  std::deque<Live> incidents_;                 ///< the oldest first
  std::map<SiteId, SharedTime> heard_;         ///< as of the last tick
  std::map<Link, PathFacts> paths_;            ///< of links that an open incident explains
  std::map<SiteId, SharedTime> member_since_;  ///< the first tick that saw it
  std::optional<SharedTime> deaf_until_;       ///< the last tick in which no agent was heard
  std::uint64_t opened_ = 0;
  std::uint64_t revision_ = 0;
};

/// "athens egress: 14 of 15 destinations lose packets". `covered` is of how many links.
std::string summary_of(const Incident& incident, std::size_t covered, bool agent_heard);

/// What is known of the measuring that an incident speaks of: how an agent's host did by its last word, when it was
/// heard last. Empty where the cause is of the network, or a budget.
std::string measurer_words(const Cause& cause, const AgentStatuses& agents, SharedTime now);

/// Which of the matrix's metrics were degraded at an instant, by what the incidents that were open then explain. The
/// links of an incident are all that it ever explained, so that one that grew counts from its beginning.
using DegradedLinks = std::unordered_map<Link, std::vector<Metric>>;
DegradedLinks degraded_at(SharedTime at, const std::vector<const Incident*>& incidents);

/// nullopt for a metric that is no signal's.
std::optional<Signal> signal_of(Metric metric);

}  // namespace sonde
