// An incident as the API and receivers get it. Only for this room's .cpp files.
#pragma once

#include "coordinator/core/incidents.h"
#include "coordinator/core/silences.h"
#include "coordinator/web/json.h"
#include "coordinator/web/sources.h"

namespace sonde::web {

/// As receivers get it.
Json incident_json(const Incident& incident);
/// As it stands in /api/v1/incidents: with who has silenced or acknowledged it.
Json incident_json(const Incident& incident, const Sources& sources);
/// {"held", "acknowledged", "silenced"}
Json hold_json(const Silences::Hold& hold);
/// What a rule's metric says of a link, in a few words.
std::string words_of(const LinkEvidence& evidence);

}  // namespace sonde::web
