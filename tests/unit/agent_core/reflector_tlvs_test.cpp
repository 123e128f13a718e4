// What comes back behind the base packet, octet by octet (RFC 8972, section 4).
#include "agent/core/reflector_tlvs.h"

#include <rapidcheck.h>

#include <boost/test/unit_test.hpp>

#include <vector>

using namespace sonde;

namespace {

using Octets = std::vector<std::uint8_t>;

TlvAnswers answers() {
  return {.follow_up = {0x0A0B0C0D, {0x1112131415161718}, wire::StampMethod::software},
          .counters = {0, 5, 6},
          .stamps = {wire::SyncSource::ntp, wire::StampMethod::software, wire::SyncSource::ntp,
                     wire::StampMethod::software},
          .load = {},
          .traffic_class = 46 << 2 | 1,
          .dscp_permitted = 34};
}

/// Of a packet in the open mode, without a key.
TlvOutcome answer(Octets& area) {
  Octets packet(44, 0);
  packet.insert(packet.end(), area.begin(), area.end());
  const TlvTrust trust = verify_tlvs(packet, wire::StampMode::open, nullptr);
  const TlvOutcome outcome = answer_tlvs(packet, wire::StampMode::open, trust, nullptr, answers());
  area.assign(packet.begin() + 44, packet.end());
  return outcome;
}

void gives(Octets area, const Octets& expected) {
  answer(area);
  BOOST_TEST(area == expected, boost::test_tools::per_element());
}

}  // namespace

BOOST_AUTO_TEST_SUITE(reflector_tlvs)

BOOST_AUTO_TEST_CASE(what_is_understood_is_filled_in_and_loses_u) {
  gives({0x80, 1, 0, 2, 9, 9}, {0x00, 1, 0, 2, 9, 9});
  gives({0x80, 3, 0, 4, 0, 0, 0, 0}, {0x00, 3, 0, 4, 1, 2, 1, 2});
  gives({0x80, 5, 0, 12, 0, 0, 0, 9, 7, 7, 7, 7, 7, 7, 7, 7}, {0x00, 5, 0, 12, 0, 0, 0, 9, 0, 0, 0, 5, 0, 0, 0, 6});
  gives({0x80, 7, 0, 16, 1, 1, 1, 1, 2, 2, 2, 2, 2, 2, 2, 2, 3, 3, 3, 3},
        {0x00, 7, 0, 16, 0x0A, 0x0B, 0x0C, 0x0D, 0x11, 0x12, 0x13, 0x14, 0x15, 0x16, 0x17, 0x18, 2, 0, 0, 0});
  gives({0x80, 251, 0, 24, 'S', 'n', 'd', 'e', 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1},
        {0x00, 251, 0, 24, 'S', 'n', 'd', 'e', 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0});
}

BOOST_AUTO_TEST_CASE(the_class_of_service_says_what_came_and_what_goes) {
  // DSCP1 is 0: best effort, which everybody may ask for. DSCP2 46, ECN 1.
  Octets area{0x80, 4, 0, 4, 0, 0, 0, 0};
  TlvOutcome outcome = answer(area);
  BOOST_TEST(area == (Octets{0x00, 4, 0, 4, 0b0000'0010, 0b1110'0100, 0, 0}), boost::test_tools::per_element());
  BOOST_CHECK(outcome.dscp == 0);
  // The mesh's own class, 34.
  area = {0x80, 4, 0, 4, 0b1000'1000, 0, 0, 0};
  outcome = answer(area);
  BOOST_TEST(area == (Octets{0x00, 4, 0, 4, 0b1000'1010, 0b1110'0100, 0, 0}), boost::test_tools::per_element());
  BOOST_CHECK(outcome.dscp == 34);
  // Another one is refused: RP 1, and the reply has the request's.
  area = {0x80, 4, 0, 4, 0b1100'0000, 0, 0, 0};
  outcome = answer(area);
  BOOST_TEST(area == (Octets{0x00, 4, 0, 4, 0b1100'0010, 0b1110'0101, 0, 0}), boost::test_tools::per_element());
  BOOST_CHECK(outcome.dscp == 46);
}

BOOST_AUTO_TEST_CASE(what_is_not_understood_comes_back_as_it_was_with_u) {
  gives({0x00, 77, 0, 1, 5, 0x80, 2, 0, 4, 1, 2, 3, 4}, {0x80, 77, 0, 1, 5, 0x80, 2, 0, 4, 1, 2, 3, 4});
  // Type 251 without the mark is another experiment's, and of another length another version's.
  gives({0x00, 251, 0, 4, 'S', 'n', 'd', 'e'}, {0x80, 251, 0, 4, 'S', 'n', 'd', 'e'});
}

BOOST_AUTO_TEST_CASE(m_i_and_reserved_flags_of_a_request_do_not_come_back) {
  gives({0xFF, 1, 0, 0, 0x7F, 77, 0, 0}, {0x00, 1, 0, 0, 0x80, 77, 0, 0});
}

BOOST_AUTO_TEST_CASE(a_bad_length_gets_m_and_ends_the_walk) {
  const Octets rest{0x80, 1, 0, 0};
  const auto with_rest = [&](Octets front) {
    front.insert(front.end(), rest.begin(), rest.end());
    return front;
  };
  gives(with_rest({0x80, 4, 0, 2, 9, 9}), with_rest({0x40, 4, 0, 2, 9, 9}));
  gives(with_rest({0x80, 3, 0, 3, 9, 9, 9}), with_rest({0x40, 3, 0, 3, 9, 9, 9}));
  gives(with_rest({0x80, 5, 0, 0}), with_rest({0x40, 5, 0, 0}));
  // A follow-up's number and stamp are zeroed then (4.7).
  gives(with_rest({0x80, 7, 0, 13, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1}),
        with_rest({0x40, 7, 0, 13, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1}));
  Octets bad = with_rest({0x80, 5, 0, 0});
  BOOST_TEST(answer(bad).malformed);
}

BOOST_AUTO_TEST_CASE(a_tlv_that_leaves_the_packet_gets_m) {
  gives({0x80, 1, 0, 0, 0x80, 1, 0, 200, 5}, {0x00, 1, 0, 0, 0x40, 1, 0, 200, 5});
  gives({0x80, 77, 0, 200, 5}, {0xC0, 77, 0, 200, 5});
  gives({0x00}, {0xC0});
}

BOOST_AUTO_TEST_CASE(a_hmac_that_cannot_be_verified_gives_everything_i_and_nothing_else) {
  Octets area{0x80, 7, 0, 16, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0,
              0x80, 8, 0, 16, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1};
  Octets expected = area;
  expected[0] = expected[20] = 0xA0;
  const TlvOutcome outcome = answer(area);
  BOOST_TEST(area == expected, boost::test_tools::per_element());
  BOOST_TEST(outcome.integrity_failed);
  BOOST_TEST(!outcome.follow_up_asked);
}

BOOST_AUTO_TEST_CASE(any_octets_are_answered_without_harm) {
  BOOST_TEST(rc::check("no length changes", [](Octets area) {
    const std::size_t before = area.size();
    answer(area);
    RC_ASSERT(area.size() == before);
  }));
}

BOOST_AUTO_TEST_SUITE_END()
