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

BOOST_AUTO_TEST_SUITE_END()
