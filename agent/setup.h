// From files to values: the configuration with its keys, as the agent starts or reloads.
#pragma once

#include <filesystem>
#include <optional>
#include <string>

#include "agent/config.h"
#include "shared/io/curve_keys.h"

namespace sonde {

struct AgentSetup {
  AgentConfig config;
  io::KeyPair keys;
  std::string coordinator_key;  ///< Z85
};

struct AgentSetupOutcome {
  std::optional<AgentSetup> setup;  ///< only where nothing is wrong
  std::string errors;               ///< one a line, for people
};

/// The configuration alone, without reading a key.
AgentSetupOutcome check_agent_setup(const std::filesystem::path& file);
/// Reads the keys that a configuration names; `file` is how it is called in errors.
AgentSetupOutcome read_keys_of(AgentSetup given, const std::filesystem::path& file);
/// The configuration and every key that it names.
AgentSetupOutcome read_agent_setup(const std::filesystem::path& file);

}  // namespace sonde
