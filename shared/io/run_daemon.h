// The life of a daemon's process around its app: options, configuration, run, exit code. The same for both.
#pragma once

#include <cstdio>
#include <exception>
#include <string>
#include <variant>

#include "shared/io/daemon.h"

namespace sonde::io {

/// `check` reads the configuration alone, `read` also every file that it names; both give an outcome with `setup` and
/// `errors`. `run(setup, file)` returns when the daemon was told to stop.
template <typename Check, typename Read, typename Run>
int run_daemon(int argc, const char* const* argv, const std::string& name, const std::string& what, const Check& check,
               const Read& read, const Run& run) {
  const auto parsed = parse_daemon_options(argc, argv, name, what);
  if (const int* exit = std::get_if<int>(&parsed)) return *exit;
  const auto& options = std::get<DaemonOptions>(parsed);
  auto outcome = options.check_config ? check(options.config) : read(options.config);
  if (!outcome.setup) {
    std::fputs(outcome.errors.c_str(), stderr);
    return code(Exit::configuration);
  }
  if (options.check_config) {
    if (const auto whole = read(options.config); !whole.setup)
      std::fputs(("note, the file is right but it could not start yet:\n" + whole.errors).c_str(), stderr);
    return code(Exit::fine);
  }
  try {
    raise_file_limit();
    run(*std::move(outcome.setup), options.config);
    return code(Exit::fine);
  } catch (const std::exception& error) {
    std::fputs((name + ": " + error.what() + "\n").c_str(), stderr);
    return code(Exit::failed);
  }
}

}  // namespace sonde::io
