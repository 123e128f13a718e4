#include "coordinator/io/store_worker.h"

#include <poll.h>

#include <boost/test/unit_test.hpp>

#include <map>

#include "coordinator/store/reader.h"
#include "coordinator/store/sqlite.h"
#include "tests/unit/coordinator_store/scratch.h"

using namespace sonde;
using namespace sonde::io;
using namespace sonde::test;

namespace {

std::vector<StoreReport> wait_for(StoreWorker& worker, std::size_t count) {
  std::vector<StoreReport> reports;
  while (reports.size() < count) {
    pollfd waiting{.fd = worker.fd(), .events = POLLIN, .revents = 0};
    BOOST_REQUIRE(::poll(&waiting, 1, 30'000) == 1);
    for (StoreReport& report : worker.take()) reports.push_back(std::move(report));
  }
  return reports;
}

std::size_t stored_in(const std::filesystem::path& file) {
  store::Reader reader(file);
  return reader.open({})->next(10'000'000)->size();
}

std::int64_t sealed_in(const std::filesystem::path& file) {
  return store::Database(file, store::Database::Use::read).ask_integer("SELECT count(*) FROM chunks");
}

struct Work : Scratch {
  std::unique_ptr<StoreWorker> make() { return std::make_unique<StoreWorker>(std::make_unique<store::Writer>(file())); }
};

}  // namespace

BOOST_FIXTURE_TEST_SUITE(store_worker, Work)

BOOST_AUTO_TEST_CASE(reports_come_in_order_and_only_for_what_is_durable) {
  const auto worker = make();
  for (std::uint64_t i = 0; i < 20; ++i) BOOST_REQUIRE(worker->push(make_batch(10 * i + 1, 10 * i + 10)));
  BOOST_REQUIRE(worker->push(make_batch(1, 200)));
  const auto reports = wait_for(*worker, 21);
  for (std::uint64_t i = 0; i < 20; ++i) {
    const auto& stored = std::get<BatchStored>(reports[i]);
    BOOST_TEST(stored.up_to == 10 * i + 10);
    BOOST_TEST(stored.fresh.size() == 10U);
  }
  BOOST_TEST(std::get<BatchStored>(reports[20]).fresh.empty());
  BOOST_TEST(stored_in(file()) == 200U);
}

BOOST_AUTO_TEST_CASE(what_cannot_be_stored_is_reported_as_such) {
  const auto worker = make();
  BOOST_REQUIRE(worker->push(make_batch(11, 20)));
  BOOST_REQUIRE(worker->push(make_batch(1, 5)));
  const auto reports = wait_for(*worker, 2);
  const auto& refused = std::get<BatchNotStored>(reports[0]);
  BOOST_TEST(refused.site.str() == "berlin");
  BOOST_TEST(!refused.why.empty());
  BOOST_TEST(std::get<BatchStored>(reports[1]).up_to == 5U);
}

BOOST_AUTO_TEST_CASE(too_much_at_once_is_refused_and_there_is_room_again_afterwards) {
  const auto worker = make();
  const std::size_t size = 1000;
  std::uint64_t pushed = 0;
  // Reports that nobody takes count as under way, so this cannot go on for ever however fast the disk is.
  while (worker->push(make_batch(pushed * size + 1, (pushed + 1) * size))) ++pushed;
  BOOST_TEST(pushed == StoreWorker::results_under_way / size);
  BOOST_TEST(worker->refused() == 1U);
  wait_for(*worker, pushed);
  BOOST_TEST(worker->push(make_batch(pushed * size + 1, (pushed + 1) * size)));
}

BOOST_AUTO_TEST_CASE(it_finishes_what_it_was_given_before_it_ends) {
  {
    const auto worker = make();
    for (std::uint64_t i = 0; i < 30; ++i) worker->push(make_batch(100 * i + 1, 100 * i + 100));
  }
  BOOST_TEST(stored_in(file()) == 3000U);
}

BOOST_AUTO_TEST_CASE(old_results_go_while_new_ones_come) {
  const auto worker = make();
  worker->push(make_batch(1, 1100));
  wait_for(*worker, 1);
  while (sealed_in(file()) == 0) ::poll(nullptr, 0, 10);
  worker->push(make_batch(1101, 1200));
  BOOST_REQUIRE(worker->maintain(at_s(1e9), {.raw = at_s(1101)}));
  worker->push(make_batch(1201, 1300));
  wait_for(*worker, 2);
  for (int i = 0; i < 3000 && stored_in(file()) > 200; ++i) ::poll(nullptr, 0, 10);
  BOOST_TEST(stored_in(file()) == 200U);
}

BOOST_AUTO_TEST_CASE(small_values_are_saved) {
  {
    const auto worker = make();
    BOOST_TEST(worker->save("timetable", {1, 2, 3}));
  }
  store::Writer writer(file());
  BOOST_TEST((writer.load("timetable")->value() == std::vector<std::uint8_t>{1, 2, 3}));
}

BOOST_AUTO_TEST_SUITE_END()
