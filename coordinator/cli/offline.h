// The verbs that need no coordinator.
#pragma once

#include <filesystem>
#include <optional>
#include <string>
#include <vector>

#include "shared/base/error.h"

namespace sonde::cli {

struct PlanWish {
  std::vector<std::string> add_sites{};  ///< NAME or NAME:UPLINK, planned as if the file had them as well
  bool links = false;                    ///< tell of each link, too: a mesh of N sites has N (N - 1)
  bool gantt = false;                    ///< draw the cycle
};
struct PlanOutcome {
  std::optional<std::string> json{};   ///< sonde plan, docs/cli.md
  std::optional<std::string> gantt{};  ///< SVG, where it was asked for and can be drawn
  std::string errors{};                ///< lines for standard error, where either is not there
};

/// Reads the file, but no key and no store.
PlanOutcome plan_configuration(const std::filesystem::path& file, const PlanWish& wish = {});

/// The error says the attempt, the file and why.
Expected<void> write_text(const std::filesystem::path& file, const std::string& text);

/// Writes NAME.secret (mode 0600) and NAME.public into `folder`; the text says where they belong. Refuses to overwrite,
/// and names that are no site's.
Expected<std::string> write_keys(const std::filesystem::path& folder, const std::string& name);

}  // namespace sonde::cli
