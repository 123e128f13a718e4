// Packing runs that exclude each other into the shortest time: the combinatorial heart of the planner, without sites,
// clocks or policies.
//
// A unit is what can be in one run at a time: a site, or all sites of one uplink. A job keeps one unit or two busy.
// Jobs of equal length are coloured like the edges of a multigraph (the circle method's order, then Kempe chains where
// that leaves gaps), which reaches the bound for plain meshes; jobs of different lengths are also dispatched greedily,
// the busiest unit first, and the better of both is taken.
#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "shared/base/time.h"

namespace sonde {

struct Job {
  std::uint32_t a = 0;
  std::uint32_t b = 0;    ///< equal to a: keeps one unit busy
  nanoseconds length{0};  ///< > 0
};

struct JobPlace {
  std::uint32_t round = 0;  ///< no unit has two jobs in one round
  nanoseconds start{0};     ///< no unit has two jobs at one time
};

struct Packing {
  std::vector<JobPlace> places;  ///< places[i] is of jobs[i]
  std::uint32_t rounds = 0;
  nanoseconds length{0};  ///< when the last job ends
};

/// Deterministic. Every job's units are below `units`.
Packing pack(std::span<const Job> jobs, std::uint32_t units);

/// No packing is shorter: the largest load of a unit, and for odd sets of k units the work inside / ((k - 1) / 2).
/// Which odd sets: those of the busiest units, and all of three up to 100 units; others could only raise it.
nanoseconds packing_bound(std::span<const Job> jobs, std::uint32_t units);

}  // namespace sonde
