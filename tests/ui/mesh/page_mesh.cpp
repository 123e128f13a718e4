// sonde-page-mesh: agents of a made-up mesh (world.h) that speak the real protocol with a real coordinator, so that the
// page can be looked at with 3 or 1,000 sites on one machine. It writes keys and configuration into FOLDER, prints
// `ready`, then connects; what is of the past (hours, and the same hour of four weeks) is sent first, then it prints
// `settled`. On SIGUSR1 the last agent falls silent for good.
#include <fmt/format.h>

#include <CLI/CLI.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/signal_set.hpp>
#include <boost/asio/steady_timer.hpp>
#include <zmq.hpp>

#include <algorithm>
#include <chrono>
#include <csignal>
#include <cstdio>
#include <deque>
#include <exception>
#include <filesystem>
#include <fstream>
#include <memory>
#include <string>
#include <vector>

#include "shared/base/limits.h"
#include "shared/io/curve_keys.h"
#include "shared/io/zmq_link.h"
#include "shared/wire/codec.h"
#include "tests/ui/mesh/world.h"

namespace {

using namespace sonde;
using namespace std::chrono_literals;
namespace fs = std::filesystem;

struct Options {
  fs::path folder;
  std::size_t sites = 3;
  std::size_t silent = 0;
  double rate = 20;
  double hours = 2;
  bool empty = false;
  bool well = false;
  int control = 7190;
  int http = 8090;
};

SharedTime now() {
  return SharedTime(std::chrono::duration_cast<nanoseconds>(std::chrono::system_clock::now().time_since_epoch()));
}

struct Keys {
  io::KeyPair coordinator;
  std::vector<io::KeyPair> agents;
};

io::KeyPair new_keys(const fs::path& folder, const std::string& name) {
  auto pair = io::write_new_key_pair(folder, name);
  if (!pair) throw std::runtime_error(pair.error().what);
  return *pair;
}

Keys write_files(const Options& options, const page::World& world) {
  fs::create_directories(options.folder / "agents");
  Keys keys{new_keys(options.folder, "coordinator"), {}};
  std::ofstream(options.folder / "page.token") << "sesame-for-the-page-tests\n";
  fs::permissions(options.folder / "page.token", fs::perms::owner_read | fs::perms::owner_write);
  std::ofstream yaml(options.folder / "coordinator.yaml");
  yaml << fmt::format(
      "mesh: {}\ncontrol: tcp://127.0.0.1:{}\nhttp: 127.0.0.1:{}\nkeys: {{secret: coordinator.secret, agents: "
      "agents/}}\n"
      "tokens: [{{name: page, file: page.token}}]\nstore: sqlite://results.db\nsites:\n",
      world.size() == 1 ? "lonely" : "europe", options.control, options.http);
  for (std::size_t i = 0; i < world.size(); ++i) {
    const page::Town& town = world.town(i);
    keys.agents.push_back(new_keys(options.folder / "agents", town.name));
    yaml << fmt::format("  - {{name: {}, address: 127.0.0.1, port: {}, location: [{:.3f}, {:.3f}], groups: [{}]}}\n",
                        town.name, 20000 + i, town.latitude, town.longitude, town.group);
  }
  // Throughput is left to its own interval; the made-up agents keep no slots.
  yaml << "probes: {latency: {rate: 1/s, every: 1m}, connect: {every: 5m}}\n";
  return keys;
}

/// One agent's side of the protocol: Hello, a heartbeat a second, one batch of results under way at a time.
class FakeAgent {
 public:
  FakeAgent(boost::asio::io_context& loop, zmq::context_t& context, const Options& options, const Keys& keys,
            std::size_t index, const std::string& site)
      : site_(SiteId::known(site)),
        spool_(0x5EED'0000 + index),
        dealer_(
            loop, context, fmt::format("tcp://127.0.0.1:{}", options.control), keys.agents[index],
            keys.coordinator.public_key, [this](std::span<const std::uint8_t> bytes) { on_bytes(bytes); }, nullptr) {}

  void report(Result result) {
    result.id.spool = spool_;
    result.id.seq = ++last_seq_;
    waiting_.push_back(std::move(result));
  }

  void fall_silent() { silent_ = true; }

  void tick() {
    if (silent_) return;
    if (!welcome_) {
      say(wire::Hello{.site = site_,
                      .agent_version = SONDE_VERSION,
                      .spool = spool_,
                      .last_seq = last_seq_,
                      .generation = generation_,
                      .boot_id = "page-mesh",
                      .port = 20000});
      return;
    }
    wire::Heartbeat heartbeat;
    heartbeat.sent_at = wall_from_ns(to_ns(now()));
    heartbeat.spooled = waiting_.size();
    heartbeat.generation = generation_;
    heartbeat.clock_error = 400us;
    heartbeat.clock_offset = 30us;
    heartbeat.clock_offset_error = 80us;
    heartbeat.clock_synchronised = true;
    heartbeat.send_lateness_p50 = 40us;
    heartbeat.send_lateness_p99 = 180us;
    heartbeat.send_lateness_max = 900us;
    heartbeat.hold_p50 = 9us;
    heartbeat.hold_p99 = 31us;
    heartbeat.hold_max = 200us;
    heartbeat.cpu_pressure = 0.01;
    say(heartbeat);
    send_results();
  }

  void send_results() {
    if (!welcome_ || silent_ || under_way_ || waiting_.empty()) return;
    wire::ResultBatch batch;
    // Small: the store takes 20,000 results at a time, of all agents together.
    const auto count = std::min<std::size_t>(waiting_.size(), limits::results_per_message / 10);
    batch.results.assign(waiting_.begin(), waiting_.begin() + static_cast<std::ptrdiff_t>(count));
    under_way_ = say(batch);
  }

  std::size_t waiting() const { return waiting_.size(); }

 private:
  bool say(const wire::Message& message) { return dealer_.send(wire::encode(message)); }

  void on_bytes(std::span<const std::uint8_t> bytes) {
    const auto message = wire::decode(bytes);
    if (!message) return;
    if (std::holds_alternative<wire::Welcome>(*message)) {
      welcome_ = true;
      under_way_ = false;
    } else if (const auto* newer = std::get_if<wire::NewTimetable>(&*message)) {
      generation_ = newer->timetable.generation;  // or the coordinator would send it again after each heartbeat
    } else if (std::holds_alternative<wire::WhoAreYou>(*message)) {
      welcome_ = under_way_ = false;
    } else if (const auto* stored = std::get_if<wire::Acknowledge>(&*message); stored && stored->spool == spool_) {
      while (!waiting_.empty() && waiting_.front().id.seq <= stored->seq) waiting_.pop_front();
      under_way_ = false;
    }
    send_results();
  }

  SiteId site_;
  std::uint64_t spool_;
  std::uint64_t last_seq_ = 0;
  Generation generation_;
  std::deque<Result> waiting_;
  bool welcome_ = false;
  bool under_way_ = false;
  bool silent_ = false;
  io::ZmqDealer dealer_;
};

class PageMesh {
 public:
  explicit PageMesh(const Options& options) : options_(options), world_(options.sites, options.well), context_(1) {
    context_.set(zmq::ctxopt::max_sockets, static_cast<int>(2 * options.sites + 64));
    const Keys keys = write_files(options, world_);
    for (std::size_t i = 0; i + options.silent < world_.size(); ++i)
      agents_.push_back(std::make_unique<FakeAgent>(loop_, context_, options, keys, i, world_.town(i).name));
    if (!options.empty) fill_the_past();
  }

