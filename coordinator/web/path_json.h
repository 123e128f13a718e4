// A look at a way as the API gives it. Only for this room's .cpp files.
#pragma once

#include "coordinator/core/path_evidence.h"
#include "coordinator/web/json.h"

namespace sonde::web {

/// Hops, path MTU, interface.
Json trace_json(const PathTrace& trace);
/// An item of an incident's evidence: what was seen, what it is compared with, and what that means.
Json path_json(const PathEvidence& evidence);

}  // namespace sonde::web
