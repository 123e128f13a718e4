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

/// Runs that may be moved to make room for a new one: so many are tried of each of its units.
constexpr std::size_t most_moves_tried = 200;
/// Where more than this part of the runs (and more than so many) are new, packing anew gives more.
constexpr std::size_t most_new_share = 2;
constexpr std::size_t always_worth_it = 200;
/// Starts that are tried for a run that repeats or that quiet hours keep away.
constexpr int most_starts_tried = 20'000;
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
      gaps_(receivers_ + cast.units, every.count()) {}

nanoseconds SlotPatch::busiest() const { return nanoseconds(once_.empty() ? 0 : *std::ranges::max_element(once_)); }
nanoseconds SlotPatch::busiest_with_repeats() const {
  return nanoseconds(loads_.empty() ? 0 : *std::ranges::max_element(loads_));
}

void SlotPatch::find_ends() {
  ends_.assign(before_.slots.size(), gone);
  for (std::uint32_t i = 0; i < before_.slots.size(); ++i) {
    const std::uint32_t from = index_.of(before_.slots[i].link.from);
    const std::uint32_t to = index_.of(before_.slots[i].link.to);
    if (from != SiteIndex::none && to != SiteIndex::none) ends_[i] = ends_of(from, to);
  }
}

bool SlotPatch::choose_classes() {
  if (is_uniform(request_.mesh)) {
    classes_.every = {every_};
    return true;
  }
  auto kept = kept_classes(before_, cast_, terms_, ends_);
  if (!kept) return false;
  classes_ = *std::move(kept);
  return true;
}

void SlotPatch::want(std::uint32_t from, std::uint32_t to, nanoseconds length) {
  const std::size_t its_pair = pair(from, to);
  const std::int64_t added = length.count() - lengths_[its_pair];
  const std::int64_t repeats = every_.count() / interval(its_pair);
  lengths_[its_pair] = length.count();
  for (const std::uint32_t unit : {sender(from), receiver(to)}) {
    once_[unit] += added;
    loads_[unit] += added * repeats;
    if (receiver(to) == sender(from)) break;
  }
}

void SlotPatch::collect_wanted() {
  const ThroughputPolicy& policy = *request_.mesh.policy.throughput;
  const auto sites = static_cast<std::uint32_t>(cast_.sites.size());
  lengths_.assign(std::size_t{sites} * sites, 0);
  once_.assign(gaps_.units(), 0);
  loads_.assign(gaps_.units(), 0);
  for (std::uint32_t from = 0; from < sites; ++from)
    for (std::uint32_t to = 0; to < sites; ++to)
      if (terms_.has_throughput(from, to)) want(from, to, policy.run_duration() + slot_overhead + 2 * guards_[from]);
  for (const auto& [link, took] : request_.measured) {
    const std::uint32_t from = index_.of(link.from);
    const std::uint32_t to = index_.of(link.to);
    if (from == SiteIndex::none || to == SiteIndex::none || lengths_[pair(from, to)] == 0) continue;
    want(from, to, granted_length(policy, took, 1) + slot_overhead + 2 * guards_[from]);
  }
  for (const std::int64_t length : lengths_) {
    longest_ = std::max(longest_, length);
    if (length > 0 && (shortest_ == 0 || length < shortest_)) shortest_ = length;
  }
}

/// Slots of one interval, in the order of their starts, again and again.
struct SlotPatch::Turn {
  std::vector<std::uint32_t> slots;
  std::size_t next = 0;
  std::int64_t shift = 0;
};

/// Whether the mesh still has its run, with this interval, and nobody's quiet hours meet it.
bool SlotPatch::may_stay(std::uint32_t slot) const {
  if (ends_[slot] == gone) return false;
  const std::size_t its_pair = pair(from(slot), to(slot));
  return lengths_[its_pair] > 0 && !placed_[its_pair] && start_of(slot) + lengths_[its_pair] <= interval(its_pair) &&
         is_allowed(from(slot), to(slot), start_of(slot));
}

