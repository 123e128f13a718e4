// From a timetable to orders, in virtual time.
#include "agent/core/prober.h"

#include <boost/test/unit_test.hpp>

#include "shared/base/limits.h"

using namespace sonde;
using namespace std::chrono_literals;

namespace {

const SiteId berlin = SiteId::known("berlin");
const SiteId athens = SiteId::known("athens");
const SiteId router = SiteId::known("router");

constexpr std::int64_t epoch_ns = 1'000'000'000'000;

Timetable timetable() {
  Timetable t;
  t.generation = {1};
  t.effective_at = shared_from_ns(epoch_ns);
  t.epoch = shared_from_ns(epoch_ns);
  t.policy.throughput->streams = 2;
  t.throughput_every = 1h;
  t.rounds = 2;
  t.cycle = 12s;
  Member a{berlin, {"192.0.2.10"}, 7101, true, true, std::nullopt, "kb"};
  Member b{athens, {"athens.example.org", "192.0.2.20"}, 7201, true, true, std::nullopt, "ka"};
  Member c{router, {"192.0.2.99"}, 862, true, false, std::nullopt, ""};
  t.members = {a, b, c};
  t.slots = {{{0}, {berlin, athens}, 1s, 6s}, {{1}, {athens, berlin}, 7s, 6s}};
  t.phases = {{{berlin, athens}, 2s, 3s}, {{berlin, router}, 4s, 5s}};
  return t;
}

struct Script {
  Prober prober{berlin, "boot-b"};
  ClockMap clock{1h, 0ns, true};  // this host's wall clock is an hour slow
  Prober::Out out;

