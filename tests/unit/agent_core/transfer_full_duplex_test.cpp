#include <boost/test/unit_test.hpp>

#include "agent/core/transfer_desk.h"

using namespace sonde;

BOOST_AUTO_TEST_SUITE(transfer_full_duplex)

BOOST_AUTO_TEST_CASE(a_site_sends_while_it_receives_only_where_the_policy_says_so) {
  for (const bool full_duplex : {false, true}) {
    TransferDesk desk(SiteId::known("athens"));
    desk.set_full_duplex(full_duplex);
    TransferOut out;
    wire::TransferOffer offer;
    offer.link = {SiteId::known("berlin"), SiteId::known("athens")};
    offer.token = {1};
    offer.duration = offer.max_duration = std::chrono::seconds(5);
    offer.max_bytes = Bytes{1'000'000};
    desk.on_message({}, offer.link.from, offer, out);
    BOOST_TEST(desk.busy());
    BOOST_TEST(!desk.can_receive());
    BOOST_TEST(desk.can_send() == full_duplex);
  }
}

BOOST_AUTO_TEST_CASE(an_offer_by_an_older_timetable_is_answered_so) {
  for (const std::uint64_t generation : {7U, 8U, 9U}) {
    TransferDesk desk(SiteId::known("athens"));
    desk.set_generation({8});
    TransferOut out;
    wire::TransferOffer offer;
    offer.generation = {generation};
    offer.link = {SiteId::known("berlin"), SiteId::known("athens")};
    offer.duration = offer.max_duration = std::chrono::seconds(5);
    offer.max_bytes = Bytes{1'000'000};
    desk.on_message({}, offer.link.from, offer, out);
    BOOST_TEST_REQUIRE(out.messages.size() == 1U);
    const auto& answer = std::get<wire::TransferAnswer>(out.messages[0].message);
    BOOST_TEST((answer.outcome == (generation < 8 ? Outcome::skipped : Outcome::ok)));
    BOOST_TEST(desk.busy() == (generation >= 8));
    if (generation < 8) BOOST_TEST(answer.reason == "the run is of timetable 7, in force is 8");
  }
}

BOOST_AUTO_TEST_CASE(who_is_told_of_a_newer_timetable_has_skipped_the_run) {
  TransferDesk desk(SiteId::known("athens"));
  TransferOut out;
  ThroughputOrder order;
  order.link = {SiteId::known("athens"), SiteId::known("berlin")};
  order.slot_end = MonoTime(std::chrono::seconds(6));
  order.duration = order.max_duration = std::chrono::seconds(5);
  order.max_bytes = Bytes{1'000'000};
  desk.start({}, order, {2}, out);
  desk.on_message({}, order.link.to, wire::TransferAnswer{{2}, Outcome::skipped, "newer"}, out);
  BOOST_TEST_REQUIRE(out.results.size() == 1U);
  BOOST_TEST((out.results[0].outcome == Outcome::skipped));
  BOOST_TEST(out.results[0].reason == "the far agent has a newer timetable: newer");
  BOOST_TEST(!out.results[0].started_at.has_value());
}

BOOST_AUTO_TEST_SUITE_END()

namespace {

const SiteId berlin = SiteId::known("berlin");
const SiteId athens = SiteId::known("athens");
const SiteId gdansk = SiteId::known("gdansk");

ThroughputOrder duplex_order() {
  ThroughputOrder order;
  order.link = {berlin, athens};
  order.slot_end = MonoTime{} + std::chrono::seconds(60);
  order.addresses = {"192.0.2.20"};
  order.port = 7101;
  order.duration = order.max_duration = std::chrono::seconds(5);
  order.max_bytes = Bytes{1'000'000};
  order.probe = Probe::duplex;
  return order;
}

template <typename T>
const T* message_in(const TransferOut& out, std::size_t index) {
  return index < out.messages.size() ? std::get_if<T>(&out.messages[index].message) : nullptr;
}

}  // namespace

BOOST_AUTO_TEST_SUITE(transfer_duplex)

BOOST_AUTO_TEST_CASE(who_accepts_offers_the_other_half_whose_connections_the_first_one_opens) {
  TransferDesk began(berlin);
  TransferOut offered;
  began.start({}, duplex_order(), {1, 2, 3}, offered);
  const auto* offer = message_in<wire::TransferOffer>(offered, 0);
  BOOST_TEST_REQUIRE(offer != nullptr);
  BOOST_TEST((offer->probe == Probe::duplex));
  BOOST_TEST(!offer->receiver_opens);

  TransferDesk far(athens);
  TransferOut answered;
  far.on_message({}, berlin, *offer, answered);
  BOOST_TEST_REQUIRE(message_in<wire::TransferAnswer>(answered, 0) != nullptr);
  const auto* twin = message_in<wire::TransferOffer>(answered, 1);
  BOOST_TEST_REQUIRE(twin != nullptr);
  BOOST_TEST((twin->link == Link{athens, berlin}));
  BOOST_TEST(twin->receiver_opens);
  BOOST_TEST((twin->token != offer->token));

  TransferOut accepted;
  began.on_message({}, athens, *twin, accepted);
  const auto* answer = message_in<wire::TransferAnswer>(accepted, 0);
  BOOST_TEST_REQUIRE(answer != nullptr);
  BOOST_TEST((answer->outcome == Outcome::ok));
  const auto* receive = std::get_if<ReceiveStreams>(&accepted.commands.at(0));
  BOOST_TEST_REQUIRE(receive != nullptr);
  BOOST_TEST((receive->addresses == std::vector<std::string>{"192.0.2.20"}));
  BOOST_TEST(!receive->may_settle);
}

BOOST_AUTO_TEST_CASE(only_its_own_other_half_meets_a_duplex_run) {
  TransferDesk desk(berlin);
  TransferOut out;
  desk.start({}, duplex_order(), {1, 2, 3}, out);
  wire::TransferOffer offer = *message_in<wire::TransferOffer>(out, 0);
  offer.link = {athens, berlin};
  offer.receiver_opens = true;
  for (const auto& [from, probe] :
       {std::pair(athens, Probe::duplex), {athens, Probe::throughput}, {gdansk, Probe::duplex}}) {
    offer.link.from = from;
    offer.probe = probe;
    TransferOut refused;
    desk.on_message({}, from, offer, refused);
    BOOST_TEST((message_in<wire::TransferAnswer>(refused, 0)->outcome == Outcome::busy));
  }
}

BOOST_AUTO_TEST_SUITE_END()
