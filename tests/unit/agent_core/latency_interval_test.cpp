// What routers changed in probes on their way, from the probes of one interval.
#include "agent/core/latency_interval.h"

#include <boost/test/unit_test.hpp>

#include "tests/unit/agent_core/latency_world.h"

using namespace sonde;
using namespace sonde::test;
using namespace std::chrono_literals;

namespace {

SentProbe answered(std::uint32_t sequence) {
  const WallTime t1 = wall_from_ns(1'000'000'000'000) + sequence * 200ms;
  SentProbe probe;
  probe.sequence = probe.reflected = sequence;
  probe.sent = MonoTime(sequence * 200ms);
  probe.received = probe.sent + 50ms;
  probe.answered = true;
  probe.stamps = {.scheduled = t1,
                  .sent = t1,
                  .user_sent = t1,
                  .reflector_in = t1 + 20ms,
                  .reflector_out = t1 + 20ms,
                  .received = t1 + 50ms};
  probe.stamps.reflector_out_by_kernel = true;
  probe.ttl = probe.ttl_back = 60;
  probe.dscp_sent = 46;
  probe.dscp_there = 46;
  probe.dscp_back = 46;
  return probe;
}

Result close(const LatencyInterval& interval) {
  const LatencyStreamPlan stream = LatencyWorld::stream();
  const OwnLoads none;
  LatencyEstimators estimators;
  return close_interval(interval, {}, estimators,
                        {.self = berlin,
                         .generation = {1},
                         .stream = stream,
                         .own_clock_error = {},
                         .ssid = 7,
                         .finished_at = {},
                         .loads = none});
}

}  // namespace

BOOST_AUTO_TEST_SUITE(latency_interval)

BOOST_AUTO_TEST_CASE(a_path_that_changes_nothing_says_so) {
  LatencyInterval interval;
  for (std::uint32_t i = 0; i < 10; ++i) interval.probes.push_back(answered(i));
  const Result result = close(interval);
  BOOST_TEST(*result.detail("dscp_sent") == 46);
  BOOST_TEST(*result.detail("dscp_there") == 46);
  BOOST_TEST(*result.detail("dscp_back") == 46);
  BOOST_TEST(*result.detail("ttl_back") == 60);
  for (const char* absent : {"dscp_remarked", "dscp_remarked_back", "ttl_changes", "ttl_back_changes", "t3_user"})
    BOOST_TEST(!result.detail(absent).has_value(), absent);
}

BOOST_AUTO_TEST_CASE(what_routers_changed_is_counted) {
  LatencyInterval interval;
  for (std::uint32_t i = 0; i < 10; ++i) {
    interval.probes.push_back(answered(i));
    SentProbe& probe = interval.probes.back();
    if (i >= 4) probe.dscp_there = 0;
    if (i >= 7) probe.dscp_back = 8;
    if (i >= 5) probe.ttl = 59;
    if (i == 6) probe.ttl_back = 58;
    if (i < 2) probe.stamps.reflector_out_by_kernel = false;
  }
  const Result result = close(interval);
  BOOST_TEST(*result.detail("dscp_there") == 0);
  BOOST_TEST(*result.detail("dscp_back") == 8);
  BOOST_TEST(*result.detail("dscp_remarked") == 6);
  BOOST_TEST(*result.detail("dscp_remarked_back") == 3);
  BOOST_TEST(*result.detail("ttl_changes") == 1);
  BOOST_TEST(*result.detail("ttl_back_changes") == 2);
  BOOST_TEST(*result.detail("t3_user") == 2);
}

BOOST_AUTO_TEST_SUITE_END()
