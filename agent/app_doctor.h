// `sonde doctor` at a site: looks at the host, the way to the coordinator and the way to every peer, and says what to
// do. Needs no running agent and disturbs none; speaks with the site's own key.
#pragma once

#include <cstdint>
#include <filesystem>

namespace sonde {

enum class DoctorFormat : std::uint8_t { table, json, csv };

/// Prints the findings to standard output. Returns the exit code: 0 nothing is bad, 1 something is, 78 the
/// configuration is wrong.
int run_doctor(const std::filesystem::path& config_file, DoctorFormat format);

}  // namespace sonde
