// How often each throughput run takes place: what the configuration asks for, what the budgets allow, rounded so that
// all intervals divide one another. Pure; private to planner.cpp.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "coordinator/core/mesh.h"
#include "coordinator/core/packing.h"
#include "coordinator/core/planner.h"

namespace sonde {

/// Links without an interval of their own take at most this share of what is left of a site.
inline constexpr double auto_share = 0.8;

/// The longest interval is at most so many times the shortest.
inline constexpr std::int64_t most_repetitions = 5000;

/// A throughput run that the mesh wants, by indices into the planner's list of sites.
struct WantedRun {
  std::uint32_t from = 0;
  std::uint32_t to = 0;
  Job job;                           ///< its slot, and the guard before and after it
  std::optional<nanoseconds> every;  ///< given for the link or for all; nullopt: auto
  nanoseconds guard{0};
};

/// `least_auto`: no shorter interval is chosen for a link without one; `times`: those that are chosen are so many times
/// as long as they need be. The intervals of the runs, in their order; the
/// longest is a multiple of every other. What cannot fit is a Misfit with the figures.
struct Intervals {
  std::vector<nanoseconds> every;
  std::optional<Misfit> misfit;
};
Intervals intervals_for(const Mesh& mesh, const std::vector<const SiteSpec*>& sites, const std::vector<WantedRun>& runs,
                        std::uint32_t units, nanoseconds least_auto, int times);

/// Octets a second of all latency and connect probes of which one end is this site.
double small_octets_of(const Mesh& mesh, const std::vector<const SiteSpec*>& sites, const SiteSpec& site);

/// What became of each interval.
struct Harmonic {
  std::map<nanoseconds, nanoseconds> given;
  std::map<nanoseconds, nanoseconds> chosen;
};
/// Intervals of which each divides the next: given ones are rounded down, the others up.
Harmonic harmonic(std::vector<nanoseconds> given, std::vector<nanoseconds> chosen);

/// The shortest interval that is chosen beside the given ones: at least `wanted`.
nanoseconds least_chosen(nanoseconds wanted, const std::vector<nanoseconds>& given);
/// The others are this one times a power of two, so that there are few of them: the first that is at least `wanted`,
/// before it is rounded.
nanoseconds level_above(nanoseconds wanted, nanoseconds least);
/// And rounded.
nanoseconds chosen_for(nanoseconds wanted, nanoseconds least, const std::vector<nanoseconds>& given);

}  // namespace sonde
