// coordinator.yaml as values.
#pragma once

#include <cstdint>
#include <filesystem>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "coordinator/core/alerts.h"
#include "coordinator/core/evidence_desk.h"
#include "coordinator/core/mesh.h"
#include "coordinator/core/notify.h"
#include "coordinator/core/silences.h"
#include "shared/base/endpoint.h"
#include "shared/base/time.h"
#include "shared/config/diagnostics.h"

namespace sonde {

/// A bearer token's name and the file that holds it (one line).
struct TokenFile {
  std::string name;
  std::filesystem::path file;
};

struct Retention {
  nanoseconds raw = std::chrono::hours(24 * 7);
  nanoseconds minute = std::chrono::hours(24 * 30);
  nanoseconds hour = std::chrono::hours(24 * 365 * 5);
};

struct CoordinatorConfig {
  Mesh mesh;
  std::string control = "tcp://0.0.0.0:7100";                ///< ZeroMQ endpoint to bind
  Endpoint http{IpAddress{.octets = {127, 0, 0, 1}}, 8080};  ///< default 127.0.0.1:8080
  std::vector<TokenFile> tokens;
  std::filesystem::path secret_key;  ///< absolute, or relative to the working directory: already resolved
  std::filesystem::path agent_keys;  ///< folder with one NAME.public for each site
  std::filesystem::path store = "/var/lib/sonde-coordinator/results.db";  ///< the SQLite file
  Retention retention;
  AlertPolicy alerts;
  NotifyPolicy notify;
  std::vector<MaintenanceWindow> maintenance;
  EvidencePolicy evidence;
};

/// What the configuration is read for: planning needs neither keys nor a store.
enum class ConfigUse : std::uint8_t { run, plan };

/// Reads the text of a configuration file. `file` is how it is named in diagnostics and what relative paths are
/// relative to. Collects every mistake, among them an interval that the throughput cycle does not fit into; a value
/// only where there is none. Pure: reads no keys and no other file.
config::Parsed<CoordinatorConfig> parse_coordinator_config(std::string_view text, const std::filesystem::path& file,
                                                           ConfigUse use = ConfigUse::run);

}  // namespace sonde
