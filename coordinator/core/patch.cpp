#include "coordinator/core/patch.h"

#include <algorithm>
#include <cmath>
#include <functional>
#include <iterator>
#include <tuple>

#include "coordinator/core/link_rules.h"
#include "coordinator/core/merge.h"
#include "shared/base/limits.h"

namespace sonde {
namespace {

/// Runs that may be moved to make room for a new one: so many are tried of each of its units.
constexpr std::size_t most_moves_tried = 200;
/// Where more than this part of the runs (and more than so many) are new, packing anew gives more.
constexpr std::size_t most_new_share = 2;
constexpr std::size_t always_worth_it = 200;
constexpr std::uint32_t gone = 0xFFFF'FFFF;
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
      gaps_(receivers_ + cast.units, every.count()) {}

nanoseconds SlotPatch::busiest() const { return nanoseconds(loads_.empty() ? 0 : *std::ranges::max_element(loads_)); }

void SlotPatch::want(std::uint32_t from, std::uint32_t to, nanoseconds length) {
  const std::int64_t added = length.count() - lengths_[pair(from, to)];
  lengths_[pair(from, to)] = length.count();
  loads_[sender(from)] += added;
  if (receiver(to) != sender(from)) loads_[receiver(to)] += added;
}

void SlotPatch::collect_wanted() {
  const Mesh& mesh = request_.mesh;
  const ThroughputPolicy& policy = *mesh.policy.throughput;
  const auto sites = static_cast<std::uint32_t>(cast_.sites.size());
  lengths_.assign(std::size_t{sites} * sites, 0);
  loads_.assign(receivers_ + cast_.units, 0);
  for (std::uint32_t from = 0; from < sites; ++from)
    for (std::uint32_t to = 0; to < sites; ++to) {
      if (from == to || !can_transfer(*cast_.sites[from], *cast_.sites[to])) continue;
      if (!mesh.links.empty() && !terms_of(mesh, *cast_.sites[from], *cast_.sites[to]).throughput) continue;
      want(from, to, policy.run_duration() + slot_overhead);
    }
  for (const auto& [link, took] : request_.measured) {
    const std::uint32_t from = index_.of(link.from);
    const std::uint32_t to = index_.of(link.to);
    if (from == SiteIndex::none || to == SiteIndex::none || lengths_[pair(from, to)] == 0) continue;
    want(from, to, granted_length(policy, took, 1) + slot_overhead);
  }
  for (const std::int64_t length : lengths_) {
    longest_ = std::max(longest_, length);
    if (length > 0 && (shortest_ == 0 || length < shortest_)) shortest_ = length;
  }
}

/// What can stay stays; false where the timetable before is of another kind.
bool SlotPatch::keep_slots() {
  placed_.assign(lengths_.size(), false);
  ends_.assign(before_.slots.size(), gone);
  for (std::uint32_t i = 0; i < before_.slots.size(); ++i) {
    const ThroughputSlot& slot = before_.slots[i];
    if (slot.every != nanoseconds(0) || (i > 0 && slot.start < before_.slots[i - 1].start)) return false;
    const std::uint32_t from = index_.of(slot.link.from);
    const std::uint32_t to = index_.of(slot.link.to);
    const std::int64_t length = from == SiteIndex::none || to == SiteIndex::none ? 0 : lengths_[pair(from, to)];
    if (length == 0 || placed_[pair(from, to)] ||
        !gaps_.keep(sender(from), receiver(to), slot.start.count(), length, shortest_)) {
      dropped_.push_back(i);
      continue;
    }
    placed_[pair(from, to)] = true;
    ends_[i] = from << 16U | to;
    if (slot.length.count() != length) stretched_.push_back(i);
    on_grid_ = on_grid_ && length == shortest_ && slot.start.count() % length == 0;
    rounds_stay_ = rounds_stay_ && slot.round.number == slot.start.count() / length;
  }
  gaps_.close();
  return true;
}

std::vector<SlotPatch::Run> SlotPatch::collect_missing() const {
  std::vector<Run> missing;
  const auto sites = static_cast<std::uint32_t>(cast_.sites.size());
  for (std::uint32_t from = 0; from < sites; ++from)
    for (std::uint32_t to = 0; to < sites; ++to)
      if (lengths_[pair(from, to)] > 0 && !placed_[pair(from, to)]) missing.push_back({from, to, 0});
  std::ranges::stable_sort(missing, std::ranges::greater(),
                           [&](const Run& run) { return lengths_[pair(run.from, run.to)]; });
  return missing;
}

bool SlotPatch::work_out() {
  collect_wanted();
  if (busiest() > every_ || !keep_slots()) return false;
  const std::vector<Run> missing = collect_missing();
  const std::size_t all = before_.slots.size() - dropped_.size() + missing.size();
  if (missing.size() > always_worth_it && missing.size() * most_new_share > all) return false;
  return std::ranges::all_of(missing, [&](const Run& run) { return insert(run) || insert_by_moving(run); });
}

bool SlotPatch::insert(Run run) {
  const std::int64_t length = lengths_[pair(run.from, run.to)];
  const auto start = gaps_.common(sender(run.from), receiver(run.to), length);
  if (!start) return false;
  run.start = *start;
  gaps_.take(sender(run.from), receiver(run.to), run.start, length);
  fresh_.push_back(run);
  return true;
}

/// The slots of each unit, in order of time.
void SlotPatch::list_slots() {
  if (!first_listed_.empty()) return;
  first_listed_.assign(gaps_.units() + 1, 0);
  const auto each_unit = [&](const auto& act) {
    for (std::uint32_t i = 0; i < ends_.size(); ++i) {
      if (ends_[i] == gone) continue;
      const std::uint32_t a = sender(from(i));
      const std::uint32_t b = receiver(to(i));
      act(a, i);
      if (a != b) act(b, i);
    }
  };
  each_unit([&](std::uint32_t unit, std::uint32_t) { ++first_listed_[unit + 1]; });
  for (std::uint32_t unit = 0; unit < gaps_.units(); ++unit) first_listed_[unit + 1] += first_listed_[unit];
  listed_.resize(first_listed_.back());
  std::vector<std::uint32_t> next(first_listed_.begin(), first_listed_.end() - 1);
  each_unit([&](std::uint32_t unit, std::uint32_t i) { listed_[next[unit]++] = i; });
}

/// Moves one run of a unit into a gap elsewhere and takes its place.
bool SlotPatch::insert_by_moving(Run run) {
  list_slots();
  const std::uint32_t a = sender(run.from);
  const std::uint32_t b = receiver(run.to);
  for (const auto& [unit, beside] : {std::pair(a, b), std::pair(b, a)}) {
    const std::uint32_t first = first_listed_[unit];
    const std::uint32_t count = first_listed_[unit + 1] - first;
    for (std::size_t k = 0; k < std::min<std::size_t>(count, most_moves_tried); ++k) {
      // Begins elsewhere for each run, so that not all are taken from one round.
      const std::uint32_t slot = listed_[first + (k + fresh_.size() * 7919) % count];
      if (!moved_.contains(slot) && try_in_place_of(slot, beside, run)) return true;
    }
  }
  return false;
}

bool SlotPatch::try_in_place_of(std::uint32_t slot, std::uint32_t beside, Run& run) {
  const std::uint32_t a = sender(from(slot));
  const std::uint32_t b = receiver(to(slot));
  const std::int64_t start = before_.slots[slot].start.count();
  const std::int64_t length = lengths_[pair(run.from, run.to)];
  const std::int64_t its_length = lengths_[pair(from(slot), to(slot))];
  if (beside != a && beside != b && !gaps_.is_free(beside, start, start + length)) return false;
  if (!gaps_.common(a, b, its_length)) return false;
  gaps_.give_back(a, b, start, its_length);
  if (gaps_.is_free(sender(run.from), start, start + length) &&
      gaps_.is_free(receiver(run.to), start, start + length)) {
    gaps_.take(sender(run.from), receiver(run.to), start, length);
    if (const auto elsewhere = gaps_.common(a, b, its_length)) {
      gaps_.take(a, b, *elsewhere, its_length);
      moved_.emplace(slot, *elsewhere);
      run.start = start;
      fresh_.push_back(run);
      return true;
    }
    gaps_.give_back(sender(run.from), receiver(run.to), start, length);
  }
  gaps_.take(a, b, start, its_length);
  return false;
}

ThroughputSlot SlotPatch::slot_for(const Run& run) const {
  const nanoseconds length(lengths_[pair(run.from, run.to)]);
  const Link link{cast_.sites[run.from]->site, cast_.sites[run.to]->site};
  return {Round{static_cast<std::uint32_t>(run.start / length.count())}, link, nanoseconds(run.start), length,
          nanoseconds(0)};
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
  for (const std::uint32_t slot : stretched_)
    timetable.slots[slot].length = nanoseconds(lengths_[pair(from(slot), to(slot))]);
  merge_in_place(timetable.slots, replaced, std::move(fresh), comes_before);
  timetable.throughput_every = every_;
  timetable.cycle = end_of(timetable.slots, longest_);
  timetable.rounds =
      on_grid ? static_cast<std::uint32_t>(timetable.cycle.count() / std::max<std::int64_t>(shortest_, 1)) : 0;
  if (!on_grid || !rounds_stay_) number_rounds(timetable, on_grid);
}

/// As placement.cpp numbers them: by the grid, or one more than the last round of both units.
void SlotPatch::number_rounds(Timetable& timetable, bool on_grid) const {
  std::vector<std::uint32_t> next(gaps_.units(), 0);
  for (ThroughputSlot& slot : timetable.slots) {
    if (on_grid) {
      slot.round = Round{static_cast<std::uint32_t>(slot.start / slot.length)};
      continue;
    }
    std::uint32_t& out = next[sender(index_.of(slot.link.from))];
    std::uint32_t& in = next[receiver(index_.of(slot.link.to))];
    slot.round = Round{std::max(out, in)};
    out = in = slot.round.number + 1;
    timetable.rounds = std::max(timetable.rounds, out);
  }
}

}  // namespace sonde
