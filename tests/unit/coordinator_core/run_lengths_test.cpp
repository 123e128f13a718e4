#include "coordinator/core/run_lengths.h"

#include <boost/test/unit_test.hpp>

#include "coordinator/core/planner.h"

using namespace sonde;
using namespace std::chrono_literals;

namespace {

const Link way{SiteId::known("berlin"), SiteId::known("athens")};

Result run_of(nanoseconds took) {
  Result result;
  result.id.from = way.from;
  result.to = way.to;
  result.probe = Probe::throughput;
  result.scheduled_at = shared_from_ns(1'000'000'000);
  result.started_at = result.scheduled_at;
  result.finished_at = *result.started_at + took;
  return result;
}

ThroughputPolicy policy() {
  ThroughputPolicy p;
  p.duration = 5s;
  p.max_duration = 60s;
  return p;
}

}  // namespace

BOOST_AUTO_TEST_SUITE(run_lengths)

BOOST_AUTO_TEST_CASE(a_run_that_fits_its_duration_changes_nothing) {
  RunLengths lengths;
  BOOST_TEST(!lengths.on_result(run_of(5s), policy()));
  BOOST_TEST(!lengths.on_result(run_of(100ms), policy()));
  BOOST_TEST(lengths.measured().empty());
}

BOOST_AUTO_TEST_CASE(a_run_that_its_slot_cut_gets_twice_the_time_up_to_the_most) {
  RunLengths lengths;
  Result cut = run_of(5s);
  cut.set(Tag::slot_ended);
  for (const nanoseconds expected : {10s, 20s, 40s, 60s}) {
    BOOST_TEST(lengths.on_result(cut, policy()));
    BOOST_TEST((lengths.measured().of(way) == expected));
  }
  BOOST_TEST(!lengths.on_result(cut, policy()));  // at max_duration there is no more to give
}

BOOST_AUTO_TEST_CASE(a_link_that_became_fast_gives_its_time_back_but_small_changes_move_nothing) {
  RunLengths lengths;
  BOOST_TEST(lengths.on_result(run_of(40s), policy()));
  BOOST_TEST((lengths.measured().of(way) == 46s));
  BOOST_TEST(!lengths.on_result(run_of(38s), policy()));
  for (std::size_t i = 2; i < RunLengths::remembered; ++i) BOOST_TEST(!lengths.on_result(run_of(5s), policy()));
  BOOST_TEST(!lengths.on_result(run_of(5s), policy()));  // 38 s were taken among the last eight
  BOOST_TEST(lengths.on_result(run_of(5s), policy()));
  BOOST_TEST(to_seconds(lengths.measured().of(way).value()) < 6.0);
}

BOOST_AUTO_TEST_CASE(runs_that_settle_early_need_no_whole_duration) {
  RunLengths lengths;
  Result settled = run_of(2s);
  settled.set(Tag::settled);
  settled.scheduled_at = *settled.started_at - 300ms;  // handshakes
  for (std::uint32_t i = 1; i < RunLengths::enough_for_shorter; ++i) BOOST_TEST(!lengths.on_result(settled, policy()));
  BOOST_TEST(lengths.on_result(settled, policy()));
  BOOST_TEST(to_seconds(lengths.measured().of(way).value()) == 2 * 1.15 + 0.3, boost::test_tools::tolerance(1e-6));
  BOOST_TEST((lengths.usual().at(way) == 2s));
  BOOST_TEST(lengths.on_result(run_of(2500ms), policy()));  // not settled when its slot ended
  BOOST_TEST((lengths.measured().of(way) == 5s));
  BOOST_TEST((lengths.usual().at(way) == 2100ms));
}

BOOST_AUTO_TEST_CASE(no_slot_gets_shorter_than_handshakes_take) {
  RunLengths lengths;
  Result sent = run_of(1ms);
  sent.set(Tag::budget_ended);
  for (std::uint32_t i = 0; i < RunLengths::enough_for_shorter; ++i) lengths.on_result(sent, policy());
  BOOST_TEST((lengths.measured().of(way) == 1s));
  ThroughputPolicy brief = policy();
  brief.duration = 500ms;
  RunLengths others;
  for (std::uint32_t i = 0; i < 8; ++i) BOOST_TEST(!others.on_result(sent, brief));
}

BOOST_AUTO_TEST_CASE(lengths_outlive_the_coordinator_in_its_timetable) {
  Timetable timetable;
  timetable.policy.throughput = policy();
  const Link other{way.to, way.from};
  timetable.slots = {{{}, way, 0s, 2s + slot_overhead}, {{}, other, 3s, 5s + slot_overhead}};
  RunLengths lengths;
  lengths.restore(timetable, policy());
  BOOST_TEST((lengths.measured().size() == 1 && lengths.measured().of(way) == 2s));
  Result settled = run_of(1800ms);
  settled.set(Tag::settled);
  BOOST_TEST(!lengths.on_result(settled, policy()));
  BOOST_TEST(lengths.on_result(run_of(1800ms), policy()));
  BOOST_TEST((lengths.measured().of(way) == 5s));
  ThroughputPolicy longer = policy();
  longer.duration = 10s;
  RunLengths anew;
  anew.restore(timetable, longer);
  BOOST_TEST(anew.measured().empty());
}

BOOST_AUTO_TEST_CASE(only_throughput_runs_that_went_well_teach_anything) {
  RunLengths lengths;
  Result failed = run_of(40s);
  failed.outcome = Outcome::timeout;
  BOOST_TEST(!lengths.on_result(failed, policy()));
  Result other = run_of(40s);
  other.probe = Probe::connect;
  BOOST_TEST(!lengths.on_result(other, policy()));
  Result skipped = run_of(40s);
  skipped.started_at.reset();
  Result asked = run_of(40s);
  asked.set(Tag::on_demand);
  BOOST_TEST(!lengths.on_result(asked, policy()));
  BOOST_TEST(!lengths.on_result(skipped, policy()));
}

BOOST_AUTO_TEST_SUITE_END()
