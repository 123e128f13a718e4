// The parts of coordinator.yaml that have files of their own; private to coordinator/config.cpp.
#pragma once

#include <optional>
#include <vector>

#include "coordinator/core/mesh.h"
#include "shared/config/fields.h"

namespace sonde {

/// `sites:`, with the checks across sites. Sites with mistakes may be incomplete; those without a usable name and those
/// that are given twice are left out.
std::vector<SiteSpec> read_sites(const config::Value& value);

/// `probes:`; where throughput has an interval that is not `auto`, its place is left in `throughput_every`.
void read_probes(const config::Value& value, Policy& out, std::optional<config::Value>& throughput_every);

}  // namespace sonde
