// What is usual in an hour of the week, out of a real store.
#include "coordinator/io/baseline_reader.h"

#include <boost/test/unit_test.hpp>

#include <thread>

#include "coordinator/store/writer.h"
#include "tests/unit/coordinator_store/scratch.h"

using namespace sonde;
using namespace sonde::test;
using namespace std::chrono_literals;

namespace {

/// All pieces of one hour.
std::vector<io::BaselineReader::Piece> wait_for_last(io::BaselineReader& reader) {
  std::vector<io::BaselineReader::Piece> pieces;
  const auto until = std::chrono::steady_clock::now() + 30s;
  while (pieces.empty() || !pieces.back().last) {
    BOOST_REQUIRE(std::chrono::steady_clock::now() < until);
    for (auto& piece : reader.take()) pieces.push_back(std::move(piece));
    std::this_thread::sleep_for(1ms);
  }
  return pieces;
}

Result transfer(std::uint64_t seq, SharedTime at, double rate) {
  Result result = make_batch(seq, seq).results.front();
  result.to = SiteId::known("athens");
  result.probe = Probe::throughput;
  result.outcome = Outcome::ok;
  result.scheduled_at = at - 5s;
  result.started_at = at - 5s;
  result.finished_at = at;
  result.values = {{Metric::throughput, rate}};
  result.ratios.clear();
  result.distributions.clear();
  result.details.clear();
  return result;
}

}  // namespace

BOOST_FIXTURE_TEST_SUITE(baseline_reader, Scratch)

BOOST_AUTO_TEST_CASE(the_same_hour_of_past_weeks_and_no_other_is_read) {
  const SharedTime hour = shared_from_ns(1'795'176'000'000'000'000);
  const SiteId berlin = SiteId::known("berlin");
  {
    store::Writer writer(file());
    StoreBatch batch = make_batch(1, 4);
    batch.results = {transfer(1, hour_in_week(hour, 1) + 10min, 30e6), transfer(2, hour_in_week(hour, 0) + 90min, 90e6),
                     transfer(3, hour_in_week(hour, 0) + 20min, 32e6), transfer(4, hour - 1h, 90e6)};
    BOOST_REQUIRE(writer.append({&batch, 1}).has_value());
  }
  io::BaselineReader reader(file());
  BOOST_REQUIRE(reader.order({.hour = hour, .sites = {SiteId::known("gdansk"), berlin}}));
  const auto pieces = wait_for_last(reader);
  BOOST_TEST_REQUIRE(pieces.size() == 2U);
  BOOST_TEST(pieces.back().trouble == "");
  BOOST_TEST(pieces[0].from.str() == "berlin");
  BOOST_TEST((pieces[0].hour == hour));
  BOOST_TEST_REQUIRE(pieces[0].links.size() == 1U);
  BOOST_TEST(pieces[0].links[0].first.str() == "athens");
  BOOST_TEST_REQUIRE(pieces[0].links[0].second.rate.has_value());
  BOOST_TEST(pieces[0].links[0].second.rate->middle == 32e6, boost::test_tools::tolerance(0.02));
  // An hour of which nothing is known.
  BOOST_REQUIRE(reader.order({.hour = hour + 5h, .sites = {berlin}}));
  const auto none = wait_for_last(reader);
  BOOST_TEST_REQUIRE(none.size() == 1U);
  BOOST_TEST(none[0].links.empty());
}

BOOST_AUTO_TEST_CASE(a_store_that_cannot_be_read_is_told) {
  io::BaselineReader reader(file());
  BOOST_REQUIRE(reader.order({.hour = shared_from_ns(0), .sites = {SiteId::known("berlin")}}));
  const auto pieces = wait_for_last(reader);
  BOOST_TEST(!pieces.back().trouble.empty());
}

BOOST_AUTO_TEST_SUITE_END()