  void run() {
    boost::asio::signal_set signals(loop_, SIGINT, SIGTERM);
    signals.async_wait([this](const auto&, int) { loop_.stop(); });
    boost::asio::signal_set silence(loop_, SIGUSR1);
    silence.async_wait([this](const auto& error, int) {
      if (!error && !agents_.empty()) agents_.back()->fall_silent();
    });
    fmt::print("ready\n");
    std::fflush(stdout);
    beat();
    if (!options_.empty) feed();
    loop_.run();
  }

 private:
  /// Every link, oldest first: the same hour of four weeks, then the last hours as densely as the budget allows.
  void fill_the_past() {
    constexpr double budget = 150'000;
    constexpr double most_links_with_a_past = 200'000;  // beyond, the cells fill as they are measured
    const auto links = static_cast<double>(world_.size() * (world_.size() - 1));
    if (links < 1 || links > most_links_with_a_past) return;
    const SharedTime present = now();
    const auto steps = static_cast<int>(std::clamp(budget / links, 1.0, options_.hours * 60));
    for (int week = 4; week > 0 && world_.size() <= 60; --week)
      for (int k = 5; k > 0; --k)
        all_report(present - std::chrono::hours(7 * 24 * week) - std::chrono::minutes(k * 5), k == 3);
    const auto step =
        std::chrono::duration_cast<nanoseconds>(std::chrono::duration<double>(options_.hours * 3600 / steps));
    for (int k = steps - 1; k >= 0; --k) all_report(present - k * step - 1s, k % 20 == 0 && world_.size() <= 60);
  }

