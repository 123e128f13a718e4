// How long each link's throughput run needs, learnt from the runs: the planner's `measured`, and what the audit holds
// the next ones against. Pure.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <unordered_map>

#include "coordinator/core/link_times.h"
#include "shared/base/ids.h"
#include "shared/measure/result.h"
#include "shared/schedule/policy.h"
#include "shared/schedule/timetable.h"

namespace sonde {

class RunLengths {
 public:
  /// The longest of the last runs is planned with this much to spare.
  static constexpr double spare = 1.15;
  /// A new length must differ by this share from the one that is planned with, or nothing changes.
  static constexpr double worth_a_change = 0.25;
  /// Of each link so many runs are remembered, the newest.
  static constexpr std::size_t remembered = 8;
  /// A slot gets shorter than the policy's duration once so many runs were done sooner, each because its value had
  /// settled or its bytes were sent; one that was not gets the whole duration again.
  static constexpr std::uint32_t enough_for_shorter = 4;

  /// Goes on with the lengths of a timetable of an earlier life, as long as the policy asks for the same duration.
  void restore(const Timetable& timetable, const ThroughputPolicy& policy);

  /// True where a throughput result changes a length: the timetable should be planned anew. A run that its slot's end
  /// cut off gets twice the time, up to max_duration.
  bool on_result(const Result& result, const ThroughputPolicy& policy);
  /// Of links whose slot should not last the policy's duration: for how long, from the slot's beginning until the run
  /// is over (the end's guard not counted).
  const LinkTimes& measured() const { return measured_; }
  /// What the last runs of each link took on the average, from the first octet until the run was over; links without a
  /// run are left out.
  std::unordered_map<Link, nanoseconds> usual() const;

 private:
  struct History {
    std::array<float, remembered> took_s{};  ///< a ring
    float least_setup_s = 0;                 ///< from the slot's beginning to the first octet
    std::uint32_t runs = 0;
    std::uint32_t settled_in_turn = 0;

    std::size_t known() const { return runs < remembered ? runs : remembered; }
    void add(const Result& result, bool settled);
  };
  nanoseconds wanted(const History& history, const Result& result, nanoseconds planned,
                     const ThroughputPolicy& policy) const;

  std::unordered_map<Link, History> histories_;
  LinkTimes measured_;
};

}  // namespace sonde
