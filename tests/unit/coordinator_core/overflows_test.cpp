#include "coordinator/core/overflows.h"

#include <boost/test/unit_test.hpp>

using namespace sonde;
using namespace std::chrono_literals;

namespace {

const SiteId berlin = SiteId::known("berlin");
const SiteId athens = SiteId::known("athens");
constexpr SharedTime start = shared_from_ns(1'700'000'000'000'000'000);

Result connect(SharedTime started, nanoseconds took, std::uint32_t resent, Outcome outcome = Outcome::ok) {
  Result result;
  result.id.from = berlin;
  result.to = athens;
  result.probe = Probe::connect;
  result.started_at = started;
  result.finished_at = started + took;
  result.outcome = outcome;
  result.details.push_back({"syn_retransmits", static_cast<double>(resent)});
  return result;
}

bool judged_starved(const ListenOverflows& overflows, Result result) {
  overflows.judge(result);
  BOOST_TEST(result.has(Tag::starved) == result.detail("far_listen_overflows").has_value());
  return result.has(Tag::starved);
}

}  // namespace

BOOST_AUTO_TEST_SUITE(listen_overflows)

BOOST_AUTO_TEST_CASE(a_resent_syn_while_the_counter_rose_is_the_responders_fault) {
  ListenOverflows overflows;
  overflows.on_heartbeat(athens, start, 100);  // what was before is nobody's news
  BOOST_TEST(!judged_starved(overflows, connect(start - 1s, 1100ms, 1)));
  overflows.on_heartbeat(athens, start + 10s, 100);
  overflows.on_heartbeat(athens, start + 11s, 103);
  BOOST_TEST(judged_starved(overflows, connect(start + 10s + 500ms, 1040ms, 1)));
  BOOST_TEST(judged_starved(overflows, connect(start + 9s, 4s, 0, Outcome::timeout)));
  BOOST_TEST(!judged_starved(overflows, connect(start + 10s + 500ms, 40ms, 0)));   // nothing was resent
  BOOST_TEST(!judged_starved(overflows, connect(start + 11s + 10ms, 1040ms, 1)));  // began afterwards
  BOOST_TEST(!judged_starved(overflows, connect(start + 5s, 1040ms, 1)));          // was over before
  Result result = connect(start + 10s, 1040ms, 1);
  overflows.judge(result);
  BOOST_TEST(result.detail("far_listen_overflows").value() == 3);
}

BOOST_AUTO_TEST_CASE(other_sites_other_probes_and_a_restart_are_not_confused) {
  ListenOverflows overflows;
  overflows.on_heartbeat(berlin, start, 0);
  overflows.on_heartbeat(berlin, start + 1s, 9);
  BOOST_TEST(!judged_starved(overflows, connect(start, 1040ms, 1)));
  overflows.on_heartbeat(athens, start, 9);
  overflows.on_heartbeat(athens, start + 1s, 2);
  BOOST_TEST(!judged_starved(overflows, connect(start, 1040ms, 1)));
  overflows.on_heartbeat(athens, start + 2s, 3);
  Result latency = connect(start + 1s, 1s, 1);
  latency.probe = Probe::latency;
  BOOST_TEST(!judged_starved(overflows, latency));
  for (int i = 3; i < 1000; ++i) overflows.on_heartbeat(athens, start + i * 1s, static_cast<std::uint64_t>(i + 1));
  BOOST_TEST(!judged_starved(overflows, connect(start, 1s, 1)));  // forgotten
  BOOST_TEST(judged_starved(overflows, connect(start + 990s, 1s, 1)));
}

BOOST_AUTO_TEST_SUITE_END()
