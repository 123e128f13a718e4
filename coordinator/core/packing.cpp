#include "coordinator/core/packing.h"

#include <algorithm>
#include <functional>
#include <limits>
#include <numeric>
#include <optional>
#include <queue>
#include <utility>

#include "coordinator/core/edge_colouring.h"

namespace sonde {
namespace {

/// Beyond this many places (units x colours) the colouring's tables would not be worth their memory (120 MB).
constexpr std::uint64_t most_table_places = 30'000'000;
/// Beyond these, dispatching takes longer than it is worth.
constexpr std::uint32_t most_dispatched_units = 1200;
constexpr std::size_t most_dispatched_jobs = 1'200'000;
/// A packing within this part of the bound is not tried to be bettered: 1/100.
constexpr int good_enough = 100;
constexpr std::uint32_t most_units_for_triangles = 100;

using Loads = std::vector<std::int64_t>;

/// How long each unit is busy in all, with every job counted as `length(job)`.
template <typename Length>
Loads loads_of(std::span<const Job> jobs, std::uint32_t units, const Length& length) {
  Loads loads(units, 0);
  for (const Job& job : jobs) {
    loads[job.a] += length(job);
    if (job.b != job.a) loads[job.b] += length(job);
  }
  return loads;
}

std::int64_t ceil_div(std::int64_t a, std::int64_t b) { return (a + b - 1) / b; }

/// The work between any two units, as a square.
class Work {
 public:
  template <typename Length>
  Work(std::span<const Job> jobs, std::uint32_t units, const Length& length)
      : units_(units), between_(std::size_t{units} * units, 0) {
    for (const Job& job : jobs) {
      if (job.a == job.b) continue;
      at(job.a, job.b) += length(job);
      at(job.b, job.a) += length(job);
    }
  }
  std::int64_t& at(std::uint32_t a, std::uint32_t b) { return between_[std::size_t{a} * units_ + b]; }

