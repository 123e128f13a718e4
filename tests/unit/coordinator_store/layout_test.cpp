// Files of older layouts, made by the programs of their time, and what becomes of space that is no longer needed.
#include <boost/test/unit_test.hpp>

#include <algorithm>

#include "coordinator/store/reader.h"
#include "coordinator/store/schema.h"
#include "coordinator/store/sqlite.h"
#include "coordinator/store/writer.h"
#include "shared/wire/codec.h"
#include "tests/source_file.h"
#include "tests/unit/coordinator_store/scratch.h"

using namespace sonde;
using namespace sonde::store;
using namespace sonde::test;

namespace {

struct FirstLayout : Scratch {
  FirstLayout() {
    std::filesystem::copy_file(source_file("tests/unit/coordinator_store/layout_1.db"), file());
    Database raw(file(), Database::Use::read);
    Statement rows = raw.prepare("SELECT body FROM results ORDER BY finished_at, id");
    while (rows.step()) stored.push_back(as_kept(wire::decode_result(rows.blob(0)).value()));
  }
  std::vector<Result> stored;
};

std::vector<Result> everything(const std::filesystem::path& file) {
  Reader reader(file);
  return *reader.open({})->next(1'000'000);
}

}  // namespace

BOOST_FIXTURE_TEST_SUITE(a_file_of_layout_1, FirstLayout)

BOOST_AUTO_TEST_CASE(is_brought_up_to_date_with_all_that_it_holds) {
  BOOST_TEST(stored.size() == 120U);
  Writer writer(file());
  BOOST_TEST((everything(file()) == stored));
  BOOST_TEST(writer.positions()->size() == 3U);
  BOOST_TEST(writer.positions()->front().last_seq == 40U);
  BOOST_TEST((writer.load("timetable")->value() == std::vector<std::uint8_t>{1, 2, 3}));
  const Database raw(file(), Database::Use::read);
  BOOST_TEST(raw.ask_integer("PRAGMA user_version") == schema_version);
  BOOST_TEST(raw.ask_integer("PRAGMA auto_vacuum") == 2);
  BOOST_TEST(raw.ask_integer("SELECT count(*) FROM sqlite_master WHERE name = 'results'") == 0);
}

BOOST_AUTO_TEST_CASE(stays_as_it_was_where_the_step_cannot_be_finished) {
  {
    Database raw(file(), Database::Use::write);
    // A table in the way stands for whatever may go wrong in the middle of the step.
    raw.run("CREATE TABLE damaged (id INTEGER)");
  }
  BOOST_CHECK_THROW(Writer{file()}, StoreError);
  Database raw(file(), Database::Use::write);
  BOOST_TEST(raw.ask_integer("PRAGMA user_version") == 1);
  BOOST_TEST(raw.ask_integer("SELECT count(*) FROM results") == 120);
  raw.run("DROP TABLE damaged");
  const Writer writer(file());
  BOOST_TEST((everything(file()) == stored));
}

BOOST_AUTO_TEST_CASE(a_row_that_nobody_can_read_is_kept_aside) {
  Database(file(), Database::Use::write).run("UPDATE results SET body = x'C1' WHERE id = 7");
  const Writer writer(file());
  BOOST_TEST(everything(file()).size() == 119U);
  BOOST_TEST(Database(file(), Database::Use::read).ask_integer("SELECT count(*) FROM damaged WHERE body = x'C1'") == 1);
}

BOOST_AUTO_TEST_SUITE_END()

BOOST_FIXTURE_TEST_SUITE(a_file_of_layout_2, Scratch)

