#include "agent/core/send_window.h"

#include <algorithm>
#include <cmath>

namespace sonde {
namespace {

/// Of what the link holds, while no queue has built up, and once one has.
constexpr double growing = 2;
constexpr double holding = 1.25;
/// Segments in the queue and on the line from which on a queue has built up.
constexpr double queue_segments = 2.5;

}  // namespace

/// Octets per second over the newest stretch of at least a round trip and four segments.
double SendWindow::recent_rate(MonoTime now, const SendFlight& flight) {
  if (samples_.empty() || samples_.back().acked != flight.acked) samples_.push_back({now, flight.acked});
  if (samples_.size() > samples_kept) samples_.pop_front();
  const std::uint64_t enough = std::uint64_t{first_segments} * flight.mss;
  for (auto sample = samples_.rbegin(); sample != samples_.rend(); ++sample) {
    if (sample->acked + enough > flight.acked || now - sample->at < flight.min_rtt || now == sample->at) continue;
    return static_cast<double>(flight.acked - sample->acked) / to_seconds(now - sample->at);
  }
  // The first octet needs a round trip to be acknowledged; the rest comes at the link's pace.
  return static_cast<double>(flight.acked) / std::max(to_seconds(now - *first_write_ - flight.min_rtt), 1e-4);
}

std::uint32_t SendWindow::cap(const SendFlight& flight, double rate) const {
  if (flight.acked == 0) return first_segments;
  const double segment = flight.mss / rate;  // seconds
  const double min_rtt = to_seconds(flight.min_rtt);
  const bool queued = to_seconds(flight.rtt) > min_rtt + queue_segments * segment;
  double segments = std::ceil((queued ? holding : growing) * min_rtt / segment) + spare_segments;
  if (flight.acked < largest_bucket / streams_) {
    segments = std::min(segments, std::max<double>(start_segments, start_rate / streams_ * min_rtt / flight.mss));
    // The first acknowledgements say nothing of the rate: no faster than slow start.
    segments = std::min(segments, first_segments + static_cast<double>(flight.acked) / flight.mss);
  }
  return static_cast<std::uint32_t>(std::clamp<double>(segments, first_segments, 1e6));
}

std::optional<std::uint64_t> SendWindow::room(MonoTime now, const SendFlight& flight) {
  if (!first_write_) first_write_ = now;
  const double rate = recent_rate(now, flight);
  const double fast_enough = not_slow / streams_ / (open_ ? 2 : 1);
  open_ = flight.acked >= largest_bucket / streams_ && rate >= fast_enough;
  if (open_) return std::nullopt;
  const std::uint32_t most = cap(flight, std::max(rate, 1.0));
  return most <= flight.segments_out ? 0 : std::uint64_t{most - flight.segments_out} * flight.mss;
}

}  // namespace sonde
