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
#include "coordinator/core/kept_intervals.h"
#include "coordinator/core/planner.h"
#include "coordinator/core/terms_table.h"
#include "shared/schedule/site_index.h"

namespace sonde {

class SlotPatch {
 public:
  /// `every`: after which the new timetable repeats. Keeps references.
  SlotPatch(const Timetable& before, const PlanRequest& request, const Cast& cast, nanoseconds every);

  /// Finds a place for everything, and changes nothing. False where a place is missing, where the intervals or budgets
  /// ask for more than a few new slots, or where so much is new that it should rather be planned anew.
  bool work_out();
  /// The load of the busiest unit, guards included: if each run took place once, and within `every`.
  nanoseconds busiest() const;
  nanoseconds busiest_with_repeats() const;
  const RunClasses& classes() const { return classes_; }
  /// `timetable` is the one before.
  void apply(Timetable& timetable) const;

 private:
  struct Run {
    std::uint32_t from = 0;  ///< by place in the cast
    std::uint32_t to = 0;
    std::int64_t start = 0;  ///< of the guard before the slot
  };
  /// What is noted of a slot of the timetable before.
  enum Mark : std::uint8_t {
    other_length = 1,  ///< than the run has now
    off_grid = 2,      ///< it is not one of many equal slots in a row
    other_round = 4    ///< than its start says
  };
  struct Turn;

  void read_slots();
  void look_up_lengths();
  std::uint8_t marks_of(const ThroughputSlot& slot) const;
  bool choose_classes();
  void collect_wanted();
  void add_loads();
  bool keep_slots();
  void keep_alike();
  bool keep_unlike();
  bool keep_within(nanoseconds frame, std::span<const std::vector<std::uint32_t>> of_class);
  bool keep_at(std::uint32_t slot, std::int64_t shift);
  void keep_between(std::uint32_t slot);
  bool may_stay(std::uint32_t slot) const;
  void drop(std::uint32_t slot);
  void note_kept(std::uint32_t slot);
  std::vector<Run> collect_missing() const;
  bool insert(Run run);
  bool insert_by_moving(Run run);
  bool try_in_place_of(std::uint32_t slot, std::uint32_t beside, Run& run);
  bool insert_by_moving_two(Run run);
  bool try_at(Run& run);
  std::optional<std::vector<std::uint32_t>> in_the_way(const Run& run) const;
  void add_met(std::span<const std::uint32_t> slots, std::int64_t every, std::int64_t start, std::int64_t end,
               std::vector<std::uint32_t>& found) const;
  void list_slots();
  std::span<const std::uint32_t> slots_of(std::uint32_t unit, std::size_t its_class) const;

  // Of a run of this pair, in all its repetitions.
  std::optional<std::int64_t> find_start(std::uint32_t from, std::uint32_t to) const;
  std::optional<std::int64_t> first_free(std::uint32_t from, std::uint32_t to, std::int64_t start) const;
  bool is_free(std::uint32_t unit, std::size_t pair, std::int64_t start) const;
  bool is_allowed(std::uint32_t from, std::uint32_t to, std::int64_t start) const;
  void take(std::uint32_t from, std::uint32_t to, std::int64_t start);
  void give_back(std::uint32_t from, std::uint32_t to, std::int64_t start);

  std::uint32_t sender(std::uint32_t site) const { return cast_.unit_of[site]; }
  std::uint32_t receiver(std::uint32_t site) const { return cast_.unit_of[site] + receivers_; }
  std::size_t pair(std::uint32_t from, std::uint32_t to) const { return std::size_t{from} * cast_.sites.size() + to; }
  std::int64_t interval(std::size_t pair) const { return classes_.every[classes_.of(pair)].count(); }
  std::int64_t guard(std::uint32_t from) const { return guards_[from].count(); }
  /// Both ends of a slot of the timetable before, as the cast numbers them.
  std::uint32_t from(std::uint32_t slot) const { return from_of(ends_[slot]); }
  std::uint32_t to(std::uint32_t slot) const { return to_of(ends_[slot]); }
  /// When a slot of the timetable before begins, with its guard.
  std::int64_t start_of(std::uint32_t slot) const { return starts_[slot] - guard(from(slot)); }
  ThroughputSlot slot_for(const Run& run) const;
  std::vector<std::uint32_t> ends_after(const std::vector<ThroughputSlot>& slots,
                                        std::span<const std::uint32_t> replaced,
                                        std::span<const ThroughputSlot> fresh) const;
  void number_rounds(Timetable& timetable, std::span<const std::uint32_t> ends, bool on_grid) const;

  const Timetable& before_;
  const PlanRequest& request_;
  const Cast& cast_;
  nanoseconds every_;
  std::uint32_t receivers_;  ///< the first unit that receives; 0: one unit does both
  SiteIndex index_;
  TermsTable terms_;
  RunClasses classes_;
  std::vector<nanoseconds> guards_;    ///< by the from-site's place
  std::vector<std::int64_t> lengths_;  ///< by pair, with the guards before and behind the slot; 0: no run
  std::vector<std::int64_t> once_;     ///< by unit: the load of one run of each link
  std::vector<std::int64_t> loads_;    ///< by unit: within every_
  std::vector<bool> placed_;           ///< by pair
  std::int64_t shortest_ = 0;
  std::int64_t longest_ = 0;
  FreeGaps gaps_;
  bool has_quiet_hours_ = false;
  // By slot of the timetable before, without names: a slot with its names is seven times as large.
  std::vector<std::uint32_t> ends_;
  std::vector<std::int64_t> starts_;
  std::vector<std::int64_t> wanted_;  ///< its length now, with the guards; 0: no such run any more
  std::vector<std::uint8_t> marks_;
  SlotIntervals intervals_;
  bool is_ordered_ = true;                                 ///< the timetable before is sorted as it should be
  std::vector<std::uint32_t> dropped_;                     ///< slots that go, ascending
  std::vector<std::uint32_t> stretched_;                   ///< slots that stay with another length
  std::unordered_map<std::uint32_t, std::int64_t> moved_;  ///< slots that begin at another time
  std::vector<Run> fresh_;
  std::vector<std::uint32_t> first_listed_;  ///< by unit and class: where its slots begin in listed_
  std::vector<std::uint32_t> listed_;
  bool on_grid_ = true;      ///< all runs are equally long, and begin at multiples of that
  bool rounds_stay_ = true;  ///< the rounds of those that stay are right
};

}  // namespace sonde
