// The octets stand here by themselves, written down from the figures of RFC 8972, and not made by the code under test.
#include "shared/wire/stamp_tlv.h"

#include <rapidcheck.h>

#include <boost/test/unit_test.hpp>

#include <array>
#include <vector>

#include "shared/wire/stamp_probe.h"

using namespace sonde;
using namespace sonde::wire;

namespace {

using Octets = std::vector<std::uint8_t>;

constexpr std::int64_t noon_ns = 1'795'176'000'500'000'000;  // see stamp_packet_test.cpp

template <std::size_t size, typename Value>
Octets written(const Value& value) {
  Octets octets(size, 0xEE);
  write(value, octets);
  return octets;
}

void same(const Octets& octets, const Octets& expected) {
  BOOST_TEST(octets == expected, boost::test_tools::per_element());
}

/// A reply of a reflector that understood everything and had something to say.
Octets full_reply() {
  Octets reply(44, 0);
  reply[13] = 1;     // error estimate
  reply[15] = 0x77;  // SSID
  const Octets tlvs{
      0x00, 7,    0,    16,                                          // Follow-Up Telemetry
      0x00, 0x00, 0x00, 0x05,                                        // reflector's sequence number
      0xEE, 0xAA, 0xB4, 0xC0, 0x80,        0x00,        0x00, 0x00,  // timestamp
      0x02, 0,    0,    0,                                           // SW local
      0x00, 4,    0,    4,    0b1011'1000, 0b0010'0101, 0,    0,     // Class of Service: 46, 2, ECN 1, RP 1
      0x00, 251,  0,    24,   'S',         'n',         'd',  'e',   // Load
      0x01, 0,    0,    0,                                           // sends
      0xEE, 0xAA, 0xB4, 0xC0, 0x80,        0x00,        0x00, 0x00,  // start
      0xEE, 0xAA, 0xB4, 0xC1, 0x80,        0x00,        0x00, 0x00,  // end
  };
  reply.insert(reply.end(), tlvs.begin(), tlvs.end());
  return reply;
}

constexpr std::size_t at_class = 44 + 20;
constexpr std::size_t at_load = at_class + 8;

}  // namespace

BOOST_AUTO_TEST_SUITE(stamp_tlv)

BOOST_AUTO_TEST_CASE(values_have_these_octets) {
  same(written<4>(TimestampInformation{SyncSource::ntp, StampMethod::software, SyncSource::free_running,
                                       StampMethod::hardware}),
       {1, 2, 5, 1});
  same(written<4>(ClassOfService{.dscp_wanted = 46, .dscp_received = 2, .ecn_received = 1, .refused = true}),
       {0b1011'1000, 0b0010'0101, 0, 0});
  same(written<12>(DirectMeasurement{1, 0x01020304, 0xFFFFFFFF}), {0, 0, 0, 1, 1, 2, 3, 4, 255, 255, 255, 255});
  same(written<16>(FollowUp{7, NtpStamp::from_wall(wall_from_ns(noon_ns)), StampMethod::software}),
       {0, 0, 0, 7, 0xEE, 0xAA, 0xB4, 0xC0, 0x80, 0, 0, 0, 2, 0, 0, 0});
  const WallTime noon = wall_from_ns(noon_ns);
  same(written<24>(SiteLoad{LoadRole::both, noon, {}}),
       {'S', 'n', 'd', 'e', 3, 0, 0, 0, 0xEE, 0xAA, 0xB4, 0xC0, 0x80, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0});
  same(written<24>(SiteLoad{}), {'S', 'n', 'd', 'e', 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0});
}

