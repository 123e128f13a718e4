// What the packet path carries at most: probes through the agent's own sockets and reflector, with every kernel stamp.
#pragma once

#include <algorithm>
#include <atomic>
#include <cstdint>

#include "shared/base/time.h"

namespace sonde::bench {

struct PacketRate {
  double probes_per_second = 0;  ///< of this thread's CPU time, so that others on the core do not count
  std::uint64_t sent = 0;
  std::uint64_t send_stamps = 0;  ///< from the driver
  std::uint64_t replies = 0;
  std::uint64_t reply_stamps = 0;  ///< replies with a kernel stamp of their arrival
  std::uint64_t follow_ups = 0;    ///< replies that told when the one before them left
  std::uint64_t lost() const { return sent - std::min({sent, send_stamps, replies, reply_stamps}); }
};

/// Sender and reflector in turns on this thread, which is bound to one core, over loopback, in batches as large as
/// the agent's.
PacketRate packet_rate(nanoseconds lasting, const std::atomic<bool>& stop);

}  // namespace sonde::bench
