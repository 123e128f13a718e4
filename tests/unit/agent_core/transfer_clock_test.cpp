// A wall clock that is set while a run is under way.
#include <boost/test/unit_test.hpp>

#include <vector>

#include "agent/core/transfer_desk.h"

using namespace sonde;
using namespace std::chrono_literals;

namespace {

const SiteId berlin = SiteId::known("berlin");
const SiteId athens = SiteId::known("athens");
const wire::Token token{1, 2, 3};
const MonoTime beginning = mono_from_ns(50'000'000'000);

/// After so long on the monotonic clock, with the wall clock (and what the agent takes for shared time) set by `step`.
TransferNow after(nanoseconds passed, nanoseconds step = 0ns) {
  const std::int64_t ns = to_ns(beginning) + passed.count() + step.count();
  return {beginning + passed, shared_from_ns(ns), wall_from_ns(ns)};
}

}  // namespace

BOOST_AUTO_TEST_SUITE(transfer_clock)

BOOST_AUTO_TEST_CASE(a_run_lasts_as_long_as_it_lasted_although_the_wall_clock_was_set) {
  for (const nanoseconds step : {-100s, -1s, 0s, 1s, 100s}) {
    ThroughputOrder order;
    order.link = {berlin, athens};
    order.scheduled_at = after(0s).shared;
    order.slot_end = beginning + 10s;
    order.addresses = {"192.0.2.20"};
    order.duration = 2s;
    order.max_duration = 60s;
    order.max_bytes = {1'000'000};
    TransferDesk desk(berlin);
    TransferOut out;
    desk.start(after(0s), order, token, out);
    desk.on_message(after(20ms), athens, wire::TransferAnswer{token, Outcome::ok, {}}, out);
    desk.on_report(after(40ms), StreamsOpen{token}, out);
    desk.on_message(after(60ms, step), athens, wire::TransferGo{token}, out);
    wire::TransferFinished finished;
    finished.token = token;
    desk.on_message(after(2060ms, step), athens, finished, out);
    SenderEnded ended;
    ended.token = token;
    desk.on_report(after(2070ms, step), ended, out);
    BOOST_TEST_REQUIRE(out.results.size() == 1U);
    const Result& result = out.results.front();
    BOOST_TEST((result.started_at == after(60ms).shared));
    BOOST_TEST((result.finished_at == after(2070ms).shared));
  }
}

BOOST_AUTO_TEST_SUITE_END()
