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
/// While more is under way than should be, one segment goes out for so many acknowledged ones: should the end of the
/// flood be lost, what comes behind it tells TCP before the queue is empty.
constexpr std::uint64_t drain_by = 2;
/// The next acknowledgement comes within a round trip of an idle link, or when the next segment is through a busy one;
/// and the receiver may hold it back for 40 ms.
constexpr double overdue_round_trips = 1.25;
constexpr double overdue_segments = 1.5;
constexpr double overdue_delay = 0.06;  // seconds

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

/// Segments that may be under way because acknowledgements stay out; 0: they do not. The longer they do the slower the
/// link seems, so that never more than two are added.
std::uint32_t SendWindow::overdue(MonoTime now, const SendFlight& flight, double rate) {
  if (flight.acked != last_.acked || flight.segments_out < last_.segments_out) {
    moved_at_ = now;
    out_when_stuck_ = 0;
  }
  last_ = flight;
  if (flight.acked == 0) return 0;
  const double usual = std::max(overdue_round_trips * to_seconds(flight.min_rtt), overdue_segments * flight.mss / rate);
  const double intervals = std::floor(to_seconds(now - moved_at_) / (usual + overdue_delay));
  if (intervals < 1) return 0;
  if (out_when_stuck_ == 0) out_when_stuck_ = flight.segments_out;
  return out_when_stuck_ + static_cast<std::uint32_t>(intervals);
}

std::optional<std::uint64_t> SendWindow::room(MonoTime now, const SendFlight& flight) {
  if (!first_write_) first_write_ = now;
  const double rate = recent_rate(now, flight);
  const double fast_enough = not_slow / streams_ / (open_ ? 2 : 1);
  open_ = flight.acked >= largest_bucket / streams_ && rate >= fast_enough;
  const std::uint32_t despite_silence = overdue(now, flight, std::max(rate, 1.0));
  if (open_) return std::nullopt;
  const std::uint32_t most = std::max(cap(flight, std::max(rate, 1.0)), despite_silence);
  if (most > flight.segments_out) {
    acked_at_last_ = flight.acked;
    return std::uint64_t{most - flight.segments_out} * flight.mss;
  }
  if (flight.acked < acked_at_last_ + drain_by * flight.mss) return 0;
  acked_at_last_ = flight.acked;
  return flight.mss;
}

}  // namespace sonde
