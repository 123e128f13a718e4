// sonde-demo: a coordinator and three sites with real probes, over the emulated WAN where it may.
#include <fmt/format.h>
#include <unistd.h>

#include <CLI/CLI.hpp>
#include <nlohmann/json.hpp>

#include <array>
#include <chrono>
#include <csignal>
#include <cstdio>
#include <optional>
#include <string>
#include <system_error>
#include <thread>
#include <vector>

#include "tests/wan/lab/lab.h"

namespace {

using namespace sonde::lab;
using namespace std::chrono_literals;
using Clock = std::chrono::steady_clock;

constexpr auto up_within = 30s;
constexpr auto redraw_every = 2s;
constexpr auto print_every = 10s;  // where standard output is no terminal
constexpr std::array<const char*, 3> metrics{"rtt", "connect", "throughput"};

volatile std::sig_atomic_t interrupted = 0;
void on_signal(int) { interrupted = 1; }

struct Options {
  std::string topology = "europe";
  std::optional<double> seconds;
  bool loopback = false;
};

/// The cells of a metric's matrix; empty while the coordinator does not answer.
std::vector<nlohmann::json> cells_of(const Lab& lab, const std::string& metric) {
  const auto reply = lab.get("/api/v1/matrix?metric=" + metric);
  if (!reply || reply->status != 200) return {};
  const auto matrix = nlohmann::json::parse(reply->body, nullptr, false);
  if (!matrix.is_object() || !matrix.contains("cells")) return {};
  return matrix["cells"];
}

bool all_heard(const Lab& lab) {
  const auto cells = cells_of(lab, "rtt");
  for (const auto& cell : cells)
    if (cell.value("state", "agent_silent") == "agent_silent") return false;
  return !cells.empty();
}

/// "throughput berlin->athens (down)" for every cell without a value.
std::vector<std::string> missing(const Lab& lab) {
  std::vector<std::string> names;
  for (const char* metric : metrics) {
    const auto cells = cells_of(lab, metric);
    if (cells.empty()) names.push_back(fmt::format("{}: no matrix", metric));
    for (const auto& cell : cells)
      if (!cell.contains("value") || cell["value"].is_null())
        names.push_back(fmt::format("{} {}->{} ({})", metric, cell.value("from", "?"), cell.value("to", "?"),
                                    cell.value("state", "?")));
  }
  return names;
}

std::string drawing(const Lab& lab) {
  std::string text;
  for (const char* metric : metrics) {
    const Output table = lab.sonde({"matrix", "--metric", metric, "--stat", "p50"});
    text += (table.code == 0 ? table.out : table.err) + "\n";
  }
  return text;
}

/// On a terminal in place of the drawing before; else one below the other, when cells were filled or a while has gone.
class Screen {
 public:
  void show(const Lab& lab, bool last = false) {
    const std::size_t empty = missing(lab).size();
    const auto now = Clock::now();
    if (!terminal_ && !last && empty == empty_ && now - shown_ < print_every) return;
    const std::string text = drawing(lab);
    if (terminal_ && lines_ > 0) fmt::print("\x1b[{}A\x1b[J", lines_);
    fmt::print("{}", text);
    std::fflush(stdout);
    lines_ = static_cast<std::size_t>(std::count(text.begin(), text.end(), '\n'));
    empty_ = empty;
    shown_ = now;
  }

 private:
  bool terminal_ = ::isatty(STDOUT_FILENO) == 1;
  std::size_t lines_ = 0;
  std::optional<std::size_t> empty_;
  Clock::time_point shown_;
};

void check_children(Lab& lab) {
  if (const auto name = lab.fallen())
    throw std::runtime_error(fmt::format("{} ended by itself; the end of its log:\n{}", *name, lab.log_tail(*name)));
}

void pause(Lab& lab, std::chrono::milliseconds limit) {
  const auto until = Clock::now() + limit;
  while (interrupted == 0 && Clock::now() < until) {
    check_children(lab);
    std::this_thread::sleep_for(50ms);
  }
}

bool wait_until_up(Lab& lab) {
  const auto until = Clock::now() + up_within;
  while (interrupted == 0 && Clock::now() < until) {
    if (all_heard(lab)) return true;
    pause(lab, 200ms);
  }
  if (interrupted == 0) throw std::runtime_error("the agents did not reach the coordinator within 30 s");
  return false;
}

int watch(Lab& lab, const std::optional<double>& seconds) {
  if (!wait_until_up(lab)) return 0;
  fmt::print("the mesh is up\n");
  const auto began = Clock::now();
  const auto limit = std::chrono::duration_cast<Clock::duration>(std::chrono::duration<double>(seconds.value_or(0)));
  Screen screen;
  while (interrupted == 0 && (!seconds || Clock::now() - began < limit)) {
    screen.show(lab);
    const auto left = std::chrono::duration_cast<std::chrono::milliseconds>(limit - (Clock::now() - began));
    pause(lab, seconds ? std::min<std::chrono::milliseconds>(redraw_every, left) : redraw_every);
  }
  if (!seconds || interrupted != 0) return 0;
  screen.show(lab, true);
  const auto names = missing(lab);
  for (const std::string& name : names) fmt::print("missing: {}\n", name);
  if (names.empty()) fmt::print("every directed pair was measured by every probe\n");
  return names.empty() ? 0 : 1;
}

int demo(const Options& options) {
  LabSpec spec{.files = read_mesh_files(std::filesystem::path(SONDE_SOURCE_DIR) / "configs" / options.topology),
               .ground = Ground::wan,
               .http_port = 8080};
  const auto may = options.loopback ? sonde::fail("asked for with --loopback") : may_emulate();
  if (!may) spec.ground = Ground::loopback;
  Lab lab(std::move(spec));
  fmt::print("{}\n", may ? fmt::format("{}: three sites over an emulated WAN", options.topology)
                         : fmt::format("{}: three sites on loopback, without the WAN ({})", options.topology,
                                       may.error().what));
  fmt::print("page: {}/\n", lab.url());
  fmt::print("logs and stores: {}\n", lab.folder().string());
  fmt::print("measure now: build/bin/sonde --coordinator {} probe berlin athens latency --token-file {}\n", lab.url(),
             lab.token_file().string());
  std::fflush(stdout);
  lab.start_all();
  const int code = watch(lab, options.seconds);
  for (const std::string& name : lab.sites()) lab.process(name).signal(SIGTERM);
  for (const std::string& name : lab.sites()) lab.stop(name);
  lab.stop("coordinator");
  return code;
}

}  // namespace

int main(int argc, char** argv) {
  CLI::App app{"A coordinator and three sites (Berlin, Athens, Gdansk) with real probes, until Ctrl-C."};
  Options options;
  app.add_option("topology", options.topology, "europe or ecosim")->check(CLI::IsMember({"europe", "ecosim"}));
  app.add_option("--for", options.seconds, "end this many seconds after the mesh is up; exit 1 where a cell is empty")
      ->check(CLI::PositiveNumber);
  app.add_flag("--loopback", options.loopback, "without the emulated WAN");
  try {
    app.parse(argc, argv);
  } catch (const CLI::ParseError& error) {
    return app.exit(error) == 0 ? 0 : 2;
  }
  struct sigaction action{};
  action.sa_handler = on_signal;
  ::sigaction(SIGINT, &action, nullptr);
  ::sigaction(SIGTERM, &action, nullptr);
  try {
    return demo(options);
  } catch (const std::exception& error) {
    std::fflush(stdout);
    fmt::print(stderr, "{}\n", error.what());
    return 1;
  }
}
