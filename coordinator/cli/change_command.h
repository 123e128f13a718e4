// `sonde silence` and `sonde acknowledge`: what changes something at the coordinator and is done at once.
#pragma once

#include <string>
#include <string_view>

#include "coordinator/cli/options.h"
#include "shared/base/error.h"

namespace sonde::cli {

/// The one line of a token file; the error begins with `attempt` and says what to do.
Expected<std::string> read_token(const std::string& file, std::string_view attempt);

/// Sets or ends a silence, acknowledges an incident or takes that back: the coordinator's JSON of what it has become.
Expected<std::string> change(const Options& options);

}  // namespace sonde::cli