 private:
  std::uint32_t units_;
  std::vector<std::int64_t> between_;
};

std::int64_t triangle_bound(Work& work, std::uint32_t units) {
  std::int64_t bound = 0;
  for (std::uint32_t a = 0; a < units; ++a)
    for (std::uint32_t b = a + 1; b < units; ++b)
      for (std::uint32_t c = b + 1; c < units; ++c)
        bound = std::max(bound, work.at(a, b) + work.at(a, c) + work.at(b, c));
  return bound;
}

template <typename Length>
std::int64_t bound_of(std::span<const Job> jobs, std::uint32_t units, const Length& length) {
  if (jobs.empty()) return 0;
  const Loads loads = loads_of(jobs, units, length);
  std::int64_t bound = *std::ranges::max_element(loads);
  std::vector<std::uint32_t> busiest(units);
  std::iota(busiest.begin(), busiest.end(), 0U);
  std::ranges::stable_sort(busiest, [&](std::uint32_t x, std::uint32_t y) { return loads[x] > loads[y]; });
  Work work(jobs, units, length);
  std::int64_t inside = 0;
  for (std::uint32_t k = 1; k <= units; ++k) {
    for (std::uint32_t other = 0; other + 1 < k; ++other) inside += work.at(busiest[k - 1], busiest[other]);
    if (k % 2 == 1 && k >= 3) bound = std::max(bound, ceil_div(inside, (k - 1) / 2));
  }
  if (units <= most_units_for_triangles) bound = std::max(bound, triangle_bound(work, units));
  return bound;
}

/// In which matching of the circle method two of `units` units meet; jobs inside one unit come last.
std::uint32_t matching_of(const Job& job, std::uint32_t units) {
  if (job.a == job.b) return std::numeric_limits<std::uint32_t>::max();
  const std::uint32_t modulus = (units % 2 == 0 ? units : units + 1) - 1;
  const auto [low, high] = std::minmax(job.a, job.b);
  return high == modulus ? 2 * low % modulus : (low + high) % modulus;
}

std::vector<std::uint32_t> circle_order(std::span<const Job> jobs, std::uint32_t units) {
  std::vector<std::pair<std::uint32_t, std::uint32_t>> keyed(jobs.size());
  for (std::uint32_t i = 0; i < jobs.size(); ++i) keyed[i] = {matching_of(jobs[i], units), i};
  std::ranges::sort(keyed);
  std::vector<std::uint32_t> order(jobs.size());
  std::ranges::transform(keyed, order.begin(), [](const auto& entry) { return entry.second; });
  return order;
}

/// A round for each job; empty where the tables would be too large.
std::vector<std::uint32_t> coloured_rounds(std::span<const Job> jobs, std::uint32_t units) {
  const std::int64_t bound = bound_of(jobs, units, [](const Job&) { return std::int64_t{1}; });
  if (static_cast<std::uint64_t>(bound) * units > most_table_places) return {};
  EdgeColouring colouring(jobs, units, static_cast<std::uint32_t>(bound));
  for (const std::uint32_t job : circle_order(jobs, units)) colouring.add(job);
  return colouring.colours();
}

/// Starts every job, in this order, as soon as its units are free.
Packing start_in_order(std::span<const Job> jobs, std::uint32_t units, std::span<const std::uint32_t> order) {
  Packing packing;
  packing.places.resize(jobs.size());
  std::vector<nanoseconds> free_at(units, nanoseconds(0));
  std::vector<std::uint32_t> next_round(units, 0);
  for (const std::uint32_t i : order) {
    const Job& job = jobs[i];
    JobPlace& place = packing.places[i];
    place.start = std::max(free_at[job.a], free_at[job.b]);
    place.round = std::max(next_round[job.a], next_round[job.b]);
    free_at[job.a] = free_at[job.b] = place.start + job.length;
    next_round[job.a] = next_round[job.b] = place.round + 1;
    packing.rounds = std::max(packing.rounds, place.round + 1);
    packing.length = std::max(packing.length, place.start + job.length);
  }
  return packing;
}

Packing pack_rounds(std::span<const Job> jobs, std::uint32_t units) {
  const std::vector<std::uint32_t> rounds = coloured_rounds(jobs, units);
  if (rounds.empty()) return start_in_order(jobs, units, circle_order(jobs, units));
  std::vector<std::uint32_t> order(jobs.size());
  std::iota(order.begin(), order.end(), 0U);
  std::ranges::stable_sort(order, {}, [&](std::uint32_t i) { return rounds[i]; });
  Packing packing = start_in_order(jobs, units, order);
  const bool equal = std::ranges::all_of(jobs, [&](const Job& job) { return job.length == jobs[0].length; });
  if (!equal) return packing;
  // All of a round start together, as the round's number says.
  packing.rounds = *std::ranges::max_element(rounds) + 1;
  for (std::size_t i = 0; i < jobs.size(); ++i) packing.places[i] = {rounds[i], rounds[i] * jobs[i].length};
  packing.length = packing.rounds * jobs[0].length;
  return packing;
}

/// Whenever a unit becomes free, it takes the free partner that has the most work left.
class Dispatcher {
 public:
  Dispatcher(std::span<const Job> jobs, std::uint32_t units)
      : jobs_(jobs),
        units_(units),
        pending_(std::size_t{units} * units),
        left_(loads_of(jobs, units, [](const Job& job) { return job.length.count(); })),
        is_idle_(units) {
    for (std::uint32_t i = 0; i < jobs.size(); ++i) between(jobs[i].a, jobs[i].b).push_back(i);
    for (auto& some : pending_) std::ranges::stable_sort(some, {}, [&](std::uint32_t i) { return jobs_[i].length; });
  }

