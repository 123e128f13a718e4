// `sonde rules test`: ask for the history, and say what a configuration's rules would have made of it.
#pragma once

#include <string>

#include "coordinator/cli/options.h"

namespace sonde::cli {

struct RulesOutcome {
  std::string json;         ///< like GET /api/v1/incidents, with "since", "until", "results" and "raised_then"
  std::string errors;       ///< where it could not be done: lines for standard error
  bool bad_config = false;  ///< those are of the configuration
};

RulesOutcome test_rules(const Options& options);

}  // namespace sonde::cli
