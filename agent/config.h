// agent.yaml as values.
#pragma once

#include <cstdint>
#include <filesystem>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "shared/base/endpoint.h"
#include "shared/base/ids.h"
#include "shared/base/prefix.h"
#include "shared/base/time.h"
#include "shared/base/units.h"
#include "shared/config/diagnostics.h"

namespace sonde {

/// Somebody outside the mesh whose latency probes are answered, such as a router.
struct AllowedOutsider {
  AddressPrefix range;
  std::filesystem::path key;  ///< the file with the key of its authenticated probes; empty: it has none
};

/// The key that this agent shares with a `reflector:` of the mesh.
struct ReflectorKey {
  SiteId site;
  std::filesystem::path file;
};

struct AgentConfig {
  SiteId site;
  std::string coordinator;                ///< ZeroMQ endpoint to connect to
  std::filesystem::path coordinator_key;  ///< its public key's file
  std::filesystem::path secret_key;
  std::vector<AllowedOutsider> allow;          ///< at most 256
  std::optional<std::uint8_t> latency_dscp;    ///< 0 to 63: the class of its latency probes; nullopt: the mesh's
  std::optional<bool> latency_authenticated;   ///< they carry a HMAC where there is a key; nullopt: as the mesh has it
  std::vector<ReflectorKey> latency_keys;      ///< each site once; at most 256
  bool latency_timestamp_information = false;  ///< they ask how the far reflector comes by its stamps (RFC 8972, 4.3)
  bool latency_direct_measurement = false;     ///< and for its counters of the session (RFC 8972, 4.5)
  Endpoint listen{IpAddress{}, 7101};          ///< default 0.0.0.0:7101; TCP port + 1 is ZeroMQ between agents
  std::filesystem::path spool = "/var/lib/sonde-agent/spool.db";
  Bytes spool_max_size{256'000'000};
  std::optional<nanoseconds> clock_error;  ///< overrides the kernel's own error figure

  /// Takes over what may change while the agent runs; the rest is read at start only.
  void take_reloadable(const AgentConfig& next);
};

/// Reads the text of a configuration file. `file` is how it is named in diagnostics and what relative paths are
/// relative to. Collects every mistake; a value only where there is none. Pure: reads no keys and no other file.
config::Parsed<AgentConfig> parse_agent_config(std::string_view text, const std::filesystem::path& file);

}  // namespace sonde