BOOST_AUTO_TEST_CASE(what_was_written_is_read) {
  const ClassOfService service{.dscp_wanted = 63, .dscp_received = 1, .ecn_received = 3, .refused = false};
  BOOST_CHECK(read_class_of_service(written<4>(service)) == service);
  const FollowUp follow_up{9, {0x1234}, StampMethod::hardware};
  BOOST_CHECK(read_follow_up(written<16>(follow_up)) == follow_up);
  const DirectMeasurement counters{1, 2, 3};
  BOOST_CHECK(read_direct_measurement(written<12>(counters)) == counters);
  const WallTime noon = wall_from_ns(noon_ns);
  for (const SiteLoad& load : {SiteLoad{}, SiteLoad{LoadRole::sends, noon, {}},
                               SiteLoad{LoadRole::receives, noon, noon + std::chrono::seconds(5)}})
    BOOST_CHECK(read_load(written<24>(load)) == load);
}

BOOST_AUTO_TEST_CASE(a_load_names_the_era_of_its_sites_clock) {
  const WallTime noon = wall_from_ns(noon_ns);
  Octets load = written<24>(SiteLoad{LoadRole::receives, noon, {}});
  BOOST_TEST(read_clock_era(load) == 0U);
  write_clock_era(0x0A0B0C, load);
  BOOST_TEST((load[4] == 2 && load[5] == 0x0A && load[6] == 0x0B && load[7] == 0x0C));
  BOOST_TEST(read_clock_era(load) == 0x0A0B0CU);
  BOOST_CHECK(read_load(load) == (SiteLoad{LoadRole::receives, noon, {}}));
  write_clock_era(most_clock_era, load);
  BOOST_TEST(read_clock_era(load) == most_clock_era);
  BOOST_CHECK(read_load(load).has_value());
}

BOOST_AUTO_TEST_CASE(a_load_that_cannot_be_is_none) {
  const WallTime noon = wall_from_ns(noon_ns);
  Octets load = written<24>(SiteLoad{LoadRole::sends, noon, noon});
  const auto broken = [&](std::size_t at, std::uint8_t octet) {
    Octets octets = load;
    octets[at] = octet;
    return octets;
  };
  BOOST_CHECK(read_load(load));
  BOOST_CHECK(!read_load(broken(0, 's')));    // another experiment's
  BOOST_CHECK(!read_load(broken(4, 4)));      // no such role
  BOOST_CHECK(!read_load(broken(19, 0xBF)));  // ended before it began
  Octets unstarted = load;
  std::fill_n(unstarted.begin() + 8, 8, std::uint8_t{0});
  BOOST_CHECK(!read_load(unstarted));
  load.pop_back();
  BOOST_CHECK(!read_load(load));
}

BOOST_AUTO_TEST_CASE(the_walk_ends_where_a_tlv_leaves_the_area) {
  const Octets area{0x80, 77, 0, 1, 5, 0x80, 1, 0, 0, 0x80, 1, 0, 3, 9, 9};
  TlvWalk walk{std::span(area)};
  BOOST_TEST(walk.next()->value().size() == 1);
  BOOST_TEST(walk.next()->value().size() == 0);
  BOOST_CHECK(!walk.next());
  BOOST_TEST(walk.rest().size() == 6);
}

BOOST_AUTO_TEST_SUITE_END()

BOOST_AUTO_TEST_SUITE(stamp_probe)

