#include <fmt/format.h>

#include <CLI/CLI.hpp>

#include <map>
#include <string>
#include <string_view>

#include "agent/app.h"
#include "agent/app_doctor.h"
#include "agent/setup.h"
#include "shared/io/run_daemon.h"

namespace sonde {
namespace {

/// `sonde-agent doctor --config F [--format F]`, which `sonde doctor` runs.
int doctor_command(int argc, const char* const* argv) {
  CLI::App app("Looks at this host, the way to the coordinator and to every peer, and says what to do.",
               "sonde-agent doctor");
  std::filesystem::path config;
  DoctorFormat format = DoctorFormat::table;
  const std::map<std::string, DoctorFormat> formats = {
      {"table", DoctorFormat::table}, {"json", DoctorFormat::json}, {"csv", DoctorFormat::csv}};
  app.add_option("--config", config, "The agent's configuration file")->required()->type_name("FILE");
  app.add_option("--format", format, "table, json or csv")->transform(CLI::Transformer(formats));
  try {
    app.parse(argc, argv);
  } catch (const CLI::ParseError& error) {
    if (error.get_exit_code() == 0) return app.exit(error);
    fmt::print(stderr, "sonde-agent doctor: {}\n", error.what());
    return io::code(io::Exit::usage);
  }
  return run_doctor(config, format);
}

}  // namespace

int run_agent(int argc, const char* const* argv) {
  if (argc > 1 && std::string_view(argv[1]) == "doctor") return doctor_command(argc - 1, argv + 1);
  return io::run_daemon(
      argc, argv, "sonde-agent", "Measures the way from its site to every other.", check_agent_setup, read_agent_setup,
      [](AgentSetup setup, const std::filesystem::path& file) { AgentApp(std::move(setup), file).run(); });
}

}  // namespace sonde
