#include "coordinator/core/run_lengths.h"

#include <boost/test/unit_test.hpp>

using namespace sonde;
using namespace std::chrono_literals;

namespace {

const Link way{SiteId::known("berlin"), SiteId::known("athens")};

Result run_of(nanoseconds took) {
  Result result;
  result.id.from = way.from;
  result.to = way.to;
  result.probe = Probe::throughput;
  result.started_at = shared_from_ns(1'000'000'000);
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
    BOOST_TEST((lengths.measured().at(way) == expected));
  }
  BOOST_TEST(!lengths.on_result(cut, policy()));  // at max_duration there is no more to give
}

BOOST_AUTO_TEST_CASE(a_link_that_became_fast_gives_its_time_back_but_small_changes_move_nothing) {
  RunLengths lengths;
  BOOST_TEST(lengths.on_result(run_of(40s), policy()));
  BOOST_TEST((lengths.measured().at(way) == 46s));
  BOOST_TEST(!lengths.on_result(run_of(38s), policy()));
  BOOST_TEST(lengths.on_result(run_of(5s), policy()));
  BOOST_TEST(to_seconds(lengths.measured().at(way)) < 6.0);
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
  BOOST_TEST(!lengths.on_result(skipped, policy()));
}

BOOST_AUTO_TEST_SUITE_END()
