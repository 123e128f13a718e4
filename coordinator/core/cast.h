// The sites of a mesh as the planner numbers them. Pure; private to the planner.
#pragma once

#include <cstdint>
#include <map>
#include <vector>

#include "coordinator/core/link_times.h"
#include "coordinator/core/mesh.h"
#include "shared/base/time.h"
#include "shared/schedule/site_index.h"

namespace sonde {

/// The sites in order of name, each with its unit; equal whatever order the configuration has.
struct Cast {
  std::vector<const SiteSpec*> sites;
  std::vector<std::uint32_t> unit_of;  ///< shuffled by the seed
  std::uint32_t units = 0;
};

/// Refers to the mesh's sites. Which of many equally good timetables is made follows from the units' numbers.
Cast cast_of(const Mesh& mesh, std::uint64_t seed);
/// In their order.
SiteIndex names_of(const Cast& cast);

/// By place in the cast.
std::vector<std::uint32_t> places_in(const LinkTimes& times, const Cast& cast);

/// By place in the cast; `stretch` of 0 to 1 of what PlanRequest::guards wants.
std::vector<nanoseconds> guards_of(const Cast& cast, const std::map<SiteId, nanoseconds>& guards, double stretch);

/// How long a run may take, guard not counted, of which earlier ones have taken so long; `stretch` of 0 to 1: how much
/// of what that is beyond the duration is granted.
nanoseconds granted_length(const ThroughputPolicy& policy, nanoseconds measured, double stretch);

/// No link has an interval of its own, and no budget makes one necessary.
bool is_uniform(const Mesh& mesh);
bool has_quiet_hours(const Mesh& mesh);

}  // namespace sonde
