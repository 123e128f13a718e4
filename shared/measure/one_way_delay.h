// One-way delay between two hosts with different clocks: the time there, and by how much it may be wrong. Pure.
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <vector>

#include "shared/base/time.h"
#include "shared/measure/offset_bounds.h"

namespace sonde {

/// What one answered probe says of the two ways, and when (own monotonic time).
struct TimedWay {
  MonoTime sent;
  nanoseconds away{0};      ///< from sending to the reply's arrival
  nanoseconds forward{0};   ///< t2 - t1
  nanoseconds backward{0};  ///< t4 - t3
};

/// What is known of the two clocks from elsewhere.
struct ClockKnowledge {
  bool same_clock = false;  ///< both hosts run on one kernel clock: the offset is 0
  /// +- of their difference, as both hosts state it; nullopt where one of them cannot say.
  std::optional<nanoseconds> claim;
  /// True where a step of the far clock is told (OneWayDelay::break_clock); else probes bound nothing but themselves.
  bool steps_are_told = false;
  nanoseconds least{0};  ///< nothing gets there faster (least_delay); 0: unknown
};

class OneWayDelay {
 public:
  /// What a kernel stamp may be off by: measured against a known delay, the median was some microseconds off.
  static constexpr nanoseconds stamp_error = std::chrono::microseconds(5);

  struct Estimate {
    std::vector<nanoseconds> delays;  ///< of each sample; negative only where it is impossible
    nanoseconds error{0};             ///< none of them is further than this from the truth
    std::uint64_t impossible = 0;     ///< negative although both share a clock
    bool claim_refuted = false;       ///< the probes prove that the clocks are further apart than their hosts say
    bool distance_refuted = false;    ///< the probes were faster than light over the stated distance
  };

  /// The next samples of the stream, in about the order of time; not none.
  Estimate on_samples(std::span<const TimedWay> samples, const ClockKnowledge& known);
  /// far clock - own clock at an instant, as far as the samples so far bound it.
  std::optional<OffsetInterval> offset_at(MonoTime t) const { return bounds_.at(t); }
  /// One of the clocks was stepped.
  void break_clock() { bounds_.break_clock(); }

  /// True where the error allows the value to be shown: at most a quarter of it.
  static bool may_be_shown(nanoseconds error, double value_ns) {
    return static_cast<double>(error.count()) <= value_ns / 4;
  }

 private:
  OffsetBounds bounds_;
};

}  // namespace sonde
