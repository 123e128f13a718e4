// `sonde probe`: ask for a run, follow it, bring its result.
#pragma once

#include <string>
#include <string_view>

#include "coordinator/cli/views.h"
#include "shared/base/error.h"

namespace sonde::cli {

struct WantedRun {
  std::string from;
  std::string to;
  std::string kind;
};

struct MeasuredRun {
  std::string text;   ///< the coordinator's JSON of the run that has ended
  bool done = false;  ///< false: it failed, or no result came
};

/// Asks and waits until the run has ended, which the coordinator bounds. Progress goes to standard error: on a terminal
/// one line that changes, else a line for each change. An error says what to do.
Expected<MeasuredRun> measure_now(const std::string& coordinator, const WantedRun& wanted,
                                  const std::string& token_file);

/// Where the run is, for people: "waits for a gap in the timetable, begins in 12 s". Pure.
std::string progress_text(const Json& run);

}  // namespace sonde::cli
