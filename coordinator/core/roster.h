// Which agents are there, what each said of itself last, and what each is told. Pure: fed with decoded messages and the
// time.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "coordinator/core/mesh.h"
#include "shared/base/event.h"
#include "shared/base/ids.h"
#include "shared/base/time.h"
#include "shared/wire/messages.h"

namespace sonde {

/// An agent that was not heard for this long is silent.
inline constexpr nanoseconds agent_silence = std::chrono::seconds(15);

struct AgentStatus {
  std::optional<SharedTime> last_heard;     ///< any message; nullopt: never since the coordinator started
  std::optional<SharedTime> connected_at;   ///< of the current session
  std::string route;                        ///< where messages to it go; empty: no session
  wire::Hello hello;                        ///< the last one
  wire::Heartbeat heartbeat;                ///< the last one
  std::optional<nanoseconds> clock_offset;  ///< coarse: the coordinator's clock at receipt less the agent's at sending
  std::optional<nanoseconds> told_clock_error;  ///< what its peers know of its clock
  std::uint64_t results = 0;                    ///< stored since the coordinator started

  bool heard(SharedTime now) const { return last_heard && now - *last_heard < agent_silence; }
};

using AgentStatuses = std::map<SiteId, AgentStatus>;

class Roster {
 public:
  struct Outgoing {
    std::string route;
    wire::Message message;
  };
  struct Out {
    std::vector<Outgoing> messages;
    std::vector<std::pair<SiteId, wire::ResultBatch>> batches;      ///< for the ingest
    std::vector<std::pair<SiteId, wire::RunProgress>> progress;     ///< of runs on demand
    std::vector<std::pair<SiteId, wire::ArrivalAnswers>> arrivals;  ///< for the losses' join
    std::vector<SiteId> heard;
    bool sites_changed = false;  ///< an agent came, went or changed: tell who watches
    Events events;
  };

  /// Sites that are no longer there lose their session at once; `timetable` goes to everybody who has one.
  void set_mesh(const Mesh& mesh, Timetable timetable, Out& out);
  /// The highest seq of a site that is stored; told to an agent that makes a new spool.
  void set_last_seq(const SiteId& site, std::uint64_t seq) { last_seqs_[site] = seq; }

  /// `site` is the one that the connection's key belongs to, `route` its way back. `received_at` was read when the
  /// message came in.
  void on_message(SharedTime now, const SiteId& site, const std::string& route, wire::Message message, Out& out);
  /// Results of a site are stored up to seq: acknowledge them.
  void on_stored(const SiteId& site, std::uint64_t spool, std::uint64_t seq, std::uint64_t results, Out& out);
  /// The route turned out to be dead.
  void on_unreachable(const std::string& route);
  /// Notices silence.
  void tick(SharedTime now, Out& out);

  const AgentStatuses& agents() const { return agents_; }
  const Timetable& timetable() const { return timetable_; }
  std::uint64_t impostors() const { return impostors_; }

 private:
  void on_hello(SharedTime now, const SiteId& site, const std::string& route, const wire::Hello& hello, Out& out);
  void on_heartbeat(SharedTime now, const SiteId& site, const wire::Heartbeat& heartbeat, Out& out);
  wire::PeerFacts facts_for(const SiteId& site) const;
  void tell_peers(const SiteId& about, Out& out);

  std::string mesh_name_;
  Timetable timetable_;
  AgentStatuses agents_;
  std::map<SiteId, std::uint64_t> last_seqs_;
  std::map<SiteId, bool> was_heard_;
  std::uint64_t impostors_ = 0;
};

}  // namespace sonde
