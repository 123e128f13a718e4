#include "agent/core/reflector.h"

#include <rapidcheck.h>

#include <boost/test/unit_test.hpp>

#include <initializer_list>

#include "shared/wire/stamp_packet.h"
#include "shared/wire/stamp_probe.h"

using namespace sonde;

namespace {

const IpAddress member = *IpAddress::parse("192.0.2.1");
const IpAddress stranger = *IpAddress::parse("192.0.2.66");

struct World {
  World() { reflector.set_members({member}); }

  /// The reflector's answer to a base packet, decoded.
  std::optional<wire::ReflectorPacket> ask(std::uint32_t sequence, std::uint16_t ssid, Endpoint from = {member, 9000}) {
    const auto octets = wire::encode(wire::SenderPacket{
        .sequence = sequence, .sent_at = wire::NtpStamp::from_wall(wall_from_ns(1'000)), .error = {}, .ssid = ssid});
    if (!reflector.on_packet({from, octets, wall_from_ns(5'000), 61}, reply)) return std::nullopt;
    return wire::decode_reflector(reply);
  }

  Reflector reflector;
  std::vector<std::uint8_t> reply;
};

}  // namespace

BOOST_AUTO_TEST_SUITE(reflector)

BOOST_AUTO_TEST_CASE(a_member_gets_its_own_fields_back) {
  World world;
  const auto reply = world.ask(41, 7);
  BOOST_REQUIRE(reply);
  BOOST_TEST(reply->sequence == 0);
  BOOST_TEST(reply->ssid == 7);
  BOOST_TEST(reply->sender_sequence == 41);
  BOOST_TEST(reply->sender_ttl == 61);
  BOOST_CHECK(reply->sender_sent_at == wire::NtpStamp::from_wall(wall_from_ns(1'000)));
  BOOST_CHECK(reply->received_at.wall() == wall_from_ns(5'000));
  BOOST_TEST(world.reply.size() == 44);
}

BOOST_AUTO_TEST_CASE(strangers_get_nothing_and_are_counted) {
  World world;
  BOOST_CHECK(!world.ask(1, 7, {stranger, 9000}));
  BOOST_TEST(world.reply.empty());
  BOOST_TEST(world.reflector.counters().strangers == 1);
  BOOST_TEST(world.reflector.sessions() == 0);
}

BOOST_AUTO_TEST_CASE(any_source_port_of_a_member_will_do) {
  World world;
  for (const std::uint16_t port : std::initializer_list<std::uint16_t>{1, 862, 7101, 65535})
    BOOST_CHECK(world.ask(1, 7, {member, port}));
}

BOOST_AUTO_TEST_CASE(each_session_counts_by_itself) {
  World world;
  for (std::uint32_t i = 0; i < 3; ++i) BOOST_TEST(world.ask(10 + 2 * i, 7)->sequence == i);
  BOOST_TEST(world.ask(0, 8)->sequence == 0);
  BOOST_TEST(world.ask(0, 7, {member, 9001})->sequence == 0);
  BOOST_TEST(world.ask(99, 7)->sequence == 3);
}

BOOST_AUTO_TEST_CASE(short_packets_get_no_answer) {
  World world;
  const std::vector<std::uint8_t> short_packet(43, 1);
  BOOST_TEST(!world.reflector.on_packet({{member, 1}, short_packet, wall_from_ns(1), 64}, world.reply));
  BOOST_TEST(world.reflector.counters().malformed == 1);
}

BOOST_AUTO_TEST_CASE(the_table_of_sessions_is_bounded_and_forgets_the_longest_unused) {
  World world;
  const auto session = [&](std::size_t i) {
    return world.ask(0, static_cast<std::uint16_t>(1 + i % 60'000),
                     {member, static_cast<std::uint16_t>(1 + i / 60'000)});
  };
  for (std::size_t i = 0; i < Reflector::max_sessions; ++i) session(i);
  BOOST_TEST(session(0)->sequence == 1);
  BOOST_TEST(world.reflector.counters().evicted == 0);
  session(Reflector::max_sessions);
  BOOST_TEST(world.reflector.sessions() == Reflector::max_sessions);
  BOOST_TEST(world.reflector.counters().evicted == 1);
  BOOST_TEST(session(0)->sequence == 2);
  BOOST_TEST(session(1)->sequence == 0);
}

BOOST_AUTO_TEST_CASE(the_answer_is_exactly_as_long_as_the_question) {
  BOOST_TEST(rc::check("for any octets", [](std::vector<std::uint8_t> octets) {
    octets.resize(octets.size() + *rc::gen::inRange<std::size_t>(0, 80), 3);
    World world;
    const bool answered =
        world.reflector.on_packet({{member, 5}, octets, wall_from_ns(1), 64}, world.reply).has_value();
    RC_ASSERT(answered == (octets.size() >= 44 && octets[13] != 0));
    RC_ASSERT(world.reply.size() == (answered ? octets.size() : 0));
  }));
}

BOOST_AUTO_TEST_CASE(it_tells_which_probes_have_come_whatever_port_they_came_from) {
  World world;
  world.reflector.set_members({member, stranger}, wall_from_ns(2'000));
  for (const std::uint32_t sequence : {10U, 11U, 11U, 13U}) world.ask(sequence, 7);
  world.ask(14, 7, {member, 9001});
  world.ask(12, 8);
  world.ask(12, 7, {stranger, 9000});
  ArrivalQuery query{.id = 1, .from = {member}, .ssid = 7, .first = 10, .last = 19, .sent_at = wall_from_ns(4'000)};
  BOOST_TEST(world.reflector.count_arrivals(query).known);
  BOOST_TEST(world.reflector.count_arrivals(query).received == 4U);
  query.ssid = 9;  // a session that nobody has seen is one of which nothing has come
  BOOST_TEST(world.reflector.count_arrivals(query).known);
  BOOST_TEST(world.reflector.count_arrivals(query).received == 0U);
}

BOOST_AUTO_TEST_CASE(what_came_before_a_site_was_admitted_is_not_known) {
  World world;
  world.reflector.set_members({}, wall_from_ns(1'000));
  world.reflector.set_members({member}, wall_from_ns(2'000));
  world.reflector.set_members({member, stranger}, wall_from_ns(9'000));
  ArrivalQuery query{.id = 1, .from = {member}, .ssid = 7, .first = 0, .last = 9, .sent_at = wall_from_ns(3'000)};
  BOOST_TEST(world.reflector.count_arrivals(query).known);
  query.sent_at = wall_from_ns(1'500);
  BOOST_TEST(!world.reflector.count_arrivals(query).known);
  query.sent_at = wall_from_ns(3'000);
  query.from = {member, stranger};
  BOOST_TEST(!world.reflector.count_arrivals(query).known);
  query.from.clear();
  BOOST_TEST(!world.reflector.count_arrivals(query).known);
}

BOOST_AUTO_TEST_CASE(each_step_of_the_clock_begins_another_era) {
  World world;
  const auto era = [&] {
    wire::ProbeValues values{};
    values.base.ssid = 7;
    const auto probe = wire::build_probe(wire::ProbeFormat::agents(), values);
    BOOST_TEST_REQUIRE(
        world.reflector.on_packet({{member, 9000}, probe, wall_from_ns(5'000), 61}, world.reply).has_value());
    return wire::read_extras(wire::ProbeFormat::agents(), world.reply).clock_era;
  };
  BOOST_TEST(era() == 0U);
  world.reflector.on_clock_step();
  BOOST_TEST(era() == 0U);  // whoever does not watch the clock does not seem to
  world.reflector.set_clock_era(41);
  BOOST_TEST(era() == 41U);
  world.reflector.on_clock_step();
  BOOST_TEST(era() == 42U);
  world.reflector.set_clock_era(wire::most_clock_era);
  world.reflector.on_clock_step();
  BOOST_TEST(era() == 1U);  // never 0
}

BOOST_AUTO_TEST_SUITE_END()
