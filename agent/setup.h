// From files to values: the configuration with its keys, as the agent starts or reloads.
#pragma once

#include <filesystem>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "agent/config.h"
#include "agent/core/latency_plan.h"
#include "shared/base/event.h"
#include "shared/io/curve_keys.h"

namespace sonde {

struct AgentSetup {
  AgentConfig config;
  io::KeyPair keys;
  std::string coordinator_key;  ///< Z85
  std::vector<OutsiderKey> outsider_keys{};
  std::map<SiteId, wire::StampKey> reflector_keys{};
};

struct AgentSetupOutcome {
  std::optional<AgentSetup> setup;  ///< only where nothing is wrong
  std::string errors;               ///< one a line, for people
};

/// The configuration alone, without reading a key.
AgentSetupOutcome check_agent_setup(const std::filesystem::path& file);
/// The configuration and every key that it names.
AgentSetupOutcome read_agent_setup(const std::filesystem::path& file);
/// The same for somebody who is not the unit, such as root: a key that systemd passes to the unit, as long as that
/// runs, lies beside the configuration, too, from where systemd takes it.
AgentSetupOutcome read_agent_setup_beside_unit(const std::filesystem::path& file);

/// Says so where settings that are read at start only were changed.
Events settings_for_a_restart(const AgentSetup& old, const AgentSetup& next);

}  // namespace sonde
