#include "shared/measure/latency_sample.h"

#include <algorithm>

namespace sonde {

std::expected<LatencySample, StampFault> make_sample(const ProbeStamps& stamps) {
  const std::optional<WallTime> t1 = stamps.sent ? stamps.sent : stamps.user_sent;
  if (!t1 || !stamps.reflector_in || !stamps.reflector_out || !stamps.received)
    return std::unexpected(StampFault::missing);
  const nanoseconds away = *stamps.received - *t1;
  const nanoseconds hold = *stamps.reflector_out - *stamps.reflector_in;
  if (hold < nanoseconds(0) || away < hold) return std::unexpected(StampFault::impossible);
  LatencySample sample;
  sample.rtt = away - hold;
  sample.forward = *stamps.reflector_in - *t1;
  sample.backward = *stamps.received - *stamps.reflector_out;
  sample.t1 = *t1;
  sample.t2 = *stamps.reflector_in;
  sample.user_clock = !stamps.sent || !stamps.received_by_kernel;
  if (stamps.sent && stamps.scheduled) {
    if (*stamps.scheduled > *stamps.sent) return std::unexpected(StampFault::impossible);
    sample.host_queue = *stamps.sent - *stamps.scheduled;
    sample.rtt_host = sample.rtt + *sample.host_queue;
  }
  return sample;
}

bool same_clocks(const LatencySample& earlier, const LatencySample& later, nanoseconds apart) {
  constexpr nanoseconds stamp_error = std::chrono::microseconds(100);
  const nanoseconds slack = stamp_error + (apart < nanoseconds(0) ? -apart : apart) / 1000;
  const nanoseconds low = std::max(-earlier.backward, -later.backward);
  const nanoseconds high = std::min(earlier.forward, later.forward);
  return low <= high + slack;
}

}  // namespace sonde
