#include "coordinator/core/ingest.h"

#include <boost/test/unit_test.hpp>

#include "tests/unit/coordinator_core/sample_results.h"

using namespace sonde;
using namespace sonde::test;

namespace {

const SiteId berlin = SiteId::known("berlin");

Result numbered(std::uint64_t seq, std::uint64_t spool = 77) {
  Result result = latency_result(seq, 10, {1});
  result.id.spool = spool;
  return result;
}

wire::ResultBatch batch(std::initializer_list<std::uint64_t> seqs, std::uint64_t spool = 77) {
  wire::ResultBatch made;
  for (const std::uint64_t seq : seqs) made.results.push_back(numbered(seq, spool));
  return made;
}

struct Berlin {
  Berlin() { ingest.set_mesh(make_mesh()); }

  Intake accept(wire::ResultBatch results) { return ingest.accept(berlin, std::move(results), at_s(20), events); }
  /// Accepts and stores at once; the seqs that were new.
  std::vector<std::uint64_t> take(wire::ResultBatch results) {
    std::vector<std::uint64_t> seqs;
    const Intake intake = accept(std::move(results));
    if (!intake.store) return seqs;
    for (const Result& result : intake.store->results) seqs.push_back(result.id.seq);
    acknowledged = ingest.on_stored(berlin, intake.store->spool, intake.store->up_to).seq;
    return seqs;
  }
  std::vector<std::string_view> codes() const {
    std::vector<std::string_view> found;
    for (const Event& event : events) found.push_back(event.code);
    return found;
  }

  Ingest ingest;
  Events events;
  std::uint64_t acknowledged = 0;
};

using Seqs = std::vector<std::uint64_t>;

}  // namespace

BOOST_FIXTURE_TEST_SUITE(ingest_, Berlin)

BOOST_AUTO_TEST_CASE(each_result_is_taken_once) {
  BOOST_TEST((take(batch({1, 2, 3})) == Seqs{1, 2, 3}));
  BOOST_TEST(acknowledged == 3U);
  BOOST_TEST((take(batch({2, 3, 4})) == Seqs{4}));
  BOOST_TEST(acknowledged == 4U);
  BOOST_TEST(ingest.counters().accepted == 4U);
  BOOST_TEST(ingest.counters().duplicates == 2U);
  BOOST_TEST(events.empty());
}

BOOST_AUTO_TEST_CASE(what_is_stored_already_is_acknowledged_again) {
  take(batch({1, 2}));
  const Intake again = accept(batch({1, 2}));
  BOOST_TEST(!again.store.has_value());
  BOOST_REQUIRE(again.acknowledge.has_value());
  BOOST_TEST((*again.acknowledge == wire::Acknowledge{77, 2}));
}

BOOST_AUTO_TEST_CASE(what_is_on_its_way_is_not_acknowledged_yet) {
  BOOST_TEST(accept(batch({1, 2})).store.has_value());
  const Intake again = accept(batch({1, 2}));
  BOOST_TEST((!again.store.has_value() && !again.acknowledge.has_value()));
  const Intake more = accept(batch({2, 3}));
  BOOST_REQUIRE(more.store.has_value());
  BOOST_TEST(more.store->after == 2U);
  BOOST_TEST(more.store->results.size() == 1U);
}

BOOST_AUTO_TEST_CASE(order_within_a_batch_does_not_matter) { BOOST_TEST((take(batch({3, 1, 2})) == Seqs{1, 2, 3})); }

BOOST_AUTO_TEST_CASE(a_jump_is_taken_and_counted) {
  take(batch({1, 2}));
  BOOST_TEST((take(batch({5, 8})) == Seqs{5, 8}));
  BOOST_TEST(ingest.counters().missing == 4U);
  BOOST_TEST((codes() == std::vector<std::string_view>{"results_missing", "results_missing"}));
  BOOST_TEST(events[0].fields[1].second == "3 to 4");
}

BOOST_AUTO_TEST_CASE(the_first_results_of_an_unknown_agent_are_no_jump) {
  BOOST_TEST((take(batch({500, 501})) == Seqs{500, 501}));
  BOOST_TEST(ingest.counters().missing == 0U);
}

