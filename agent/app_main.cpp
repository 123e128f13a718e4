#include <filesystem>
#include <utility>

#include "agent/app.h"
#include "shared/io/run_daemon.h"

namespace sonde {

int run_agent(int argc, const char* const* argv) {
  return io::run_daemon(
      argc, argv, "sonde-agent", "Measures the way from its site to every other.", check_agent_setup, read_agent_setup,
      [](AgentSetup setup, const std::filesystem::path& file) { AgentApp(std::move(setup), file).run(); });
}

}  // namespace sonde
