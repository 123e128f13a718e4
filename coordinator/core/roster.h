// Which agents are there, what each said of itself last, and what each is told. Pure: fed with decoded messages and the
// time.
#pragma once

#include <cstddef>
#include <cstdint>
#include <deque>
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "coordinator/core/mesh.h"
#include "coordinator/core/timetable_parts.h"
#include "shared/base/event.h"
#include "shared/base/ids.h"
#include "shared/base/time.h"
#include "shared/wire/messages.h"

namespace sonde {

/// An agent that was not heard for this long is silent.
inline constexpr nanoseconds agent_silence = std::chrono::seconds(15);
/// Timetables that are handed out between two ticks; who is behind them waits for the next one. At a thousand sites
/// one is 200 kB and takes a quarter of a millisecond.
inline constexpr std::size_t timetables_per_tick = 100;
/// An agent whose heartbeat names an older generation so long after it was sent the newest is sent it again; every
/// further time waits twice as long, up to the longest.
inline constexpr nanoseconds first_resend = std::chrono::seconds(2);
inline constexpr nanoseconds longest_resend = std::chrono::minutes(1);
/// An agent that was sent one generation so often is told of as an event.
inline constexpr int worrying_sends = 5;

struct AgentStatus {
  std::optional<SharedTime> last_heard;     ///< any message; nullopt: never since the coordinator started
  std::optional<SharedTime> connected_at;   ///< of the current session
  std::string route;                        ///< where messages to it go; empty: no session
  wire::Hello hello;                        ///< the last one
  wire::Heartbeat heartbeat;                ///< the last one
  std::optional<nanoseconds> clock_offset;  ///< coarse: the coordinator's clock at receipt less the agent's at sending
  std::optional<nanoseconds> told_clock_error;  ///< what its peers know of its clock
  std::uint64_t results = 0;                    ///< stored since the coordinator started
  bool was_heard = false;                       ///< when the roster ticked last

  bool heard(SharedTime now) const { return last_heard && now - *last_heard < agent_silence; }
};

using AgentStatuses = std::map<SiteId, AgentStatus>;

class Roster {
 public:
  Roster() = default;
  Roster(const Roster&) = delete;
  Roster& operator=(const Roster&) = delete;

  struct Outgoing {
    std::string route;
    wire::Message message;
  };
  /// One message for many.
  struct Broadcast {
    std::vector<std::string> routes;
    wire::Message message;
  };
  /// TimetableParts::message_for(to), or its value NewTimetable{parts().of(to)}.
  struct Handout {
    std::string route;
    SiteId to;
  };
  struct Out {
    std::vector<Outgoing> messages;
    std::vector<Handout> timetables;  ///< made when they are sent: all of them at once would be half a gigabyte
    std::vector<Broadcast> broadcasts;
    std::vector<std::pair<SiteId, wire::ResultBatch>> batches;      ///< for the ingest
    std::vector<std::pair<SiteId, wire::RunProgress>> progress;     ///< of runs on demand
    std::vector<std::pair<SiteId, wire::ArrivalAnswers>> arrivals;  ///< for the losses' join
    std::vector<std::pair<SiteId, wire::EvidenceTaken>> evidence;   ///< for the evidence desk
    std::vector<SiteId> heard;
    bool sites_changed = false;  ///< an agent came, went or changed: tell who watches
    Events events;
  };

  /// Sites that are no longer there lose their session at once; `timetable` goes to everybody who has one, to many with
  /// the next ticks. It is kept by reference: it must stay as it is until the next set_mesh.
  void set_mesh(SharedTime now, const Mesh& mesh, const Timetable& timetable, Out& out);
  /// The highest seq of a site that is stored; told to an agent that makes a new spool.
  void set_last_seq(const SiteId& site, std::uint64_t seq) { last_seqs_[site] = seq; }

  /// `site` is the one that the connection's key belongs to, `route` its way back. `received_at` was read when the
  /// message came in.
  void on_message(SharedTime now, const SiteId& site, const std::string& route, wire::Message message, Out& out);
  /// Results of a site are stored up to seq: acknowledge them.
  void on_stored(const SiteId& site, std::uint64_t spool, std::uint64_t seq, std::uint64_t results, Out& out);
  /// The route turned out to be dead.
  void on_unreachable(const std::string& route);
  /// This process stood still for so long (stopped, or its machine was): time in which nobody listened makes nobody
  /// silent.
  void on_standstill(nanoseconds lasted);
  /// Notices silence, hands out timetables that wait, tells the agents of each other. Ten times a second or so.
  void tick(SharedTime now, Out& out);

  const AgentStatuses& agents() const { return agents_; }
  const Timetable& timetable() const { return *timetable_; }
  const TimetableParts& parts() const { return *parts_; }
  std::uint64_t impostors() const { return impostors_; }

 private:
  /// How an agent gets the newest timetable.
  struct Delivery {
    bool waits = false;  ///< in `owed_`
    int sent = 0;        ///< how often, of this generation
    SharedTime sent_at;  ///< the last time
  };

  void on_hello(SharedTime now, const SiteId& site, const std::string& route, const wire::Hello& hello, Out& out);
  void on_heartbeat(SharedTime now, const SiteId& site, const wire::Heartbeat& heartbeat, Out& out);
  void owe(const SiteId& site);
  void send_again(SharedTime now, const SiteId& site, Events& events);
  void hand_out(SharedTime now, Out& out);
  wire::PeerFacts facts_for(const SiteId& site) const;
  void note_facts(const SiteId& about);
  void tell_facts(Out& out);

  std::string mesh_name_;
  Timetable none_;  ///< until there is one
  const Timetable* timetable_ = &none_;
  std::unique_ptr<TimetableParts> parts_ = std::make_unique<TimetableParts>(none_);
  AgentStatuses agents_;
  std::map<SiteId, Delivery> deliveries_;
  std::deque<SiteId> owed_;
  std::size_t handed_out_ = 0;  ///< since the last tick
  std::set<SiteId> new_facts_;  ///< agents of which the others shall know
  std::map<SiteId, std::uint64_t> last_seqs_;
  std::uint64_t impostors_ = 0;
};

}  // namespace sonde
