// Shows an answer again and again until SIGINT, SIGTERM or SIGHUP.
#pragma once

#include <chrono>
#include <cstddef>
#include <functional>
#include <optional>
#include <string>
#include <string_view>

#include "coordinator/cli/http_client.h"
#include "coordinator/cli/render.h"
#include "shared/base/error.h"

namespace sonde::cli {

/// What is watched, and where it is shown.
struct Watched {
  /// One answer of the coordinator; ends early where the second says so.
  std::function<Expected<std::string>(const KeepGoing&)> ask;
  /// The answer as text that fits the terminal.
  std::function<std::string(const std::string& answer, const Terminal&)> render;
  std::function<Terminal()> terminal;
  /// Lines of the screen; nullopt: no screen, each answer is printed below the one before.
  std::function<std::optional<std::size_t>()> height;
  std::function<bool(std::string_view)> print;
};

/// Asks each `every`, and less often where answers take long. On a screen: draws over the picture before, follows its
/// size, keeps what is known and says so when the coordinator does not answer, stops and goes on with the shell
/// (SIGTSTP), and leaves the newest picture behind. Fails where the first question is not answered; 0 when a signal
/// ended it.
Expected<void> watch(const Watched& watched, std::chrono::milliseconds every);

}  // namespace sonde::cli
