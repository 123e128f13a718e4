#include "coordinator/core/packing.h"

#include <algorithm>
#include <limits>
#include <numeric>
#include <utility>

#include "coordinator/core/dispatcher.h"
#include "coordinator/core/edge_colouring.h"
#include "shared/base/random.h"

namespace sonde {
namespace {

/// Beyond this many places (units x colours) the colouring's tables would not be worth their memory (120 MB).
constexpr std::uint64_t most_table_places = 30'000'000;
/// Beyond these, dispatching takes longer than it is worth.
constexpr std::uint32_t most_dispatched_units = 2400;
constexpr std::size_t most_dispatched_jobs = 1'200'000;
/// A packing within this part of the bound is not tried to be bettered: 1/200.
constexpr int good_enough = 200;
/// Greedy packings that are compared: this many, and no more than make this many jobs to start (about 0.2 s).
constexpr std::size_t most_tries = 20'000;
constexpr std::size_t most_tried_jobs = 1'000'000;
/// Orders of so few jobs are shaken, until this many jobs have been started (about 0.1 s).
constexpr std::size_t most_jobs_to_shake = 60;
constexpr std::size_t most_shaken_jobs = 4'000'000;
constexpr double first_threshold = 0.01;
constexpr double lateness_weight = 0.02;
/// Above, colouring jobs of different lengths as well is not worth its time.
constexpr std::size_t most_coloured_unequal = 100'000;
/// Above, a colouring of equal jobs that is good enough is not tried to be bettered by dispatching.
constexpr std::size_t most_bettered_equal = 100'000;
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

nanoseconds length_in_order(std::span<const Job> jobs, std::uint32_t units, std::span<const std::uint32_t> order) {
  std::vector<nanoseconds> free_at(units, nanoseconds(0));
  nanoseconds length{0};
  for (const std::uint32_t i : order) {
    const Job& job = jobs[i];
    const nanoseconds end = std::max(free_at[job.a], free_at[job.b]) + job.length;
    free_at[job.a] = free_at[job.b] = end;
    length = std::max(length, end);
  }
  return length;
}

/// The length as a share of the bound, and a little for every unit that is busy until late.
double cost_of_order(std::span<const Job> jobs, std::uint32_t units, std::span<const std::uint32_t> order,
                     double bound) {
  std::vector<double> free_at(units, 0.0);
  double length = 0;
  for (const std::uint32_t i : order) {
    const Job& job = jobs[i];
    const double end = std::max(free_at[job.a], free_at[job.b]) + to_seconds(job.length);
    free_at[job.a] = free_at[job.b] = end;
    length = std::max(length, end);
  }
  double late = 0;
  for (const double end : free_at) {
    const double square = end / bound * (end / bound);
    late += square * square * square * square;
  }
  return length / bound + lateness_weight * late / units;
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

/// For few jobs: changes an order at random places, and keeps what is hardly worse, ever less so (threshold accepting).
/// Reaches packings in which a unit waits for a job although it could start another one, which greedy ones never are.
Packing shake_order(std::span<const Job> jobs, std::uint32_t units, Packing best, nanoseconds enough) {
  std::vector<std::uint32_t> order(jobs.size());
  std::iota(order.begin(), order.end(), 0U);
  std::ranges::stable_sort(order, {}, [&](std::uint32_t i) { return best.places[i].start; });
  Random random(jobs.size());
  const std::size_t steps = most_shaken_jobs / jobs.size();
  const double bound = to_seconds(enough);
  double cost = cost_of_order(jobs, units, order, bound);
  std::vector<std::uint32_t> next = order;
  for (std::size_t step = 0; step < steps && best.length > enough; ++step) {
    const auto x = static_cast<std::ptrdiff_t>(random.below(order.size()));
    const auto y = static_cast<std::ptrdiff_t>(random.below(order.size()));
    next = order;
    if (random.below(2) == 0)
      std::swap(next[static_cast<std::size_t>(x)], next[static_cast<std::size_t>(y)]);
    else if (x < y)
      std::rotate(next.begin() + x, next.begin() + x + 1, next.begin() + y + 1);
    else
      std::rotate(next.begin() + y, next.begin() + x, next.begin() + x + 1);
    const double other = cost_of_order(jobs, units, next, bound);
    const double allowed = first_threshold * (1 - static_cast<double>(step) / static_cast<double>(steps));
    if (other > cost + allowed) continue;
    order.swap(next);
    cost = other;
    if (length_in_order(jobs, units, order) < best.length) best = start_in_order(jobs, units, order);
  }
  return best;
}

/// The shortest of several greedy packings; tries until one is good enough or the work is no longer worth it.
Packing pack_greedily(std::span<const Job> jobs, std::uint32_t units, nanoseconds enough) {
  Dispatcher dispatcher(jobs, units);
  Packing best = start_in_order(jobs, units, dispatcher.run());
  Random random(jobs.size());
  const std::size_t tries = std::min(most_tries, most_tried_jobs / jobs.size());
  for (std::size_t i = 1; i < tries && best.length > enough; ++i) {
    const std::vector<std::uint32_t>& order = dispatcher.run(random);
    if (length_in_order(jobs, units, order) < best.length) best = start_in_order(jobs, units, order);
  }
  if (best.length <= enough || jobs.size() > most_jobs_to_shake) return best;
  return shake_order(jobs, units, std::move(best), enough);
}

/// Every unit has a job.
Packing pack_all(std::span<const Job> jobs, std::uint32_t units) {
  const nanoseconds bound = packing_bound(jobs, units);
  const nanoseconds enough = bound + bound / good_enough;
  const bool equal = std::ranges::all_of(jobs, [&](const Job& job) { return job.length == jobs[0].length; });
  const bool can_dispatch = units <= most_dispatched_units && jobs.size() <= most_dispatched_jobs;
  if (!equal && can_dispatch) {
    Packing greedy = pack_greedily(jobs, units, enough);
    if (greedy.length <= enough || jobs.size() > most_coloured_unequal) return greedy;
    Packing rounds = pack_rounds(jobs, units);
    return rounds.length < greedy.length ? rounds : greedy;
  }
  Packing rounds = pack_rounds(jobs, units);
  const nanoseconds fine = jobs.size() > most_bettered_equal ? enough : bound;
  if (rounds.length <= fine || !can_dispatch) return rounds;
  Packing greedy = pack_greedily(jobs, units, bound);
  return greedy.length < rounds.length ? greedy : rounds;
}

}  // namespace

Packing pack(std::span<const Job> jobs, std::uint32_t units) {
  if (jobs.empty()) return {};
  // A few runs of a large mesh are packed as the small mesh that they are.
  constexpr std::uint32_t unused = std::numeric_limits<std::uint32_t>::max();
  std::vector<std::uint32_t> number(units, unused);
  for (const Job& job : jobs) number[job.a] = number[job.b] = 0;
  std::uint32_t used = 0;
  for (std::uint32_t& its : number)
    if (its != unused) its = used++;
  if (used == units) return pack_all(jobs, units);
  std::vector<Job> renumbered;
  renumbered.reserve(jobs.size());
  for (const Job& job : jobs) renumbered.push_back({number[job.a], number[job.b], job.length});
  return pack_all(renumbered, used);
}

nanoseconds packing_bound(std::span<const Job> jobs, std::uint32_t units) {
  return nanoseconds(bound_of(jobs, units, [](const Job& job) { return job.length.count(); }));
}

}  // namespace sonde
