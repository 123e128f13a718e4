// The probes of one link between two results, and how they become the result. Pure.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "agent/core/latency_plan.h"
#include "agent/core/path_load.h"
#include "shared/base/time.h"
#include "shared/measure/arrival_order.h"
#include "shared/measure/delay_floor.h"
#include "shared/measure/direction_loss.h"
#include "shared/measure/jitter.h"
#include "shared/measure/latency_sample.h"
#include "shared/measure/one_way_delay.h"
#include "shared/measure/result.h"
#include "shared/measure/site_load.h"
#include "shared/wire/stamp_packet.h"
#include "shared/wire/stamp_tlv.h"

namespace sonde {

/// One probe that was handed to the socket, and everything heard of it since.
struct SentProbe {
  std::uint32_t sequence = 0;
  MonoTime sent;
  SharedTime sent_at;
  wire::NtpStamp stamp_in_packet;  ///< the reply must bring it back
  ProbeStamps stamps;
  bool answered = false;
  bool late = false;  ///< the reply came after the timeout
  MonoTime received;
  std::uint32_t reflected = 0;            ///< R of the first copy
  std::uint32_t extra_copies = 0;         ///< it arrived there more than once
  std::array<std::uint32_t, 3> copies{};  ///< R of the first of these, so that none counts twice
  std::uint32_t duplicate_replies = 0;    ///< a reply came more than once
  std::uint8_t ttl = 0;                   ///< with which it arrived there; 0: unknown
  std::uint8_t ttl_back = 0;              ///< with which its reply arrived here; 0: unknown
  std::uint8_t dscp_sent = 0;
  std::optional<std::uint8_t> dscp_there;                ///< with which it arrived there
  std::optional<std::uint8_t> dscp_back;                 ///< of its reply here; only where that was sent with dscp_sent
  std::optional<wire::TimestampInformation> far_stamps;  ///< where it was asked for
  std::optional<wire::DirectMeasurement> far_counts;     ///< the same
  std::optional<SiteLoad> far_load;                      ///< what the reply said of the far site's last throughput run
  std::uint32_t far_clock_era = 0;                       ///< ReplyExtras::clock_era
  bool lost_here = false;                                ///< our own socket or queue refused it
  bool across_step = false;                              ///< our clock was stepped while it was under way
  std::uint32_t clock_steps = 0;                         ///< how often our clock had been stepped when it was sent

  bool answered_in_time() const { return answered && !late; }
  /// A further reply to this probe, which has one already.
  void on_further_reply(std::uint32_t reflector_sequence);
  /// Accepted, entered our queue, and never left it.
  bool stuck_in_queue() const { return !answered && stamps.scheduled && !stamps.sent; }
  bool left_host() const { return !lost_here && !stuck_in_queue(); }
};

/// A probe that leaves this much behind its instant is no longer where chance had put it.
inline constexpr nanoseconds late_send = std::chrono::milliseconds(10);

struct LatencyInterval {
  std::int64_t number = 0;  ///< k: it begins at epoch + k * every + phase
  SharedTime scheduled_at;
  MonoTime closes;                 ///< its end, or its last probe's timeout, whichever is later
  std::uint64_t planned = 0;       ///< send instants
  std::uint64_t missed = 0;        ///< of these, passed over because we came too late
  std::uint64_t late_sends = 0;    ///< left later than late_send behind their instant
  std::uint64_t socket_drops = 0;  ///< packets that our own socket had no room for meanwhile, of whatever stream
  std::uint64_t late_closed = 0;   ///< replies to probes whose interval was closed already
  std::string unreachable;         ///< what ICMP or our own kernel said; empty: nothing
  std::vector<SentProbe> probes;   ///< by sequence, without gaps

  SentProbe* find(std::uint32_t sequence);
};

/// What lives from one result of a stream to the next.
struct LatencyEstimators {
  Jitter jitter;
  Jitter jitter_loaded;
  FarLoads far_loads;
  DelayFloor floor;
  DirectionLoss loss;
  OneWayDelay delay;
  std::optional<LatencySample> last;
  MonoTime last_at;
  std::uint32_t clock_steps = 0;    ///< of this host, as of `last`
  std::uint32_t far_clock_era = 0;  ///< the same of the far one's; 0: it does not tell of steps
  std::uint8_t ttl = 0;
  std::uint8_t ttl_back = 0;

  /// One of the clocks was stepped: no difference may be taken across.
  void break_clock();
};

struct LatencyContext {
  SiteId self;
  Generation generation;
  const LatencyStreamPlan& stream;
  std::optional<nanoseconds> own_clock_error;
  std::uint16_t ssid = 0;
  SharedTime finished_at;
  const OwnLoads& loads;
};

/// The result of an interval whose probes are all final. `later` are the probes of the stream's following intervals,
/// which tell whether one of these was overtaken.
Result close_interval(const LatencyInterval& interval, std::span<const SentProbe> later, LatencyEstimators& estimators,
                      const LatencyContext& context);

}  // namespace sonde
