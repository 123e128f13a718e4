// The coordinator as a whole: the one place where its cores meet its I/O.
#pragma once

#include <filesystem>
#include <memory>

#include "coordinator/setup.h"

namespace sonde {

class CoordinatorApp {
 public:
  /// Opens everything; throws std::exception with "attempt: reason" where something cannot be had.
  CoordinatorApp(Setup setup, std::filesystem::path config_file);
  ~CoordinatorApp();

  /// Until SIGTERM or SIGINT.
  void run();

 private:
  class Parts;
  std::unique_ptr<Parts> parts_;
};

/// Carries out the command line; returns the exit code.
int run_coordinator(int argc, const char* const* argv);

}  // namespace sonde