void SlotPatch::drop(std::uint32_t slot) {
  dropped_.push_back(slot);
  ends_[slot] = gone;
}

void SlotPatch::note_kept(std::uint32_t slot) {
  const ThroughputSlot& kept = before_.slots[slot];
  const std::uint32_t its_from = from(slot);
  const std::int64_t length = lengths_[pair(its_from, to(slot))];
  if (kept.length.count() != length - 2 * guard(its_from)) stretched_.push_back(slot);
  on_grid_ = on_grid_ && guard(its_from) == 0 && length == shortest_ && kept.start.count() % length == 0;
  rounds_stay_ = rounds_stay_ && kept.round.number == kept.start.count() / length;
}

/// What can stay stays; false where the timetable before is of another kind.
bool SlotPatch::keep_slots() {
  placed_.assign(lengths_.size(), false);
  std::vector<Turn> turns(classes_.every.size());
  for (std::uint32_t i = 0; i < before_.slots.size(); ++i) {
    const ThroughputSlot& slot = before_.slots[i];
    if ((classes_.of_pair.empty() && slot.every != nanoseconds(0)) ||
        (i > 0 && slot.start < before_.slots[i - 1].start))
      return false;
    if (!may_stay(i)) {
      drop(i);
      continue;
    }
    placed_[pair(from(i), to(i))] = true;
    turns[classes_.of(pair(from(i), to(i)))].slots.push_back(i);
  }
  const auto when = [&](const Turn& turn) {
    return turn.next == turn.slots.size() ? std::numeric_limits<std::int64_t>::max()
                                          : before_.slots[turn.slots[turn.next]].start.count() + turn.shift;
  };
  for (;;) {
    const auto turn = std::ranges::min_element(turns, {}, when);
    if (turn->next == turn->slots.size()) break;
    const std::uint32_t i = turn->slots[turn->next];
    if (ends_[i] != gone) {
      const std::size_t its_pair = pair(from(i), to(i));
      const bool kept =
          gaps_.keep(sender(from(i)), receiver(to(i)), start_of(i) + turn->shift, lengths_[its_pair], shortest_);
      if (!kept && turn->shift > 0) return false;
      if (!kept) {
        placed_[its_pair] = false;
        drop(i);
      } else if (turn->shift == 0) {
        note_kept(i);
      }
    }
    if (++turn->next < turn->slots.size()) continue;
    turn->shift += classes_.every[static_cast<std::size_t>(turn - turns.begin())].count();
    if (turn->shift < every_.count()) turn->next = 0;
  }
  gaps_.close();
  std::ranges::sort(dropped_);
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
  find_ends();
  if (!choose_classes()) return false;
  collect_wanted();
  if (busiest_with_repeats() > every_) return false;
  if (!classes_.of_pair.empty() && !keeps_budgets(request_.mesh, cast_, terms_, classes_, lengths_)) return false;
  if (!keep_slots()) return false;
  const std::vector<Run> missing = collect_missing();
  const std::size_t all = before_.slots.size() - dropped_.size() + missing.size();
  if (missing.size() > always_worth_it && missing.size() * most_new_share > all) return false;
  return std::ranges::all_of(
      missing, [&](const Run& run) { return insert(run) || insert_by_moving(run) || insert_by_moving_two(run); });
}

bool SlotPatch::is_free(std::uint32_t unit, std::size_t pair, std::int64_t start) const {
  for (std::int64_t shift = 0; shift < every_.count(); shift += interval(pair))
    if (!gaps_.is_free(unit, start + shift, start + shift + lengths_[pair])) return false;
  return true;
}

void SlotPatch::take(std::uint32_t from, std::uint32_t to, std::int64_t start) {
  for (std::int64_t shift = 0; shift < every_.count(); shift += interval(pair(from, to)))
    gaps_.take(sender(from), receiver(to), start + shift, lengths_[pair(from, to)]);
}

