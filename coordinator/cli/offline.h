// The verbs that need no coordinator.
#pragma once

#include <filesystem>
#include <optional>
#include <string>

#include "shared/base/error.h"

namespace sonde::cli {

struct PlanOutcome {
  std::optional<std::string> json;  ///< the summary, where the configuration is right
  std::string errors;               ///< lines for standard error, where it is not
};

/// Reads the file, but no key and no store.
PlanOutcome plan_configuration(const std::filesystem::path& file);

/// Writes NAME.secret (mode 0600) and NAME.public into `folder`; the text says where they belong. Refuses to overwrite,
/// and names that are no site's.
Expected<std::string> write_keys(const std::filesystem::path& folder, const std::string& name);

}  // namespace sonde::cli
