#include <malloc.h>

#include <filesystem>
#include <utility>

#include "coordinator/app.h"
#include "shared/io/run_daemon.h"

namespace sonde {
namespace {

/// Messages of agents and what is made of them come and go all the time: memory of this size stays for the next one
/// instead of going back to the kernel, which would have to clear it anew.
constexpr int kept_octets = 32 << 20;

}  // namespace

int run_coordinator(int argc, const char* const* argv) {
  ::mallopt(M_MMAP_THRESHOLD, kept_octets);
  ::mallopt(M_TRIM_THRESHOLD, kept_octets);
  return io::run_daemon(
      argc, argv, "sonde-coordinator", "Plans, gathers and shows a mesh of probes.", check_setup, read_setup,
      [](Setup setup, const std::filesystem::path& file) { CoordinatorApp(std::move(setup), file).run(); });
}

}  // namespace sonde
