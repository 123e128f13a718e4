// How much a throughput run may hand to the kernel at its start and on slow links.
//
// TCP begins with ten segments at once (RFC 6928) and doubles from there until something is lost, whatever the link: at
// 10 kbit/s ten segments are 12 s of queue, and a token bucket lets the doubling go on until dozens of segments meet a
// slow line at once; the run would measure the recovery. So
// - a stream begins with four segments (RFC 3390);
// - while a token bucket may still hide the link's rate (the first 256 kB) no more is under way than 5 Mbit/s need;
// - on a slow link no more is under way, ever, than it holds and a few segments;
// - where the end of a flood was lost nothing behind it tells TCP, which would wait for a timer as long as the queue
// was:
//   when acknowledgements stay out, one segment more is sent;
// - else the kernel's congestion control is left alone.
#pragma once

#include <cstdint>
#include <deque>
#include <optional>

#include "shared/base/time.h"

namespace sonde {

/// Of one stream, at one moment (TCP_INFO).
struct SendFlight {
  std::uint64_t acked = 0;         ///< octets, since the first write
  std::uint32_t segments_out = 0;  ///< under way or unsent; neither lost nor selectively acknowledged
  std::uint32_t mss = 1448;
  nanoseconds min_rtt{0};
  nanoseconds rtt{0};  ///< smoothed
};

class SendWindow {
 public:
  static constexpr std::uint32_t first_segments = 4;
  static constexpr std::uint32_t start_segments = 6;
  static constexpr std::uint32_t spare_segments = 2;
  static constexpr std::uint64_t largest_bucket = 256'000;
  /// Octets per second while the bucket may last: 5 Mbit/s.
  static constexpr double start_rate = 625'000;
  /// Octets per second from which on a link is not slow, over all streams: 1 Mbit/s. Below half of it, it is again.
  static constexpr double not_slow = 125'000;

  SendWindow() : SendWindow(1) {}
  /// One of `streams` streams of a run.
  explicit SendWindow(std::uint32_t streams) : streams_(streams) {}

  /// How many octets may be written now; nullopt: as many as the kernel takes. To be asked again every few
  /// milliseconds, also while it is open.
  std::optional<std::uint64_t> room(MonoTime now, const SendFlight& flight);
  bool open() const { return open_; }

 private:
  struct Sample {
    MonoTime at;
    std::uint64_t acked = 0;
  };
  static constexpr std::size_t samples_kept = 256;

  double recent_rate(MonoTime now, const SendFlight& flight);
  std::uint32_t cap(const SendFlight& flight, double rate) const;
  std::uint32_t overdue(MonoTime now, const SendFlight& flight, double rate);

  std::uint32_t streams_;
  std::optional<MonoTime> first_write_;
  std::deque<Sample> samples_;  ///< whenever more was acknowledged
  SendFlight last_;
  MonoTime moved_at_;                 ///< something was last acknowledged, also selectively, or found to be lost
  std::uint64_t acked_at_last_ = 0;   ///< when something was last sent
  std::uint32_t out_when_stuck_ = 0;  ///< segments under way when the next acknowledgement was overdue
  bool open_ = false;
};

}  // namespace sonde
