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

struct AgentConfig {
  SiteId site;
  std::string coordinator;                ///< ZeroMQ endpoint to connect to
  std::filesystem::path coordinator_key;  ///< its public key's file
  std::filesystem::path secret_key;
  std::vector<AddressPrefix> allow;            ///< outsiders whose latency probes are answered; at most 256
  std::uint8_t latency_dscp = 0;               ///< 0 to 63: the class of this agent's latency probes and their replies
  bool latency_authenticated = false;          ///< its latency probes to other agents carry a HMAC
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
