#include <boost/test/unit_test.hpp>

#include <fstream>
#include <map>

#include "coordinator/store/reader.h"
#include "coordinator/store/schema.h"
#include "coordinator/store/sqlite.h"
#include "coordinator/store/writer.h"
#include "tests/unit/coordinator_store/scratch.h"

using namespace sonde;
using namespace sonde::store;
using namespace sonde::test;

namespace {

std::vector<Result> all_of(Reader& reader, const Filter& filter = {}, std::size_t at_once = 7) {
  auto cursor = reader.open(filter);
  BOOST_REQUIRE(cursor.has_value());
  std::vector<Result> all;
  for (;;) {
    auto some = cursor->next(at_once);
    BOOST_REQUIRE(some.has_value());
    BOOST_TEST(some->size() <= at_once);
    if (some->empty()) return all;
    all.insert(all.end(), some->begin(), some->end());
  }
}

std::vector<std::uint64_t> seqs(const std::vector<Result>& results) {
  std::vector<std::uint64_t> found;
  for (const Result& result : results) found.push_back(result.id.seq);
  return found;
}

using Seqs = std::vector<std::uint64_t>;

struct Store : Scratch {
  std::vector<bool> append(const StoreBatch& batch) {
    const auto appended = writer.append({&batch, 1});
    BOOST_REQUIRE(appended.has_value());
    BOOST_REQUIRE(appended->front().stored);
    return appended->front().fresh;
  }
  Writer writer{file()};
  Reader reader{file()};
};

}  // namespace

BOOST_FIXTURE_TEST_SUITE(store_, Store)

BOOST_AUTO_TEST_CASE(what_is_stored_comes_back_as_it_was) {
  StoreBatch batch = make_batch(1, 3);
  batch.results[1].outcome = Outcome::timeout;
  batch.results[1].reason = "no reply within 2 s";
  batch.results[2].details.push_back({"sent", 50});
  append(batch);
  BOOST_TEST((all_of(reader) == as_kept(batch.results)));
  while (*writer.seal(1)) {
  }
  BOOST_TEST((all_of(reader) == as_kept(batch.results)));
}

BOOST_AUTO_TEST_CASE(nothing_is_stored_twice) {
  BOOST_TEST((append(make_batch(1, 3)) == std::vector<bool>{true, true, true}));
  BOOST_TEST((append(make_batch(1, 3)) == std::vector<bool>{false, false, false}));
  BOOST_TEST((append(make_batch(2, 5)) == std::vector<bool>{false, false, true, true}));
  BOOST_TEST((seqs(all_of(reader)) == Seqs{1, 2, 3, 4, 5}));
}

