// Changes the throughput slots of a timetable in place, so that they are those of another mesh: the runs of sites that
// left go, those of sites that came and runs with another length are put into gaps, and where there is none another run
// is moved out of their way. Nothing else moves. Pure; private to planner.cpp.
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <unordered_map>
#include <utility>
#include <vector>

#include "coordinator/core/cast.h"
#include "coordinator/core/free_gaps.h"
#include "coordinator/core/planner.h"
#include "shared/schedule/site_index.h"

namespace sonde {

class SlotPatch {
 public:
  /// For meshes in which every run has the interval `every` and no site has quiet hours. Keeps references.
  SlotPatch(const Timetable& before, const PlanRequest& request, const Cast& cast, nanoseconds every);

  /// Finds a place for everything, and changes nothing. False where a place is missing or where so much is new that it
  /// should rather be planned anew.
  bool work_out();
  /// The load of the busiest unit, guards included.
  nanoseconds busiest() const;
  /// `timetable` is the one before.
  void apply(Timetable& timetable) const;

 private:
  struct Run {
    std::uint32_t from = 0;  ///< by place in the cast
    std::uint32_t to = 0;
    std::int64_t start = 0;
  };

  void want(std::uint32_t from, std::uint32_t to, nanoseconds length);
  void collect_wanted();
  bool keep_slots();
  std::vector<Run> collect_missing() const;
  bool insert(Run run);
  bool insert_by_moving(Run run);
  bool try_in_place_of(std::uint32_t slot, std::uint32_t beside, Run& run);
  void list_slots();

  std::uint32_t sender(std::uint32_t site) const { return cast_.unit_of[site]; }
  std::uint32_t receiver(std::uint32_t site) const { return cast_.unit_of[site] + receivers_; }
  std::size_t pair(std::uint32_t from, std::uint32_t to) const { return std::size_t{from} * cast_.sites.size() + to; }
  /// Both ends of a slot of the timetable before, as the cast numbers them.
  std::uint32_t from(std::uint32_t slot) const { return ends_[slot] >> 16U; }
  std::uint32_t to(std::uint32_t slot) const { return ends_[slot] & 0xFFFFU; }
  ThroughputSlot slot_for(const Run& run) const;
  void number_rounds(Timetable& timetable, bool on_grid) const;

  const Timetable& before_;
  const PlanRequest& request_;
  const Cast& cast_;
  nanoseconds every_;
  std::uint32_t receivers_;  ///< the first unit that receives; 0: one unit does both
  SiteIndex index_;
  std::vector<std::int64_t> lengths_;  ///< by pair; 0: no run
  std::vector<std::int64_t> loads_;    ///< by unit
  std::vector<bool> placed_;           ///< by pair
  std::int64_t shortest_ = 0;
  std::int64_t longest_ = 0;
  FreeGaps gaps_;
  std::vector<std::uint32_t> ends_;                        ///< by slot of the timetable before
  std::vector<std::uint32_t> dropped_;                     ///< slots that go, ascending
  std::vector<std::uint32_t> stretched_;                   ///< slots that stay with another length
  std::unordered_map<std::uint32_t, std::int64_t> moved_;  ///< slots that begin at another time
  std::vector<Run> fresh_;
  std::vector<std::uint32_t> first_listed_;  ///< by unit: where its slots begin in listed_
  std::vector<std::uint32_t> listed_;
  bool on_grid_ = true;      ///< all runs are equally long, and begin at multiples of that
  bool rounds_stay_ = true;  ///< the rounds of those that stay are right
};

}  // namespace sonde