BOOST_AUTO_TEST_CASE(an_agents_probe_has_these_octets) {
  const ProbeOctets probe = build_probe(
      ProbeFormat::agents(),
      {.base = {.sequence = 1, .sent_at = {0x0102030405060708}, .error = {}, .ssid = 0x77}, .dscp = 46, .sent = 2});
  Octets expected{0, 0, 0, 1, 1, 2, 3, 4, 5, 6, 7, 8, 0x20, 1, 0, 0x77};
  expected.resize(44);
  for (const Octets& tlv :
       {Octets{0x80, 7, 0, 16, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0},
        Octets{0x80, 4, 0, 4, 0b1011'1000, 0, 0, 0},
        Octets{0x80, 251, 0, 24, 'S', 'n', 'd', 'e', 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0}})
    expected.insert(expected.end(), tlv.begin(), tlv.end());
  const std::span<const std::uint8_t> octets = probe;
  same({octets.begin(), octets.end()}, expected);
  BOOST_TEST(ProbeFormat::agents().octets() == expected.size());
  BOOST_TEST(build_probe(ProbeFormat::base(), {}).size() == 44);
}

BOOST_AUTO_TEST_CASE(a_probe_may_ask_for_everything) {
  const ProbeFormat all{true, true, true, true, true};
  const ProbeOctets probe = build_probe(all, {.base = {}, .dscp = 0, .sent = 0x01020304});
  const std::span<const std::uint8_t> octets = probe;
  const auto tail = octets.last(8 + 16);
  same({tail.begin(), tail.end()}, {0x80, 3, 0, 4, 0, 0, 0, 0, 0x80, 5, 0, 12, 1, 2, 3, 4, 0, 0, 0, 0, 0, 0, 0, 0});
}

BOOST_AUTO_TEST_CASE(a_reply_is_read) {
  const ReplyExtras extras = read_extras(ProbeFormat::agents(), full_reply());
  const WallTime noon = wall_from_ns(noon_ns);
  BOOST_CHECK((extras.follow_up == FollowUp{5, NtpStamp::from_wall(noon), StampMethod::software}));
  BOOST_CHECK((extras.class_of_service ==
               ClassOfService{.dscp_wanted = 46, .dscp_received = 2, .ecn_received = 1, .refused = true}));
  BOOST_CHECK((extras.load == SiteLoad{LoadRole::sends, noon, noon + std::chrono::seconds(1)}));
  BOOST_CHECK(!extras.direct_measurement && !extras.timestamp_information);
}

BOOST_AUTO_TEST_CASE(u_skips_m_stops_and_i_drops_all) {
  Octets reply = full_reply();
  reply[at_class] = 0x80;
  ReplyExtras extras = read_extras(ProbeFormat::agents(), reply);
  BOOST_CHECK(extras.follow_up && !extras.class_of_service && extras.load);
  reply[at_class] = 0x40;
  extras = read_extras(ProbeFormat::agents(), reply);
  BOOST_CHECK(extras.follow_up && !extras.class_of_service && !extras.load);
  reply[at_class] = 0;
  reply[at_load] = 0x20;
  BOOST_CHECK(read_extras(ProbeFormat::agents(), reply) == ReplyExtras{});
}

BOOST_AUTO_TEST_CASE(a_foreign_or_zero_area_and_ssid_0_are_a_base_reply) {
  Octets reply = full_reply();
  reply[15] = 0;
  BOOST_CHECK(read_extras(ProbeFormat::agents(), reply) == ReplyExtras{});
  reply = full_reply();
  std::fill(reply.begin() + 44, reply.end(), std::uint8_t{0});
  BOOST_CHECK(read_extras(ProbeFormat::agents(), reply) == ReplyExtras{});
  reply = full_reply();
  reply[at_class + 1] = 3;
  BOOST_CHECK(read_extras(ProbeFormat::agents(), reply) == ReplyExtras{});
  reply = full_reply();
  reply.push_back(0);
  BOOST_CHECK(read_extras(ProbeFormat::agents(), reply) == ReplyExtras{});
  reply.resize(44);
  BOOST_CHECK(read_extras(ProbeFormat::agents(), reply) == ReplyExtras{});
}

BOOST_AUTO_TEST_CASE(any_octets_are_read_without_harm) {
  BOOST_TEST(rc::check("no reply breaks it", [](const Octets& tail) {
    Octets reply = full_reply();
    const auto at = *rc::gen::inRange<std::size_t>(0, reply.size());
    reply.resize(at);
    reply.insert(reply.end(), tail.begin(), tail.end());
    read_extras(ProbeFormat::agents(), reply);
    read_extras({true, true, true, true, true}, reply);
  }));
}

BOOST_AUTO_TEST_SUITE_END()