BOOST_AUTO_TEST_CASE(the_same_number_of_another_spool_or_site_is_another_result) {
  append(make_batch(1, 2));
  append(make_batch(1, 2, "berlin", 5));
  append(make_batch(1, 2, "gdansk"));
  BOOST_TEST(all_of(reader).size() == 6U);
  const auto positions = writer.positions();
  BOOST_REQUIRE(positions.has_value());
  BOOST_TEST((*positions == std::vector<SpoolPosition>{{SiteId::known("berlin"), 0xFEDC'BA98'7654'3210, 2},
                                                       {SiteId::known("berlin"), 5, 2},
                                                       {SiteId::known("gdansk"), 0xFEDC'BA98'7654'3210, 2}}));
}

BOOST_AUTO_TEST_CASE(a_batch_whose_forerunner_is_missing_is_not_stored) {
  append(make_batch(1, 3));
  const std::vector<StoreBatch> two{make_batch(7, 9), make_batch(1, 1, "gdansk")};
  const auto appended = writer.append(two);
  BOOST_REQUIRE(appended.has_value());
  BOOST_TEST(!(*appended)[0].stored);
  BOOST_TEST((*appended)[1].stored);
  BOOST_TEST(all_of(reader).size() == 4U);
  BOOST_TEST(writer.positions()->front().last_seq == 3U);
}

BOOST_AUTO_TEST_CASE(an_empty_batch_still_moves_the_position) {
  StoreBatch dropped = make_batch(1, 4);
  dropped.results.clear();
  append(dropped);
  BOOST_TEST(writer.positions()->front().last_seq == 4U);
}

BOOST_AUTO_TEST_CASE(results_come_oldest_first_whatever_their_order_of_arrival) {
  StoreBatch gdansk = make_batch(10, 12, "gdansk");
  gdansk.after = 0;
  append(gdansk);
  append(make_batch(1, 3));
  StoreBatch late = make_batch(4, 4);
  late.results[0].finished_at = at_s(0.5);
  late.results[0].started_at = late.results[0].finished_at;
  append(late);
  BOOST_TEST((seqs(all_of(reader)) == Seqs{4, 1, 2, 3, 10, 11, 12}));
}

BOOST_AUTO_TEST_CASE(a_pass_is_resumed_after_any_result_also_when_results_were_sealed_meanwhile) {
  // Three sites whose results often finish at the same instant, over several hours, one of them with two spools.
  const auto put = [&](std::string_view site, std::uint64_t first, std::uint64_t spool, double start) {
    StoreBatch batch = make_batch(first, first + 29, site, spool);
    batch.after = 0;
    for (Result& result : batch.results) {
      result.finished_at = at_s(start + 600 * static_cast<double>((result.id.seq - first) / 3));
      result.started_at = result.finished_at;
    }
    append(batch);
  };
  put("gdansk", 1, 7, 0);
  put("berlin", 1, 9, 0);
  put("athens", 101, 3, 0);
  put("berlin", 1, 5, 20'000);  // installed anew: counts from 1 again
  const std::vector<Result> all = all_of(reader);
  BOOST_REQUIRE(all.size() == 120U);
  const auto resumes_everywhere = [&] {
    for (std::size_t i = 0; i < all.size(); i += 7) {
      const auto finished = reader.finished_at(all[i].id);
      BOOST_REQUIRE(finished.has_value());
      BOOST_REQUIRE(finished->has_value());
      const auto rest = all_of(reader, {.after = std::pair(**finished, all[i].id)});
      BOOST_TEST((rest == std::vector<Result>(all.begin() + static_cast<std::ptrdiff_t>(i) + 1, all.end())));
    }
  };
  resumes_everywhere();
  BOOST_REQUIRE(*writer.seal(1));
  resumes_everywhere();
  while (*writer.seal(1)) {
  }
  resumes_everywhere();
  BOOST_TEST(!reader.finished_at({SiteId::known("berlin"), 9, 31})->has_value());
  BOOST_TEST(!reader.finished_at({SiteId::known("berlin"), 8, 1})->has_value());
  BOOST_TEST(!reader.finished_at({SiteId::known("nowhere"), 9, 1})->has_value());
}

BOOST_AUTO_TEST_CASE(equal_times_are_neither_lost_nor_repeated_at_the_edge_of_a_page) {
  StoreBatch batch = make_batch(1, 50);
  for (Result& result : batch.results) result.finished_at = at_s(60);
  append(batch);
  for (const std::size_t page : {1, 3, 49, 50, 51}) BOOST_TEST(seqs(all_of(reader, {}, page)) == seqs(batch.results));
}

BOOST_AUTO_TEST_CASE(filters_restrict) {
  StoreBatch berlin = make_batch(1, 20);
  for (Result& result : berlin.results) {
    if (result.id.seq % 2 == 0) result.to = SiteId::known("gdansk");
    if (result.id.seq % 5 == 0) result.probe = Probe::connect;
  }
  append(berlin);
  append(make_batch(1, 20, "athens", 3));
  const auto berlin_only = SiteId::known("berlin");
  BOOST_TEST(all_of(reader, {.from = berlin_only}).size() == 20U);
  BOOST_TEST((seqs(all_of(reader, {.to = SiteId::known("gdansk"), .probe = Probe::connect})) == Seqs{10, 20}));
  BOOST_TEST((seqs(all_of(reader, {.from = berlin_only, .to = SiteId::known("gdansk"), .probe = Probe::connect})) ==
              Seqs{10, 20}));
  BOOST_TEST((seqs(all_of(reader, {.since = at_s(4), .until = at_s(6), .from = berlin_only})) == Seqs{4, 5}));
  BOOST_TEST((seqs(all_of(reader, {.from = berlin_only, .limit = 3})) == Seqs{1, 2, 3}));
  BOOST_TEST(all_of(reader, {.from = SiteId::known("rome")}).empty());
  BOOST_TEST(all_of(reader, {.limit = 0}).empty());
}

BOOST_AUTO_TEST_CASE(a_pass_ends_although_more_comes_in) {
  append(make_batch(1, 10));
  auto cursor = reader.open({});
  BOOST_TEST(cursor->next(5)->size() == 5U);
  append(make_batch(11, 20));
  BOOST_TEST(cursor->next(100)->size() == 5U);
  BOOST_TEST(cursor->next(100)->empty());
}

BOOST_AUTO_TEST_CASE(a_link_is_read_with_what_its_state_needs) {
  StoreBatch batch = make_batch(1, 10);
  batch.results[3].outcome = Outcome::skipped;
  append(batch);
  const Link link{SiteId::known("berlin"), SiteId::known("athens")};
  const auto found = reader.link_results(link, Probe::latency, at_s(5), at_s(8));
  BOOST_REQUIRE(found.has_value());
  BOOST_TEST((seqs(*found) == Seqs{3, 5, 6, 7, 8}));
  BOOST_TEST(reader.link_results(link, Probe::connect, at_s(0), at_s(99))->empty());
}

BOOST_AUTO_TEST_CASE(the_live_matrix_gets_its_past_back) {
  StoreBatch berlin = make_batch(1, 10);
  for (std::uint64_t seq = 3; seq <= 6; ++seq) berlin.results[seq - 1].outcome = Outcome::timeout;
  append(berlin);
  append(make_batch(1, 4, "gdansk"));
  std::map<std::string, Seqs> loaded;
  const auto done =
      reader.load_recent(at_s(7), [&](const Result& result) { loaded[result.id.from.str()].push_back(result.id.seq); });
  BOOST_REQUIRE(done.has_value());
  BOOST_TEST((loaded["berlin"] == Seqs{2, 5, 6, 7, 8, 9, 10}));
  BOOST_TEST((loaded["gdansk"] == Seqs{3, 4}));
}

BOOST_AUTO_TEST_CASE(what_is_too_old_goes_chunk_by_chunk_and_stays_gone) {
  for (const std::uint64_t first : {1, 5, 9}) {
    append(make_batch(first, first + 3));
    BOOST_TEST(*writer.seal(4));
  }
  append(make_batch(13, 14));
  BOOST_TEST(*writer.expire({.raw = at_s(99)}, 9) == 0U);
  while (*writer.roll(at_s(99))) {
  }
  BOOST_TEST(*writer.expire({.raw = at_s(4)}, 9) == 0U);
  BOOST_TEST(*writer.expire({.raw = at_s(9)}, 1) == 1U);
  BOOST_TEST((seqs(all_of(reader)) == Seqs{5, 6, 7, 8, 9, 10, 11, 12, 13, 14}));
  BOOST_TEST(*writer.expire({.raw = at_s(99)}, 9) == 2U);
  BOOST_TEST((append(make_batch(1, 14)) == std::vector<bool>(14, false)));
  BOOST_TEST((seqs(all_of(reader)) == Seqs{13, 14}));
}

BOOST_AUTO_TEST_CASE(small_values_are_kept) {
  BOOST_TEST(!writer.load("timetable")->has_value());
  for (const std::vector<std::uint8_t>& value :
       {std::vector<std::uint8_t>{1, 0, 255}, std::vector<std::uint8_t>{}, std::vector<std::uint8_t>{7}}) {
    BOOST_REQUIRE(writer.save("timetable", value).has_value());
    BOOST_TEST((writer.load("timetable")->value() == value));
  }
}

BOOST_AUTO_TEST_CASE(a_damaged_block_is_left_out_counted_and_kept) {
  append(make_batch(1, 5));
  BOOST_TEST(*writer.seal(1));
  append(make_batch(6, 8));
  append(make_batch(9, 10));
  Database raw(file(), Database::Use::write);
  raw.run("UPDATE chunks SET body = substr(body, 1, 40)");
  raw.run("UPDATE log SET body = x'C1FF00' WHERE first = (SELECT min(first) FROM log)");
  BOOST_TEST((seqs(all_of(reader, {}, 2)) == Seqs{9, 10}));
  BOOST_TEST(reader.damaged() == 6U);
  BOOST_TEST(*writer.seal(1));
  BOOST_TEST((seqs(all_of(reader)) == Seqs{9, 10}));
  BOOST_TEST(raw.ask_integer("SELECT count(*) FROM damaged WHERE body = x'C1FF00'") == 1);
}

BOOST_AUTO_TEST_CASE(a_reader_changes_nothing) {
  Database raw(file(), Database::Use::read);
  BOOST_CHECK_THROW(raw.run("DELETE FROM results"), StoreError);
}

BOOST_AUTO_TEST_SUITE_END()
