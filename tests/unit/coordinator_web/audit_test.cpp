#include "coordinator/core/audit.h"

#include <boost/test/unit_test.hpp>
#include <nlohmann/json.hpp>

#include "coordinator/core/planner.h"
#include "world.h"

using namespace sonde;
using namespace sonde::web;
using namespace sonde::web::test;

namespace {

Audit audit_of(const World& world, std::vector<Result> results, std::int64_t since = present - 7200) {
  std::vector<AuditedRun> runs;
  for (const Result& result : results) runs.push_back(audited(result));
  return audit(Probe::throughput, runs, world.mesh, world.timetable, at_second(since), world.now);
}

}  // namespace

BOOST_AUTO_TEST_SUITE(audit_of_the_timetable)

BOOST_AUTO_TEST_CASE(runs_one_after_another_do_not_overlap) {
  World world;
  const Audit audit = audit_of(world, {throughput_result(berlin, athens, 1, present - 100, 0.001, 5),
                                       throughput_result(athens, berlin, 1, present - 94, 0.003, 5)});
  BOOST_TEST(audit.runs == 2U);
  BOOST_TEST(*audit.overlaps == 0U);
  BOOST_TEST(audit.missed() == 0U);
  BOOST_TEST(audit.start_error->p50 == 0.001);
  BOOST_TEST(audit.start_error->max == 0.003);
}

BOOST_AUTO_TEST_CASE(a_run_that_lasts_into_the_next_is_an_overlap) {
  World world;
  const Audit audit = audit_of(world, {throughput_result(athens, router, 1, present - 94, 0, 5),
                                       throughput_result(berlin, athens, 1, present - 100, 0, 7)});
  BOOST_TEST(*audit.overlaps == 1U);
}

BOOST_AUTO_TEST_CASE(sites_of_one_uplink_count_as_one) {
  World world;
  SiteSpec gdansk;
  gdansk.site = SiteId::known("gdansk");
  world.mesh.sites.push_back(gdansk);
  const std::vector<Result> results{throughput_result(berlin, athens, 1, present - 100, 0, 7),
                                    throughput_result(gdansk.site, router, 1, present - 99, 0, 7)};
  BOOST_TEST(*audit_of(world, results).overlaps == 0U);
  world.mesh.sites[0].uplink = "dfn";
  world.mesh.sites[3].uplink = "dfn";
  BOOST_TEST(*audit_of(world, results).overlaps == 1U);
}

BOOST_AUTO_TEST_CASE(what_did_not_start_is_missed) {
  World world;
  Result skipped = throughput_result(berlin, athens, 1, present - 100, 0, 0);
  skipped.started_at = std::nullopt;
  skipped.outcome = Outcome::skipped;
  const Audit audit = audit_of(world, {skipped});
  BOOST_TEST(audit.runs == 0U);
  BOOST_TEST(audit.missed() == 1U);
  BOOST_TEST(audit.outcomes.at(Outcome::skipped) == 1U);
  BOOST_TEST(!audit.start_error.has_value());
}

BOOST_AUTO_TEST_CASE(a_slot_that_nobody_reported_is_missed_once_its_time_and_the_grace_are_over) {
  World world;
  world.timetable.epoch = at_second(present - 100 - 2 * 3600);
  world.timetable.effective_at = at_second(present - 4000);  // the earlier cycle was another timetable's
  world.timetable.slots = {{{0}, {berlin, athens}, {}, std::chrono::seconds(6)},
                           {{1}, {athens, berlin}, std::chrono::seconds(80), std::chrono::seconds(6)}};
  // Berlin's slots since then: present - 3700, present - 100; Athens': present - 3620, present - 20 (too fresh).
  BOOST_TEST(audit_of(world, {}).missed() == 3U);
  BOOST_TEST(audit_of(world, {throughput_result(berlin, athens, 1, present - 100, 0.1, 5)}).missed() == 2U);
}

BOOST_AUTO_TEST_CASE(with_full_duplex_one_run_out_and_one_in_do_not_overlap) {
  World world;
  world.timetable.policy.throughput->full_duplex = true;
  const Result out = throughput_result(berlin, athens, 1, present - 100, 0, 7);
  const Result in = throughput_result(athens, berlin, 1, present - 99, 0, 7);
  BOOST_TEST(*audit_of(world, {out, in}).overlaps == 0U);
  const Result second_out = throughput_result(berlin, router, 2, present - 98, 0, 7);
  BOOST_TEST(*audit_of(world, {out, in, second_out}).overlaps == 1U);
}

