// One link's stream of probes: when the next one leaves, which reply belongs to which probe, when a result is due.
// Pure.
#pragma once

#include <cstdint>
#include <deque>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "agent/core/latency_interval.h"
#include "agent/core/latency_plan.h"
#include "agent/core/send_grid.h"
#include "shared/base/endpoint.h"
#include "shared/base/time.h"
#include "shared/wire/stamp_packet.h"
#include "shared/wire/stamp_probe.h"

namespace sonde {

/// The present as a stream needs it: all three clocks, read once.
struct SharedNow {
  MonoTime mono;
  WallTime wall;
  SharedTime shared;
};

struct OutgoingProbe {
  Endpoint to;
  wire::ProbeOctets octets;
  std::uint16_t ssid = 0;
  std::uint32_t sequence = 0;
};

/// A reply with the time of its arrival (t4).
struct LatencyReply {
  wire::ReflectorPacket packet;
  wire::ReplyExtras extras;
  WallTime received_at;
  bool kernel_stamp = true;
  std::uint8_t ttl = 0;  ///< with which it arrived here; 0: unknown
  std::optional<std::uint8_t> traffic_class;
};

enum class SendStamp : std::uint8_t { scheduled, sent };
enum class ReplyFate : std::uint8_t { in_time, late, duplicate, unknown };

class LatencyStream {
 public:
  struct Setup {
    LatencyStreamPlan plan;
    std::optional<Endpoint> to;  ///< nullopt: no address that the socket could send to
    SharedTime epoch;
    SharedTime start;                 ///< nothing is sent earlier
    std::optional<SharedTime> end{};  ///< nothing is sent from then on; nullopt: a stream without an end
    std::uint16_t ssid = 0;           ///< not 0, new for each stream start (RFC 8972, 3)
    std::uint64_t seed = 0;
    nanoseconds wake_slot = std::chrono::milliseconds(1);  ///< its instants are rounded down to it (send_grid.h)
    bool keep_probes = false;                              ///< for a benchmark that needs each single sample
  };
  /// What a result says beside the stream's own.
  struct Identity {
    SiteId self;
    Generation generation;
    std::optional<nanoseconds> own_clock_error;
    OwnLoads loads{};
  };
  struct Turn {
    std::optional<OutgoingProbe> probe;
    std::optional<nanoseconds> lateness;  ///< of that probe
    std::uint64_t missed = 0;
    std::vector<Result> results;
    std::vector<SentProbe> closed;  ///< what the results were made of, where setup.keep_probes
  };

  explicit LatencyStream(Setup setup);

  Turn tick(const SharedNow& now, const Identity& identity);
  /// True where its oldest interval is over.
  bool closes_by(MonoTime now) const { return !open_.empty() && open_.front().closes <= now; }
  /// When tick has something to do, provided that the clock map stays as it is.
  MonoTime next_deadline(const SharedNow& now) const;

  ReplyFate on_reply(MonoTime now, const LatencyReply& reply);
  /// What a reply in time says of the far site's last run, where it is another than the one before said.
  std::optional<FarRun> far_news(const LatencyReply& reply);
  void on_user_stamp(std::uint32_t sequence, WallTime at);
  void on_kernel_stamp(std::uint32_t sequence, SendStamp kind, WallTime at);
  /// Our own socket had no room: not the network's fault.
  void on_lost_here(std::uint32_t sequence);
  /// ICMP or our own kernel says that the far side cannot be reached.
  void on_unreachable(std::string_view reason);
  /// Our own socket had no room for what came: anybody's reply may be among it.
  void on_socket_drops(std::uint64_t packets);
  /// This host's wall clock was stepped: what is under way cannot be timed.
  void on_clock_step();

  const Setup& setup() const { return setup_; }
  /// True where it is waiting for a reply to exactly this probe, or has just had it.
  bool has_sent(std::uint32_t sequence, wire::NtpStamp stamp);
  /// Its end has come, and everything is reported.
  bool over() const { return sent_all() && open_.empty(); }
  /// What may change without starting anew.
  void update_clocks(const LatencyStreamPlan& plan);

 private:
  LatencyInterval& interval_of(SharedTime instant, const SharedNow& now);
  void take_instants(const SharedNow& now, const Identity& identity, Turn& turn);
  void send(SharedTime instant, const SharedNow& now, const Identity& identity, Turn& turn);
  void close_due(const SharedNow& now, const Identity& identity, Turn& turn);
  void take_extras(const LatencyReply& reply, SentProbe& probe) const;
  void take_follow_up(const wire::FollowUp& follow_up);
  SentProbe* find(std::uint32_t sequence);
  bool sent_all() const { return setup_.end && grid_.next() >= *setup_.end; }

  Setup setup_;
  SendGrid grid_;
  nanoseconds period_;
  std::uint32_t next_sequence_ = 0;
  std::deque<LatencyInterval> open_;  ///< oldest first; the probes' sequence numbers go on from one to the next
  std::uint64_t late_closed_ = 0;
  std::uint32_t clock_steps_ = 0;  ///< of this host's wall clock
  LatencyEstimators estimators_;
  SiteLoad far_load_;  ///< as the replies said last
};

}  // namespace sonde
