// Incidents out of the store, beside its writer.
#pragma once

#include <filesystem>
#include <vector>

#include "coordinator/core/incidents.h"
#include "shared/base/error.h"
#include "shared/base/time.h"

namespace sonde::store {

/// Those that were open at an instant, as far as they are kept (IncidentLog::kept); rows that cannot be read are left
/// out. Opens the file for this one question.
Expected<std::vector<Incident>> incidents_at(const std::filesystem::path& store, SharedTime at);

}  // namespace sonde::store