BOOST_AUTO_TEST_CASE(an_overlap_that_the_clocks_may_have_made_up_is_told_apart) {
  World world;
  Result first = throughput_result(berlin, athens, 1, present - 100, 0, 5.02);
  Result second = throughput_result(athens, berlin, 1, present - 95, 0, 5);
  first.details.push_back({"clock_error_s", 0.001});
  second.details.push_back({"clock_error_s", 0.010});
  BOOST_TEST(*audit_of(world, {first, second}).overlaps == 1U);
  BOOST_TEST(*audit_of(world, {first, second}).overlaps_within_clock_error == 0U);
  second.details.back().value = 0.02;
  const Audit audit = audit_of(world, {first, second});
  BOOST_TEST(*audit.overlaps_within_clock_error == 1U);
  BOOST_TEST((audit.clock_error == std::chrono::milliseconds(20)));
}

BOOST_AUTO_TEST_CASE(a_result_that_stands_for_several_slots_tells_of_each) {
  World world;
  world.timetable.epoch = at_second(present - 100 - 5 * 3600);
  world.timetable.slots = {{{0}, {berlin, athens}, {}, std::chrono::seconds(6)}};
  Result skipped = throughput_result(berlin, athens, 1, present - 100, 0, 0);
  skipped.started_at = std::nullopt;
  skipped.outcome = Outcome::skipped;
  skipped.details.push_back({"missed", 3});
  const Audit audit = audit_of(world, {skipped}, present - 4 * 3600);
  BOOST_TEST(audit.skipped == 3U);
  BOOST_TEST(audit.unreported == 1U);  // three hours before it
}

BOOST_AUTO_TEST_CASE(busy_time_is_held_against_the_plan) {
  World world;
  world.timetable.epoch = at_second(present - 1000);
  world.timetable.slots = {{{0}, {berlin, athens}, {}, std::chrono::seconds(36) + slot_overhead}};
  world.mesh.sites[0].uplink = "dfn";
  const Audit audit = audit_of(world, {throughput_result(berlin, athens, 1, present - 1000, 0, 30)});
  BOOST_TEST(audit.of_site.at(berlin).planned == 0.01);
  BOOST_TEST(audit.of_site.at(berlin).measured == 0.03);  // since the epoch, not all of the two hours
  BOOST_TEST(audit.of_uplink.at("dfn").measured == 0.03);
  BOOST_TEST(audit.of_site.at(router).measured == 0.0);
  const Audit learnt = sonde::audit(Probe::throughput, {}, world.mesh, world.timetable, at_second(present - 1000),
                                    at_second(present), {{{berlin, athens}, std::chrono::seconds(27)}});
  BOOST_TEST(learnt.of_site.at(athens).planned == 0.0075);  // what runs take, not what their slots hold
}

BOOST_AUTO_TEST_CASE(the_endpoint_speaks_of_throughput_unless_asked) {
  World world;
  world.history->results = {throughput_result(berlin, athens, 1, present - 100, 0.001, 5),
                            latency_result(berlin, athens, 2, present - 50, 1000)};
  const auto audit = nlohmann::json::parse(world.body("/api/v1/timetable/audit"));
  BOOST_TEST(audit.at("probe") == "throughput");
  BOOST_TEST(audit.at("runs") == 1);
  BOOST_TEST(audit.at("overlaps") == 0);
  BOOST_TEST(audit.at("missed") == 0);
  BOOST_TEST(audit.at("start_error_s").at("p50") == 0.001);
  const auto latency = nlohmann::json::parse(world.body("/api/v1/timetable/audit?probe=latency"));
  BOOST_TEST(latency.at("runs") == 1);
  BOOST_TEST(latency.at("overlaps").is_null());
  BOOST_TEST(latency.at("utilisation").empty());
  BOOST_TEST(audit.at("busy") == 0);
  BOOST_TEST(audit.at("utilisation").contains("berlin"));
}

BOOST_AUTO_TEST_SUITE_END()
