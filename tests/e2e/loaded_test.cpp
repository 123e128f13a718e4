// A queue that throughput runs fill: the loaded round trip shows it, the idle one does not.
#include <fmt/format.h>

#include <boost/test/unit_test.hpp>

#include "tests/e2e/e2e_mesh.h"

namespace {

using namespace sonde;
using namespace sonde::e2e;
using namespace std::chrono_literals;

}  // namespace

BOOST_AUTO_TEST_SUITE(loaded)

BOOST_AUTO_TEST_CASE(a_filled_queue_is_seen_under_load_and_not_in_the_idle_round_trip) {
  if (!may_run()) return;
  // 4 Mbit/s behind a queue of 100 ms from berlin to athens; all other ways have room.
  const std::vector<PathTruth> paths{
      {"berlin", "athens", 10, 4, 0}, {"athens", "berlin", 10, 50, 0}, {"berlin", "gdansk", 5, 50, 0},
      {"gdansk", "berlin", 5, 50, 0}, {"athens", "gdansk", 5, 50, 0},  {"gdansk", "athens", 5, 50, 0},
  };
  lab::Lab lab(
      {.files = lab::make_mesh_files("loaded",
                                     "  latency: {rate: 20/s, every: 2s, timeout: 1s}\n"
                                     "  connect: {every: 1s, timeout: 900ms}\n"
                                     "  throughput: {every: 25s, duration: 2s, max_duration: 3s, max_bytes: 100MB}\n",
                                     topology(paths))});
  lab.start_all();
  wait_until_measuring(lab, "rtt");
  const bool filled = lab::eventually(50s, [&] {
    check_alive(lab);
    return cell(lab, "rtt_loaded", "berlin", "athens").value.has_value();
  });
  BOOST_TEST_REQUIRE(filled, "no rtt_loaded of berlin -> athens");
  const Cell loaded = cell(lab, "rtt_loaded", "berlin", "athens");
  const Cell ratio = cell(lab, "rtt_loaded_ratio", "berlin", "athens");
  const Cell idle = cell(lab, "rtt", "berlin", "athens");
  const Cell worst = cell(lab, "rtt", "berlin", "athens", "&stat=p99");
  fmt::print("rtt_loaded {:.6g} ({} samples), rtt {:.6g}, p99 {:.6g}, ratio {:.4g}\n", loaded.value.value_or(0),
             loaded.count, idle.value.value_or(0), worst.value.value_or(0), ratio.value.value_or(0));
  // How much of the queue a run fills is up to its congestion control: bbr leaves most of it empty, and the first 256
  // kB of a run fill none.
  BOOST_TEST(*loaded.value > 0.026);
  BOOST_TEST(*loaded.value < 0.140);
  BOOST_TEST(*worst.value < 0.026, "the runs are in the idle round trip");
  BOOST_TEST(*ratio.value > 1.25);
  // The far side's probes met the same runs and know it from our replies.
  BOOST_TEST(*cell(lab, "rtt", "athens", "berlin", "&stat=p99").value < 0.026);
  BOOST_TEST(*cell(lab, "delay_rise", "berlin", "athens", "&stat=p99").value < 0.005);
  BOOST_TEST(*cell(lab, "delay_rise_loaded", "berlin", "athens", "&stat=p95").value > 0.010);
  BOOST_TEST(cell(lab, "rtt_loaded_ratio", "berlin", "athens").state == "ok");
  // Handshakes that met the run are apart, too: those of its own sites, and those of gdansk, which is in none of them
  // and knows of it from berlin's and athens' replies alone.
  for (const auto& [from, to] :
       {std::pair("berlin", "athens"), std::pair("gdansk", "berlin"), std::pair("gdansk", "athens")})
    BOOST_TEST(lab::eventually(30s,
                               [&, link = std::pair(from, to)] {
                                 return cell(lab, "connect_loaded", link.first, link.second).value.has_value();
                               }),
               from << " -> " << to);
  BOOST_TEST(*cell(lab, "connect", "berlin", "athens", "&stat=p95").value < 0.030,
             "the runs are in the idle handshakes");
}

BOOST_AUTO_TEST_SUITE_END()