  /// The order in which jobs start.
  std::vector<std::uint32_t> run() {
    std::vector<std::uint32_t> freed(units_);
    std::iota(freed.begin(), freed.end(), 0U);
    nanoseconds now{0};
    while (true) {
      start_what_can(now, freed);
      if (ends_.empty()) return std::move(order_);
      now = ends_.top().first;
      freed.clear();
      for (; !ends_.empty() && ends_.top().first == now; ends_.pop()) freed.push_back(ends_.top().second);
    }
  }

 private:
  using End = std::pair<nanoseconds, std::uint32_t>;

  std::vector<std::uint32_t>& between(std::uint32_t a, std::uint32_t b) {
    return pending_[std::size_t{std::min(a, b)} * units_ + std::max(a, b)];
  }

  bool comes_first(std::uint32_t x, std::uint32_t y) const {
    return left_[x] != left_[y] ? left_[x] > left_[y] : x < y;
  }

  /// Units that were idle before have nothing left to do with each other, so only the freed ones look for partners.
  void start_what_can(nanoseconds now, std::vector<std::uint32_t>& freed) {
    const auto by_work = [&](std::uint32_t x, std::uint32_t y) { return comes_first(x, y); };
    std::erase_if(freed, [&](std::uint32_t unit) { return left_[unit] == 0; });
    std::ranges::sort(freed, by_work);
    const auto middle = idle_.insert(idle_.end(), freed.begin(), freed.end());
    std::inplace_merge(idle_.begin(), middle, idle_.end(), by_work);
    for (const std::uint32_t unit : freed) is_idle_[unit] = true;
    std::size_t head = 0;
    for (const std::uint32_t unit : freed) {
      if (!is_idle_[unit]) continue;
      while (!is_idle_[idle_[head]]) ++head;
      if (const auto partner = partner_of(unit, head)) start(unit, *partner, now);
    }
    std::erase_if(idle_, [&](std::uint32_t unit) { return !is_idle_[unit]; });
  }

  std::optional<std::uint32_t> partner_of(std::uint32_t unit, std::size_t head) {
    for (std::size_t i = head; i < idle_.size(); ++i)
      if (idle_[i] != unit && is_idle_[idle_[i]] && !between(unit, idle_[i]).empty()) return idle_[i];
    if (!between(unit, unit).empty()) return unit;
    return std::nullopt;
  }

  void start(std::uint32_t a, std::uint32_t b, nanoseconds now) {
    const std::uint32_t job = between(a, b).back();
    between(a, b).pop_back();
    order_.push_back(job);
    is_idle_[a] = is_idle_[b] = false;
    occupy(a, jobs_[job].length, now);
    if (a != b) occupy(b, jobs_[job].length, now);
  }

  void occupy(std::uint32_t unit, nanoseconds length, nanoseconds now) {
    left_[unit] -= length.count();
    ends_.emplace(now + length, unit);
  }

  std::span<const Job> jobs_;
  std::uint32_t units_;
  std::vector<std::vector<std::uint32_t>> pending_;  ///< for each pair of units, the longest job last
  Loads left_;                                       ///< work that has not been started
  std::vector<std::uint32_t> idle_;                  ///< the most work first
  std::vector<bool> is_idle_;
  std::priority_queue<End, std::vector<End>, std::greater<>> ends_;
  std::vector<std::uint32_t> order_;
};

}  // namespace

Packing pack(std::span<const Job> jobs, std::uint32_t units) {
  if (jobs.empty()) return {};
  Packing best = pack_rounds(jobs, units);
  const nanoseconds bound = packing_bound(jobs, units);
  if (best.length <= bound + bound / good_enough) return best;
  if (units > most_dispatched_units || jobs.size() > most_dispatched_jobs) return best;
  Packing greedy = start_in_order(jobs, units, Dispatcher(jobs, units).run());
  return greedy.length < best.length ? greedy : best;
}

nanoseconds packing_bound(std::span<const Job> jobs, std::uint32_t units) {
  return nanoseconds(bound_of(jobs, units, [](const Job& job) { return job.length.count(); }));
}

}  // namespace sonde
