// When each link's latency intervals and connect runs begin. Pure; private to the planner.
#pragma once

#include "coordinator/core/cast.h"
#include "shared/schedule/timetable.h"

namespace sonde {

/// Makes the phases those of the mesh, whatever they were before; the ones that are right stay where they are. A phase
/// is a share of the interval taken from the two names alone, so that nobody else's moves when a site joins or leaves.
/// `before`: the policy by which those that are there were made.
void place_phases(const Mesh& mesh, const Cast& cast, const Policy& before, std::vector<LinkPhase>& phases);

}  // namespace sonde
