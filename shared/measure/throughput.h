// From the arrival of user data at the receiver to a rate: the two definitions of throughput, as pure arithmetic.
//
// throughput_total (at the receiver) = (bytes - first read) / (last read - first read).
// throughput (steady) = the same quotient from the knee on, which is the harmonic mean of the rates of contiguous
// chunks of equal bytes. It is bulk transfer capacity (RFC 3148) without slow start and without a token bucket's burst.
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string_view>

#include "shared/base/time.h"

namespace sonde {

/// The receiver had `bytes` of user data in all at `at`. A series is ordered: neither field ever falls.
struct ArrivalReading {
  MonoTime at;
  std::uint64_t bytes = 0;
};

/// Where the steady part begins: `none` means that the rate was the same from the first read on, so that a bucket that
/// never ran empty cannot be told from the link's own rate (the value is an upper bound); `ambiguous` that the rate did
/// not become steady. The numbers are those of the detail `knee`.
enum class Knee : std::uint8_t { none = 0, found = 1, ambiguous = 2 };

struct ThroughputEstimate {
  std::optional<double> total_bps;   ///< bit/s; nullopt with fewer than min_reads reads or no time between them
  std::optional<double> steady_bps;  ///< bit/s; as above
  Knee knee = Knee::none;
  std::uint64_t burst_bytes = 0;   ///< user data that came before the knee; 0 where there is none
  MonoTime steady_from;            ///< the knee's instant (of the first read where there is none)
  nanoseconds steady_time{0};      ///< from there to the last read
  std::uint64_t steady_bytes = 0;  ///< user data that came in that time
  bool fell = false;               ///< the knee ended a burst: before it data came faster
  /// The arrival's greatest distance from the straight line between the knee and the last read, as a share of
  /// steady_bytes: how far the rate of any part of the steady time can pull the whole.
  std::optional<double> unevenness;
  std::uint32_t batches = 0;         ///< batch means behind the interval; 0 where they are too few
  std::optional<double> half_width;  ///< of the 95 % interval of steady_bps, as a share of it
  std::optional<double> look_width;  ///< the same at the level of one of throughput_looks looks
};

inline constexpr std::size_t throughput_min_reads = 10;
inline constexpr std::uint32_t throughput_min_batches = 10;
inline constexpr std::uint32_t throughput_max_batches = 20;
/// How often one run may be asked whether it has settled; each look is made at level 1 - 0.05 / throughput_looks.
inline constexpr std::uint32_t throughput_looks = 5;
/// A run has settled when the interval is within this share of the value.
inline constexpr double throughput_settled_width = 0.05;

/// Why a run was not faster, from the data sender's TCP_INFO. The numbers are those of the detail `limited_by`.
enum class ThroughputLimit : std::uint8_t {
  path = 0,             ///< the congestion window: the way there holds no more, or loses
  receiver_window = 1,  ///< the far host takes no more at once (tcpi_rwnd_limited)
  send_buffer = 2,      ///< this host keeps too little at hand for the path (tcpi_sndbuf_limited)
  application = 3,      ///< the sending agent had nothing under way for a part of the time: it lacked CPU
  unknown = 4,          ///< the run was shorter than throughput_limit_needs, or the sender's kernel does not say
};
inline constexpr std::size_t throughput_limit_count = 5;
/// "path", "receiver_window", "send_buffer", "application", "unknown".
std::string_view name(ThroughputLimit limit);

/// The kernel counts these times in its timer's ticks of 1 to 10 ms: below this nothing can be said.
inline constexpr nanoseconds throughput_limit_needs = std::chrono::milliseconds(100);

/// `elapsed` from the first write to the last acknowledgement, `busy` of it with data under way or waiting, and of that
/// the time behind the receiver's window and behind the send buffer. One that takes half of the time is named.
ThroughputLimit throughput_limit(nanoseconds elapsed, nanoseconds busy, nanoseconds receiver_window,
                                 nanoseconds send_buffer);

/// Arrivals this even come at the pace of a link that is never idle, not of a congestion control that is still looking.
inline constexpr double throughput_even = 0.006;

/// `rtt`: batches are at least 10 of it long; where it is unknown, at least throughput_min_batch.
inline constexpr nanoseconds throughput_min_batch = std::chrono::milliseconds(20);

/// `quiet_from`: the steady part begins no earlier, because the sender was still settling; what came before counts as
/// before the knee.
ThroughputEstimate estimate_throughput(std::span<const ArrivalReading> readings, std::optional<nanoseconds> rtt,
                                       std::optional<MonoTime> quiet_from = std::nullopt);

}  // namespace sonde
