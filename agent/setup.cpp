#include "agent/setup.h"

#include <fmt/format.h>

#include "shared/io/daemon.h"

namespace sonde {

AgentSetupOutcome check_agent_setup(const std::filesystem::path& file) {
  const auto text = io::read_file(file);
  if (!text) return {std::nullopt, fmt::format("{}\n", text.error().what)};
  auto parsed = parse_agent_config(*text, file);
  if (!parsed.value) return {std::nullopt, config::to_text(parsed.diagnostics)};
  return {AgentSetup{*std::move(parsed.value), {}, {}}, ""};
}

AgentSetupOutcome read_keys_of(AgentSetup given, const std::filesystem::path& file) {
  AgentSetupOutcome outcome{std::move(given), ""};
  AgentSetup& setup = *outcome.setup;
  if (auto keys = io::read_key_pair(setup.config.secret_key))
    setup.keys = *std::move(keys);
  else
    outcome.errors += io::setting_error(file, "keys.secret", keys.error().what);
  if (auto key = io::read_key(setup.config.coordinator_key))
    setup.coordinator_key = *std::move(key);
  else
    outcome.errors += io::setting_error(file, "coordinator.key", key.error().what);
  if (!outcome.errors.empty()) outcome.setup.reset();
  return outcome;
}

AgentSetupOutcome read_agent_setup(const std::filesystem::path& file) {
  AgentSetupOutcome outcome = check_agent_setup(file);
  return outcome.setup ? read_keys_of(*std::move(outcome.setup), file) : outcome;
}

}  // namespace sonde
