#include "coordinator/core/demand.h"

#include <boost/test/unit_test.hpp>

#include "coordinator/core/planner.h"

using namespace sonde;
using namespace std::chrono_literals;

namespace {

const SiteId berlin = SiteId::known("berlin");
const SiteId athens = SiteId::known("athens");
const SiteId gdansk = SiteId::known("gdansk");
const SiteId router = SiteId::known("router");

constexpr SharedTime epoch = shared_from_ns(1'700'000'000'000'000'000);

struct World {
  Mesh mesh;
  Timetable timetable;
  AgentStatuses agents;
  Demand demand;
  SharedTime now = epoch + 100s;

  explicit World(nanoseconds every = 60s) {
    for (const SiteId& site : {berlin, athens, gdansk, router}) {
      SiteSpec spec;
      spec.site = site;
      spec.addresses = {"192.0.2.1"};
      spec.has_agent = site != router;
      mesh.sites.push_back(spec);
    }
    mesh.policy.throughput->every = every;
    mesh.policy.throughput->duration = 2s;
    plan_anew(epoch);
    for (const SiteId& site : {berlin, athens, gdansk}) hear(site);
  }

  void plan_anew(SharedTime effective_at) {
    auto made = plan({.mesh = mesh, .effective_at = effective_at});
    BOOST_TEST_REQUIRE(made.has_value());
    made->epoch = epoch;
    timetable = *made;
    demand.set_plan(mesh, timetable, now);
  }

  void hear(const SiteId& site) {
    agents[site].last_heard = now;
    agents[site].route = "r-" + site.str();
  }

  auto ask(const Link& link, Probe probe) { return demand.request(now, link, probe, "ops", agents); }
  DemandRun good(const Link& link, Probe probe) {
    auto run = ask(link, probe);
    BOOST_TEST_REQUIRE(run.has_value(), run.error().what);
    return *run;
  }

  Result result_of(const DemandRun& run, Outcome outcome, std::string reason = {}) const {
    Result result;
    result.id = {run.link.from, 1, 1};
    result.to = run.link.to;
    result.probe = run.probe;
    result.scheduled_at = run.scheduled_at;
    result.outcome = outcome;
    result.reason = std::move(reason);
    result.set(Tag::on_demand);
    result.details.push_back({"demand", static_cast<double>(run.id)});
    return result;
  }
};

}  // namespace

BOOST_AUTO_TEST_SUITE(demand)

BOOST_AUTO_TEST_CASE(a_run_goes_from_the_request_to_its_result) {
  World world;
  const DemandRun asked = world.good({berlin, athens}, Probe::connect);
  BOOST_TEST((asked.state == DemandState::queued));
  BOOST_TEST((asked.scheduled_at >= world.now + Demand::notice));
  const auto orders = world.demand.take_orders();
  BOOST_TEST_REQUIRE(orders.size() == 1U);
  BOOST_TEST((orders[0].to == berlin));
  BOOST_TEST(orders[0].order.id == asked.id);
  BOOST_TEST((orders[0].order.start == asked.scheduled_at));
  BOOST_TEST((orders[0].order.timeout == 5s));

  world.demand.on_progress(berlin, {.id = asked.id});
  BOOST_TEST((world.demand.find(asked.id)->state == DemandState::queued));
  world.demand.on_progress(berlin, {.id = asked.id, .stage = 1, .elapsed = 200ms, .bytes = 7});
  BOOST_TEST((world.demand.find(asked.id)->state == DemandState::running));
  BOOST_TEST(world.demand.find(asked.id)->bytes == 7U);
  const auto before = world.demand.revision();
  world.demand.on_result(world.result_of(asked, Outcome::ok));
  BOOST_TEST((world.demand.find(asked.id)->state == DemandState::done));
  BOOST_TEST(world.demand.find(asked.id)->result.has_value());
  BOOST_TEST(world.demand.revision() > before);
}

BOOST_AUTO_TEST_CASE(a_latency_run_is_a_burst_of_a_known_length) {
  World world;
  const DemandRun asked = world.good({berlin, router}, Probe::latency);
  const auto orders = world.demand.take_orders();
  BOOST_TEST_REQUIRE(orders.size() == 1U);
  BOOST_TEST(orders[0].order.probes == 50U);
  BOOST_TEST((orders[0].order.interval == 50ms));
  BOOST_TEST((orders[0].order.timeout == 2s));
  BOOST_TEST((asked.length == 2500ms + 2s + slot_overhead));
}

