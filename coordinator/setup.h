// From files to values: the configuration with its keys, as the coordinator starts or reloads.
#pragma once

#include <filesystem>
#include <string>
#include <vector>

#include "coordinator/config.h"
#include "coordinator/web/tokens.h"
#include "shared/io/curve_keys.h"

namespace sonde {

struct Setup {
  CoordinatorConfig config;  ///< mesh.sites have their public keys filled in
  io::KeyPair keys;
  std::vector<web::ApiToken> tokens;
};

struct SetupOutcome {
  std::optional<Setup> setup;  ///< only where nothing is wrong
  std::string errors;          ///< one a line, for people
};

/// True where `next` differs from `running` in what is read at start only.
bool needs_restart(const Setup& running, const Setup& next);

/// The configuration alone, without reading a key.
SetupOutcome check_setup(const std::filesystem::path& file);
/// The configuration and every key that it names.
SetupOutcome read_setup(const std::filesystem::path& file);

}  // namespace sonde
