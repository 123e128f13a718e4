#include "agent/core/demand_book.h"

#include <boost/test/unit_test.hpp>

using namespace sonde;
using namespace std::chrono_literals;

namespace {

const SiteId berlin = SiteId::known("berlin");
const SiteId athens = SiteId::known("athens");
constexpr SharedTime start = shared_from_ns(1'700'000'000'000'000'000);

wire::RunOrder order(std::uint64_t id, Probe probe = Probe::connect, SharedTime at = start) {
  return {.id = id, .probe = probe, .link = {berlin, athens}, .start = at, .length = 3s, .timeout = 2s};
}

Result result_of(const wire::RunOrder& order) {
  Result result;
  result.id.from = berlin;
  result.to = order.link.to;
  result.probe = order.probe;
  result.scheduled_at = order.start;
  return result;
}

template <typename T>
std::size_t count(const std::vector<wire::Message>& messages) {
  return static_cast<std::size_t>(
      std::ranges::count_if(messages, [](const wire::Message& m) { return std::holds_alternative<T>(m); }));
}

}  // namespace

BOOST_AUTO_TEST_SUITE(demand_book)

BOOST_AUTO_TEST_CASE(an_order_begins_at_its_instant_and_its_result_is_marked) {
  DemandBook book(berlin);
  DemandBook::Out out;
  book.on_order(start - 2s, order(7), out);
  BOOST_TEST(count<wire::RunProgress>(out.messages) == 1U);
  BOOST_TEST((book.next() == start));
  out = {};
  book.tick(start - 1ns, 0, out);
  BOOST_TEST(out.begin.empty());
  book.tick(start, 0, out);
  BOOST_TEST_REQUIRE(out.begin.size() == 1U);
  BOOST_TEST(out.begin[0].id == 7U);
  BOOST_TEST((book.next() == start + 500ms));
  out = {};
  book.tick(start + 600ms, 99, out);
  BOOST_TEST(out.begin.empty());
  BOOST_TEST_REQUIRE(out.messages.size() == 1U);
  const auto& progress = std::get<wire::RunProgress>(out.messages[0]);
  BOOST_TEST(progress.stage == 1U);
  BOOST_TEST((progress.elapsed == 600ms));
  BOOST_TEST(progress.bytes == 0U);  // a handshake moves none

  Result slot = result_of(order(7));
  slot.scheduled_at = start - 5s;
  book.on_result(slot);
  BOOST_TEST(!slot.has(Tag::on_demand));
  Result mine = result_of(order(7));
  book.on_result(mine);
  BOOST_TEST(mine.has(Tag::on_demand));
  BOOST_TEST(mine.detail("demand").value() == 7);
  Result twin = result_of(order(7));
  book.on_result(twin);
  BOOST_TEST(!twin.has(Tag::on_demand));
}

BOOST_AUTO_TEST_CASE(an_order_that_comes_again_is_confirmed_and_carried_out_once) {
  DemandBook book(berlin);
  DemandBook::Out out;
  book.on_order(start - 2s, order(7), out);
  book.on_order(start - 1s, order(7), out);
  BOOST_TEST(count<wire::RunProgress>(out.messages) == 2U);
  book.tick(start, 0, out);
  Result mine = result_of(order(7));
  book.on_result(mine);
  book.on_order(start + 100ms, order(7), out);
  book.tick(start + 200ms, 0, out);
  BOOST_TEST(out.begin.size() == 1U);
}

BOOST_AUTO_TEST_CASE(a_waiting_order_can_be_moved) {
  DemandBook book(berlin);
  DemandBook::Out out;
  book.on_order(start - 2s, order(7), out);
  book.on_order(start - 1s, order(7, Probe::connect, start + 10s), out);
  book.tick(start, 0, out);
  BOOST_TEST(out.begin.empty());
  book.tick(start + 10s, 0, out);
  BOOST_TEST(out.begin.size() == 1U);
}

BOOST_AUTO_TEST_CASE(too_late_is_skipped_and_says_so) {
  DemandBook book(berlin);
  DemandBook::Out out;
  book.on_order(start + 501ms, order(7), out);
  book.tick(start + 501ms, 0, out);
  BOOST_TEST(out.begin.empty());
  BOOST_TEST_REQUIRE(out.skipped.size() == 1U);
  BOOST_TEST((out.skipped[0].outcome == Outcome::skipped));
  BOOST_TEST(out.skipped[0].has(Tag::on_demand));
  BOOST_TEST(out.skipped[0].detail("demand").value() == 7);
}

BOOST_AUTO_TEST_CASE(a_burst_is_handed_out_ahead_and_loses_what_it_cannot_know) {
  DemandBook book(berlin);
  DemandBook::Out out;
  book.on_order(start - 2s, order(7, Probe::latency), out);
  BOOST_TEST((book.next() == start - DemandBook::latency_lead));
  book.tick(start - DemandBook::latency_lead, 0, out);
  BOOST_TEST(out.begin.size() == 1U);
  Result mine = result_of(order(7, Probe::latency));
  Distribution samples;
  samples.add(1);
  mine.distributions = {{Metric::rtt, samples}, {Metric::delay_rise, samples}};
  book.on_result(mine);
  BOOST_TEST(mine.distribution_of(Metric::rtt) != nullptr);
  BOOST_TEST(mine.distribution_of(Metric::delay_rise) == nullptr);
}

BOOST_AUTO_TEST_CASE(strange_orders_are_ignored_and_too_many_are_skipped) {
  DemandBook book(berlin);
  DemandBook::Out out;
  wire::RunOrder strange = order(1);
  strange.link = {athens, berlin};
  book.on_order(start, strange, out);
  BOOST_TEST(out.messages.empty());
  for (std::uint64_t id = 1; id <= DemandBook::most_orders + 1; ++id) book.on_order(start - 2s, order(id), out);
  BOOST_TEST(out.messages.size() == DemandBook::most_orders);
  BOOST_TEST_REQUIRE(out.skipped.size() == 1U);
  out = {};
  book.tick(start, 0, out);  // and all of them are forgotten in the end
  book.tick(start + 3s + DemandBook::patience + 1ns, 0, out);
  BOOST_TEST((book.next() == SharedTime::max()));
}

BOOST_AUTO_TEST_SUITE_END()
