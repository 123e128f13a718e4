// sonde-bench: the parts of the benchmarks that handle packets. tests/bench/run.py starts them (docs/benchmarks.md).
#include <fmt/format.h>

#include <CLI/CLI.hpp>

#include <atomic>
#include <csignal>
#include <cstdio>
#include <exception>
#include <string>

#include "tests/bench/packet_path.h"
#include "tests/bench/relay.h"
#include "tests/bench/stamp_ends.h"
#include "tests/bench/tcp_ends.h"
#include "tests/bench/transfer_rig.h"
#include "tests/wan/emulator.h"

namespace {

using namespace sonde;

std::atomic<bool> stop = false;
void on_signal(int /*number*/) { stop = true; }

/// What a subcommand may be told. Times are in microseconds.
struct Arguments {
  std::string left = "left";
  std::string right = "right";
  std::string log;
  std::string from = "0.0.0.0";
  std::string to;
  int port = 0;
  int peers = 1;
  double rate = 5;
  std::int64_t every = 1'000'000;
  std::int64_t lasting = 1'000'000;
  std::int64_t hold = 400;
  int count = 1;
};

IpAddress address(const std::string& text) {
  const auto parsed = IpAddress::parse(text);
  if (!parsed) throw CLI::ValidationError("address", text + " is no address");
  return *parsed;
}

/// The n-th IPv4 address after `first`.
IpAddress after(IpAddress first, int n) {
  for (std::size_t at = 4; at-- > 0; n /= 256) {
    n += first.octets[at];
    first.octets[at] = static_cast<std::uint8_t>(n % 256);
  }
  return first;
}

Endpoint endpoint(const std::string& text, const Arguments& arguments, int n = 0) {
  return {after(address(text), n), static_cast<std::uint16_t>(arguments.port)};
}

void relay(const Arguments& arguments) {
  std::string why;
  if (!wan::become_real_time(why)) fmt::print(stderr, "no real-time priority ({})\n", why);
  bench::Relay relay(arguments.left, arguments.right, std::chrono::microseconds(arguments.hold));
  fmt::print("ready\n");
  std::fflush(stdout);
  relay.run(stop);
  relay.write_log(arguments.log);
}

void send(const Arguments& arguments) {
  bench::SendOrder order{.from = address(arguments.from),
                         .to = {},
                         .rate = arguments.rate,
                         .lasting = std::chrono::microseconds(arguments.lasting),
                         .every = std::chrono::microseconds(arguments.every),
                         .samples = arguments.log};
  for (int n = 0; n < arguments.peers; ++n) order.to.push_back(endpoint(arguments.to, arguments, n));
  if (!bench::send(order, stop)) throw std::runtime_error("no probe was answered");
}

/// Between two namespaces, which the rig enters by itself.
void transfer(const Arguments& arguments) {
  bench::TransferRig rig({arguments.left, arguments.from}, {arguments.right, arguments.to});
  ThroughputOrder order;  // as an agent's default policy has it
  order.duration = std::chrono::seconds(5);
  order.max_duration = std::chrono::seconds(60);
  order.max_bytes = {128'000'000};
  const Result result = rig.run(order);
  const auto value = [&](Metric metric) {
    const auto* found = result.value_of(metric);
    return found == nullptr ? 0 : found->value;
  };
  if (result.outcome != Outcome::ok) throw std::runtime_error(result.reason);
  fmt::print("steady {:.1f} total {:.1f} seconds {:.3f} ended_by {:.0f}\n", value(Metric::throughput),
             value(Metric::throughput_total), result.detail("duration_s").value_or(0),
             result.detail("ended_by").value_or(-1));
}

void add_commands(CLI::App& app, Arguments& arguments) {
  app.require_subcommand(1);
  const auto command = [&](const char* name, const char* what, auto action) {
    CLI::App* added = app.add_subcommand(name, what);
    added->callback([action, &arguments] { action(arguments); });
    added->add_option("--left", arguments.left, "a device");
    added->add_option("--right", arguments.right, "the other device");
    added->add_option("--log", arguments.log, "the file to write");
    added->add_option("--from", arguments.from, "the address to bind, or whose probes are answered");
    added->add_option("--to", arguments.to, "where to send");
    added->add_option("--port", arguments.port, "where to send, or to listen");
    added->add_option("--peers", arguments.peers, "that many addresses, from --to on");
    added->add_option("--rate", arguments.rate, "probes a second for each peer");
    added->add_option("--every", arguments.every, "us between results, or between connections");
    added->add_option("--for", arguments.lasting, "us");
    added->add_option("--hold", arguments.hold, "us");
    added->add_option("--count", arguments.count, "how many connections, or octets");
  };
  command("relay", "hold every packet between two devices, and log it", relay);
  command("reflect", "the reflector of an agent, for probes --from an address",
          [](const Arguments& a) { bench::reflect(endpoint("0.0.0.0", a), {address(a.from)}, stop); });
  command("send", "the latency streams of an agent", send);
  command("packets", "how many probes a core carries", [](const Arguments& a) {
    const bench::PacketRate rate = bench::packet_rate(std::chrono::microseconds(a.lasting), stop);
    fmt::print("rate {:.0f} sent {} send_stamps {} replies {} reply_stamps {} follow_ups {} lost {}\n",
               rate.probes_per_second, rate.sent, rate.send_stamps, rate.replies, rate.reply_stamps, rate.follow_ups,
               rate.lost());
  });
  command("transfer", "a throughput run between two namespaces", transfer);
  command("accept", "accept TCP connections and close them",
          [](const Arguments& a) { bench::accept_connections(endpoint(a.from, a), stop); });
  command("connect", "time TCP connections", [](const Arguments& a) {
    bench::connect_often(endpoint(a.to, a), a.count, std::chrono::microseconds(a.every));
  });
  command("fill", "keep a queue full of --count octets",
          [](const Arguments& a) { bench::fill_queue(endpoint(a.to, a), a.count, stop); });
}

}  // namespace

int main(int argc, char** argv) {
  struct sigaction action{};
  action.sa_handler = on_signal;  // without SA_RESTART: what waits comes back
  for (const int number : {SIGINT, SIGTERM}) ::sigaction(number, &action, nullptr);
  CLI::App app{"The parts of Sonde's benchmarks that handle packets."};
  Arguments arguments;
  add_commands(app, arguments);
  try {
    app.parse(argc, argv);
  } catch (const CLI::ParseError& error) {
    return app.exit(error);
  } catch (const std::exception& error) {
    fmt::print(stderr, "sonde-bench: {}\n", error.what());
    return 1;
  }
  return 0;
}
