// Where new runs find room: in gaps, or in the place of others that are moved.
#include <algorithm>
#include <chrono>
#include <utility>

#include "coordinator/core/patch.h"

namespace sonde {
namespace {

/// Runs that may be moved to make room for a new one: so many are tried of each of its units.
constexpr std::size_t most_moves_tried = 200;
/// A new run moves at most so many others for each time that it takes place within the period.
constexpr std::int64_t most_moved = 2;
/// Starts that are tried for a run that repeats or that quiet hours keep away.
constexpr int most_starts_tried = 20'000;

}  // namespace

bool SlotPatch::is_free(std::uint32_t unit, std::size_t pair, std::int64_t start) const {
  for (std::int64_t shift = 0; shift < every_.count(); shift += interval(pair))
    if (!gaps_.is_free(unit, start + shift, start + shift + lengths_[pair])) return false;
  return true;
}

void SlotPatch::take(std::uint32_t from, std::uint32_t to, std::int64_t start) {
  gaps_.take_all(sender(from), receiver(to), start, lengths_[pair(from, to)], interval(pair(from, to)));
}

void SlotPatch::give_back(std::uint32_t from, std::uint32_t to, std::int64_t start) {
  for (std::int64_t shift = 0; shift < every_.count(); shift += interval(pair(from, to)))
    gaps_.give_back(sender(from), receiver(to), start + shift, lengths_[pair(from, to)]);
}

/// A run must not always fall into the quiet hours of one of its sites.
bool SlotPatch::is_allowed(std::uint32_t from, std::uint32_t to, std::int64_t start) const {
  if (!has_quiet_hours_) return true;
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

/// The slots of each unit, those of one interval together, in order of time.
void SlotPatch::list_slots() {
  if (!first_listed_.empty()) return;
  const std::size_t classes = classes_.every.size();
  first_listed_.assign(gaps_.units() * classes + 1, 0);
  const auto each_unit = [&](const auto& act) {
    for (std::uint32_t i = 0; i < ends_.size(); ++i) {
      if (ends_[i] == gone) continue;
      const std::size_t its_class = classes_.of(pair(from(i), to(i)));
      const std::uint32_t a = sender(from(i));
      const std::uint32_t b = receiver(to(i));
      act(a * classes + its_class, i);
      if (a != b) act(b * classes + its_class, i);
    }
  };
  each_unit([&](std::size_t list, std::uint32_t) { ++first_listed_[list + 1]; });
  for (std::size_t list = 0; list + 1 < first_listed_.size(); ++list) first_listed_[list + 1] += first_listed_[list];
  listed_.resize(first_listed_.back());
  std::vector<std::uint32_t> next(first_listed_.begin(), first_listed_.end() - 1);
  each_unit([&](std::size_t list, std::uint32_t i) { listed_[next[list]++] = i; });
}

std::span<const std::uint32_t> SlotPatch::slots_of(std::uint32_t unit, std::size_t its_class) const {
  const std::size_t list = unit * classes_.every.size() + its_class;
  return std::span(listed_).subspan(first_listed_[list], first_listed_[list + 1] - first_listed_[list]);
}

/// Moves one run of a unit into a gap elsewhere and takes its place.
bool SlotPatch::insert_by_moving(Run run) {
  list_slots();
  const std::uint32_t a = sender(run.from);
  const std::uint32_t b = receiver(run.to);
  for (const auto& [unit, beside] : {std::pair(a, b), std::pair(b, a)}) {
    const auto slots = slots_of(unit, classes_.of(pair(run.from, run.to)));
    for (std::size_t k = 0; k < std::min(slots.size(), most_moves_tried); ++k) {
      // Begins elsewhere for each run, so that not all are taken from one round.
      const std::uint32_t slot = slots[(k + fresh_.size() * 7919) % slots.size()];
      if (!moved_.contains(slot) && try_in_place_of(slot, beside, run)) return true;
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

/// Takes a gap of one unit from its beginning on and moves what is in the way elsewhere: where runs are of different
/// lengths or intervals, hardly any gap of both units begins and ends where one run does.
bool SlotPatch::insert_by_moving_two(Run run) {
  const std::size_t its_pair = pair(run.from, run.to);
  for (const std::uint32_t free : {sender(run.from), receiver(run.to)}) {
    run.start = 0;
    for (std::size_t tries = 0; tries < most_moves_tried; ++tries) {
      const auto start = gaps_.next(free, run.start, lengths_[its_pair]);
      if (!start || *start + lengths_[its_pair] > interval(its_pair)) break;
      run.start = *start;
      if (try_at(run)) return true;
      run.start += lengths_[its_pair];
    }
  }
  return false;
}

/// The slots of the timetable before that the run would meet in one of its repetitions; nullopt where there are too
/// many.
std::optional<std::vector<std::uint32_t>> SlotPatch::in_the_way(const Run& run) const {
  const std::size_t its_pair = pair(run.from, run.to);
  const auto most = static_cast<std::size_t>(most_moved * (every_.count() / interval(its_pair)));
  std::vector<std::uint32_t> found;
  for (const std::uint32_t unit : {sender(run.from), receiver(run.to)})
    for (std::size_t its_class = 0; its_class < classes_.every.size(); ++its_class) {
      const auto slots = slots_of(unit, its_class);
      if (slots.empty()) continue;
      for (std::int64_t start = run.start; start < every_.count(); start += interval(its_pair))
        if (add_met(slots, classes_.every[its_class].count(), start, start + lengths_[its_pair], found);
            found.size() > most)
          return std::nullopt;
    }
  return found;
}

/// Adds those of the slots, which come `every` so often, that meet [start, end).
void SlotPatch::add_met(std::span<const std::uint32_t> slots, std::int64_t every, std::int64_t start, std::int64_t end,
                        std::vector<std::uint32_t>& found) const {
  const auto start_in = [&](std::uint32_t slot) { return starts_[slot]; };
  for (std::int64_t turn = std::max<std::int64_t>(0, start - longest_) / every * every; turn < end; turn += every) {
    auto slot = std::ranges::lower_bound(slots, start - turn - longest_, {}, start_in);
    for (; slot != slots.end() && start_of(*slot) + turn < end; ++slot) {
      const bool is_before = start_of(*slot) + turn + lengths_[pair(from(*slot), to(*slot))] <= start;
      if (is_before || moved_.contains(*slot) || std::ranges::find(found, *slot) != found.end()) continue;
      found.push_back(*slot);
    }
  }
}

bool SlotPatch::try_at(Run& run) {
  const std::size_t its_pair = pair(run.from, run.to);
  if (!is_allowed(run.from, run.to, run.start)) return false;
  const auto slots = in_the_way(run);
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

}  // namespace sonde
