#include "tests/wan/router.h"

#include <boost/test/unit_test.hpp>

#include "tests/wan/network.h"

namespace {

using namespace sonde;
using namespace sonde::wan;
using namespace std::chrono_literals;

IpAddress address(std::string_view text) { return IpAddress::parse(text).value(); }

/// berlin -> athens over three routers, the second of which never answers; 40 ms there, 20 ms back.
Network three_hops(const std::string& more = {}) {
  Topology topology;
  topology.sites = {{SiteId::known("berlin"), {address("192.0.2.10"), address("2001:db8::10")}},
                    {SiteId::known("athens"), {address("192.0.2.20"), address("2001:db8::20")}}};
  auto network = Network::make(topology);
  BOOST_REQUIRE(network.has_value());
  BOOST_REQUIRE(network->command("set athens berlin delay=20ms") == "ok");
  BOOST_REQUIRE(network->command("set berlin athens delay=40ms "
                                 "hops=192.0.2.201,2001:db8::201,*,192.0.2.203,2001:db8::203 " +
                                 more) == "ok");
  return std::move(*network);
}

std::vector<std::byte> packet_of(bool v6, unsigned ttl, std::size_t size = 100) {
  std::vector<std::byte> packet(size);
  const auto from = address(v6 ? "2001:db8::10" : "192.0.2.10");
  const auto to = address(v6 ? "2001:db8::20" : "192.0.2.20");
  packet[0] = v6 ? std::byte{0x60} : std::byte{0x45};
  packet[v6 ? 7 : 8] = std::byte(ttl);
  for (std::size_t i = 0; i < (v6 ? 16U : 4U); ++i) {
    packet[(v6 ? 8 : 12) + i] = std::byte(from.octets[i]);
    packet[(v6 ? 24 : 16) + i] = std::byte(to.octets[i]);
  }
  return packet;
}

unsigned at(std::span<const std::byte> octets, std::size_t index) { return std::to_integer<unsigned>(octets[index]); }

/// RFC 1071: over a header with a right checksum it is 0xFFFF.
unsigned sum16(std::span<const std::byte> octets, unsigned sum = 0) {
  for (std::size_t i = 0; i < octets.size(); ++i) sum += at(octets, i) << (i % 2 == 0 ? 8U : 0U);
  while (sum > 0xFFFF) sum = (sum & 0xFFFFU) + (sum >> 16U);
  return sum;
}

}  // namespace

BOOST_AUTO_TEST_SUITE(router)

BOOST_AUTO_TEST_CASE(a_ttl_that_ends_on_the_way_is_answered_by_that_hop) {
  for (const bool v6 : {false, true}) {
    auto network = three_hops();
    auto packet = packet_of(v6, 3);
    const auto forward = network.on_packet(MonoTime(0ms), 0, packet);
    BOOST_TEST_REQUIRE(forward.has_value());
    BOOST_TEST(forward->fate.copies == 0U);
    BOOST_TEST((forward->answered == MonoTime(45ms)));  // three quarters of both ways
    const std::span<const std::byte> answer = forward->answer;
    const auto view = view_ip(answer);
    BOOST_TEST_REQUIRE(view.has_value());
    BOOST_TEST(view->from.str() == (v6 ? "2001:db8::203" : "192.0.2.203"));
    BOOST_TEST(view->to.str() == (v6 ? "2001:db8::10" : "192.0.2.10"));
    const std::size_t head = v6 ? 40 : 20;
    BOOST_TEST(at(answer, head) == (v6 ? 3U : 11U));
    BOOST_TEST(std::ranges::equal(answer.subspan(head + 8), packet));
    if (v6) {
      const auto length = static_cast<unsigned>(answer.size() - head);
      BOOST_TEST(sum16(answer.subspan(8), length + 58) == 0xFFFFU);
    } else {
      BOOST_TEST(sum16(answer.first(head)) == 0xFFFFU);
      BOOST_TEST(sum16(answer.subspan(head)) == 0xFFFFU);
    }
  }
}

BOOST_AUTO_TEST_CASE(a_silent_router_says_nothing_and_one_that_is_passed_counts_down) {
  auto network = three_hops();
  auto dies = packet_of(false, 2);
  const auto silent = network.on_packet(MonoTime(0ms), 0, dies);
  BOOST_TEST(silent->answer.empty());
  BOOST_TEST(silent->fate.copies == 0U);
  for (const bool v6 : {false, true}) {
    auto passes = packet_of(v6, 64);
    BOOST_TEST(network.on_packet(MonoTime(0ms), 0, passes)->fate.copies == 1U);
    BOOST_TEST(view_ip(passes)->ttl == 61U);
    if (!v6) BOOST_TEST(sum16(std::span(passes).first(20)) == 0xFFFFU);
  }
}

BOOST_AUTO_TEST_CASE(what_lies_in_front_of_a_fault_answers_and_what_lies_behind_does_not) {
  auto network = three_hops("up=0 fault_hop=1");
  auto first = packet_of(false, 1);
  BOOST_TEST(!network.on_packet(MonoTime(0ms), 0, first)->answer.empty());
  auto third = packet_of(false, 3);
  BOOST_TEST(network.on_packet(MonoTime(0ms), 0, third)->answer.empty());
  auto far = packet_of(false, 64);
  BOOST_TEST((network.on_packet(MonoTime(0ms), 0, far)->fate.drop == Drop::down));
}

BOOST_AUTO_TEST_CASE(a_router_says_what_is_too_big_where_it_should_and_else_is_a_black_hole) {
  for (const bool v6 : {false, true}) {
    auto hole = three_hops("mtu=1400 fault_hop=3");
    auto large = packet_of(v6, 64, 1401);
    BOOST_TEST(hole.on_packet(MonoTime(0ms), 0, large)->answer.empty());
    auto honest = three_hops("mtu=1400 fault_hop=3 mtu_told=1");
    const auto told = honest.on_packet(MonoTime(0ms), 0, large);
    BOOST_TEST((told->fate.drop == Drop::mtu));
    BOOST_TEST_REQUIRE(!told->answer.empty());
    const auto icmp = std::span<const std::byte>(told->answer).subspan(v6 ? 40 : 20);
    BOOST_TEST(at(icmp, 0) == (v6 ? 2U : 3U));
    BOOST_TEST((at(icmp, 6) << 8U) + at(icmp, 7) == 1400U);
    auto fits = packet_of(v6, 64, 1400);
    BOOST_TEST(honest.on_packet(MonoTime(0ms), 0, fits)->fate.copies == 1U);
  }
}

BOOST_AUTO_TEST_SUITE_END()
