#include "coordinator/web/audit.h"

#include <boost/test/unit_test.hpp>
#include <nlohmann/json.hpp>

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
  BOOST_TEST(audit.missed == 0U);
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
  BOOST_TEST(audit.missed == 1U);
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
  BOOST_TEST(audit_of(world, {}).missed == 3U);
  BOOST_TEST(audit_of(world, {throughput_result(berlin, athens, 1, present - 100, 0.1, 5)}).missed == 2U);
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
}

BOOST_AUTO_TEST_SUITE_END()
