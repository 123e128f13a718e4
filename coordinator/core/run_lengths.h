// How long each link's throughput run needs, learnt from the runs: the planner's `measured`. Pure.
#pragma once

#include <unordered_map>

#include "shared/base/ids.h"
#include "shared/base/time.h"
#include "shared/measure/result.h"
#include "shared/schedule/policy.h"

namespace sonde {

class RunLengths {
 public:
  /// What a run took is planned with this much to spare.
  static constexpr double spare = 1.15;
  /// A new length must differ by this share from the one that is planned with, or nothing changes.
  static constexpr double worth_a_change = 0.25;

  /// True where a throughput result changes a length: the timetable should be planned anew. A run that its slot's end
  /// cut off gets twice the time, up to max_duration.
  bool on_result(const Result& result, const ThroughputPolicy& policy);
  const std::unordered_map<Link, nanoseconds>& measured() const { return measured_; }

 private:
  std::unordered_map<Link, nanoseconds> measured_;
};

}  // namespace sonde
