#include "agent/core/send_window.h"

#include <algorithm>
#include <cmath>

namespace sonde {

std::optional<std::uint64_t> SendWindow::room(MonoTime now, const SendFlight& flight) {
  if (open_) return std::nullopt;
  if (!first_write_) first_write_ = now;
  const double mss = flight.mss;
  double cap = first_segments;
  if (flight.acked > 0) {
    // The first octet needs a round trip to be acknowledged; the rest comes at the link's pace.
    const double since = std::max(to_seconds(now - *first_write_ - flight.min_rtt), 1e-6);
    const double rate = static_cast<double>(flight.acked) / since;
    if (static_cast<double>(flight.acked) >= first_segments * mss && rate >= not_slow) {
      open_ = true;
      return std::nullopt;
    }
    cap = std::max(cap, std::ceil(2 * rate * to_seconds(flight.min_rtt) / mss) + spare_segments);
  }
  const double left = cap - flight.segments_out;
  return left <= 0 ? 0 : static_cast<std::uint64_t>(left * mss);
}

}  // namespace sonde
