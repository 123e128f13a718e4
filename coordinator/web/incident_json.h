// An incident as the API and receivers get it. Only for this room's .cpp files.
#pragma once

#include "coordinator/core/incidents.h"
#include "coordinator/web/json.h"

namespace sonde::web {

/// As it stands in /api/v1/incidents.
Json incident_json(const Incident& incident);
/// What a rule's metric says of a link, in a few words.
std::string words_of(const LinkEvidence& evidence);

}  // namespace sonde::web