void SlotPatch::give_back(std::uint32_t from, std::uint32_t to, std::int64_t start) {
  for (std::int64_t shift = 0; shift < every_.count(); shift += interval(pair(from, to)))
    gaps_.give_back(sender(from), receiver(to), start + shift, lengths_[pair(from, to)]);
}

/// A run must not always fall into the quiet hours of one of its sites.
bool SlotPatch::is_allowed(std::uint32_t from, std::uint32_t to, std::int64_t start) const {
  const auto is_quiet = [&](std::uint32_t site) {
    const auto& hours = cast_.sites[site]->quiet_hours;
    if (hours.empty()) return false;
    const SharedTime epoch = std::min(before_.epoch, request_.effective_at);
    const std::size_t its_pair = pair(from, to);
    return always_quiet(hours, epoch + nanoseconds(start), nanoseconds(interval(its_pair)),
                        nanoseconds(lengths_[its_pair]));
  };
  return !is_quiet(from) && !is_quiet(to);
}

/// The earliest start that the first obstacle from `start` on leaves; `start` itself where there is none. Nullopt:
/// never.
std::optional<std::int64_t> SlotPatch::first_free(std::uint32_t from, std::uint32_t to, std::int64_t start) const {
  const std::size_t its_pair = pair(from, to);
  for (std::int64_t shift = 0; shift < every_.count(); shift += interval(its_pair))
    for (const std::uint32_t unit : {sender(from), receiver(to)}) {
      const auto next = gaps_.next(unit, start + shift, lengths_[its_pair]);
      if (!next) return std::nullopt;
      if (*next > start + shift) return *next - shift;
    }
  return start;
}

std::optional<std::int64_t> SlotPatch::find_start(std::uint32_t from, std::uint32_t to) const {
  const std::size_t its_pair = pair(from, to);
  const std::int64_t length = lengths_[its_pair];
  const bool may_be_quiet = !cast_.sites[from]->quiet_hours.empty() || !cast_.sites[to]->quiet_hours.empty();
  if (interval(its_pair) == every_.count() && !may_be_quiet) return gaps_.common(sender(from), receiver(to), length);
  std::int64_t start = 0;
  for (int tries = 0; tries < most_starts_tried && start + length <= interval(its_pair); ++tries) {
    const auto free = first_free(from, to, start);
    if (!free) return std::nullopt;
    if (*free == start && is_allowed(from, to, start)) return start;
    start = *free == start ? start + nanoseconds(std::chrono::minutes(1)).count() : *free;
  }
  return std::nullopt;
}

bool SlotPatch::insert(Run run) {
  const auto start = find_start(run.from, run.to);
  if (!start) return false;
  run.start = *start;
  take(run.from, run.to, run.start);
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
      const bool as_often = classes_.of(pair(from(slot), to(slot))) == classes_.of(pair(run.from, run.to));
      if (as_often && !moved_.contains(slot) && try_in_place_of(slot, beside, run)) return true;
    }
  }
  return false;
}

bool SlotPatch::try_in_place_of(std::uint32_t slot, std::uint32_t beside, Run& run) {
  const std::uint32_t a = sender(from(slot));
  const std::uint32_t b = receiver(to(slot));
  const std::int64_t start = start_of(slot);
  const std::size_t its_pair = pair(run.from, run.to);
  if (start + lengths_[its_pair] > interval(its_pair)) return false;
  if (beside != a && beside != b && !is_free(beside, its_pair, start)) return false;
  if (!find_start(from(slot), to(slot)) || !is_allowed(run.from, run.to, start)) return false;
  give_back(from(slot), to(slot), start);
  if (is_free(sender(run.from), its_pair, start) && is_free(receiver(run.to), its_pair, start)) {
    take(run.from, run.to, start);
    if (const auto elsewhere = find_start(from(slot), to(slot))) {
      take(from(slot), to(slot), *elsewhere);
      moved_.emplace(slot, *elsewhere);
      run.start = start;
      fresh_.push_back(run);
      return true;
    }
    give_back(run.from, run.to, start);
  }
  take(from(slot), to(slot), start);
  return false;
}

