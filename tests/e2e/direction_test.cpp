// One way of a pair is cut: no reply comes back either way, and still each link knows in which direction it lost.
#include <fmt/format.h>

#include <boost/test/unit_test.hpp>

#include "tests/e2e/e2e_mesh.h"

namespace {

using namespace sonde;
using namespace sonde::e2e;
using namespace std::chrono_literals;

const std::string newest = "&stat=last";

bool is(const Cell& cell, double value) { return cell.value && *cell.value == value; }

/// With the way from -> to cut: what from sends is lost there, what to sends arrives, and all replies are lost.
void check_cut(lab::Lab& lab, const std::string& from, const std::string& to) {
  lab.wan(fmt::format("set {} {} up=0", from, to));
  // The interval in which it begins is mixed; then one whole one, its timeout, and two seconds.
  const bool seen = lab::eventually(2 * 2s + 1s + 3s, [&] {
    return is(cell(lab, "loss", from, to, newest), 1) && is(cell(lab, "loss_rtt", to, from, newest), 1) &&
           is(cell(lab, "loss", to, from, newest), 0);
  });
  check_alive(lab);
  for (const auto& [a, b] : {std::pair(from, to), std::pair(to, from)}) {
    const Cell loss = cell(lab, "loss", a, b, newest);
    fmt::print("{} -> {} cut: {} -> {} loss {} ({}), loss_rtt {}\n", from, to, a, b,
               loss.value ? fmt::to_string(*loss.value) : "none", loss.state,
               cell(lab, "loss_rtt", a, b, newest).value.value_or(-1));
  }
  BOOST_TEST(seen, "the directions were not told apart in time");
  BOOST_TEST(is(cell(lab, "loss_rtt", from, to, newest), 1));
  // Whoever was not cut off has lost nothing.
  BOOST_TEST(is(cell(lab, "loss", from, "gdansk", newest), 0));
  BOOST_TEST(is(cell(lab, "loss_rtt", from, "gdansk", newest), 0));
  lab.wan(fmt::format("set {} {} up=1", from, to));
  const bool healed = lab::eventually(2 * 2s + 1s + 3s, [&] {
    return is(cell(lab, "loss_rtt", from, to, newest), 0) && is(cell(lab, "loss", from, to, newest), 0);
  });
  BOOST_TEST(healed, "it did not heal in time");
}

}  // namespace

BOOST_AUTO_TEST_SUITE(direction)

BOOST_AUTO_TEST_CASE(a_cut_egress_and_a_cut_ingress_differ_although_no_reply_comes_back) {
  if (!may_run()) return;
  const std::vector<PathTruth> paths{
      {"berlin", "athens", 8, 20, 0}, {"athens", "berlin", 13, 20, 0}, {"berlin", "gdansk", 3, 20, 0},
      {"gdansk", "berlin", 5, 20, 0}, {"athens", "gdansk", 21, 20, 0}, {"gdansk", "athens", 17, 20, 0},
  };
  lab::Lab lab({.files = lab::make_mesh_files("direction",
                                              "  latency: {rate: 20/s, every: 2s, timeout: 1s}\n"
                                              "  connect: off\n"
                                              "  throughput: off\n",
                                              topology(paths))});
  lab.start_all();
  wait_until_measuring(lab, "rtt");
  check_cut(lab, "berlin", "athens");  // berlin's egress to athens
  check_cut(lab, "athens", "berlin");  // and its ingress from there
  BOOST_TEST(counter(lab, "sonde_loss_tails_total", "decided") > 0);

  // Each result is there once, and what it says of its probes adds up.
  std::size_t joined = 0;
  for (const nlohmann::json& result : results(lab, "?from=berlin&to=athens&probe=latency")) {
    const nlohmann::json details = result.value("details", nlohmann::json::object());
    if (!details.contains("far_received")) continue;
    ++joined;
    BOOST_TEST(details.value("unattributed", -1.0) == 0.0);
    BOOST_TEST(result.at("counts").value("loss", 0.0) <= details.value("sent", 0.0));
  }
  BOOST_TEST(joined > 0U);
}

BOOST_AUTO_TEST_SUITE_END()
