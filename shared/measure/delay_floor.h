// The least one-way delay of the last ten minutes, with the drift between two clocks removed: what delay_rise stands
// on.
#pragma once

#include <cstddef>
#include <deque>
#include <optional>

#include "shared/base/time.h"

namespace sonde {

/// Samples are t2 - t1: delay plus an unknown offset between the clocks, which drifts. Of each bucket of 10 s the least
/// sample is kept, at most 60 buckets. The floor is the line below all of them that touches the lower convex hull where
/// it spans the window's middle (the linear program of Moon, Skelly and Towsley, INFOCOM 1999); its slope is the drift.
/// Without drift removal, with less than two minutes of history, and where the slope is steeper than two free-running
/// quartz clocks explain, the floor is the plain minimum. Times must not go backwards by more than a bucket.
class DelayFloor {
 public:
  static constexpr nanoseconds window = std::chrono::minutes(10);
  static constexpr nanoseconds bucket = std::chrono::seconds(10);
  static constexpr nanoseconds least_history = std::chrono::minutes(2);
  static constexpr double steepest_drift = 100e-6;

  void on_sample(MonoTime at, nanoseconds forward);
  /// For a clock step: what was learnt before says nothing any more.
  void reset() { buckets_.clear(); }

  /// floor(at) = offset + slope * (at - anchor)
  struct Line {
    MonoTime anchor;
    double offset_ns = 0;
    double slope = 0;
    double at(MonoTime t) const { return offset_ns + slope * static_cast<double>((t - anchor).count()); }
  };
  /// nullopt before the first sample.
  std::optional<Line> line(bool remove_drift) const;
  /// forward - floor, never negative; 0 before the first sample.
  static nanoseconds rise(const Line& line, MonoTime at, nanoseconds forward);

 private:
  struct Least {
    MonoTime began;
    MonoTime at;
    nanoseconds forward{0};
  };
  Line plain_minimum() const;
  std::deque<Least> buckets_;
};

}  // namespace sonde