/// Takes a gap of one unit from its beginning on and moves what the other one does then, up to two runs, elsewhere:
/// where runs are of different lengths, hardly any gap of both units begins and ends where one run does.
bool SlotPatch::insert_by_moving_two(Run run) {
  const std::size_t its_pair = pair(run.from, run.to);
  for (const auto& [free, other] :
       {std::pair(sender(run.from), receiver(run.to)), std::pair(receiver(run.to), sender(run.from))}) {
    run.start = 0;
    for (std::size_t tries = 0; tries < most_moves_tried; ++tries) {
      const auto start = gaps_.next(free, run.start, lengths_[its_pair]);
      if (!start || *start + lengths_[its_pair] > interval(its_pair)) break;
      run.start = *start;
      if (try_at(run, other)) return true;
      run.start += lengths_[its_pair];
    }
  }
  return false;
}

/// The slots of the timetable before in which the unit is when the run would be; nullopt where there are more than two,
/// or one that cannot be moved.
std::optional<std::vector<std::uint32_t>> SlotPatch::in_the_way(const Run& run, std::uint32_t unit) const {
  const std::size_t its_pair = pair(run.from, run.to);
  const std::int64_t end = run.start + lengths_[its_pair];
  const auto first = listed_.begin() + first_listed_[unit];
  const auto last = listed_.begin() + first_listed_[unit + 1];
  std::vector<std::uint32_t> found;
  auto slot = std::ranges::lower_bound(first, last, run.start - longest_, {},
                                       [&](std::uint32_t i) { return before_.slots[i].start.count(); });
  for (; slot != last && start_of(*slot) < end; ++slot) {
    const std::size_t other = pair(from(*slot), to(*slot));
    if (moved_.contains(*slot) || start_of(*slot) + lengths_[other] <= run.start) continue;
    if (found.size() == 2 || classes_.of(other) != classes_.of(its_pair)) return std::nullopt;
    found.push_back(*slot);
  }
  return found;
}

bool SlotPatch::try_at(Run& run, std::uint32_t other) {
  const std::size_t its_pair = pair(run.from, run.to);
  if (!is_allowed(run.from, run.to, run.start)) return false;
  const auto slots = in_the_way(run, other);
  if (!slots) return false;
  for (const std::uint32_t slot : *slots) give_back(from(slot), to(slot), start_of(slot));
  const auto take_back = [&] {
    for (const std::uint32_t slot : *slots) take(from(slot), to(slot), start_of(slot));
    return false;
  };
  if (!is_free(sender(run.from), its_pair, run.start) || !is_free(receiver(run.to), its_pair, run.start))
    return take_back();
  take(run.from, run.to, run.start);
  std::vector<std::int64_t> starts;
  for (const std::uint32_t slot : *slots) {
    const auto elsewhere = find_start(from(slot), to(slot));
    if (!elsewhere) break;
    starts.push_back(*elsewhere);
    take(from(slot), to(slot), *elsewhere);
  }
  if (starts.size() < slots->size()) {
    for (std::size_t k = 0; k < starts.size(); ++k) give_back(from((*slots)[k]), to((*slots)[k]), starts[k]);
    give_back(run.from, run.to, run.start);
    return take_back();
  }
  for (std::size_t k = 0; k < starts.size(); ++k) moved_.emplace((*slots)[k], starts[k]);
  fresh_.push_back(run);
  return true;
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
  for (const std::uint32_t slot : stretched_)
    timetable.slots[slot].length = nanoseconds(lengths_[pair(from(slot), to(slot))] - 2 * guard(from(slot)));
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
