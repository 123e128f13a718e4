// An agent's conversation with its coordinator: hello until welcome, heartbeats, the clock, results until acknowledged.
// Pure: fed with decoded messages and the time, answers with messages and news; connecting and reconnecting is
// ZeroMQ's.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "agent/core/clock_estimator.h"
#include "shared/base/event.h"
#include "shared/base/ids.h"
#include "shared/base/time.h"
#include "shared/wire/messages.h"

namespace sonde {

struct SessionIdentity {
  SiteId site;
  std::string version;
  std::string boot_id;
  std::uint16_t port = 0;
};

/// What the spool holds, as the session must know it.
struct SpoolState {
  std::uint64_t spool = 0;      ///< its random number
  std::uint64_t last_seq = 0;   ///< highest seq given out and safely on disk
  std::uint64_t first_seq = 0;  ///< lowest seq that is still there; above last_seq where it is empty
};

class Session {
 public:
  static constexpr nanoseconds hello_every = std::chrono::seconds(1);
  static constexpr nanoseconds heartbeat_every = std::chrono::seconds(1);
  /// Without any word from the coordinator for this long the session is lost and begins again with a hello.
  static constexpr nanoseconds lost_after = std::chrono::seconds(6);
  /// Results that were sent and not acknowledged within this time are sent again.
  static constexpr nanoseconds resend_after = std::chrono::seconds(10);

  struct Out {
    std::vector<wire::Message> messages;
    std::optional<std::uint64_t> welcome_last_seq;  ///< a fresh spool goes on after it
    std::optional<Timetable> timetable;             ///< newer than the one before
    std::optional<wire::PeerFacts> peers;
    std::optional<wire::RunOrder> order;
    std::vector<wire::ArrivalQuestion> questions;  ///< for our reflector
    std::optional<wire::EvidenceOrder> evidence;
    std::optional<std::uint64_t> acknowledged;  ///< the spool may forget everything up to this seq
    std::optional<std::uint64_t> fetch_after;   ///< read results above this seq from the spool, then call on_fetched
    Events events;
  };

  Session(SessionIdentity identity, Generation generation);

  /// The figures that go into the next heartbeats; sent_at, generation and spooled are filled in here.
  void set_status(const wire::Heartbeat& status) { status_ = status; }
  /// What the spool no longer has counts as acknowledged: it was, or it was dropped for want of room.
  void on_spool(const SpoolState& spool);
  void on_message(Now now, const wire::Message& message, Out& out);
  /// The answer to fetch_after: results in order of seq, possibly none.
  void on_fetched(Now now, std::vector<Result> results, Out& out);
  void on_connection_broken() { lose(); }
  /// The message could not be handed to the connection: results in flight are taken back.
  void on_send_failed() { sent_ = acknowledged_; }
  void tick(Now now, Out& out);
  MonoTime next_deadline() const;

  bool welcomed() const { return welcomed_; }
  Generation generation() const { return generation_; }
  /// Whether an agent that has run since `started_at` may still begin runs: without the coordinator only so long.
  bool within_autonomy(MonoTime now, MonoTime started_at, nanoseconds autonomy) const {
    return now - last_heard_.value_or(started_at) < autonomy;
  }
  /// Shared time by the exchanges so far; unknown again where this host's clock was set or stood still.
  ClockMap clock(Now now) {
    clock_.watch(now);
    return clock_.at(now.mono);
  }
  /// How often a clock was seen to step.
  std::uint64_t clock_steps() const { return clock_.steps(); }

 private:
  void on_welcome(Now now, const wire::Welcome& welcome, Out& out);
  void on_acknowledge(Now now, const wire::Acknowledge& acknowledge, Out& out);
  void say_hello(MonoTime now, Out& out);
  void send_heartbeat(Now now, Out& out);
  void send_results(MonoTime now, Out& out);
  void lose();
  void tell_steps(Out& out);

  SessionIdentity identity_;
  Generation generation_;
  SpoolState spool_;
  wire::Heartbeat status_;
  ClockEstimator clock_;
  std::uint64_t steps_told_ = 0;
  bool welcomed_ = false;
  std::optional<MonoTime> last_heard_;
  MonoTime next_hello_{};
  MonoTime next_heartbeat_{};
  std::uint64_t sent_ = 0;
  std::uint64_t acknowledged_ = 0;
  MonoTime progress_{};  ///< the last acknowledgement, or the first send after everything was acknowledged
  bool fetching_ = false;
};

}  // namespace sonde
