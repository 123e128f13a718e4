#include "coordinator/core/patch.h"

#include <algorithm>
#include <cmath>
#include <functional>
#include <iterator>
#include <limits>
#include <tuple>

#include "coordinator/core/merge.h"
#include "shared/base/limits.h"

namespace sonde {
namespace {

/// Where more than this part of the runs (and more than so many) are new, packing anew gives more.
constexpr std::size_t most_new_share = 2;
constexpr std::size_t always_worth_it = 200;
static_assert(limits::sites < 0xFFFF, "two places in the cast fit into one number");

bool comes_before(const ThroughputSlot& a, const ThroughputSlot& b) {
  return a.start != b.start ? a.start < b.start : a.link < b.link;
}

/// When the last of the slots (in order of start) ends; none is longer than `longest`.
nanoseconds end_of(const std::vector<ThroughputSlot>& slots, std::int64_t longest) {
  nanoseconds end{0};
  for (auto slot = slots.rbegin(); slot != slots.rend() && slot->start.count() + longest > end.count(); ++slot)
    end = std::max(end, slot->start + slot->length);
  return end;
}

}  // namespace

SlotPatch::SlotPatch(const Timetable& before, const PlanRequest& request, const Cast& cast, nanoseconds every)
    : before_(before),
      request_(request),
      cast_(cast),
      every_(every),
      receivers_(request.mesh.policy.throughput->full_duplex ? cast.units : 0),
      index_(names_of(cast)),
      terms_(request.mesh, cast),
      guards_(guards_of(cast, request.guards, 1)),
      gaps_(receivers_ + cast.units, every.count()),
      has_quiet_hours_(has_quiet_hours(request.mesh)) {}

nanoseconds SlotPatch::busiest() const { return nanoseconds(once_.empty() ? 0 : *std::ranges::max_element(once_)); }
nanoseconds SlotPatch::busiest_with_repeats() const {
  return nanoseconds(loads_.empty() ? 0 : *std::ranges::max_element(loads_));
}

/// All that is needed of a million slots, read once.
void SlotPatch::read_slots() {
  const std::size_t count = before_.slots.size();
  ends_.assign(count, gone);
  starts_.reserve(count);
  wanted_.reserve(count);
  marks_.reserve(count);
  intervals_.of_slot.reserve(count);
  nanoseconds last{0};
  for (std::size_t i = 0; i < count; ++i) {
    const ThroughputSlot& slot = before_.slots[i];
    const std::uint32_t from = index_.of(slot.link.from);
    const std::uint32_t to = index_.of(slot.link.to);
    if (from != SiteIndex::none && to != SiteIndex::none) ends_[i] = ends_of(from, to);
    starts_.push_back(slot.start.count());
    wanted_.push_back(slot.length.count());
    marks_.push_back(marks_of(slot));
    intervals_.add(before_.interval(slot));
    is_ordered_ = is_ordered_ && slot.start >= last;
    last = slot.start;
  }
  look_up_lengths();
}

/// Apart from reading, and once for all: what stands at random places of a large table takes its time.
void SlotPatch::look_up_lengths() {
  for (std::size_t i = 0; i < ends_.size(); ++i) {
    const std::int64_t was = wanted_[i];
    wanted_[i] = ends_[i] == gone ? 0 : lengths_[pair(from_of(ends_[i]), to_of(ends_[i]))];
    if (ends_[i] != gone && was != wanted_[i] - 2 * guard(from_of(ends_[i]))) marks_[i] |= other_length;
  }
}

std::uint8_t SlotPatch::marks_of(const ThroughputSlot& slot) const {
  if (slot.length.count() != shortest_) return off_grid;
  const std::int64_t round = slot.start.count() / shortest_;
  if (round * shortest_ != slot.start.count()) return off_grid;
  return slot.round.number == round ? 0 : other_round;
}

bool SlotPatch::choose_classes() {
  if (is_uniform(request_.mesh)) {
    classes_.every = {every_};
    return true;
  }
  auto kept = kept_classes(before_, cast_, terms_, ends_, intervals_);
  if (!kept) return false;
  classes_ = *std::move(kept);
  return true;
}

void SlotPatch::collect_wanted() {
  const ThroughputPolicy& policy = *request_.mesh.policy.throughput;
  const auto sites = static_cast<std::uint32_t>(cast_.sites.size());
  lengths_.assign(std::size_t{sites} * sites, 0);
  const std::vector<std::uint32_t> known = places_in(request_.measured, cast_);
  for (std::uint32_t from = 0; from < sites; ++from)
    for (std::uint32_t to = 0; to < sites; ++to) {
      if (!terms_.has_throughput(from, to)) continue;
      const auto took = request_.measured.at(known[from], known[to]);
      const nanoseconds granted = took ? granted_length(policy, *took, 1) : policy.run_duration();
      const std::int64_t length = (granted + slot_overhead + 2 * guards_[from]).count();
      lengths_[pair(from, to)] = length;
      longest_ = std::max(longest_, length);
      if (shortest_ == 0 || length < shortest_) shortest_ = length;
    }
}

void SlotPatch::add_loads() {
  std::vector<std::int64_t> repeats;
  for (const nanoseconds every : classes_.every) repeats.push_back(every_ / every);
  const auto sites = static_cast<std::uint32_t>(cast_.sites.size());
  once_.assign(gaps_.units(), 0);
  loads_.assign(gaps_.units(), 0);
  for (std::uint32_t from = 0; from < sites; ++from)
    for (std::uint32_t to = 0; to < sites; ++to) {
      const std::int64_t length = lengths_[pair(from, to)];
      if (length == 0) continue;
      const std::int64_t in_all = length * repeats[classes_.of(pair(from, to))];
      once_[sender(from)] += length;
      loads_[sender(from)] += in_all;
      if (receiver(to) == sender(from)) continue;
      once_[receiver(to)] += length;
      loads_[receiver(to)] += in_all;
    }
}

/// Whether the mesh still has its run, with this interval, and nobody's quiet hours meet it.
bool SlotPatch::may_stay(std::uint32_t slot) const {
  if (ends_[slot] == gone) return false;
  const std::size_t its_pair = pair(from(slot), to(slot));
  return wanted_[slot] > 0 && !placed_[its_pair] && start_of(slot) + wanted_[slot] <= interval(its_pair) &&
         is_allowed(from(slot), to(slot), start_of(slot));
}

void SlotPatch::drop(std::uint32_t slot) {
  dropped_.push_back(slot);
  ends_[slot] = gone;
}

void SlotPatch::note_kept(std::uint32_t slot) {
  if ((marks_[slot] & other_length) != 0) stretched_.push_back(slot);
  on_grid_ = on_grid_ && (marks_[slot] & (off_grid | other_length)) == 0 && guard(from(slot)) == 0;
  rounds_stay_ = rounds_stay_ && (marks_[slot] & other_round) == 0;
}

/// What can stay stays; false where the timetable before is of another kind.
bool SlotPatch::keep_slots() {
  const bool were_alike =
      std::ranges::all_of(intervals_.known, [&](nanoseconds every) { return every == before_.throughput_every; });
  if (!is_ordered_ || (classes_.of_pair.empty() && !were_alike)) return false;
  placed_.assign(lengths_.size(), false);
  if (classes_.every.size() == 1) {
    keep_alike();
  } else if (!keep_unlike()) {
    return false;
  }
  std::ranges::sort(dropped_);
  return true;
}

/// All have one interval.
void SlotPatch::keep_alike() {
  for (std::uint32_t i = 0; i < ends_.size(); ++i) {
    if (may_stay(i)) {
      placed_[pair(from(i), to(i))] = true;
      keep_at(i, 0);
    } else {
      drop(i);
    }
  }
  gaps_.close();
}

/// False where a repetition finds no room.
bool SlotPatch::keep_unlike() {
  std::vector<std::vector<std::uint32_t>> of_class(classes_.every.size());
  for (std::vector<std::uint32_t>& slots : of_class) slots.reserve(ends_.size() / of_class.size());
  for (std::uint32_t i = 0; i < ends_.size(); ++i) {
    if (!may_stay(i)) {
      drop(i);
      continue;
    }
    const std::size_t its_pair = pair(from(i), to(i));
    placed_[its_pair] = true;
    of_class[classes_.of(its_pair)].push_back(i);
  }
  // Most runs have one interval: what comes more often is gone through with them, what is rarer is put between.
  const auto most = std::ranges::max_element(of_class, {}, &std::vector<std::uint32_t>::size);
  const nanoseconds frame = classes_.every[static_cast<std::size_t>(most - of_class.begin())];
  gaps_ = FreeGaps(gaps_.units(), frame.count());
  if (!keep_within(frame, of_class)) return false;
  gaps_.close();
  if (frame < every_) gaps_.repeat(every_.count());
  for (std::size_t k = 0; k < of_class.size(); ++k) {
    if (classes_.every[k] <= frame) continue;
    for (const std::uint32_t slot : of_class[k]) keep_between(slot);
  }
  return true;
}

/// Slots of one interval, in the order of their starts, again and again.
struct SlotPatch::Turn {
  const std::vector<std::uint32_t>* slots;
  std::int64_t every;
  std::size_t next = 0;
  std::int64_t shift = 0;

