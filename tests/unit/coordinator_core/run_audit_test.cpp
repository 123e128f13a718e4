// What ran, as its results come in.
#include <boost/test/unit_test.hpp>

#include "coordinator/core/audit.h"

using namespace sonde;
using namespace std::chrono_literals;

namespace {

const SiteId a = SiteId::known("a");
const SiteId b = SiteId::known("b");
const SiteId c = SiteId::known("c");
const SiteId d = SiteId::known("d");

Result run(const SiteId& from, const SiteId& to, double start_s, double length_s) {
  Result result;
  result.id = {from, 1, 1};
  result.to = to;
  result.probe = Probe::throughput;
  result.scheduled_at = SharedTime(from_seconds(start_s));
  result.started_at = result.scheduled_at + 1ms;
  result.finished_at = *result.started_at + from_seconds(length_s);
  return result;
}

struct Book {
  explicit Book(bool full_duplex = false) {
    for (const SiteId& site : {a, b, c, d}) mesh.sites.emplace_back().site = site;
    timetable.policy.throughput->full_duplex = full_duplex;
    audit.set_plan(mesh, timetable);
  }
  std::size_t overlaps_with(const Result& result) {
    events.clear();
    audit.on_result(result, events);
    return events.size();
  }
  Mesh mesh;
  Timetable timetable;
  RunAudit audit;
  Events events;
};

}  // namespace

BOOST_AUTO_TEST_SUITE(run_audit)

BOOST_AUTO_TEST_CASE(an_overlap_is_told_once_whoever_reports_first) {
  Book book;
  BOOST_TEST(book.overlaps_with(run(a, b, 100, 5)) == 0U);
  BOOST_TEST(book.overlaps_with(run(c, d, 101, 5)) == 0U);
  BOOST_TEST(book.overlaps_with(run(b, a, 105.1, 5)) == 0U);
  // A spool that comes late: it lies before the last and reaches into it, at both sites.
  BOOST_TEST_REQUIRE(book.overlaps_with(run(a, b, 90, 10.5)) == 1U);
  const Event& event = book.events.front();
  BOOST_TEST(event.code == "runs_overlap");
  BOOST_TEST((event.severity == Severity::error));
  BOOST_TEST(event.fields.at(0).second == "a");
  BOOST_TEST(event.fields.at(1).second == "a->b");
  BOOST_TEST(event.fields.at(4).second == "0.500s");
  BOOST_TEST(book.audit.counts(Probe::throughput).overlaps == 1U);
  BOOST_TEST(book.audit.counts(Probe::throughput).runs == 4U);
  BOOST_TEST(book.audit.busy_seconds().at(c) == 5.0);
}

// Found by the simulation: while an initiator waited for a report that never came, the next runs had begun.
BOOST_AUTO_TEST_CASE(a_run_that_failed_ended_with_its_slot) {
  Book book;
  book.timetable.slots = {{{0}, {a, b}, {}, 5200ms}};
  book.audit.set_plan(book.mesh, book.timetable);
  Result failed = run(a, b, 100, 11);
  failed.outcome = Outcome::timeout;
  book.overlaps_with(failed);
  BOOST_TEST(book.overlaps_with(run(b, c, 105.2, 5)) == 0U);
  BOOST_TEST(book.overlaps_with(run(a, d, 104, 5)) == 1U);
}

BOOST_AUTO_TEST_CASE(full_duplex_allows_one_out_and_one_in) {
  Book book(true);
  BOOST_TEST(book.overlaps_with(run(a, b, 100, 5)) == 0U);
  BOOST_TEST(book.overlaps_with(run(b, a, 101, 5)) == 0U);
  BOOST_TEST(book.overlaps_with(run(c, b, 102, 5)) == 1U);
}

BOOST_AUTO_TEST_CASE(what_the_clocks_may_have_made_up_is_a_warning) {
  Book book;
  book.overlaps_with(run(a, b, 100, 5.01));
  Result next = run(b, c, 105, 5);
  next.details.push_back({"clock_error_s", 0.02});
  BOOST_TEST_REQUIRE(book.overlaps_with(next) == 1U);
  BOOST_TEST((book.events.front().severity == Severity::warning));
}

BOOST_AUTO_TEST_CASE(a_new_plan_forgets_no_run) {
  Book book;
  book.overlaps_with(run(a, b, 100, 5));
  book.mesh.sites[1].uplink = "x";
  book.mesh.sites[2].uplink = "x";
  book.audit.set_plan(book.mesh, book.timetable);
  BOOST_TEST(book.overlaps_with(run(c, d, 103, 5)) == 1U);
  BOOST_TEST(book.events.front().fields.at(0).second == "uplink x");
}

BOOST_AUTO_TEST_CASE(what_did_not_start_is_counted_apart) {
  Book book;
  Result skipped = run(a, b, 100, 0);
  skipped.started_at.reset();
  skipped.outcome = Outcome::skipped;
  skipped.details.push_back({"missed", 4});
  Result busy = skipped;
  busy.outcome = Outcome::busy;
  book.overlaps_with(skipped);
  book.overlaps_with(busy);
  BOOST_TEST(book.audit.counts(Probe::throughput).skipped == 4U);
  BOOST_TEST(book.audit.counts(Probe::throughput).busy == 1U);
  BOOST_TEST(book.audit.counts(Probe::throughput).runs == 0U);
}

BOOST_AUTO_TEST_CASE(only_so_many_runs_of_a_place_are_kept) {
  Book book;
  for (std::size_t i = 0; i < RunAudit::runs_kept + 1; ++i)
    book.overlaps_with(run(a, b, 100 + 10 * static_cast<double>(i), 5));
  BOOST_TEST(book.overlaps_with(run(a, c, 101, 5)) == 0U);  // the first is forgotten
  BOOST_TEST(book.overlaps_with(run(a, c, 111, 5)) == 1U);
}

BOOST_AUTO_TEST_SUITE_END()
