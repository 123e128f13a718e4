// The octets stand here by themselves, written down from RFC 8762 figures 2 and 4 and RFC 8972 figures 1 and 2, and not
// made by the code under test.
#include "shared/wire/stamp_packet.h"

#include <rapidcheck.h>

#include <boost/test/unit_test.hpp>

#include <array>
#include <vector>

using namespace sonde;
using namespace sonde::wire;

namespace {

// 2026-11-20T12:00:00.5Z is 1795176000 s after 1970 and 4004164800 = 0xEEAAB4C0 s after 1900; half a second is 2^31.
constexpr std::int64_t noon_ns = 1'795'176'000'500'000'000;

constexpr StampPacket golden_sender{
    0x00, 0x01, 0xE2, 0x40,                          // sequence 123456
    0xEE, 0xAA, 0xB4, 0xC0, 0x80, 0x00, 0x00, 0x00,  // timestamp
    0x95, 0x83,                                      // S=1 Z=0 scale=21 multiplier=131
    0xBE, 0xEF,                                      // SSID
};

constexpr StampPacket golden_reflector{
    0x00, 0x00, 0x00, 0x07,                          // the reflector's own sequence
    0xEE, 0xAA, 0xB4, 0xC1, 0x00, 0x00, 0x00, 0x00,  // t3
    0x20, 0x01,                                      // S=0 Z=0 scale=32 multiplier=1
    0xBE, 0xEF,                                      // SSID
    0xEE, 0xAA, 0xB4, 0xC0, 0xC0, 0x00, 0x00, 0x00,  // t2
    0x00, 0x01, 0xE2, 0x40,                          // the sender's sequence
    0xEE, 0xAA, 0xB4, 0xC0, 0x80, 0x00, 0x00, 0x00,  // the sender's timestamp
    0x95, 0x83,                                      // the sender's error estimate
    0x00, 0x00,                                      // zero
    0x3F,                                            // the sender's TTL, 63
    0x00, 0x00, 0x00,                                // zero
};

SenderPacket sender_values() {
  return {.sequence = 123'456,
          .sent_at = NtpStamp::from_wall(wall_from_ns(noon_ns)),
          .error = {.synchronised = true, .scale = 21, .multiplier = 131},
          .ssid = 0xBEEF};
}

ReflectorPacket reflector_values() {
  return {.sequence = 7,
          .sent_at = NtpStamp::from_wall(wall_from_ns(noon_ns + 500'000'000)),
          .error = {},
          .ssid = 0xBEEF,
          .received_at = NtpStamp::from_wall(wall_from_ns(noon_ns + 250'000'000)),
          .sender_sequence = 123'456,
          .sender_sent_at = NtpStamp::from_wall(wall_from_ns(noon_ns)),
          .sender_error = 0x9583,
          .sender_ttl = 63};
}

}  // namespace

BOOST_AUTO_TEST_SUITE(stamp_packet)

BOOST_AUTO_TEST_CASE(sender_packet_has_these_octets) {
  BOOST_TEST(encode(sender_values()) == golden_sender, boost::test_tools::per_element());
  BOOST_CHECK(decode_sender(golden_sender) == sender_values());
}

BOOST_AUTO_TEST_CASE(reflector_packet_has_these_octets) {
  BOOST_TEST(encode(reflector_values()) == golden_reflector, boost::test_tools::per_element());
  BOOST_CHECK(decode_reflector(golden_reflector) == reflector_values());
}

BOOST_AUTO_TEST_CASE(short_packets_and_a_multiplier_of_zero_are_refused) {
  for (std::size_t length = 0; length < stamp_base_octets; ++length) {
    BOOST_CHECK(!decode_sender(std::span(golden_sender).first(length)));
    BOOST_CHECK(!decode_reflector(std::span(golden_reflector).first(length)));
  }
  StampPacket packet = golden_sender;
  packet[13] = 0;
  BOOST_CHECK(!decode_sender(packet));
  packet = golden_reflector;
  packet[13] = 0;
  BOOST_CHECK(!decode_reflector(packet));
}

BOOST_AUTO_TEST_CASE(octets_that_must_be_zero_are_ignored) {
  StampPacket packet = golden_sender;
  for (std::size_t i = 16; i < packet.size(); ++i) packet[i] = 0xAA;
  BOOST_CHECK(decode_sender(packet) == sender_values());
}

BOOST_AUTO_TEST_CASE(sent_at_is_put_into_octets_4_to_11) {
  StampPacket packet = golden_sender;
  set_sent_at(packet, wall_from_ns(noon_ns + 500'000'000));
  StampPacket expected = golden_sender;
  expected[7] = 0xC1;
  expected[8] = 0x00;
  BOOST_TEST(packet == expected, boost::test_tools::per_element());
}

BOOST_AUTO_TEST_CASE(ntp_stamps_give_every_nanosecond_back) {
  BOOST_TEST(rc::check("wall time survives", [] {
    const auto ns = *rc::gen::inRange<std::int64_t>(0, 4'291'747'199'999'999'999);
    RC_ASSERT(NtpStamp::from_wall(wall_from_ns(ns)).wall() == wall_from_ns(ns));
  }));
  BOOST_CHECK(!NtpStamp{}.wall());
  // The era ends on 2036-02-07T06:28:16Z; the seconds begin anew at 0.
  const NtpStamp after = NtpStamp::from_wall(wall_from_ns(2'085'978'496'250'000'000));
  BOOST_TEST(after.bits == 0x0000'0000'4000'0000U);
  BOOST_CHECK(after.wall() == wall_from_ns(2'085'978'496'250'000'000));
}

BOOST_AUTO_TEST_CASE(error_estimates_are_never_too_small_and_never_zero) {
  BOOST_TEST(rc::check("bound holds", [] {
    const auto ns = *rc::gen::inRange<std::int64_t>(0, 3'600'000'000'000);
    const ErrorEstimate estimate = ErrorEstimate::of(nanoseconds(ns));
    RC_ASSERT(estimate.multiplier > 0);
    RC_ASSERT(estimate.scale < 64);
    RC_ASSERT(estimate.synchronised);
    RC_ASSERT(estimate.seconds() * 1e9 >= static_cast<double>(ns) * (1 - 1e-12));
    RC_ASSERT(estimate.seconds() * 1e9 <= static_cast<double>(ns) * 1.02 + 1);
  }));
  BOOST_TEST(!ErrorEstimate::of(std::nullopt).synchronised);
}

BOOST_AUTO_TEST_CASE(any_octets_are_read_without_harm) {
  BOOST_TEST(rc::check("decoders end", [](const std::vector<std::uint8_t>& octets) {
    for (const StampMode mode : {StampMode::open, StampMode::authenticated}) {
      decode_sender(octets, mode);
      decode_reflector(octets, mode);
    }
  }));
}

BOOST_AUTO_TEST_SUITE_END()