BOOST_AUTO_TEST_CASE(another_outcome_is_a_failure_with_its_reason) {
  World world;
  const DemandRun asked = world.good({berlin, athens}, Probe::throughput);
  world.demand.on_result(world.result_of(asked, Outcome::busy, "the far agent is busy"));
  BOOST_TEST((world.demand.find(asked.id)->state == DemandState::failed));
  BOOST_TEST(world.demand.find(asked.id)->reason == "the far agent is busy");
}

BOOST_AUTO_TEST_CASE(only_its_own_agent_speaks_for_a_run) {
  World world;
  const DemandRun asked = world.good({berlin, athens}, Probe::connect);
  world.demand.on_progress(athens, {.id = asked.id, .stage = 1});
  BOOST_TEST((world.demand.find(asked.id)->state == DemandState::queued));
  Result forged = world.result_of(asked, Outcome::ok);
  forged.id.from = gdansk;
  world.demand.on_result(forged);
  Result unmarked = world.result_of(asked, Outcome::ok);
  unmarked.tags = 0;
  world.demand.on_result(unmarked);
  Result odd = world.result_of(asked, Outcome::ok);
  odd.details.back().value = 1e300;
  world.demand.on_result(odd);
  BOOST_TEST((world.demand.find(asked.id)->state == DemandState::queued));
}

BOOST_AUTO_TEST_CASE(an_order_is_repeated_until_the_agent_has_it_or_its_instant_has_come) {
  World world;
  const DemandRun asked = world.good({berlin, athens}, Probe::throughput);
  world.good({gdansk, athens}, Probe::throughput);
  world.demand.take_orders();
  world.demand.tick(world.now + 200ms);
  BOOST_TEST(world.demand.take_orders().empty());
  world.demand.on_progress(berlin, {.id = asked.id});
  const DemandRun& other = world.demand.runs().back();
  BOOST_TEST_REQUIRE((other.scheduled_at > world.now + 1s));
  world.demand.tick(world.now + 1s);
  const auto again = world.demand.take_orders();
  BOOST_TEST_REQUIRE(again.size() == 1U);
  BOOST_TEST((again[0].to == gdansk));
  world.demand.tick(other.scheduled_at);
  BOOST_TEST(world.demand.take_orders().empty());
}

BOOST_AUTO_TEST_CASE(a_run_without_a_result_expires_and_a_late_result_still_counts) {
  World world;
  const DemandRun asked = world.good({berlin, athens}, Probe::connect);
  world.demand.tick(asked.scheduled_at + asked.length + Demand::result_grace);
  BOOST_TEST((world.demand.find(asked.id)->state == DemandState::queued));
  world.demand.tick(asked.scheduled_at + asked.length + Demand::result_grace + 1ns);
  BOOST_TEST((world.demand.find(asked.id)->state == DemandState::expired));
  BOOST_TEST(world.demand.find(asked.id)->reason == "the agent of berlin never confirmed the order");
  world.demand.on_result(world.result_of(asked, Outcome::ok));
  BOOST_TEST((world.demand.find(asked.id)->state == DemandState::done));
}

BOOST_AUTO_TEST_CASE(what_cannot_be_is_refused_with_the_reason) {
  World world;
  const auto why = [&](const Link& link, Probe probe) {
    const auto run = world.ask(link, probe);
    BOOST_TEST_REQUIRE(!run.has_value());
    return run.error();
  };
  BOOST_TEST((why({berlin, router}, Probe::throughput).why == DemandRefusal::Why::impossible));
  BOOST_TEST((why({router, berlin}, Probe::latency).why == DemandRefusal::Why::impossible));
  world.mesh.policy.connect.reset();
  world.plan_anew(epoch);
  BOOST_TEST(why({berlin, athens}, Probe::connect).what.starts_with("the mesh has no connect from berlin to athens: "));
  world.agents[berlin].last_heard = world.now - 16s;
  BOOST_TEST((why({berlin, athens}, Probe::latency).why == DemandRefusal::Why::silent));
}

BOOST_AUTO_TEST_CASE(a_timetable_without_room_says_so_with_the_next_chance) {
  World world(1h);
  // One slot of the link takes all but the first seconds of the hour.
  for (ThroughputSlot& slot : world.timetable.slots) slot = {slot.round, {berlin, athens}, 3s, 3590s};
  world.demand.set_plan(world.mesh, world.timetable, world.now);
  const auto never = world.ask({athens, gdansk}, Probe::throughput);
  BOOST_TEST_REQUIRE(!never.has_value());
  const auto latency = world.ask({berlin, gdansk}, Probe::latency);
  BOOST_TEST_REQUIRE(!latency.has_value());
  BOOST_TEST((latency.error().why == DemandRefusal::Why::no_time));
  BOOST_TEST(latency.error().what ==
             "berlin and gdansk are not both free for 4700ms within 15m; the next chance is in 3493s (at " +
                 format_rfc3339(epoch + 3593s) + ")");
  for (ThroughputSlot& slot : world.timetable.slots) slot.length = 3596s;
  world.demand.set_plan(world.mesh, world.timetable, world.now);
  const auto at_all = world.ask({berlin, gdansk}, Probe::latency);
  BOOST_TEST_REQUIRE(!at_all.has_value());
  BOOST_TEST(at_all.error().what.starts_with("the timetable never leaves berlin and gdansk free for the 4700ms"));
}

