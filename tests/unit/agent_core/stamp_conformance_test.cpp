// STAMP to the octet: packets of RFC 8762 (figures 2 and 4 to 6) and RFC 8972 (figures 1 to 4, 7 and 11 to 16), written
// down here from the figures. The digests were computed with another program (Python's hmac). Nothing of shared/wire
// makes or reads an octet in this file.
#include <boost/test/unit_test.hpp>

#include <algorithm>
#include <initializer_list>
#include <vector>

#include "agent/core/latency_sender.h"
#include "agent/core/reflector.h"
#include "tests/unit/agent_core/plain_hmac.h"

using namespace sonde;
using namespace std::chrono_literals;

namespace {

using Octets = std::vector<std::uint8_t>;

constexpr std::int64_t noon_ns = 1'795'176'000'000'000'000;  // 0xEEAAB4C0 s after 1900
const Endpoint sender_at{*IpAddress::parse("192.0.2.1"), 50'000};

Octets join(std::initializer_list<Octets> parts) {
  Octets all;
  for (const Octets& part : parts) all.insert(all.end(), part.begin(), part.end());
  return all;
}
Octets zeros(std::size_t count) { return Octets(count, 0); }
Octets cut(Octets octets, std::size_t size) {
  octets.resize(size);
  return octets;
}

// ---- the fields, in wire order
const Octets sequence_5{0, 0, 0, 5};
const Octets t1{0xEE, 0xAA, 0xB4, 0xC0, 0x80, 0, 0, 0};  // noon and a half
const Octets t2{0xEE, 0xAA, 0xB4, 0xC0, 0xC0, 0, 0, 0};  // a quarter of a second later
const Octets t3{0xEE, 0xAA, 0xB4, 0xC1, 0, 0, 0, 0};     // another one
const Octets sender_error{0x80, 0x01};                   // synchronised, 2^-32 s
const Octets reflector_error{0x20, 0x01};                // not synchronised, 1 s
const Octets ssid{0xBE, 0xEF};
const Octets ttl_63{0x3F};

Octets open_request() { return join({sequence_5, t1, sender_error, ssid, zeros(28)}); }
Octets open_reply(const Octets& sequence) {
  return join({sequence, t3, reflector_error, ssid, t2, sequence_5, t1, sender_error, zeros(2), ttl_63, zeros(3)});
}

const Octets request_digest{0xC3, 0x13, 0x87, 0x45, 0xD9, 0x0C, 0xA7, 0x91,
                            0x7E, 0xE8, 0x42, 0x8E, 0xE5, 0xF7, 0xDB, 0x58};
const Octets request_area_digest{0x68, 0x95, 0x7E, 0xC4, 0xB8, 0xE4, 0xBF, 0x49,
                                 0xEA, 0x43, 0xAB, 0xAF, 0x2E, 0x9D, 0x60, 0x0A};
const Octets reply_digest{0x43, 0xA6, 0xEF, 0x23, 0x51, 0xFA, 0x86, 0xC9,
                          0xD3, 0xEF, 0xA8, 0x91, 0x47, 0x23, 0x5C, 0xD7};
const Octets reply_area_digest{0xEC, 0x9A, 0xDB, 0x7C, 0xD5, 0xF7, 0xA3, 0xCC,
                               0x6E, 0xF1, 0xD3, 0x6E, 0xD6, 0xFC, 0x2A, 0xF0};

Octets authenticated_request() {
  return join({sequence_5, zeros(12), t1, sender_error, ssid, zeros(68), request_digest});
}
Octets authenticated_reply() {
  return join({zeros(4), zeros(12), t3, reflector_error, ssid, zeros(4), t2, zeros(8), sequence_5, zeros(12), t1,
               sender_error, zeros(6), ttl_63, zeros(15), reply_digest});
}
const Octets asked_follow_up = join({{0x80, 7, 0, 16}, zeros(16)});
const Octets no_follow_up = join({{0x00, 7, 0, 16}, zeros(16)});

wire::StampKey key() {
  wire::StampKey counting{};
  for (std::size_t i = 0; i < counting.size(); ++i) counting[i] = static_cast<std::uint8_t>(i + 1);
  return counting;
}

struct Reflecting {
  Reflecting() {
    reflector.set_members({sender_at.address});
    reflector.set_keys({{sender_at.address, key()}});
  }
  /// The reply's octets; empty where there is none.
  Octets ask(const Octets& request) {
    Octets reply;
    const auto orders = reflector.on_packet({sender_at, request, wall_from_ns(noon_ns + 750'000'000), 63, 0}, reply);
    if (orders) Reflector::seal(reply, *orders, wall_from_ns(noon_ns + 1'000'000'000));
    return reply;
  }
  Reflector reflector;
};

void same(const Octets& octets, const Octets& expected) {
  BOOST_TEST(octets == expected, boost::test_tools::per_element());
}

}  // namespace

BOOST_AUTO_TEST_SUITE(stamp_conformance)

BOOST_AUTO_TEST_CASE(reflector_open_mode) {
  Reflecting world;
  same(world.ask(open_request()), open_reply({0, 0, 0, 0}));
  same(world.ask(open_request()), open_reply({0, 0, 0, 1}));  // stateful: its own numbers
}

BOOST_AUTO_TEST_CASE(reflector_ignores_what_must_be_zero) {
  Reflecting world;
  Octets request = open_request();
  std::fill(request.begin() + 16, request.end(), std::uint8_t{0xA5});
  same(world.ask(request), open_reply({0, 0, 0, 0}));
}

BOOST_AUTO_TEST_CASE(reflector_gives_ssid_0_back_and_counts_it_apart) {
  Reflecting world;
  world.ask(open_request());
  Octets request = open_request();
  Octets expected = open_reply({0, 0, 0, 0});
  request[14] = request[15] = expected[14] = expected[15] = 0;
  same(world.ask(request), expected);
}

BOOST_AUTO_TEST_CASE(reflector_is_as_long_as_the_request_and_silent_below_the_base) {
  Reflecting world;
  BOOST_TEST(world.ask(cut(open_request(), 43)).empty());
  BOOST_TEST(world.ask({}).empty());
  // A TWAMP Light sender's padding of zeros: TLVs of the reserved type 0, which nobody understands.
  same(world.ask(join({open_request(), zeros(8)})), join({open_reply({0, 0, 0, 0}), {0x80, 0, 0, 0, 0x80, 0, 0, 0}}));
}

BOOST_AUTO_TEST_CASE(reflector_refuses_an_impossible_error_estimate) {
  Reflecting world;
  Octets request = open_request();
  request[13] = 0;
  BOOST_TEST(world.ask(request).empty());
  BOOST_TEST(world.reflector.counters().malformed == 1);
}

BOOST_AUTO_TEST_CASE(reflector_authenticated_mode) {
  Reflecting world;
  same(world.ask(authenticated_request()), authenticated_reply());
}

BOOST_AUTO_TEST_CASE(reflector_gives_a_wrong_hmac_no_answer) {
  for (const std::size_t at : {0U, 5U, 16U, 40U, 95U, 96U, 111U}) {
    Reflecting world;
    Octets request = authenticated_request();
    request[at] ^= 1;
    BOOST_TEST(world.ask(request).empty(), "octet " << at);
  }
  Reflecting world;
  world.reflector.set_keys({});
  BOOST_TEST(world.ask(authenticated_request()).empty());
  BOOST_TEST(world.reflector.counters().bad_hmac == 1);
  BOOST_TEST(world.ask(cut(authenticated_request(), 111)).empty());
  BOOST_TEST(world.reflector.sessions() == 0);
}

BOOST_AUTO_TEST_CASE(reflector_signs_tlvs_and_checks_them) {
  Reflecting world;
  const Octets request =
      join({authenticated_request(), asked_follow_up, {0x80, 8, 0, 16}, request_area_digest, {0x80, 1, 0, 1, 9}});
  const Octets reply =
      join({authenticated_reply(), no_follow_up, {0x00, 8, 0, 16}, reply_area_digest, {0x00, 1, 0, 1, 9}});
  same(world.ask(request), reply);
}

BOOST_AUTO_TEST_CASE(reflector_marks_all_tlvs_where_the_digest_is_wrong_misplaced_or_missing) {
  const Octets hmac = join({{0x80, 8, 0, 16}, request_area_digest});
  Octets wrong = hmac;
  wrong.back() ^= 1;
  const auto marked = [](Octets tlv) {
    tlv[0] = 0xA0;
    return tlv;
  };
  const Octets location{0x80, 2, 0, 4, 0, 0, 0, 0};
  for (const std::vector<Octets>& tlvs :
       {std::vector<Octets>{asked_follow_up, wrong}, {asked_follow_up}, {asked_follow_up, hmac, location}}) {
    Reflecting world;
    Octets request = authenticated_request();
    Octets expected = authenticated_reply();
    for (const Octets& tlv : tlvs) {
      request = join({request, tlv});
      expected = join({expected, marked(tlv)});
    }
    same(world.ask(request), expected);
  }
}

BOOST_AUTO_TEST_CASE(reflector_takes_lone_padding_without_a_digest) {
  Reflecting world;
  same(world.ask(join({authenticated_request(), {0x80, 1, 0, 2, 7, 7}})),
       join({authenticated_reply(), {0x00, 1, 0, 2, 7, 7}}));
}

BOOST_AUTO_TEST_CASE(reflector_tells_the_last_replys_departure) {
  Reflecting world;
  const Octets first = world.ask(join({open_request(), asked_follow_up}));
  same(first, join({open_reply({0, 0, 0, 0}), no_follow_up}));
  world.reflector.on_sent(sender_at, first, wall_from_ns(noon_ns + 1'250'000'000));
  const Octets told{0x00, 7, 0, 16, 0, 0, 0, 0, 0xEE, 0xAA, 0xB4, 0xC1, 0x40, 0, 0, 0, 2, 0, 0, 0};
  const Octets second = world.ask(join({open_request(), asked_follow_up}));
  same(second, join({open_reply({0, 0, 0, 1}), told}));
  // The stamp of the second one has not come when the third is answered: nothing is told, and above all not the
  // first's.
  same(world.ask(join({open_request(), asked_follow_up})), join({open_reply({0, 0, 0, 2}), no_follow_up}));
}

BOOST_AUTO_TEST_CASE(reflector_modes_have_sessions_of_their_own) {
  Reflecting world;
  world.ask(open_request());
  same(world.ask(authenticated_request()), authenticated_reply());
}

BOOST_AUTO_TEST_CASE(reflector_answers_who_is_allowed) {
  Reflecting world;
  world.reflector.set_members({});
  BOOST_TEST(world.ask(open_request()).empty());
  world.reflector.set_allowed({*AddressPrefix::parse("192.0.2.0/25")});
  same(world.ask(open_request()), open_reply({0, 0, 0, 0}));
}

BOOST_AUTO_TEST_CASE(reflector_answers_an_outsider_in_authenticated_mode_with_the_outsiders_own_key) {
  Reflecting world;
  world.reflector.set_members({});
  world.reflector.set_keys({});
  const AddressPrefix range = *AddressPrefix::parse("192.0.2.0/25");
  world.reflector.set_allowed({range});
  BOOST_TEST(world.ask(authenticated_request()).empty());  // allowed, but without a key
  BOOST_TEST(world.reflector.counters().bad_hmac == 1);
  wire::StampKey other = key();
  other[0] ^= 1;
  world.reflector.set_outsider_keys({{range, other}});
  BOOST_TEST(world.ask(authenticated_request()).empty());
  world.reflector.set_outsider_keys({{*AddressPrefix::parse("198.51.100.1"), key()}});
  BOOST_TEST(world.ask(authenticated_request()).empty());  // somebody else's key
  BOOST_TEST(world.reflector.counters().bad_hmac == 3);
  // Of two that one address may have, the one that fits.
  world.reflector.set_outsider_keys({{range, other}, {range, key()}});
  same(world.ask(authenticated_request()), authenticated_reply());
  same(world.ask(open_request()), open_reply({0, 0, 0, 0}));  // open probes are answered all the same
}

// ---- the sender

namespace {

struct Sending {
  explicit Sending(const wire::ProbeFormat& format) {
    LatencyStreamPlan stream;
    stream.to = SiteId::known("athens");
    stream.addresses = {far};
    stream.rate = {1};
    stream.every = 1s;
    stream.timeout = 1s;
    stream.format = format;
    stream.stateful = false;
    if (format.mode == wire::StampMode::authenticated) stream.key = key();
    LatencyPlan plan;
    plan.self = SiteId::known("berlin");
    plan.epoch = plan.effective_at = SharedTime(wall(0s).time_since_epoch());
    plan.streams = {stream};
    sender.set_clock({.known = true});
    sender.configure(plan);
  }
  static WallTime wall(nanoseconds since) { return wall_from_ns(noon_ns + since.count()); }
  void at(nanoseconds since) { sender.tick({MonoTime(since), wall(since)}, out); }
  /// The first probe, sent at some time in the first second.
  Octets probe() {
    for (nanoseconds t{0}; out.probes.empty(); t += 1ms) at(sent_at = t);
    const std::span<const std::uint8_t> octets = out.probes.front().octets;
    return {octets.begin(), octets.end()};
  }
  void hear(const Octets& reply) {
    const nanoseconds t = sent_at + 40ms;
    sender.on_packet(MonoTime(t), {.from = far, .octets = reply, .received_at = wall(t)});
  }
  Result result() {
    for (nanoseconds t = sent_at + 40ms; out.results.empty(); t += 50ms) at(t);
    return out.results.front();
  }

  const Endpoint far{*IpAddress::parse("192.0.2.2"), 862};
  LatencySender sender{{true, false}, 7};
  LatencyOutput out;
  nanoseconds sent_at{0};
};

/// The reply that RFC 8762's figure 5 wants to a probe in the open mode, held for 10 ms, from a stateless reflector.
Octets plain_reply(const Octets& probe) {
  const auto part = [&](std::size_t from, std::size_t to) {
    return Octets(probe.begin() + static_cast<std::ptrdiff_t>(from), probe.begin() + static_cast<std::ptrdiff_t>(to));
  };
  Octets t3_octets = part(4, 12);
  // 10 ms are 0x028F5C29 of 2^32; the carry is left to the sum.
  std::uint64_t sum = 0;
  for (const std::uint8_t octet : t3_octets) sum = sum << 8 | octet;
  sum += 0x028F'5C29;
  for (std::size_t i = 8; i-- > 0; sum >>= 8) t3_octets[i] = static_cast<std::uint8_t>(sum);
  return join({part(0, 4),
               t3_octets,
               {0x00, 0x01},
               zeros(2),
               part(4, 12),
               part(0, 4),
               part(4, 12),
               part(12, 14),
               zeros(2),
               {0x3F},
               zeros(3)});
}

}  // namespace

BOOST_AUTO_TEST_CASE(sender_open_mode) {
  Sending world(wire::ProbeFormat::base());
  const Octets probe = world.probe();
  BOOST_REQUIRE(probe.size() == 44);
  BOOST_TEST(std::all_of(probe.begin(), probe.begin() + 4, [](auto octet) { return octet == 0; }));  // the first is 0
  same({probe.begin() + 4, probe.begin() + 8}, {0xEE, 0xAA, 0xB4, 0xC0});                            // NTP seconds
  same({probe.begin() + 12, probe.begin() + 14}, {0x20, 0x01});  // unsynchronised, Z 0, multiplier not 0
  BOOST_TEST((probe[14] | probe[15]) != 0);                      // SSID
  same({probe.begin() + 16, probe.end()}, zeros(28));
}

BOOST_AUTO_TEST_CASE(sender_reads_a_plain_stateless_reflector_that_knows_no_ssid) {
  Sending world(wire::ProbeFormat::base());
  world.hear(plain_reply(world.probe()));
  const Result result = world.result();
  BOOST_CHECK(result.outcome == Outcome::ok);
  const DistributionValue* rtt = result.distribution_of(Metric::rtt);
  BOOST_REQUIRE(rtt != nullptr);
  BOOST_TEST(rtt->samples.min() == nanoseconds(30ms).count());
  BOOST_CHECK(result.ratio_of(Metric::loss) == nullptr);  // it does not count: nothing is said of directions
}

BOOST_AUTO_TEST_CASE(sender_takes_no_reply_to_something_else) {
  Sending world(wire::ProbeFormat::base());
  const Octets reply = plain_reply(world.probe());
  for (const std::size_t at : {24U, 28U, 35U}) {  // the sender's number and stamp must come back
    Octets other = reply;
    other[at] ^= 1;
    world.hear(other);
  }
  world.hear(cut(reply, 43));
  BOOST_TEST(world.sender.counters().replies == 0);
  world.hear(reply);
  BOOST_TEST(world.sender.counters().replies == 1);
}

BOOST_AUTO_TEST_CASE(sender_authenticated_mode) {
  wire::ProbeFormat format = wire::ProbeFormat::agents();
  format.mode = wire::StampMode::authenticated;
  Sending world(format);
  const Octets probe = world.probe();
  BOOST_REQUIRE(probe.size() == 188);
  same({probe.begin() + 4, probe.begin() + 16}, zeros(12));
  same({probe.begin() + 16, probe.begin() + 20}, {0xEE, 0xAA, 0xB4, 0xC0});
  same({probe.begin() + 24, probe.begin() + 26}, {0x20, 0x01});
  BOOST_TEST((probe[26] | probe[27]) != 0);
  same({probe.begin() + 28, probe.begin() + 96}, zeros(68));
  same({probe.begin() + 168, probe.begin() + 172}, {0x80, 8, 0, 16});
  // The two digests: over the base packet, and over the sequence number with the TLVs before the HMAC TLV.
  same({probe.begin() + 96, probe.begin() + 112}, test::plain_hmac(key(), {probe.begin(), probe.begin() + 96}));
  same({probe.begin() + 172, probe.end()},
       test::plain_hmac(key(), join({{probe.begin(), probe.begin() + 4}, {probe.begin() + 112, probe.begin() + 168}})));
  // Both ends of this project understand each other, and a changed octet is noticed.
  Reflector reflector;
  reflector.set_members({sender_at.address});
  reflector.set_keys({{sender_at.address, key()}});
  Octets reply;
  const auto orders = reflector.on_packet({sender_at, probe, world.wall(world.sent_at + 20ms), 63, 0}, reply);
  BOOST_REQUIRE(orders.has_value());
  Reflector::seal(reply, *orders, world.wall(world.sent_at + 25ms));
  Octets forged = reply;
  forged[40] ^= 1;
  world.hear(forged);
  BOOST_TEST(world.sender.counters().unverified == 1);
  world.hear(reply);
  BOOST_TEST(world.sender.counters().replies == 1);
}

BOOST_AUTO_TEST_CASE(sender_authenticated_to_a_reflector_of_another_make) {
  // RFC 8762, figures 4 and 6: no TLVs, 112 octets each way, and a digest by the key that was agreed on.
  wire::ProbeFormat format = wire::ProbeFormat::base();
  format.mode = wire::StampMode::authenticated;
  Sending world(format);
  const Octets probe = world.probe();
  const auto part = [&](std::size_t from, std::size_t to) {
    return Octets(probe.begin() + static_cast<std::ptrdiff_t>(from), probe.begin() + static_cast<std::ptrdiff_t>(to));
  };
  BOOST_REQUIRE(probe.size() == 112);
  same(part(0, 4), zeros(4));
  same(part(4, 16), zeros(12));
  same(part(16, 20), {0xEE, 0xAA, 0xB4, 0xC0});
  same(part(24, 26), {0x20, 0x01});
  same(part(28, 96), zeros(68));
  same(part(96, 112), test::plain_hmac(key(), part(0, 96)));
  // Received and sent at the probe's own stamp, by a clock that agrees; stateless, as the simplest reflector is.
  const Octets unsigned_reply = join({part(0, 4),
                                      zeros(12),
                                      part(16, 24),
                                      {0x00, 0x01},
                                      part(26, 28),
                                      zeros(4),
                                      part(16, 24),
                                      zeros(8),
                                      part(0, 4),
                                      zeros(12),
                                      part(16, 24),
                                      part(24, 26),
                                      zeros(6),
                                      ttl_63,
                                      zeros(15)});
  BOOST_REQUIRE(unsigned_reply.size() == 96);
  const Octets reply = join({unsigned_reply, test::plain_hmac(key(), unsigned_reply)});
  for (std::size_t at = 0; at < reply.size(); ++at) {
    Octets forged = reply;
    forged[at] ^= 0x10;
    world.hear(forged);
    BOOST_TEST(world.sender.counters().replies == 0, "octet " << at);
  }
  world.hear(reply);
  BOOST_TEST(world.sender.counters().replies == 1);
}

BOOST_AUTO_TEST_CASE(the_plain_hmac_of_these_tests_is_that_of_rfc_4231) {
  test::Bytes256 jefe{'J', 'e', 'f', 'e'};
  const std::string_view text = "what do ya want for nothing?";
  same(test::plain_hmac(jefe, {text.begin(), text.end()}), {0x5b, 0xdc, 0xc1, 0x46, 0xbf, 0x60, 0x75, 0x4e,  //
                                                            0x6a, 0x04, 0x24, 0x26, 0x08, 0x95, 0x75, 0xc7});
}

BOOST_AUTO_TEST_SUITE_END()