  bool is_over() const { return next == slots->size(); }
  std::uint32_t slot() const { return (*slots)[next]; }
};

/// All that comes at least once in each frame, in order of time; false where an interval does not divide it or a
/// repetition finds no room.
bool SlotPatch::keep_within(nanoseconds frame, std::span<const std::vector<std::uint32_t>> of_class) {
  std::vector<Turn> turns;
  for (std::size_t k = 0; k < of_class.size(); ++k) {
    if (classes_.every[k] > frame || of_class[k].empty()) continue;
    if (frame % classes_.every[k] != nanoseconds(0)) return false;
    turns.push_back({&of_class[k], classes_.every[k].count()});
  }
  const auto when = [&](const Turn& turn) { return starts_[turn.slot()] + turn.shift; };
  while (!turns.empty()) {
    const auto turn = turns.size() == 1 ? turns.begin() : std::ranges::min_element(turns, {}, when);
    const std::uint32_t slot = turn->slot();
    if (ends_[slot] != gone && !keep_at(slot, turn->shift)) return false;
    ++turn->next;
    if (!turn->is_over()) continue;
    turn->next = 0;
    turn->shift += turn->every;
    if (turn->shift >= frame.count()) turns.erase(turn);
  }
  return true;
}

/// False where the slot cannot stay although an earlier repetition of it does.
bool SlotPatch::keep_at(std::uint32_t slot, std::int64_t shift) {
  if (gaps_.keep(sender(from(slot)), receiver(to(slot)), start_of(slot) + shift, wanted_[slot], shortest_)) {
    if (shift == 0) note_kept(slot);
    return true;
  }
  placed_[pair(from(slot), to(slot))] = false;
  drop(slot);
  return shift == 0;
}

/// A slot that is rarer than most.
void SlotPatch::keep_between(std::uint32_t slot) {
  const std::size_t its_pair = pair(from(slot), to(slot));
  if (is_free(sender(from(slot)), its_pair, start_of(slot)) && is_free(receiver(to(slot)), its_pair, start_of(slot))) {
    take(from(slot), to(slot), start_of(slot));
    note_kept(slot);
    return;
  }
  placed_[its_pair] = false;
  drop(slot);
}

std::vector<SlotPatch::Run> SlotPatch::collect_missing() const {
  std::vector<Run> missing;
  const auto sites = static_cast<std::uint32_t>(cast_.sites.size());
  for (std::uint32_t from = 0; from < sites; ++from)
    for (std::uint32_t to = 0; to < sites; ++to)
      if (lengths_[pair(from, to)] > 0 && !placed_[pair(from, to)]) missing.push_back({from, to, 0});
  // What repeats most needs the same gap most often, and the longest the longest.
  std::ranges::stable_sort(missing, {}, [&](const Run& run) {
    const std::size_t its_pair = pair(run.from, run.to);
    return std::pair(interval(its_pair), -lengths_[its_pair]);
  });
  return missing;
}

bool SlotPatch::work_out() {
  collect_wanted();
  read_slots();
  if (!choose_classes()) return false;
  add_loads();
  if (busiest_with_repeats() > every_) return false;
  if (!classes_.of_pair.empty() && !keeps_budgets(request_.mesh, cast_, terms_, classes_, lengths_)) return false;
  if (!keep_slots()) return false;
  const std::vector<Run> missing = collect_missing();
  const std::size_t all = before_.slots.size() - dropped_.size() + missing.size();
  if (missing.size() > always_worth_it && missing.size() * most_new_share > all) return false;
  return std::ranges::all_of(
      missing, [&](const Run& run) { return insert(run) || insert_by_moving(run) || insert_by_moving_two(run); });
}

ThroughputSlot SlotPatch::slot_for(const Run& run) const {
  const nanoseconds before = guards_[run.from];
  const nanoseconds length = nanoseconds(lengths_[pair(run.from, run.to)]) - 2 * before;
  const Link link{cast_.sites[run.from]->site, cast_.sites[run.to]->site};
  const nanoseconds interval = classes_.every[classes_.of(pair(run.from, run.to))];
  return {Round{static_cast<std::uint32_t>(run.start / length.count())}, link, nanoseconds(run.start) + before, length,
          interval == every_ ? nanoseconds(0) : interval};
}

void SlotPatch::apply(Timetable& timetable) const {
  std::vector<ThroughputSlot> fresh;
  std::vector<std::uint32_t> replaced = dropped_;
  bool on_grid = on_grid_;
  for (const Run& run : fresh_) fresh.push_back(slot_for(run));
  for (const auto& [slot, start] : moved_) {
    fresh.push_back(slot_for({from(slot), to(slot), start}));
    replaced.push_back(slot);
  }
  for (const ThroughputSlot& slot : fresh)
    on_grid = on_grid && slot.length.count() == shortest_ && slot.start.count() % shortest_ == 0;
  std::ranges::sort(replaced);
  std::ranges::sort(fresh, comes_before);
  const bool renumbers = !on_grid || !rounds_stay_;
  const std::vector<std::uint32_t> ends = renumbers ? ends_after(timetable.slots, replaced, fresh) : ends_;
  for (const std::uint32_t slot : stretched_)
    timetable.slots[slot].length = nanoseconds(lengths_[pair(from(slot), to(slot))] - 2 * guard(from(slot)));
  merge_in_place(timetable.slots, replaced, std::move(fresh), comes_before);
  timetable.throughput_every = every_;
  timetable.cycle = end_of(timetable.slots, longest_);
  timetable.rounds =
      on_grid ? static_cast<std::uint32_t>(timetable.cycle.count() / std::max<std::int64_t>(shortest_, 1)) : 0;
  if (renumbers) number_rounds(timetable, ends, on_grid);
}

/// The ends of each slot once the old ones that are replaced are out and the new ones (sorted) in.
std::vector<std::uint32_t> SlotPatch::ends_after(const std::vector<ThroughputSlot>& slots,
                                                 std::span<const std::uint32_t> replaced,
                                                 std::span<const ThroughputSlot> fresh) const {
  std::vector<std::uint32_t> ends;
  ends.reserve(ends_.size() + fresh.size());
  auto out = replaced.begin();
  std::size_t next = 0;
  const auto copy_until = [&](std::size_t end) {
    for (; next < end; ++next)
      if (out != replaced.end() && *out == next)
        ++out;
      else
        ends.push_back(ends_[next]);
  };
  for (const ThroughputSlot& slot : fresh) {
    copy_until(static_cast<std::size_t>(std::ranges::upper_bound(slots, slot, comes_before) - slots.begin()));
    ends.push_back(ends_of(index_.of(slot.link.from), index_.of(slot.link.to)));
  }
  copy_until(ends_.size());
  return ends;
}

/// As placement.cpp numbers them: by the grid, or one more than the last round of both units.
void SlotPatch::number_rounds(Timetable& timetable, std::span<const std::uint32_t> ends, bool on_grid) const {
  std::vector<std::uint32_t> next(gaps_.units(), 0);
  for (std::size_t i = 0; i < ends.size(); ++i) {
    ThroughputSlot& slot = timetable.slots[i];
    if (on_grid) {
      slot.round = Round{static_cast<std::uint32_t>(slot.start / slot.length)};
      continue;
    }
    std::uint32_t& out = next[sender(from_of(ends[i]))];
    std::uint32_t& in = next[receiver(to_of(ends[i]))];
    const std::uint32_t round = std::max(out, in);
    if (slot.round.number != round) slot.round.number = round;  // what is only read need not be written back
    out = in = round + 1;
    timetable.rounds = std::max(timetable.rounds, out);
  }
}

}  // namespace sonde
