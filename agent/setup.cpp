#include "agent/setup.h"

#include <fmt/format.h>

#include <string_view>
#include <system_error>
#include <utility>

#include "agent/io/stamp_key_file.h"
#include "shared/io/daemon.h"

namespace sonde {
namespace {

/// Where systemd shows a unit's credentials, for as long as the unit runs.
constexpr std::string_view credentials = "/run/credentials/";

void read_stamp_keys(AgentSetup& setup, const std::filesystem::path& file, std::string& errors) {
  for (const AllowedOutsider& outsider : setup.config.allow) {
    if (outsider.key.empty()) continue;
    if (const auto key = io::read_stamp_key(outsider.key))
      setup.outsider_keys.push_back({outsider.range, *key});
    else
      errors += io::setting_error(file, "listen.allow", key.error().what);
  }
  for (const ReflectorKey& reflector : setup.config.latency_keys) {
    if (const auto key = io::read_stamp_key(reflector.file))
      setup.reflector_keys.emplace(reflector.site, *key);
    else
      errors += io::setting_error(file, "latency.keys", key.error().what);
  }
}

/// Reads the keys that a configuration names; `file` is how it is called in errors.
AgentSetupOutcome read_keys(AgentSetup given, const std::filesystem::path& file) {
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
  read_stamp_keys(setup, file, outcome.errors);
  if (!outcome.errors.empty()) outcome.setup.reset();
  return outcome;
}

}  // namespace

AgentSetupOutcome check_agent_setup(const std::filesystem::path& file) {
  const auto text = io::read_file(file);
  if (!text) return {std::nullopt, fmt::format("{}\n", text.error().what)};
  auto parsed = parse_agent_config(*text, file);
  if (!parsed.value) return {std::nullopt, config::to_text(parsed.diagnostics)};
  return {AgentSetup{*std::move(parsed.value), {}, {}}, ""};
}

AgentSetupOutcome read_agent_setup(const std::filesystem::path& file) {
  AgentSetupOutcome outcome = check_agent_setup(file);
  return outcome.setup ? read_keys(*std::move(outcome.setup), file) : outcome;
}

AgentSetupOutcome read_agent_setup_beside_unit(const std::filesystem::path& file) {
  AgentSetupOutcome outcome = check_agent_setup(file);
  if (!outcome.setup) return outcome;
  auto& secret = outcome.setup->config.secret_key;
  std::error_code trouble;
  if (secret.string().starts_with(credentials) && !std::filesystem::exists(secret, trouble))
    secret = file.parent_path() / secret.filename();
  return read_keys(*std::move(outcome.setup), file);
}

Events settings_for_a_restart(const AgentSetup& old, const AgentSetup& next) {
  const AgentConfig& had = old.config;
  const AgentConfig& has = next.config;
  if (had.site == has.site && had.listen == has.listen && had.spool == has.spool &&
      old.keys.secret_key == next.keys.secret_key)
    return {};
  return {{Severity::warning,
           "configuration_needs_restart",
           {{"settings", "site, listen.address, listen.port, spool and keys.secret are read at start only"}}}};
}

}  // namespace sonde
