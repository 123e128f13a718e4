#include <filesystem>
#include <utility>

#include "coordinator/app.h"
#include "shared/io/run_daemon.h"

namespace sonde {

int run_coordinator(int argc, const char* const* argv) {
  return io::run_daemon(
      argc, argv, "sonde-coordinator", "Plans, gathers and shows a mesh of probes.", check_setup, read_setup,
      [](Setup setup, const std::filesystem::path& file) { CoordinatorApp(std::move(setup), file).run(); });
}

}  // namespace sonde