BOOST_AUTO_TEST_CASE(a_new_spool_goes_on_after_the_old_one) {
  take(batch({1, 2}));
  BOOST_TEST(ingest.stored_seq(berlin) == 2U);
  BOOST_TEST((take(batch({3}, 99)) == Seqs{3}));
  BOOST_TEST(events.empty());
  BOOST_TEST((take(batch({6}, 111)) == Seqs{6}));
  BOOST_TEST(ingest.counters().missing == 2U);
}

BOOST_AUTO_TEST_CASE(a_new_spool_that_begins_again_is_taken_and_told) {
  take(batch({1, 2, 3}));
  BOOST_TEST((take(batch({1, 2}, 99)) == Seqs{1, 2}));
  BOOST_TEST((codes() == std::vector<std::string_view>{"spool_restarted"}));
  BOOST_TEST(ingest.stored_seq(berlin) == 3U);
}

BOOST_AUTO_TEST_CASE(nobody_speaks_for_another_site) {
  wire::ResultBatch mixed = batch({1, 2});
  mixed.results[1].id.from = SiteId::known("athens");
  BOOST_TEST((take(mixed) == Seqs{1}));
  BOOST_TEST(ingest.counters().forged == 1U);
  BOOST_TEST((codes() == std::vector<std::string_view>{"result_forged"}));
}

BOOST_AUTO_TEST_CASE(what_is_dropped_on_purpose_is_acknowledged_all_the_same) {
  wire::ResultBatch strange = batch({1, 2, 3, 4, 5, 6});
  strange.results[1].to = SiteId::known("rome");
  strange.results[2].finished_at = at_s(20) + Ingest::max_ahead + nanoseconds(1);
  strange.results[3].finished_at = at_s(20) - Ingest::max_age - nanoseconds(1);
  strange.results[3].started_at = strange.results[3].finished_at;
  strange.results[4].started_at = strange.results[4].finished_at + nanoseconds(1);
  strange.results[5].started_at.reset();
  BOOST_TEST((take(strange) == Seqs{1}));
  BOOST_TEST(acknowledged == 6U);
  BOOST_TEST(ingest.counters().unknown_to == 1U);
  BOOST_TEST(ingest.counters().implausible == 4U);
}

BOOST_AUTO_TEST_CASE(numbers_that_cannot_be_do_no_harm) {
  wire::ResultBatch strange = batch({0, 1, 0xFFFF'FFFF'FFFF'FFFF});
  strange.results.push_back(numbered(2, 99));
  BOOST_TEST((take(strange) == Seqs{1}));
  BOOST_TEST(acknowledged == 1U);
  BOOST_TEST(ingest.counters().implausible == 3U);
}

BOOST_AUTO_TEST_CASE(after_a_refusal_nothing_is_taken_until_the_agent_begins_again) {
  take(batch({1, 2}));
  accept(batch({3, 4}));
  ingest.on_refused(berlin, events);
  BOOST_TEST(!accept(batch({5, 6})).store.has_value());
  BOOST_TEST(ingest.counters().out_of_turn == 2U);
  BOOST_TEST(ingest.stored_seq(berlin) == 2U);
  ingest.on_hello(berlin, 77, 6, events);
  BOOST_TEST((take(batch({3, 4, 5, 6})) == Seqs{3, 4, 5, 6}));
  BOOST_TEST(ingest.counters().missing == 0U);
}

BOOST_AUTO_TEST_CASE(it_goes_on_where_the_store_ended) {
  ingest.restore({{berlin, 77, 10}, {berlin, 99, 12}});
  BOOST_TEST(ingest.stored_seq(berlin) == 12U);
  BOOST_TEST((take(batch({9, 10, 11})) == Seqs{11}));
}

BOOST_AUTO_TEST_CASE(a_spool_that_lost_its_memory_is_told) {
  take(batch({1, 2, 3}));
  ingest.on_hello(berlin, 77, 2, events);
  BOOST_TEST((codes() == std::vector<std::string_view>{"spool_rolled_back"}));
}

BOOST_AUTO_TEST_CASE(an_agent_that_makes_new_spools_for_ever_costs_no_memory) {
  for (std::uint64_t spool = 1; spool < 1000; ++spool) BOOST_TEST((take(batch({spool}, spool)) == Seqs{spool}));
  BOOST_TEST((take(batch({999, 1000}, 999)) == Seqs{1000}));
}

BOOST_AUTO_TEST_SUITE_END()
