// sonde-sim: a mesh in one process for as long as wanted, replayed by its seed. One JSON object on standard output;
// exits 1 where a promise was broken.
#include <fmt/format.h>
#include <unistd.h>

#include <CLI/CLI.hpp>
#include <nlohmann/json.hpp>

#include <cstdio>

#include "tests/sim/mesh/world.h"

namespace {

using sonde::sim::WorldReport;
using sonde::sim::WorldSettings;

nlohmann::ordered_json as_json(const WorldSettings& settings, const WorldReport& report) {
  return {{"seed", settings.seed},
          {"sites", settings.sites},
          {"simulated_s", sonde::to_seconds(settings.length)},
          {"events", report.events},
          {"generations", report.generations},
          {"runs_ok", report.runs_ok},
          {"runs_busy", report.runs_busy},
          {"runs_skipped", report.runs_skipped},
          {"runs_failed", report.runs_failed},
          {"steps", report.steps},
          {"deaths", report.deaths},
          {"sleeps", report.sleeps},
          {"partitions", report.partitions},
          {"coordinator_deaths", report.coordinator_deaths},
          {"audited_overlaps", report.audited_overlaps},
          {"fingerprint", report.fingerprint},
          {"conflicts", report.conflicts},
          {"broken", report.broken}};
}

}  // namespace

int main(int argc, char** argv) {
  CLI::App app("A simulated Sonde mesh with production code; see docs/timetable.md.", "sonde-sim");
  WorldSettings settings;
  double hours = 2.5;
  app.add_option("--sites", settings.sites, "how many")->check(CLI::Range(2, 2000))->capture_default_str();
  app.add_option("--hours", hours, "simulated time")->check(CLI::Range(0.1, 1000.0))->capture_default_str();
  app.add_option("--seed", settings.seed, "everything random follows from it")->capture_default_str();
  app.add_option("--faults", settings.faults, "of each kind for each host")
      ->check(CLI::Range(0.0, 100.0))
      ->capture_default_str();
  app.add_flag("--full-duplex", settings.full_duplex, "a site may send and receive at one time");
  CLI11_PARSE(app, argc, argv);
  settings.length = sonde::from_seconds(hours * 3600);
  settings.calm = settings.length / 2;
  settings.progress = [](double done) {
    if (::isatty(STDERR_FILENO) != 0) fmt::print(stderr, "\r{:.0f} % ", 100 * done);
  };
  const WorldReport report = run_world(settings);
  fmt::print("{}\n", as_json(settings, report).dump());
  return report.conflicts.empty() && report.broken.empty() ? 0 : 1;
}
