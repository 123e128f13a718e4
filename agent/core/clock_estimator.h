// The coordinator's clock as an agent knows it, from NTP-like exchanges (RFC 5905, section 8). Pure.
#pragma once

#include <deque>
#include <optional>

#include "shared/base/time.h"

namespace sonde {

/// One exchange: sent and returned on the agent's wall clock, received and replied on the coordinator's.
struct ClockExchange {
  WallTime sent;
  SharedTime received;
  SharedTime replied;
  WallTime returned;
};

/// Keeps the exchanges of the last minutes and believes the one with the shortest way: its offset is wrong by no more
/// than half its round trip, plus what the clocks may have drifted apart since.
class ClockEstimator {
 public:
  static constexpr std::size_t window = 60;
  /// How fast two undisciplined clocks may drift apart: 100 ppm each.
  static constexpr double drift = 200e-6;
  /// Exchanges that disagree with the estimate by more than both errors and this: the wall clock was stepped, start
  /// again.
  static constexpr nanoseconds step = std::chrono::milliseconds(5);
  /// How much a time daemon may speed a wall clock up or slow it down while it slews.
  static constexpr double slew = 1000e-6;

  /// False, and nothing changes, where the four times are impossible (a reply before its question, a negative round
  /// trip).
  bool add(MonoTime now, const ClockExchange& exchange);
  /// To be told the host's clocks before the estimate is used: where the wall clock has left the monotonic one by more
  /// than `step` since the last time (and what slewing explains), it was set or the host slept, and nothing is known
  /// until the next exchange.
  void watch(Now now);
  /// The present estimate; known after the first exchange.
  ClockMap at(MonoTime now) const;
  /// How often a step of a clock made it start again.
  std::uint64_t steps() const { return steps_; }

 private:
  struct Sample {
    MonoTime taken;
    nanoseconds offset;
    nanoseconds half_trip;
    nanoseconds rank;  ///< the error less what has drifted since time 0: the order of two errors never changes
  };
  static nanoseconds error_at(const Sample& sample, MonoTime now);
  const Sample* best() const { return best_ < samples_.size() ? &samples_[best_] : nullptr; }
  void settle_best();

  std::deque<Sample> samples_;
  std::size_t best_ = 0;  ///< the place of the one with the least rank, where there is one
  std::optional<Now> watched_;
  std::uint64_t steps_ = 0;
};

}  // namespace sonde
