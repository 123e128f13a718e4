// Goal G7: Sonde's throughput against links whose payload rate is known, over a grid of rates, buckets and round trips.
//
//     bench_throughput_grid [--tuning | --all] [--point N]... [--rounds N] [--iperf3] [--loss RATIO]
//                           [--duration SECONDS] [--shape BIT/S BUCKET QUEUE ROUND-TRIP-MS]
//
// Without an option the kept half of the points (grid_points.h). One line for each run, then the goals; exit code 1
// where one is missed. Needs root.
#include <fmt/format.h>

#include <nlohmann/json.hpp>

#include <algorithm>
#include <chrono>
#include <cmath>
#include <optional>
#include <string>
#include <thread>
#include <vector>

#include "shared/io/clock.h"
#include "tests/bench/grid_points.h"
#include "tests/bench/transfer_rig.h"

namespace sonde::bench {
namespace {

using namespace std::chrono_literals;

struct Options {
  bool tuning = false;
  bool all = false;
  bool iperf3 = false;
  int rounds = 1;
  double loss = 0;
  double duration_s = 5;
  std::vector<int> points;
  std::optional<Shape> shape;  ///< instead of the grid
};

/// One run at one point.
struct Reading {
  Shape shape{};
  double truth_bps = 0;
  std::optional<double> steady_bps;
  double error = 1;       ///< |steady / truth - 1|
  double seconds = 0;     ///< data flowed
  double octets = 0;      ///< that crossed the link
  double idle_after = 0;  ///< from the result until nothing crosses any more
  std::optional<double> iperf3_seconds;
  std::optional<double> iperf3_octets;
};

/// Seconds from now until nothing crossed for `quiet`.
double until_idle(ShapedLink& link, nanoseconds quiet) {
  constexpr std::uint64_t noise = 300;  // a stray ARP or neighbour message is no data
  const MonoTime begin = io::read_clock().mono;
  MonoTime last = begin;
  std::uint64_t seen = link.crossed().octets;
  while (io::read_clock().mono - last < quiet) {
    std::this_thread::sleep_for(20ms);
    const std::uint64_t now = link.crossed().octets;
    if (now <= seen + noise) continue;
    seen = now;
    last = io::read_clock().mono;
  }
  return to_seconds(last - begin);
}

double detail(const Result& result, const char* name) { return result.detail(name).value_or(0); }

void run_iperf3(ShapedLink& link, Reading& reading) {
  lab::Process server({.name = "iperf3",
                       .argv = {"iperf3", "-s", "-1", "-p", "5201"},
                       .netns = link.netns('b'),
                       .folder = {},
                       .log = "/dev/null"});
  std::this_thread::sleep_for(300ms);
  const auto before = link.crossed().octets;
  const auto began = io::read_clock().mono;
  const auto done = lab::run(
      {"ip", "netns", "exec", link.netns('a'), "iperf3", "-c", link.address('b'), "-t", "5", "-J", "-p", "5201"}, {},
      {}, 300s);
  if (done.code != 0) return;
  reading.iperf3_seconds = to_seconds(io::read_clock().mono - began);
  until_idle(link, 1s);
  reading.iperf3_octets = static_cast<double>(link.crossed().octets - before);
}

Reading measure(ShapedLink& link, const GridPoint& point, const Options& options) {
  Reading reading;
  reading.shape = point.shape;
  reading.shape.loss = options.loss;
  link.shape(reading.shape);
  reading.truth_bps = point.shape.rate.value * ShapedLink::payload_share(point.shape);
  TransferRig rig({link.netns('a'), link.address('a')}, {link.netns('b'), link.address('b')});
  const auto queue = from_seconds(static_cast<double>(point.shape.queue.count) * 8 / point.shape.rate.value);
  until_idle(link, 500ms);
  const Crossed before = link.crossed();
  ThroughputOrder order;
  order.duration = from_seconds(options.duration_s);
  order.max_duration = 60s;
  order.max_bytes = {128'000'000};
  const Result result = rig.run(order);
  reading.idle_after = until_idle(link, queue + 1s);
  const Crossed after = link.crossed();
  reading.seconds = detail(result, "duration_s");
  reading.octets = static_cast<double>(after.octets - before.octets);
  if (const auto* steady = result.value_of(Metric::throughput)) {
    reading.steady_bps = steady->value;
    reading.error = std::abs(steady->value / reading.truth_bps - 1);
  }
  if (options.iperf3) run_iperf3(link, reading);
  const double ratio = reading.steady_bps.value_or(0) / reading.truth_bps;
  fmt::print(
      "{:3} {:>10.0f} {:>7} {:>6.1f} {} | {:.4f} {:>6.2f} s {:>9.0f} B  ended_by {:.0f} knee {:.0f} burst {:>7.0f} "
      "batches {:.0f} reads {:.0f} retrans {:.0f} drops {} idle {:.2f} s (queue {:.2f} s)",
      point.index, point.shape.rate.value, point.shape.bucket.count, to_seconds(point.shape.round_trip) * 1e3,
      point.shape.by_tbf ? "tbf" : "wan", ratio, reading.seconds, reading.octets, detail(result, "ended_by"),
      detail(result, "knee"), detail(result, "burst_bytes"), detail(result, "batches"), detail(result, "reads"),
      result.value_of(Metric::retransmits) ? result.value_of(Metric::retransmits)->value : -1,
      after.dropped_packets - before.dropped_packets, reading.idle_after, to_seconds(queue));
  if (reading.iperf3_seconds)
    fmt::print(" | iperf3 {:.2f} s {:.0f} B", *reading.iperf3_seconds, reading.iperf3_octets.value_or(0));
  fmt::print("{}\n", result.outcome == Outcome::ok ? "" : " " + result.reason);
  std::fflush(stdout);
  return reading;
}

/// One goal's line; true where it is reached.
bool goal(const std::string& name, double figure, double bar, const std::string& unit) {
  const bool reached = figure <= bar;
  fmt::print("{}: {:.3g} {}, bar {:.3g}: {}\n", name, figure, unit, bar, reached ? "ok" : "MISSED");
  return reached;
}

/// What iperf3 -t 5 takes where it was not run beside: five seconds at the link's rate, and on a slow link the time in
/// which the 149 kB drain that it has written by then (measured at 100 kbit/s: 12 s).
double iperf3_octets(const Reading& r) { return r.iperf3_octets.value_or(r.shape.rate.value / 8 * 5); }
double iperf3_seconds(const Reading& r) {
  return r.iperf3_seconds.value_or(std::max(5.0, 149'000 * 8 / r.shape.rate.value));
}

bool judge(const std::vector<Reading>& readings) {
  double fast = 0;
  double slow = 0;
  double octets = 0;
  double seconds = 0;
  double idle = 0;
  for (const Reading& r : readings) {
    double& worst = r.shape.rate.value >= 1e6 ? fast : slow;
    worst = std::max(worst, r.error);
    if (r.shape.rate.value >= 37e6) octets = std::max(octets, r.octets / iperf3_octets(r));
    if (r.shape.rate.value <= 5e6) seconds = std::max(seconds, r.seconds / iperf3_seconds(r));
    idle = std::max(idle, r.idle_after - static_cast<double>(r.shape.queue.count) * 8 / r.shape.rate.value);
  }
  bool fine = goal("G7 steady, worst error from 1 Mbit/s on", fast * 100, 1, "%");
  fine &= goal("G7 steady, worst error below 1 Mbit/s", slow * 100, 2, "%");
  fine &= goal("G7 octets over iperf3 -t 5's, from 37 Mbit/s on, worst", octets, 0.2, "");
  fine &= goal("G7 time over iperf3 -t 5's, up to 5 Mbit/s, worst", seconds, 1.0 / 3, "");
  fine &= goal("G7 link idle after the run, beyond one queue, worst", idle, 0.5, "s");
  return fine;
}

/// bit/s, octets, octets, milliseconds.
Shape shape_of(double rate, double bucket, double queue, double round_trip_ms) {
  return {.rate = {rate},
          .bucket = {static_cast<std::uint64_t>(bucket)},
          .queue = {static_cast<std::uint64_t>(queue)},
          .round_trip = from_seconds(round_trip_ms / 1e3)};
}

std::optional<Options> parse(int argc, char** argv) {
  Options options;
  const std::vector<std::string> words(argv + 1, argv + argc);
  for (std::size_t i = 0; i < words.size(); ++i) {
    const auto number = [&] { return ++i < words.size() ? std::stod(words[i]) : 0.0; };
    if (words[i] == "--tuning")
      options.tuning = true;
    else if (words[i] == "--all")
      options.all = true;
    else if (words[i] == "--iperf3")
      options.iperf3 = true;
    else if (words[i] == "--point")
      options.points.push_back(static_cast<int>(number()));
    else if (words[i] == "--rounds")
      options.rounds = static_cast<int>(number());
    else if (words[i] == "--loss")
      options.loss = number();
    else if (words[i] == "--shape") {
      // In the order of the words: arguments of a call are evaluated in any.
      const double rate = number();
      const double bucket = number();
      const double queue = number();
      options.shape = shape_of(rate, bucket, queue, number());
    } else if (words[i] == "--duration")
      options.duration_s = number();
    else
      return std::nullopt;
  }
  return options;
}

int run(const Options& options) {
  std::vector<GridPoint> points = grid_points();
  std::erase_if(points, [&](const GridPoint& p) {
    if (!options.points.empty()) return std::ranges::find(options.points, p.index) == options.points.end();
    return !options.all && p.kept() == options.tuning;
  });
  if (options.shape) points = {{-1, *options.shape}};
  ShapedLink link;
  std::vector<Reading> readings;
  fmt::print("point, rate bit/s, bucket B, round trip ms, shaper | steady / truth, time, octets on the link, ...\n");
  for (int round = 0; round < options.rounds; ++round)
    for (const GridPoint& point : points) readings.push_back(measure(link, point, options));
  return judge(readings) ? 0 : 1;
}

}  // namespace
}  // namespace sonde::bench

int main(int argc, char** argv) {
  using namespace sonde;
  const auto options = bench::parse(argc, argv);
  if (!options) {
    fmt::print(stderr,
               "usage: bench_throughput_grid [--tuning | --all] [--point N]... [--rounds N] [--iperf3] [--loss RATIO] "
               "[--duration SECONDS] [--shape BIT/S BUCKET-OCTETS QUEUE-OCTETS ROUND-TRIP-MS]\n");
    return 2;
  }
  if (const auto may = lab::may_emulate(); !may) {
    fmt::print("skipped: {}\n", may.error().what);
    return 0;
  }
  try {
    return bench::run(*options);
  } catch (const std::exception& error) {
    fmt::print(stderr, "bench_throughput_grid: {}\n", error.what());
    return 1;
  }
}
