#include "coordinator/setup.h"

#include <fmt/format.h>

#include "shared/io/daemon.h"

namespace sonde {

bool needs_restart(const Setup& running, const Setup& next) {
  const CoordinatorConfig& old = running.config;
  const CoordinatorConfig& config = next.config;
  return old.control != config.control || old.http != config.http || old.store != config.store ||
         running.keys.secret_key != next.keys.secret_key;
}

SetupOutcome check_setup(const std::filesystem::path& file) {
  const auto text = io::read_file(file);
  if (!text) return {std::nullopt, fmt::format("{}\n", text.error().what)};
  auto parsed = parse_coordinator_config(*text, file);
  if (!parsed.value) return {std::nullopt, config::to_text(parsed.diagnostics)};
  return {Setup{*std::move(parsed.value), {}, {}}, ""};
}

SetupOutcome read_setup(const std::filesystem::path& file) {
  SetupOutcome outcome = check_setup(file);
  if (!outcome.setup) return outcome;
  Setup& setup = *outcome.setup;
  if (auto keys = io::read_key_pair(setup.config.secret_key))
    setup.keys = *std::move(keys);
  else
    outcome.errors += io::setting_error(file, "keys.secret", keys.error().what);
  for (SiteSpec& site : setup.config.mesh.sites) {
    if (!site.has_agent) continue;
    if (auto key = io::read_key(setup.config.agent_keys / (site.site.str() + ".public")))
      site.public_key = *std::move(key);
    else
      outcome.errors += io::setting_error(file, "keys.agents", key.error().what);
  }
  for (const Receiver& receiver : setup.config.notify.receivers)
    if (receiver.secret_file)
      if (const auto text = io::read_file(*receiver.secret_file); !text)
        outcome.errors += io::setting_error(file, "notify", text.error().what);
  for (const TokenFile& token : setup.config.tokens) {
    const auto text = io::read_file(token.file);
    const auto secret = text ? web::token_in(*text) : Expected<std::string>(std::unexpected(text.error()));
    if (secret)
      setup.tokens.push_back({token.name, *secret});
    else
      outcome.errors += io::setting_error(file, "tokens", fmt::format("{}: {}", token.name, secret.error().what));
  }
  if (!outcome.errors.empty()) outcome.setup.reset();
  return outcome;
}

}  // namespace sonde
