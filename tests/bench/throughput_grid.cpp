// Goal G7: Sonde's throughput against links whose payload rate is known, over a grid of rates, buckets and round trips.
//
//     bench_throughput_grid [--tuning | --all] [--seed N] [--from BIT/S] [--to BIT/S] [--point N]... [--rounds N]
//                           [--iperf3] [--loss RATIO] [--duration SECONDS]
//                           [--shape BIT/S BUCKET QUEUE ROUND-TRIP-MS]
//
// Without an option the kept half of the points (grid_points.h). One line of JSON for each run; grid.py judges. With
// --iperf3, each run is followed by one of `iperf3 -t 5` on the same link. Needs root.
#include <fmt/format.h>

#include <nlohmann/json.hpp>

#include <algorithm>
#include <chrono>
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
  std::uint64_t seed = grid_seed;
  double slowest_bps = 0;
  double fastest_bps = 1e12;
  std::optional<Shape> shape;  ///< instead of the grid
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

nlohmann::json number_or_null(const std::optional<double>& value) {
  return value ? nlohmann::json(*value) : nlohmann::json();
}

/// Octets on the link and seconds of the process; null where it failed.
nlohmann::json run_iperf3(ShapedLink& link) {
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
  if (done.code != 0) return {};
  const double seconds = to_seconds(io::read_clock().mono - began);
  until_idle(link, 1s);
  return {{"seconds", seconds}, {"octets", link.crossed().octets - before}};
}

nlohmann::json describe(const GridPoint& point, const Shape& shape) {
  return {{"index", point.index},
          {"rate_bps", shape.rate.value},
          {"bucket_bytes", shape.bucket.count},
          {"round_trip_s", to_seconds(shape.round_trip)},
          {"shaper", shape.by_tbf ? "tbf" : "wan"},
          {"loss", shape.loss},
          {"queue_s", static_cast<double>(shape.queue.count) * 8 / shape.rate.value},
          {"truth_bps", shape.rate.value * ShapedLink::payload_share(shape)}};
}

nlohmann::json describe(const Result& result) {
  nlohmann::json said{{"outcome", name(result.outcome)}, {"reason", result.reason}};
  for (const Metric metric : {Metric::throughput, Metric::throughput_total, Metric::retransmits}) {
    const auto* value = result.value_of(metric);
    said[std::string(name(metric))] = value == nullptr ? nlohmann::json() : nlohmann::json(value->value);
  }
  for (const char* detail : {"ended_by", "knee", "burst_bytes", "steady_s", "batches", "reads", "tcpi_rtt_s"})
    said[detail] = number_or_null(result.detail(detail));
  return said;
}

void measure(ShapedLink& link, const GridPoint& point, const Options& options) {
  Shape shape = point.shape;
  shape.loss = options.loss;
  link.shape(shape);
  TransferRig rig({link.netns('a'), link.address('a')}, {link.netns('b'), link.address('b')});
  until_idle(link, 500ms);
  const Crossed before = link.crossed();
  ThroughputOrder order;
  order.duration = from_seconds(options.duration_s);
  order.max_duration = 60s;
  order.max_bytes = {128'000'000};
  const MonoTime began = io::read_clock().mono;
  const Result result = rig.run(order);
  const double seconds = to_seconds(io::read_clock().mono - began);
  nlohmann::json line = describe(point, shape);
  line["idle_after_s"] = until_idle(link, from_seconds(line["queue_s"].get<double>()) + 1s);
  const Crossed after = link.crossed();
  line["sonde"] = describe(result);
  line["sonde"]["seconds"] = seconds;
  line["sonde"]["octets"] = after.octets - before.octets;
  line["drops"] = after.dropped_packets - before.dropped_packets;
  if (options.iperf3) line["iperf3"] = run_iperf3(link);
  fmt::print("{}\n", line.dump());
  std::fflush(stdout);
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
    else if (words[i] == "--seed")
      options.seed = static_cast<std::uint64_t>(number());
    else if (words[i] == "--from")
      options.slowest_bps = number();
    else if (words[i] == "--to")
      options.fastest_bps = number();
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

void run(const Options& options) {
  std::vector<GridPoint> points = grid_points(options.seed);
  std::erase_if(points, [&](const GridPoint& p) {
    if (p.shape.rate.value < options.slowest_bps || p.shape.rate.value > options.fastest_bps) return true;
    if (!options.points.empty()) return std::ranges::find(options.points, p.index) == options.points.end();
    return !options.all && p.kept() == options.tuning;
  });
  if (options.shape) points = {{-1, *options.shape}};
  ShapedLink link;
  for (int round = 0; round < options.rounds; ++round)
    for (const GridPoint& point : points) measure(link, point, options);
}

}  // namespace
}  // namespace sonde::bench

int main(int argc, char** argv) {
  using namespace sonde;
  const auto options = bench::parse(argc, argv);
  if (!options) {
    fmt::print(stderr,
               "usage: bench_throughput_grid [--tuning | --all] [--seed N] [--from BIT/S] [--to BIT/S] [--point N]... "
               "[--rounds N] [--iperf3] [--loss RATIO] [--duration SECONDS] [--shape BIT/S BUCKET-OCTETS QUEUE-OCTETS "
               "ROUND-TRIP-MS]\n");
    return 2;
  }
  if (const auto may = lab::may_emulate(); !may) {
    fmt::print(stderr, "skipped: {}\n", may.error().what);
    return 1;
  }
  try {
    bench::run(*options);
  } catch (const std::exception& error) {
    fmt::print(stderr, "bench_throughput_grid: {}\n", error.what());
    return 1;
  }
  return 0;
}