BOOST_AUTO_TEST_CASE(runs_on_demand_wait_for_each_other) {
  World world;
  const DemandRun first = world.good({berlin, athens}, Probe::latency);
  const DemandRun second = world.good({athens, gdansk}, Probe::latency);
  BOOST_TEST((second.scheduled_at >= first.scheduled_at + first.length));
  world.demand.on_result(world.result_of(first, Outcome::ok));  // and not for those that are over
  BOOST_TEST((world.good({berlin, router}, Probe::latency).scheduled_at < second.scheduled_at));
}

BOOST_AUTO_TEST_CASE(a_new_timetable_moves_what_would_be_in_its_way) {
  World world;
  const DemandRun asked = world.good({berlin, athens}, Probe::throughput);
  world.demand.take_orders();
  Timetable other = world.timetable;
  other.effective_at = world.now;
  other.slots = {{Round{0}, {athens, gdansk}, (asked.scheduled_at - epoch) % other.throughput_every, 3s},
                 {Round{1}, {berlin, athens}, 40s, asked.length}};
  world.demand.set_plan(world.mesh, other, world.now);
  const DemandRun& moved = *world.demand.find(asked.id);
  BOOST_TEST((moved.scheduled_at >= asked.scheduled_at + 3s));
  const auto orders = world.demand.take_orders();
  BOOST_TEST_REQUIRE(orders.size() == 1U);
  BOOST_TEST(orders[0].order.id == asked.id);
  BOOST_TEST((orders[0].order.start == moved.scheduled_at));
}

BOOST_AUTO_TEST_CASE(its_limits_hold) {
  World world(1h);
  for (std::size_t i = 0; i < Demand::most_in_a_minute; ++i) {
    const DemandRun run = world.good({berlin, athens}, Probe::connect);
    if (i % 2 == 0) world.demand.on_result(world.result_of(run, Outcome::ok));
  }
  const auto refused = world.ask({berlin, athens}, Probe::connect);
  BOOST_TEST_REQUIRE(!refused.has_value());
  BOOST_TEST((refused.error().why == DemandRefusal::Why::too_many));
  BOOST_TEST((refused.error().wait == 60s));
  world.now += 61s;
  world.hear(berlin);
  while (world.ask({berlin, athens}, Probe::connect)) {
  }
  BOOST_TEST(std::ranges::count_if(world.demand.runs(), [](const DemandRun& run) { return !has_ended(run.state); }) ==
             static_cast<std::ptrdiff_t>(Demand::most_pending));
  for (int minute = 0; minute < 10; ++minute) {
    world.now += 61s;
    world.hear(berlin);
    for (int i = 0; i < 60; ++i)
      if (const auto run = world.ask({berlin, athens}, Probe::connect))
        world.demand.on_result(world.result_of(*run, Outcome::ok));
    for (const DemandRun& run : std::deque(world.demand.runs()))
      world.demand.on_result(world.result_of(run, Outcome::ok));
  }
  BOOST_TEST(world.demand.runs().size() <= Demand::most_kept);
}

BOOST_AUTO_TEST_CASE(runs_keep_the_distance_that_uncertain_clocks_need) {
  constexpr nanoseconds guard = 700ms;
  for (nanoseconds wait{0}; wait < 60s; wait += 500ms) {
    World world;
    world.now += wait;
    for (const SiteId& site : {berlin, athens, gdansk}) world.hear(site);
    world.demand.set_plan(world.mesh, world.timetable, world.now, {{athens, guard}});
    const DemandRun run = world.good({berlin, gdansk}, Probe::connect);
    for (const ThroughputSlot& slot : world.timetable.slots) {
      if (slot.link.from != athens) continue;
      for (SharedTime at = epoch + slot.start; at < world.now + 10min; at += world.timetable.throughput_every)
        BOOST_TEST((run.scheduled_at + run.length <= at - guard || run.scheduled_at >= at + slot.length + guard));
    }
  }
}

BOOST_AUTO_TEST_SUITE_END()