BOOST_AUTO_TEST_CASE(is_brought_up_to_date_and_its_chunks_are_rolled_up) {
  std::filesystem::copy_file(source_file("tests/unit/coordinator_store/layout_2.db"), file());
  Writer writer(file());
  const auto results = everything(file());
  BOOST_TEST(results.size() == 834U);
  BOOST_TEST(writer.positions()->size() == 3U);
  BOOST_TEST((writer.load("timetable")->value() == std::vector<std::uint8_t>{1, 2, 3}));
  const Database raw(file(), Database::Use::read);
  BOOST_TEST(raw.ask_integer("PRAGMA user_version") == schema_version);
  BOOST_TEST(raw.ask_integer("SELECT sum(results) FROM chunks WHERE rolled = 0") == 678);
  while (*writer.roll(at_s(1e9))) {
  }
  BOOST_TEST(raw.ask_integer("SELECT count(*) FROM chunks WHERE rolled = 0") == 0);
  Reader reader(file());
  for (const SiteId& site : {SiteId::known("site-0"), SiteId::known("site-1"), SiteId::known("site-2")})
    for (const Probe probe : {Probe::latency, Probe::connect, Probe::throughput}) {
      RollUp want;
      for (const Result& result : results)
        if (result.id.from == site && result.probe == probe) want.add(reading_of(result));
      RollUp all;
      const RollQuery query{.from = site, .probe = probe, .since = at_s(-1e9), .until = at_s(1e9)};
      BOOST_REQUIRE(reader.roll_ups(query, [&](const SiteId&, SharedTime, const RollUp& roll) { all.merge(roll); }));
      BOOST_TEST(want.results() >= 10U);
      BOOST_TEST((all == want));
    }
  BOOST_TEST((everything(file()) == results));
  // Its blocks stay as they are: of version 1, which is read beside version 2.
  const std::int64_t old_blocks = raw.ask_integer("SELECT count(*) FROM chunks");
  BOOST_TEST(raw.ask_integer("SELECT count(*) FROM chunks WHERE substr(body, 1, 1) = x'01'") == old_blocks);
  while (*writer.seal(1)) {
  }
  BOOST_TEST(raw.ask_integer("SELECT count(*) FROM chunks WHERE substr(body, 1, 1) = x'02'") > 0);
  auto of_both = everything(file());
  std::ranges::sort(of_both, {}, &Result::id);
  auto wanted = results;
  std::ranges::sort(wanted, {}, &Result::id);
  BOOST_TEST((of_both == wanted));
}

BOOST_AUTO_TEST_SUITE_END()

BOOST_FIXTURE_TEST_SUITE(space, Scratch)

BOOST_AUTO_TEST_CASE(of_deleted_results_goes_back_to_the_file_system) {
  Writer writer(file());
  for (std::uint64_t first = 1; first < 150'000; first += 2000) {
    const StoreBatch batch = make_batch(first, first + 1999);
    BOOST_REQUIRE(writer.append({&batch, 1})->front().stored);
    BOOST_REQUIRE(*writer.seal(1));
  }
  Database raw(file(), Database::Use::write);
  raw.run("CREATE TABLE filler (body BLOB); INSERT INTO filler VALUES (zeroblob(20000000)); DROP TABLE filler");
  raw.run("PRAGMA wal_checkpoint(TRUNCATE)");
  const auto before = std::filesystem::file_size(file());
  BOOST_TEST(before > 20'000'000U);
  while (*writer.roll(at_s(1e9))) {
  }
  BOOST_TEST(*writer.expire({.raw = at_s(1e9)}, 1000) > 70U);
  Reader reader(file());
  int steps = 0;
  while (*writer.give_back(500)) ++steps;
  BOOST_TEST(steps > 5);
  BOOST_TEST(reader.open({})->next(10)->empty());
  raw.run("PRAGMA wal_checkpoint(TRUNCATE)");
  BOOST_TEST(std::filesystem::file_size(file()) < 5'000'000U);
  Statement check = raw.prepare("PRAGMA integrity_check");
  BOOST_TEST(check.step());
  BOOST_TEST(check.text(0) == "ok");
}

BOOST_AUTO_TEST_SUITE_END()
