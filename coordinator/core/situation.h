// What a coordinator tells somebody who stands at a site and asks whether it is well there (`sonde doctor`). Pure.
#pragma once

#include "coordinator/core/matrix.h"
#include "coordinator/core/mesh.h"
#include "coordinator/core/roster.h"
#include "shared/base/ids.h"
#include "shared/base/time.h"
#include "shared/wire/messages.h"

namespace sonde {

/// The site's part of the timetable, when its agent was heard last, and for each link that begins or ends there and
/// each probe that the policy has on it the state and age of its main metric (rtt, connect, throughput).
wire::Situation situation_of(const SiteId& site, const Mesh& mesh, const Roster& roster, const Matrix& matrix,
                             SharedTime now);

}  // namespace sonde
