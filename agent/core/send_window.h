// How much a throughput run may hand to the kernel at its start and on slow links.
//
// TCP begins with ten segments at once (RFC 6928), whatever the link: at 10 kbit/s that is 12 s of queue, most of it
// dropped, and the run would measure the recovery. So a stream begins with four segments (RFC 3390). Where their
// acknowledgements show that the link is not slow, the kernel's congestion control is left alone for the rest of the
// run; where it is, no more is under way than twice what the link holds and three segments.
#pragma once

#include <cstdint>
#include <optional>

#include "shared/base/time.h"

namespace sonde {

/// Of one stream, at one moment (TCP_INFO).
struct SendFlight {
  std::uint64_t acked = 0;         ///< octets, since the first write
  std::uint32_t segments_out = 0;  ///< under way or unsent; neither lost nor selectively acknowledged
  std::uint32_t mss = 1448;
  nanoseconds min_rtt{0};
};

class SendWindow {
 public:
  static constexpr std::uint32_t first_segments = 4;
  static constexpr std::uint32_t spare_segments = 3;
  /// Octets per second from which on a link is not slow: 1 Mbit/s.
  static constexpr double not_slow = 125'000;

  /// How many octets may be written now; nullopt: as many as the kernel takes, and from now on always.
  std::optional<std::uint64_t> room(MonoTime now, const SendFlight& flight);
  bool open() const { return open_; }

 private:
  std::optional<MonoTime> first_write_;
  bool open_ = false;
};

}  // namespace sonde
