#include "shared/wire/packed_slots.h"

#include <fmt/format.h>

#include <boost/test/unit_test.hpp>

#include <algorithm>
#include <numeric>

#include "shared/base/limits.h"
#include "shared/base/random.h"
#include "shared/wire/timetable_encoder.h"

using namespace sonde;
using namespace std::chrono_literals;

namespace {

/// What an agent is told whose uplink `behind` sites of a mesh of a thousand share: each slot between one of them and
/// anybody, one after another, for they all need the uplink. No two are equally long.
Timetable of_shared_uplink(std::uint32_t behind) {
  constexpr std::uint32_t sites = 1000;
  Timetable timetable;
  timetable.generation = Generation{1'790'000'000'000};
  timetable.throughput_every = 40 * 24h;
  for (std::uint32_t i = 0; i < sites; ++i) {
    Member member;
    member.site = SiteId::known(fmt::format("site-number-{:04}", i));
    member.addresses = {"2001:db8:1234:5678::17", "192.0.2.217"};
    member.public_key = std::string(40, 'k');
    member.uplink = i < behind ? 1 : 0;
    timetable.members.push_back(std::move(member));
  }
  Random random(7);
  nanoseconds at{0};
  for (std::uint32_t a = 0; a < behind; ++a)
    for (std::uint32_t b = 0; b < sites; ++b) {
      if (a == b) continue;
      const nanoseconds length(5'000'000'000 + static_cast<std::int64_t>(random.below(10'000'000'000)));
      const Link out{timetable.members[a].site, timetable.members[b].site};
      const Round round{static_cast<std::uint32_t>(timetable.slots.size())};
      timetable.slots.push_back({round, out, at, length, 0s});
      at += length;
      if (b < behind) continue;
      timetable.slots.push_back({Round{round.number + 1}, Link{out.to, out.from}, at, length, 0s});
      at += length;
    }
  return timetable;
}

}  // namespace

BOOST_AUTO_TEST_SUITE(packed_slots)

BOOST_AUTO_TEST_CASE(what_is_packed_comes_back) {
  Timetable timetable = of_shared_uplink(3);
  timetable.slots[1].every = 1h;
  timetable.slots[2].start = -1ns;  // whatever it is, nothing is lost
  timetable.slots[3].length = nanoseconds::max();
  timetable.slots[4].length = nanoseconds::min();
  timetable.slots[5].round = Round{0xFFFF'FFFF};
  const auto back = wire::unpack_slots(wire::pack_slots(timetable), timetable.members);
  BOOST_REQUIRE(back.has_value());
  BOOST_TEST((*back == timetable.slots));
}

BOOST_AUTO_TEST_CASE(an_agent_behind_a_large_uplink_is_told_of_all_its_slots_in_one_message) {
  const Timetable timetable = of_shared_uplink(100);
  BOOST_TEST(timetable.slots.size() > 180'000U);
  const wire::Buffer message = wire::encode(wire::NewTimetable{timetable});
  BOOST_TEST_MESSAGE(fmt::format("{} octets for {} slots", message.size(), timetable.slots.size()));
  BOOST_TEST(message.size() < limits::message_bytes);
  const auto decoded = wire::decode(message);
  BOOST_REQUIRE(decoded.has_value());
  BOOST_TEST((std::get<wire::NewTimetable>(*decoded).timetable == timetable));
  std::vector<std::uint32_t> all(timetable.slots.size());
  std::iota(all.begin(), all.end(), 0U);
  BOOST_TEST((wire::TimetableEncoder(timetable).message(timetable.slots, all, {}, {}) == message));
  const auto stored = wire::decode_timetable(wire::encode_timetable(timetable));
  BOOST_REQUIRE(stored.has_value());
  BOOST_TEST((*stored == timetable));
}

BOOST_AUTO_TEST_CASE(the_octets_of_the_network_are_not_trusted) {
  const Timetable timetable = of_shared_uplink(1);
  const wire::Buffer packed = wire::pack_slots(timetable);
  for (std::size_t cut = 1; cut < 12; ++cut) {
    const auto part = std::span(packed).first(packed.size() - cut);
    const auto read = wire::unpack_slots(part, timetable.members);
    if (read) BOOST_TEST(read->size() < timetable.slots.size());
  }
  BOOST_TEST(!wire::unpack_slots(std::span(packed).first(5), timetable.members).has_value());
  const std::vector<Member> few(timetable.members.begin(), timetable.members.begin() + 10);
  BOOST_TEST(wire::unpack_slots(packed, few).error() == "a packed slot of no member");
  const wire::Buffer endless(64, 0xFF);
  BOOST_TEST(!wire::unpack_slots(endless, timetable.members).has_value());
  const wire::Buffer early{0, 1, 2, 2, 0, 1};  // its round is -1
  BOOST_TEST(wire::unpack_slots(early, timetable.members).error() == "a packed slot of an impossible round");
  BOOST_TEST(wire::unpack_slots({}, timetable.members)->empty());
}

BOOST_AUTO_TEST_SUITE_END()
