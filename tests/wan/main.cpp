// sonde-wan: an emulated WAN between network namespaces (docs/lab.md).
#include <fmt/format.h>

#include <CLI/CLI.hpp>

#include <csignal>
#include <cstdio>
#include <fstream>
#include <sstream>
#include <string>
#include <system_error>

#include "tests/wan/emulator.h"
#include "tests/wan/topology.h"

int main(int argc, char** argv) {
  CLI::App app{"Carries packets between network namespaces with delay, loss and limited rates."};
  std::string file;
  std::string prefix;
  app.add_option("--topology", file, "what the paths do, as YAML")->required()->check(CLI::ExistingFile);
  app.add_option("--prefix", prefix, "a site's namespace is this and the site's name")->required();
  CLI11_PARSE(app, argc, argv);

  std::ostringstream text;
  text << std::ifstream(file).rdbuf();
  const auto topology = sonde::wan::parse_topology(text.str(), file);
  if (!topology.value) {
    fmt::print(stderr, "{}", sonde::config::to_text(topology.diagnostics));
    return 78;
  }
  auto network = sonde::wan::Network::make(*topology.value);
  if (!network) {
    fmt::print(stderr, "{}: {}\n", file, network.error().what);
    return 78;
  }
  std::signal(SIGPIPE, SIG_IGN);
  std::string why;
  if (!sonde::wan::become_real_time(why)) fmt::print(stderr, "no real-time priority ({}): delays will wander\n", why);
  try {
    sonde::wan::Emulator(std::move(*network), prefix).run();
  } catch (const std::system_error& error) {
    fmt::print(stderr, "{}\n", error.what());
    return 1;
  }
  return 0;
}
