#include "coordinator/core/placement.h"

#include <algorithm>
#include <limits>
#include <numeric>

#include "coordinator/core/free_gaps.h"

namespace sonde {
namespace {

/// Runs of one unit that may be moved to make room for a new one: so many are tried.
constexpr std::size_t most_moves_here = 200;
/// Starts that quiet hours forbid are skipped at most this often for one run.
constexpr int most_forbidden = 3000;

/// Rounds in the order of starts: one more than the last of either unit; where all runs are equally long and start on
/// a grid, the place on it.
void number_rounds(std::span<const SlotBoard::Run> runs, std::uint32_t units, Placement& out) {
  out.rounds.assign(runs.size(), 0);
  if (runs.empty()) return;
  const std::int64_t length = runs[0].job.length.count();
  const bool on_grid = std::ranges::all_of(runs, [&](const SlotBoard::Run& run) {
    const auto i = static_cast<std::size_t>(&run - runs.data());
    return run.job.length.count() == length && out.starts[i] % length == 0;
  });
  std::vector<std::uint32_t> next(units, 0);
  std::vector<std::uint32_t> order(runs.size());
  std::iota(order.begin(), order.end(), 0U);
  if (!on_grid) std::ranges::stable_sort(order, {}, [&](std::uint32_t i) { return out.starts[i]; });
  for (const std::uint32_t i : order) {
    const Job& job = runs[i].job;
    out.rounds[i] = on_grid ? static_cast<std::uint32_t>(out.starts[i] / length) : std::max(next[job.a], next[job.b]);
    next[job.a] = next[job.b] = out.rounds[i] + 1;
    out.round_count = std::max(out.round_count, out.rounds[i] + 1);
    out.cycle = std::max(out.cycle, nanoseconds(out.starts[i]) + job.length);
  }
}

class Placer {
 public:
  Placer(std::span<const SlotBoard::Run> runs, std::uint32_t units, nanoseconds period, const Allowed& allowed)
      : runs_(runs), allowed_(allowed), units_(units), board_(units, period.count()), free_from_(units, 0) {
    out_.starts.assign(runs.size(), 0);
    for (const SlotBoard::Run& run : runs) shortest_ = std::min(shortest_, run.job.length.count());
  }

  void keep(std::uint32_t run, std::int64_t start) {
    out_.starts[run] = start;
    board_.add(runs_[run], start, run);
  }
  bool can_keep(std::uint32_t run, std::int64_t start) const {
    return start >= 0 && start + runs_[run].job.length.count() <= runs_[run].every && is_allowed(run, start) &&
           board_.is_free(runs_[run], start);
  }

  bool insert(std::uint32_t run, std::int64_t until) {
    const auto start = gap_for(run, until);
    if (start) keep(run, *start);
    return start.has_value();
  }

  /// Moves one run of the busier unit into a gap elsewhere and takes its place.
  bool insert_by_moving(std::uint32_t run, std::int64_t until) {
    const SlotBoard::Run& wanted = runs_[run];
    for (const std::uint32_t unit : {wanted.job.a, wanted.job.b}) {
      const std::vector<SlotBoard::Busy> theirs = board_.busy(unit);
      const std::size_t tries = std::min(theirs.size(), most_moves_here);
      for (std::size_t k = 0; k < tries; ++k) {
        // Begins elsewhere for each run, so that not all are taken from one round.
        const SlotBoard::Busy& busy = theirs[(k + std::size_t{run} * 7919) % theirs.size()];
        if (try_in_place_of(run, busy.name, until)) return true;
      }
    }
    return false;
  }

  Placement take() {
    number_rounds(runs_, units_, out_);
    return std::move(out_);
  }

 private:
  bool is_allowed(std::uint32_t run, std::int64_t start) const { return !allowed_ || !allowed_(run, start); }

  std::optional<std::int64_t> gap_for(std::uint32_t run, std::int64_t until) {
    const Job& job = runs_[run].job;
    std::int64_t from = std::max(first_gap(job.a), first_gap(job.b));
    for (int tries = 0; tries < most_forbidden; ++tries) {
      const auto start = board_.first_fit(runs_[run], from, until);
      if (!start || !allowed_) return start;
      const auto later = allowed_(run, *start);
      if (!later) return start;
      from = *later;
    }
    return std::nullopt;
  }

  /// Before it the unit has no gap that would hold any run.
  std::int64_t first_gap(std::uint32_t unit) {
    std::int64_t& from = free_from_[unit];
    const auto& busy = board_.busy(unit);
    auto at = std::ranges::upper_bound(busy, from, {}, &SlotBoard::Busy::end);
    for (; at != busy.end() && at->start - from < shortest_; ++at) from = at->end;
    return from;
  }

  bool try_in_place_of(std::uint32_t run, std::uint32_t other, std::int64_t until) {
    const SlotBoard::Run& moved = runs_[other];
    const std::int64_t start = out_.starts[other];
    if (moved.every != runs_[run].every || start + runs_[run].job.length.count() > until) return false;
    const auto elsewhere = gap_for(other, until);
    if (!elsewhere || !is_allowed(run, start)) return false;
    board_.remove(moved, start);
    if (board_.is_free(runs_[run], start)) {
      keep(run, start);
      if (board_.is_free(moved, *elsewhere)) {
        keep(other, *elsewhere);
        return true;
      }
      board_.remove(runs_[run], start);
    }
    keep(other, start);
    return false;
  }

