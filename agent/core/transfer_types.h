// The values that go in and out of a throughput run: orders, commands to the data movers, their reports, effects.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <variant>
#include <vector>

#include "shared/base/event.h"
#include "shared/base/ids.h"
#include "shared/base/time.h"
#include "shared/base/units.h"
#include "shared/measure/result.h"
#include "shared/wire/messages.h"

namespace sonde {

/// The present for a run: monotonic for deadlines, shared for the labels of its result, wall for those who compare the
/// run with kernel stamps of this host.
struct TransferNow {
  MonoTime mono;
  SharedTime shared;
  WallTime wall{};
};

/// What this site does in a run.
enum class TransferRole : std::uint8_t { sends = 1, receives = 2, both = 3 };

/// When a run that this site takes part in loads its link: from the moment from which data may flow until the link is
/// idle again. At the data's sender the end is its reset plus one smoothed round trip, so it may lie a little ahead.
struct TransferActivity {
  Link link;
  TransferRole role = TransferRole::sends;
  WallTime start;
  std::optional<WallTime> end;  ///< nullopt: data may flow now
  bool operator==(const TransferActivity&) const = default;
};

/// A run in which data may flow now, for those who show it.
struct TransferRunning {
  TransferActivity activity;
  MonoTime since;
  std::uint64_t bytes = 0;  ///< of user data so far: received here, or acknowledged where this site sends
};

/// "Measure the throughput of this link now." link.from is this site: it sends the data.
struct ThroughputOrder {
  Link link;
  Round round;
  Generation generation;
  SharedTime scheduled_at;
  MonoTime slot_end;                   ///< the link must be idle again by then
  std::vector<std::string> addresses;  ///< of link.to: IP addresses or DNS names, in order of preference
  std::uint16_t port = 0;
  std::uint32_t streams = 1;
  std::uint32_t iterations = 1;  ///< so many measurements, one behind the other; a duplex run is always one
  nanoseconds duration{0};       ///< aimed at, for each iteration
  nanoseconds max_duration{0};   ///< never longer
  Bytes max_bytes;
  std::string congestion;           ///< the sender's TCP congestion control; empty: as the kernel has it
  Probe probe = Probe::throughput;  ///< or duplex: the far side sends at the same time
  bool receiver_opens = false;      ///< link.to opens the connections, because nobody can reach it
  bool twin = false;                ///< the other half of a duplex run that link.to has begun
};

// ---- commands to the mover of the data's sender

struct OpenStreams {
  wire::Token token{};
  std::vector<std::string> addresses;
  std::uint16_t port = 0;
  std::uint32_t streams = 1;
  Bytes max_bytes;         ///< write no more than this, over all streams
  nanoseconds timeout{0};  ///< for the look-up and for the handshakes, each
  std::string congestion;  ///< as in ThroughputOrder
  bool accepts = false;    ///< the far side opens them: wait for connections that show the token
};
struct StartWriting {
  wire::Token token{};
};
/// Stop, reset the connections, and report SenderEnded.
struct StopSending {
  wire::Token token{};
};

// ---- commands to the mover of the data's receiver

/// Take the streams that show the token, and begin to count when all are there.
struct ReceiveStreams {
  wire::Token token{};
  std::uint32_t streams = 1;
  nanoseconds duration{0};
  nanoseconds max_duration{0};
  Bytes max_bytes;
  bool may_settle = true;              ///< false: for the whole duration
  std::vector<std::string> addresses;  ///< not empty: open the connections to there
  std::uint16_t port = 0;
  nanoseconds timeout{0};  ///< for the look-up and for the handshakes, each
};
/// The run is over: report what has come, and drain.
struct EndReceiving {
  wire::Token token{};
};
/// Close everything and report ReceiverDrained.
struct StopReceiving {
  wire::Token token{};
};

using TransferCommand =
    std::variant<OpenStreams, StartWriting, StopSending, ReceiveStreams, EndReceiving, StopReceiving>;

// ---- reports of the movers

/// All streams are connected and have shown the token.
struct StreamsOpen {
  wire::Token token{};
};

/// User data so far, from either mover, every transfer_limits::progress_every.
struct TransferProgress {
  wire::Token token{};
  std::uint64_t bytes = 0;
};

/// Of one stream at its sender.
struct StreamStats {
  std::uint64_t segments = 0;  ///< with data, resent ones too (tcpi_data_segs_out)
  std::uint64_t retransmits = 0;
  bool operator==(const StreamStats&) const = default;
};

/// From TCP_INFO at the end, summed over the streams (times: the mean of the streams).
struct SenderStats {
  std::uint64_t bytes_written = 0;
  std::uint64_t bytes_acked = 0;  ///< of user data
  nanoseconds acked_in{0};        ///< from the first write to the last acknowledgement; 0: none came
  std::uint64_t retransmits = 0;  ///< tcpi_total_retrans less its value at establishment
  std::optional<nanoseconds> min_rtt;
  std::optional<nanoseconds> rtt;  ///< tcpi_rtt at the end: smoothed, under this load
  nanoseconds busy{0};             ///< data in flight or waiting
  nanoseconds rwnd_limited{0};
  nanoseconds sndbuf_limited{0};
  std::vector<StreamStats> streams;
};

/// The last report of a sender: every connection is gone.
struct SenderEnded {
  wire::Token token{};
  Outcome outcome = Outcome::ok;  ///< ok where it was told to stop
  std::string reason;
  SenderStats stats;
};

/// All streams are attached: the sender may begin.
struct ReceiverReady {
  wire::Token token{};
};
/// The run is over and this is what was seen; the connections drain until ReceiverDrained.
struct ReceiverEnded {
  wire::TransferFinished finished;
};
/// The last report of a receiver: every connection is gone.
struct ReceiverDrained {
  wire::Token token{};
};

using TransferReport =
    std::variant<StreamsOpen, SenderEnded, ReceiverReady, ReceiverEnded, ReceiverDrained, TransferProgress>;

// ---- effects

struct TransferMessage {
  SiteId to;
  wire::Message message;
};

struct TransferOut {
  std::vector<TransferMessage> messages;
  std::vector<TransferCommand> commands;
  std::vector<Result> results;
  std::vector<TransferActivity> activities;  ///< begun (without end) or ended
  Events events;
};

/// Counts for /metrics and the log; they only rise.
struct TransferStats {
  std::uint64_t started = 0;  ///< runs of this site's own links
  std::uint64_t finished_ok = 0;
  std::uint64_t accepted = 0;  ///< offers that were answered ready
  std::uint64_t answered_busy = 0;
  std::uint64_t answered_refused = 0;
  std::uint64_t answered_outdated = 0;  ///< offers by a timetable that is no longer in force
  std::uint64_t stray_messages = 0;     ///< messages for no run of ours, or from the wrong site
  std::uint64_t refused_values = 0;     ///< impossible numbers in a peer's report
};

namespace transfer_limits {
using namespace std::chrono_literals;

inline constexpr nanoseconds answer = 8s;          ///< an offer's answer must come by then
inline constexpr nanoseconds open = 10s;           ///< look-up, and handshakes of the data connections
inline constexpr nanoseconds go = 5s;              ///< from open streams to the far side's go
inline constexpr nanoseconds last_report = 6s;     ///< from the end of the data to the far side's report
inline constexpr nanoseconds mover_end = 3s;       ///< a data mover must have closed everything by then
inline constexpr nanoseconds attach = 20s;         ///< the receiver waits this long for all streams
inline constexpr nanoseconds drain = 2s;           ///< the receiver waits this long for the sender's reset
inline constexpr nanoseconds receiver_spare = 5s;  ///< a receiving mover must report by max_duration and this
inline constexpr nanoseconds busy_retry_every = 100ms;
inline constexpr nanoseconds busy_retry_for =
    2500ms;                                       ///< back-to-back slots: the far side may be draining its last run
inline constexpr nanoseconds slot_guard = 100ms;  ///< the sender resets this long before the slot's end
inline constexpr nanoseconds progress_every = 250ms;
inline constexpr nanoseconds shortest_run = 300ms;
inline constexpr nanoseconds longest_run = 1h;
}  // namespace transfer_limits

}  // namespace sonde
