// Runs that somebody asks for: when they may begin, what their agents are told, and how far they are. Pure.
//
// A run on demand keeps the timetable's rules: it begins at the next instant at which both sites and their uplinks are
// in no slot and in no other run on demand for as long as it needs. The result goes the way of all results.
#pragma once

#include <cstddef>
#include <cstdint>
#include <deque>
#include <expected>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "coordinator/core/free_time.h"
#include "coordinator/core/mesh.h"
#include "coordinator/core/roster.h"
#include "shared/base/ids.h"
#include "shared/base/time.h"
#include "shared/measure/result.h"
#include "shared/schedule/timetable.h"
#include "shared/wire/messages.h"

namespace sonde {

enum class DemandState : std::uint8_t {
  queued,   ///< waits for its instant
  running,  ///< the agent has begun
  done,     ///< the result is there, its outcome is ok
  failed,   ///< the result is there, its outcome is another
  expired,  ///< no result came; one that comes later still counts
};
std::string_view name(DemandState state);
constexpr bool has_ended(DemandState state) { return state > DemandState::running; }

struct DemandRun {
  std::uint64_t id = 0;
  Link link;
  Probe probe = Probe::latency;
  std::string by;  ///< the name of the token that asked
  SharedTime requested_at;
  SharedTime scheduled_at;
  nanoseconds length{0};  ///< that is kept free
  DemandState state = DemandState::queued;
  bool taken = false;       ///< the agent has said that it has the order
  nanoseconds elapsed{0};   ///< as the agent said last
  std::uint64_t bytes = 0;  ///< of user data, where the agent knows
  std::string reason;       ///< for people, where it failed or expired
  std::optional<Result> result;
  std::uint64_t revision = 0;  ///< rises over all runs with each change
};

struct DemandRefusal {
  enum class Why : std::uint8_t {
    impossible,  ///< such a run cannot be: the policy has none, or the link
    no_time,     ///< the timetable has no room for it soon enough
    silent,      ///< the agent that would have to do it is not heard
    too_many,    ///< a limit of this class
  };
  Why why = Why::impossible;
  std::string what;                 ///< what is wrong, and what would be right
  std::optional<nanoseconds> wait;  ///< when to ask again, where that helps
};

class Demand {
 public:
  static constexpr std::size_t most_pending = 64;  ///< neither done, failed nor expired
  static constexpr std::size_t most_kept = 256;    ///< also those that have ended
  static constexpr std::size_t most_in_a_minute = 60;
  static constexpr nanoseconds longest_wait = std::chrono::minutes(15);
  /// From the request to the start at least: the order has to reach the agent.
  static constexpr nanoseconds notice = std::chrono::milliseconds(500);
  static constexpr nanoseconds order_every = std::chrono::seconds(1);
  /// After its end; the result comes through the agent's spool and the store.
  static constexpr nanoseconds result_grace = std::chrono::seconds(15);
  static constexpr std::uint32_t latency_probes = 50;
  static constexpr nanoseconds latency_interval = std::chrono::milliseconds(50);
  /// Of a handshake; a SYN that is lost twice is still seen.
  static constexpr nanoseconds connect_timeout = std::chrono::seconds(5);

  struct Order {
    SiteId to;
    wire::RunOrder order;
  };

  /// Runs that wait and would now be in the way of a slot get another instant. `guards`: as the timetable was planned
  /// with (PlanRequest::guards).
  void set_plan(const Mesh& mesh, const Timetable& timetable, SharedTime now,
                std::map<SiteId, nanoseconds> guards = {});
  std::expected<DemandRun, DemandRefusal> request(SharedTime now, const Link& link, Probe probe, std::string by,
                                                  const AgentStatuses& agents);
  void on_progress(const SiteId& site, const wire::RunProgress& progress);
  /// A result that has been stored. Others than those on demand are none of this class' business.
  void on_result(const Result& result);
  /// Repeats orders that nobody has confirmed, and gives up runs without a result.
  void tick(SharedTime now);
  /// What is to be sent now.
  std::vector<Order> take_orders();

  /// Oldest first.
  const std::deque<DemandRun>& runs() const { return runs_; }
  const DemandRun* find(std::uint64_t id) const;
  /// Of the run that changed last.
  std::uint64_t revision() const { return revision_; }

 private:
  struct Need {
    nanoseconds length{0};
    nanoseconds timeout{0};
  };
  std::optional<Need> need_of(const Link& link, Probe probe) const;
  std::vector<Reservation> reservations(const DemandRun* but) const;
  std::optional<DemandRefusal> refusal(SharedTime now, const Link& link, Probe probe, const AgentStatuses& agents);
  void end(DemandRun& run, DemandState state, std::string reason);
  void change(DemandRun& run) { run.revision = ++revision_; }
  void send_order(const DemandRun& run, SharedTime now);
  DemandRun* find_run(std::uint64_t id);
  std::uint64_t new_id(SharedTime now);
  void forget_old();

  Mesh mesh_;
  Timetable none_;  ///< until there is one
  const Timetable* timetable_ = &none_;
  Uplinks uplinks_;
  std::map<SiteId, nanoseconds> guards_;
  std::deque<DemandRun> runs_;
  std::deque<SharedTime> asked_;  ///< the requests of the last minute
  std::vector<Order> orders_;
  SharedTime ordered_at_;
  std::uint64_t last_id_ = 0;
  std::uint64_t revision_ = 0;
};

}  // namespace sonde
