// Do the cells tell the truth? Three sites, six directions, each with its own delay, rate and loss.
#include <fmt/format.h>

#include <boost/test/unit_test.hpp>

#include <cmath>
#include <thread>

#include "tests/e2e/e2e_mesh.h"

namespace {

using namespace sonde;
using namespace sonde::e2e;
using namespace std::chrono_literals;

constexpr double stamp_octets = 100 + 28;  // a probe between agents (docs/protocol.md) in UDP over IPv4
constexpr double syn_octets = 60;

/// Bars of docs/measurements.md: an absolute part and a share of the truth.
void check_near(const std::string& what, const Cell& cell, double truth, double absolute, double share) {
  BOOST_TEST_REQUIRE(cell.value.has_value(), what << " has no value, state " << cell.state);
  const double error = *cell.value - truth;
  fmt::print("{}: {:.6g}, truth {:.6g}, off by {:.3g}, {} samples\n", what, *cell.value, truth, error, cell.count);
  BOOST_TEST(std::abs(error) <= absolute + share * truth, what << " is " << *cell.value << ", truth " << truth);
}

std::string name_of(const std::string& metric, const PathTruth& path) {
  return fmt::format("{} {}->{}", metric, path.from, path.to);
}

bool near(const Cell& cell, double truth, double absolute, double share) {
  return cell.value && std::abs(*cell.value - truth) <= absolute + share * truth;
}

}  // namespace

BOOST_AUTO_TEST_SUITE(wan)

BOOST_AUTO_TEST_CASE(times_and_losses_are_true_in_each_direction) {
  if (!may_run()) return;
  std::vector<PathTruth> paths{
      {"berlin", "athens", 8, 20, 0},      {"athens", "berlin", 13, 4, 0.05}, {"berlin", "gdansk", 3, 200, 0.01},
      {"gdansk", "berlin", 5.5, 50, 0.08}, {"athens", "gdansk", 21, 1, 0.03}, {"gdansk", "athens", 17, 0.3, 0},
  };
  lab::Lab lab({.files = lab::make_mesh_files("times",
                                              "  latency: {rate: 50/s, every: 2s, timeout: 1s}\n"
                                              "  connect: {every: 2s, timeout: 2s}\n"
                                              "  throughput: off\n",
                                              topology(paths))});
  lab.start_all();
  wait_until_measuring(lab, "rtt");
  std::this_thread::sleep_for(30s);
  check_alive(lab);

  const std::string window = "&window=28s";
  for (const PathTruth& path : paths) {
    const PathTruth& back = reverse(paths, path);
    check_near(name_of("rtt", path), cell(lab, "rtt", path.from, path.to, window),
               path.one_way(stamp_octets) + back.one_way(stamp_octets), 0.3e-3, 0.01);
    check_near(name_of("delay", path), cell(lab, "delay", path.from, path.to, window), path.one_way(stamp_octets),
               0.3e-3, 0.01);
    check_near(name_of("connect", path), cell(lab, "connect", path.from, path.to, window + "&stat=p50"),
               path.one_way(syn_octets) + back.one_way(syn_octets), 0.6e-3, 0.01);
    // Four standard deviations of a share of that many packets; nothing lost is exactly nothing.
    const Cell loss = cell(lab, "loss", path.from, path.to, window + "&stat=mean");
    const double deviation =
        std::sqrt(path.loss * (1 - path.loss) / static_cast<double>(std::max<std::uint64_t>(loss.count, 1)));
    check_near(name_of("loss", path), loss, path.loss, 4 * deviation, 0);
  }

  // A changed delay is seen within two intervals, the timeout and 2 s, and only in its direction.
  PathTruth& changed = paths[1];
  changed.delay_ms = 33;
  lab.wan("set athens berlin delay=33ms");
  const bool seen = lab::eventually(2 * 2s + 1s + 2s, [&] {
    return near(cell(lab, "delay", "athens", "berlin", "&stat=last"), changed.one_way(stamp_octets), 0.3e-3, 0.01);
  });
  BOOST_TEST(seen, "the changed delay was not seen in time");
  check_near("delay berlin->athens afterwards", cell(lab, "delay", "berlin", "athens", "&stat=last"),
             paths[0].one_way(stamp_octets), 0.3e-3, 0.01);
  fmt::print("{}\n", lab.wan("stats"));
}

BOOST_AUTO_TEST_CASE(rates_are_true_in_each_direction) {
  if (!may_run()) return;
  std::vector<PathTruth> paths{
      {"berlin", "athens", 8, 20, 0},   {"athens", "berlin", 13, 4, 0}, {"berlin", "gdansk", 3, 200, 0},
      {"gdansk", "berlin", 5.5, 50, 0}, {"athens", "gdansk", 21, 1, 0}, {"gdansk", "athens", 17, 0.3, 0},
  };
  lab::Lab lab(
      {.files = lab::make_mesh_files("rates",
                                     "  latency: {rate: 5/s, every: 2s, timeout: 1s}\n"
                                     "  connect: off\n"
                                     "  throughput: {every: 25s, duration: 2s, max_duration: 3s, max_bytes: 100MB}\n",
                                     topology(paths))});
  lab.start_all();
  wait_until_measuring(lab, "rtt");
  const bool filled = lab::eventually(60s, [&] {
    check_alive(lab);
    for (const PathTruth& path : paths)
      if (!cell(lab, "throughput", path.from, path.to).value) return false;
    return true;
  });
  BOOST_TEST(filled, "no throughput of every link after a minute");
  std::this_thread::sleep_for(50s);  // the median of three runs of each
  for (const PathTruth& path : paths)
    check_near(name_of("throughput", path), cell(lab, "throughput", path.from, path.to, "&stat=p50"),
               path.payload_rate(), 0, path.rate_mbit >= 1 ? 0.05 : 0.10);

  PathTruth& changed = paths[0];
  changed.rate_mbit = 8;
  lab.wan("set berlin athens rate=8Mbit/s");
  const bool seen = lab::eventually(2 * 25s + 3s + 2s, [&] {
    return near(cell(lab, "throughput", "berlin", "athens", "&stat=last"), changed.payload_rate(), 0, 0.05);
  });
  BOOST_TEST(seen, "the changed rate was not seen in time");
  fmt::print("{}\n", lab.wan("stats"));
}

BOOST_AUTO_TEST_SUITE_END()