  void all_report(SharedTime at, bool heavy) {
    for (std::size_t from = 0; from < agents_.size(); ++from)
      for (std::size_t to = 0; to < world_.size(); ++to) {
        if (from == to) continue;
        agents_[from]->report(world_.latency(from, to, at));
        if (!heavy) continue;
        agents_[from]->report(world_.connect(from, to, at + 100ms));
        agents_[from]->report(world_.throughput(from, to, at + 200ms));
      }
  }

  void beat() {
    for (const auto& agent : agents_) agent->tick();
    const bool all_sent = std::ranges::all_of(agents_, [](const auto& agent) { return agent->waiting() < 100; });
    if (all_sent && ++calm_beats_ == 2) {
      fmt::print("settled\n");
      std::fflush(stdout);
    }
    heart_.expires_after(1s);
    heart_.async_wait([this](const auto& error) {
      if (!error) beat();
    });
  }

  /// New results at the rate asked for, from every site in turn.
  void feed() {
    constexpr int turns_a_second = 20;
    owed_ += options_.rate / turns_a_second;
    for (; owed_ >= 1 && world_.size() > 1 && !agents_.empty(); owed_ -= 1) {
      const std::size_t from = turn_ % agents_.size();
      const std::size_t to = (from + 1 + turn_ / agents_.size() % (world_.size() - 1)) % world_.size();
      ++turn_;
      if (agents_[from]->waiting() < 100) agents_[from]->report(world_.latency(from, to, now()));
      agents_[from]->send_results();
    }
    feeding_.expires_after(1000ms / turns_a_second);
    feeding_.async_wait([this](const auto& error) {
      if (!error) feed();
    });
  }

  Options options_;
  page::World world_;
  boost::asio::io_context loop_;
  zmq::context_t context_;
  std::vector<std::unique_ptr<FakeAgent>> agents_;
  boost::asio::steady_timer heart_{loop_};
  boost::asio::steady_timer feeding_{loop_};
  double owed_ = 0;
  std::size_t turn_ = 0;
  int calm_beats_ = 0;
};

}  // namespace

int main(int argc, char** argv) {
  CLI::App app("Agents of a made-up mesh, for looking at the page; see docs/page.md.", "sonde-page-mesh");
  Options options;
  app.add_option("folder", options.folder, "where keys, configuration and store go")->required();
  app.add_option("--sites", options.sites, "how many")->check(CLI::Range(1, 1000))->capture_default_str();
  app.add_option("--silent", options.silent, "how many of them have no agent running")->capture_default_str();
  app.add_option("--rate", options.rate, "new results a second")
      ->check(CLI::Range(0.0, 20000.0))
      ->capture_default_str();
  app.add_option("--hours", options.hours, "how far back it was measured")
      ->check(CLI::Range(0.1, 48.0))
      ->capture_default_str();
  app.add_flag("--empty", options.empty, "nothing was ever measured");
  app.add_flag("--well", options.well, "no link loses packets or is dead");
  app.add_option("--control", options.control, "the coordinator's port for agents")->capture_default_str();
  app.add_option("--http", options.http, "the coordinator's port for browsers")->capture_default_str();
  CLI11_PARSE(app, argc, argv);
  try {
    PageMesh(options).run();
  } catch (const std::exception& error) {
    fmt::print(stderr, "sonde-page-mesh: {}\n", error.what());
    return 1;
  }
  return 0;
}
