// The file that describes an emulated WAN (docs/lab.md), as values.
#pragma once

#include <filesystem>
#include <string_view>

#include "shared/config/diagnostics.h"
#include "tests/wan/network.h"

namespace sonde::wan {

/// Reads `seed`, `sites` [{name, address: one or a list}], `paths` [{from, to, and settings as in
/// tests/wan/settings.h}], and collects every mistake. `file` is how it is named in the diagnostics.
config::Parsed<Topology> parse_topology(std::string_view text, const std::filesystem::path& file);

}  // namespace sonde::wan