  Script() { BOOST_TEST_REQUIRE(prober.set_timetable(timetable())); }
  /// Asks at epoch + `after`, on this host's clocks.
  void at(nanoseconds after) {
    out = {};
    const Now now{mono_from_ns(5'000'000'000) + after, wall_from_ns(epoch_ns) + after - 1h};
    prober.tick(now, clock, out);
  }
};

}  // namespace

BOOST_AUTO_TEST_SUITE(prober)

BOOST_AUTO_TEST_CASE(a_throughput_slot_becomes_an_order_that_ends_with_the_slot) {
  Script s;
  s.at(-1s);
  BOOST_TEST((s.prober.next() == shared_from_ns(epoch_ns) + 0s || s.prober.next() > shared_from_ns(epoch_ns)));
  s.at(0s);
  BOOST_TEST(s.out.transfers.empty());
  s.at(1s + 2ms);
  BOOST_TEST_REQUIRE(s.out.transfers.size() == 1U);
  const ThroughputOrder& order = s.out.transfers.front();
  BOOST_TEST((order.link == Link{berlin, athens}));
  BOOST_TEST((order.scheduled_at == shared_from_ns(epoch_ns) + 1s));
  BOOST_TEST((order.slot_end == mono_from_ns(5'000'000'000) + 7s));  // not 2 ms later because it was late
  BOOST_TEST(order.port == 7201);
  BOOST_TEST(order.streams == 2U);
  BOOST_TEST_REQUIRE(s.out.start_lateness.size() == 1U);
  BOOST_TEST((s.out.start_lateness.front() == 2ms));
  s.at(1s + 3ms);
  BOOST_TEST(s.out.transfers.empty());
}

BOOST_AUTO_TEST_CASE(a_connect_run_goes_to_an_agent_but_not_to_a_plain_reflector) {
  Script s;
  s.at(0s);
  s.at(3s);
  BOOST_TEST_REQUIRE(s.out.connects.size() == 1U);
  BOOST_TEST((s.out.connects.front().link == Link{berlin, athens}));
  BOOST_TEST((s.out.connects.front().addresses == std::vector<std::string>{"athens.example.org", "192.0.2.20"}));
  s.at(5s);
  BOOST_TEST(s.out.connects.empty());
}

BOOST_AUTO_TEST_CASE(a_slot_that_went_by_is_a_skipped_result) {
  Script s;
  s.at(0s);
  s.at(20s);  // the host was asleep
  BOOST_TEST(s.out.transfers.empty());
  bool throughput = false;
  for (const Result& result : s.out.skipped) {
    BOOST_TEST((result.outcome == Outcome::skipped));
    BOOST_TEST(!result.started_at.has_value());
    BOOST_TEST(!result.reason.empty());
    throughput |= result.probe == Probe::throughput && result.link() == Link{berlin, athens};
  }
  BOOST_TEST(throughput);
}

BOOST_AUTO_TEST_CASE(the_latency_plan_has_the_streams_whose_address_is_known) {
  Script s;
  AddressBook book;
  BOOST_TEST((names_to_resolve(timetable().members) == std::vector<std::string>{"athens.example.org"}));
  book["athens.example.org"] = {*IpAddress::parse("2001:db8::20")};
  s.prober.set_peer_facts({{{athens, "boot-b", 3ms}}});
  const LatencyPlan plan = s.prober.latency_plan(book, 1ms);
  BOOST_TEST_REQUIRE(plan.streams.size() == 2U);
  const LatencyStreamPlan& stream = plan.streams[0];
  BOOST_TEST(stream.addresses[0].str() == "[2001:db8::20]:7201");
  BOOST_TEST(stream.addresses[1].str() == "192.0.2.20:7201");
  BOOST_TEST(stream.shares_clock);
  BOOST_TEST((stream.far_clock_error == std::optional<nanoseconds>(3ms)));
  BOOST_TEST(stream.stateful);
  BOOST_TEST(!plan.streams[1].stateful);
  BOOST_TEST(!plan.streams[1].shares_clock);
  BOOST_TEST(plan.members.size() == 3U);  // athens twice, the router; not this site itself
}

BOOST_AUTO_TEST_CASE(class_and_authentication_are_the_meshs_unless_the_agent_has_its_own) {
  Timetable t = timetable();
  t.generation = {2};
  t.policy.latency->dscp = 46;
  t.policy.latency->authenticated = true;
  Prober prober(berlin, "boot-b");
  BOOST_TEST_REQUIRE(prober.set_timetable(t));
  const AddressBook book;
  const PairKeys keys{{athens, wire::StampKey{1}}};
  const LatencyPlan by_policy = prober.latency_plan(book, {}, {}, keys);
  BOOST_TEST_REQUIRE(by_policy.streams.size() == 2U);
  BOOST_TEST(by_policy.dscp == 46);
  BOOST_TEST((by_policy.streams[0].dscp == 46 && by_policy.streams[1].dscp == 46));
  BOOST_CHECK(by_policy.streams[0].format.mode == wire::StampMode::authenticated);
  BOOST_CHECK(by_policy.streams[1].format.mode == wire::StampMode::open);  // the router: nobody has given a key
  BOOST_TEST((prober.without_key({}, keys) == std::vector{router}));

  const PairKeys all{{athens, wire::StampKey{1}}, {router, wire::StampKey{2}}};
  const LatencyPlan with_key = prober.latency_plan(book, {}, {}, all);
  BOOST_CHECK(with_key.streams[1].format.mode == wire::StampMode::authenticated);
  BOOST_CHECK((*with_key.streams[1].key == wire::StampKey{2}));
  BOOST_TEST(with_key.streams[1].format.octets() == 112U);  // RFC 8762 alone, and signed
  BOOST_TEST(prober.without_key({}, all).empty());

  const LatencyOptions own{.dscp = std::uint8_t{0}, .authenticated = false};
  const LatencyPlan by_agent = prober.latency_plan(book, {}, own, all);
  BOOST_TEST((by_agent.dscp == 0 && by_agent.streams[0].dscp == 0));
  BOOST_CHECK(by_agent.streams[0].format.mode == wire::StampMode::open);
  BOOST_TEST(prober.without_key(own, {}).empty());

  t.generation = {3};
  t.policy.latency->dscp = 200;  // no class that there is
  BOOST_TEST_REQUIRE(prober.set_timetable(t));
  BOOST_TEST(prober.latency_plan(book, {}, {}, keys).dscp == 0);
}

BOOST_AUTO_TEST_CASE(the_iterations_of_the_policy_reach_the_order) {
  Script s;
  Timetable t = timetable();
  t.generation = {2};
  t.policy.throughput->iterations = 3;
  BOOST_TEST_REQUIRE(s.prober.set_timetable(t));
  s.at(0s);
  s.at(1s);
  BOOST_TEST_REQUIRE(s.out.transfers.size() == 1U);
  BOOST_TEST(s.out.transfers[0].iterations == 3U);
  t.generation = {3};
  t.policy.throughput->iterations = 4'000'000'000;
  BOOST_TEST_REQUIRE(s.prober.set_timetable(t));
  s.at(1h);
  s.at(1h + 1s);
  BOOST_TEST_REQUIRE(s.out.transfers.size() == 1U);
  BOOST_TEST(s.out.transfers[0].iterations == limits::iterations_per_run);
}

BOOST_AUTO_TEST_CASE(an_older_timetable_changes_nothing) {
  Script s;
  Timetable older = timetable();
  older.members.clear();
  BOOST_TEST(!s.prober.set_timetable(older));
  BOOST_TEST(s.prober.timetable().members.size() == 3U);
}

BOOST_AUTO_TEST_CASE(known_places_say_how_fast_nothing_is) {
  Timetable t = timetable();
  t.generation = {2};
  t.members[0].location = Location{52.52, 13.40};
  t.members[1].location = Location{37.98, 23.73};
  Prober prober(berlin, "boot-b");
  BOOST_TEST_REQUIRE(prober.set_timetable(t));
  const LatencyPlan plan = prober.latency_plan({}, std::nullopt);
  BOOST_TEST_REQUIRE(plan.streams.size() == 2U);
  // 1,803 km: light needs 6.01 ms; a little less is certain.
  BOOST_TEST((plan.streams[0].least_delay > 5900us && plan.streams[0].least_delay < 6010us));
  BOOST_TEST((plan.streams[1].least_delay == 0ns));
}

BOOST_AUTO_TEST_CASE(runs_over_the_own_uplink_are_known_while_they_last) {
  Timetable all = timetable();
  all.generation = {2};
  all.members[0].uplink = all.members[1].uplink = 1;
  Member far{SiteId::known("rome"), {"192.0.2.50"}, 7101, true, true, std::nullopt, "kr"};
  all.members.push_back(far);
  all.slots.push_back({{2}, {athens, far.site}, 20s, 6s});
  all.slots.push_back({{3}, {far.site, router}, 30s, 6s});
  const Timetable own = all.for_site(berlin);
  BOOST_TEST_REQUIRE(own.slots.size() == 3U);  // its own two, and the neighbour's
  Prober prober(berlin, "boot-b");
  BOOST_TEST_REQUIRE(prober.set_timetable(own));
  const SharedTime epoch = shared_from_ns(epoch_ns);
  BOOST_TEST(prober.neighbours(epoch + 2s).empty());
  BOOST_TEST(prober.neighbours(epoch + 19999ms).empty());
  const auto found = prober.neighbours(epoch + 1h + 21s);
  BOOST_TEST_REQUIRE(found.size() == 1U);
  BOOST_TEST((found[0] == Prober::Neighbour{{athens, far.site}, epoch + 1h + 20s, epoch + 1h + 26s}));
  BOOST_TEST(prober.neighbours(epoch + 26s).empty());
}

BOOST_AUTO_TEST_SUITE_END()
