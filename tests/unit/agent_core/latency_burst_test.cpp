// A run on demand beside the plan's stream: one result of exactly its probes, and the stream goes on undisturbed.
#include <boost/test/unit_test.hpp>

#include "tests/unit/agent_core/latency_world.h"

using namespace sonde;
using namespace sonde::test;

namespace {

LatencyBurst burst_at(SharedTime start) {
  LatencyBurst burst{LatencyWorld::stream(), start};
  burst.stream.rate = {20};
  burst.stream.every = 2500ms;
  burst.stream.timeout = 1s;
  return burst;
}

}  // namespace

BOOST_AUTO_TEST_SUITE(latency_burst)

BOOST_AUTO_TEST_CASE(it_sends_its_probes_and_brings_one_result) {
  LatencyWorld world;
  world.network = [](std::uint32_t sequence) { return Path{.lost_there = sequence == 7}; };
  world.plan.streams[0].rate = {1};
  world.start();
  world.run_until(3s);
  const SharedTime start = world.plan.epoch + 4s;
  world.sender.burst(burst_at(start));
  world.run_until(9s);
  BOOST_TEST_REQUIRE(world.results.size() == 1U);
  const Result& result = world.last();
  BOOST_TEST((result.scheduled_at == start));
  BOOST_TEST((result.outcome == Outcome::ok));
  BOOST_TEST((result.to == athens));
  BOOST_TEST(result.detail("sent").value() == 50);
  BOOST_TEST(result.detail("missed").value() == 0);
  BOOST_TEST(result.ratio_of(Metric::loss)->hits == 1U);
  BOOST_TEST(result.distribution_of(Metric::rtt)->samples.count() == 49U);
  BOOST_TEST((result.finished_at <= start + 3500ms + 10ms));
  BOOST_TEST(world.sender.streams() == 1U);
  for (std::size_t i = 0; i < world.sent.size(); ++i)
    if (world.sent[i].ssid != world.sent[0].ssid)
      BOOST_TEST((world.clock.shared(world.wall(world.sent_at[i])) < start + 2500ms));

  world.run_until(13s);  // the plan's own interval ends as ever
  BOOST_TEST_REQUIRE(world.results.size() == 2U);
  BOOST_TEST(world.last().detail("sent").value() == 10);
  BOOST_TEST(world.last().detail("missed").value() == 0);
}

BOOST_AUTO_TEST_CASE(a_new_plan_does_not_end_it) {
  LatencyWorld world;
  world.start();
  world.run_until(1s);
  world.sender.burst(burst_at(world.plan.epoch + 2s));
  world.run_until(3s);
  LatencyPlan next = world.plan;
  next.generation = {4};
  next.streams.clear();
  world.sender.configure(next);
  world.run_until(10s);
  BOOST_TEST_REQUIRE(world.results.size() == 1U);
  BOOST_TEST(world.last().detail("sent").value() == 50);
  BOOST_TEST(world.sender.streams() == 0U);
}

BOOST_AUTO_TEST_CASE(a_reflector_without_session_ids_is_told_apart_by_its_stamps) {
  LatencyWorld world;
  world.no_ssid = true;
  world.start();
  world.run_until(1s);
  world.sender.burst(burst_at(world.plan.epoch + 2s));
  world.run_until(13s);
  BOOST_TEST_REQUIRE(world.results.size() == 2U);
  for (const Result& result : world.results) {
    BOOST_TEST(result.detail("sent").value() == 50);
    BOOST_TEST(result.detail("received").value() == 50);
  }
}

BOOST_AUTO_TEST_CASE(nobody_answers_and_it_ends_all_the_same) {
  LatencyWorld world;
  world.network = [](std::uint32_t) { return Path{.lost_there = true}; };
  world.plan.streams[0].every = 60s;
  world.start();
  world.run_until(1s);
  world.sender.burst(burst_at(world.plan.epoch + 2s));
  world.run_until(10s);
  BOOST_TEST_REQUIRE(world.results.size() == 1U);
  BOOST_TEST((world.last().outcome == Outcome::timeout));
}

BOOST_AUTO_TEST_SUITE_END()