  std::span<const SlotBoard::Run> runs_;
  const Allowed& allowed_;
  std::uint32_t units_;
  SlotBoard board_;
  std::vector<std::int64_t> free_from_;
  std::int64_t shortest_ = std::int64_t{1} << 62U;
  Placement out_;
};

/// Places runs one after another into the first gap: where units are full, or empty, that is a few steps for each.
/// As long as none is rarer, all repeats after the interval of the rarest, and no more than that is looked at.
class GapPlacer {
 public:
  GapPlacer(std::span<const SlotBoard::Run> runs, std::uint32_t units, std::int64_t first_every, const Allowed& allowed)
      : runs_(runs), allowed_(allowed), units_(units), frame_(first_every), gaps_(units, frame_, shortest(runs)) {
    gaps_.close();
    out_.starts.assign(runs.size(), 0);
  }

  /// Runs with this interval come next.
  void reach(std::int64_t every) {
    if (every <= frame_) return;
    frame_ = every;
    gaps_.repeat(every);
  }

  bool insert(std::uint32_t run) {
    const auto start = gap_for(run);
    if (!start) return false;
    const SlotBoard::Run& its = runs_[run];
    out_.starts[run] = *start;
    gaps_.take_all(its.job.a, its.job.b, *start, its.job.length.count(), its.every);
    return true;
  }

  Placement take() {
    number_rounds(runs_, units_, out_);
    return std::move(out_);
  }

 private:
  static std::int64_t shortest(std::span<const SlotBoard::Run> runs) {
    std::int64_t least = std::numeric_limits<std::int64_t>::max();
    for (const SlotBoard::Run& run : runs) least = std::min(least, run.job.length.count());
    return least;
  }

  std::optional<std::int64_t> gap_for(std::uint32_t run) const {
    const SlotBoard::Run& its = runs_[run];
    if (its.every == frame_ && !allowed_) return gaps_.common(its.job.a, its.job.b, its.job.length.count());
    std::int64_t start = 0;
    for (int forbidden = 0; forbidden < most_forbidden;) {
      const auto free = past_busy(its, start);
      if (!free || *free + its.job.length.count() > its.every) return std::nullopt;
      const auto later = allowed_ ? allowed_(run, *free) : std::nullopt;
      if (!later) return free;
      start = *later;
      ++forbidden;
    }
    return std::nullopt;
  }

  /// The first start from here on at which both units are free in all repetitions.
  std::optional<std::int64_t> past_busy(const SlotBoard::Run& run, std::int64_t start) const {
    for (bool moved = true; moved;) {
      moved = false;
      for (std::int64_t shift = 0; shift < frame_; shift += run.every)
        for (const std::uint32_t unit : {run.job.a, run.job.b}) {
          const auto next = gaps_.next(unit, start + shift, run.job.length.count());
          if (!next) return std::nullopt;
          moved = moved || *next > start + shift;
          start = *next - shift;
        }
    }
    return start;
  }

  std::span<const SlotBoard::Run> runs_;
  const Allowed& allowed_;
  std::uint32_t units_;
  std::int64_t frame_;
  FreeGaps gaps_;
  Placement out_;
};

}  // namespace

Placement place_packed(const Packing& packing) {
  Placement out;
  for (const JobPlace& place : packing.places) {
    out.starts.push_back(place.start.count());
    out.rounds.push_back(place.round);
  }
  out.round_count = packing.rounds;
  out.cycle = packing.length;
  return out;
}

std::optional<Placement> place_periodic(std::span<const SlotBoard::Run> runs, std::span<const std::int64_t> turns,
                                        std::uint32_t units, const Allowed& allowed) {
  if (runs.empty()) return Placement{};
  std::vector<std::uint32_t> order(runs.size());
  std::iota(order.begin(), order.end(), 0U);
  std::ranges::stable_sort(order, {}, [&](std::uint32_t i) { return turns[i]; });
  GapPlacer placer(runs, units, runs[order.front()].every, allowed);
  for (auto first = order.begin(); first != order.end();) {
    const auto last = std::find_if(first, order.end(), [&](std::uint32_t i) { return turns[i] != turns[*first]; });
    placer.reach(runs[*first].every);
    std::vector<Job> jobs;
    for (auto at = first; at != last; ++at) jobs.push_back(runs[*at].job);
    const Packing packing = pack(jobs, units);
    std::vector<std::uint32_t> some(jobs.size());
    std::iota(some.begin(), some.end(), 0U);
    std::ranges::stable_sort(some, {}, [&](std::uint32_t i) { return packing.places[i].start; });
    for (const std::uint32_t i : some)
      if (!placer.insert(first[i])) return std::nullopt;
    first = last;
  }
  return placer.take();
}

std::optional<Placement> place_again(std::span<const SlotBoard::Run> runs, std::uint32_t units, nanoseconds period,
                                     std::span<const Kept> before, nanoseconds limit, const Allowed& allowed) {
  Placer placer(runs, units, period, allowed);
  std::vector<bool> placed(runs.size(), false);
  for (const Kept& kept : before)
    if (!placed[kept.run] && placer.can_keep(kept.run, kept.start)) {
      placer.keep(kept.run, kept.start);
      placed[kept.run] = true;
    }
  std::vector<std::uint32_t> homeless;
  for (std::uint32_t i = 0; i < runs.size(); ++i)
    if (!placed[i]) homeless.push_back(i);
  std::ranges::stable_sort(homeless, std::ranges::greater(), [&](std::uint32_t i) { return runs[i].job.length; });
  for (const std::uint32_t i : homeless)
    if (!placer.insert(i, limit.count()) && !placer.insert_by_moving(i, limit.count())) return std::nullopt;
  return placer.take();
}

}  // namespace sonde
