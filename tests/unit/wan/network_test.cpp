#include "tests/wan/network.h"

#include <boost/test/unit_test.hpp>

#include "tests/wan/settings.h"
#include "tests/wan/topology.h"
#include "tests/wan/transit.h"

namespace {

using namespace sonde;
using namespace sonde::wan;
using namespace std::chrono_literals;

constexpr const char* two_sites = R"(
seed: 3
sites:
  - {name: berlin, address: [192.0.2.10, "2001:db8::10"]}
  - {name: athens, address: 192.0.2.20}
paths:
  - {from: berlin, to: athens, delay: 20ms, rate: 50Mbit/s, queue: 64kB, loss: 5%}
)";

Network network_of(const char* text) {
  auto topology = parse_topology(text, "wan.yaml");
  BOOST_REQUIRE_MESSAGE(topology.value.has_value(), config::to_text(topology.diagnostics));
  auto network = Network::make(*topology.value);
  BOOST_REQUIRE_MESSAGE(network, (network ? "" : network.error().what));
  return std::move(*network);
}

std::string error_of(const char* text) {
  const auto topology = parse_topology(text, "wan.yaml");
  if (!topology.value) return config::to_text(topology.diagnostics);
  const auto network = Network::make(*topology.value);
  return network ? "" : network.error().what;
}

std::vector<std::byte> ipv4_to(const char* address, std::size_t size = 100) {
  std::vector<std::byte> packet(size);
  packet[0] = std::byte{0x45};
  const auto octets = IpAddress::parse(address)->octets;
  for (std::size_t i = 0; i < 4; ++i) packet[16 + i] = std::byte{octets[i]};
  return packet;
}

std::vector<std::byte> ipv6_to(const char* address) {
  std::vector<std::byte> packet(60);
  packet[0] = std::byte{0x60};
  const auto octets = IpAddress::parse(address)->octets;
  for (std::size_t i = 0; i < 16; ++i) packet[24 + i] = std::byte{octets[i]};
  return packet;
}

std::optional<Forward> send(Network& network, std::size_t from, std::vector<std::byte> packet) {
  return network.on_packet(MonoTime(0ms), from, packet);
}

}  // namespace

BOOST_AUTO_TEST_SUITE(network)

BOOST_AUTO_TEST_CASE(a_topology_is_read) {
  const auto topology = parse_topology(two_sites, "wan.yaml").value;
  BOOST_TEST_REQUIRE(topology.has_value());
  BOOST_TEST(topology->seed == 3U);
  BOOST_TEST(topology->sites.at(0).addresses.size() == 2U);
  const PathSettings& settings = topology->paths.at(0).settings;
  BOOST_TEST((settings.delay == 20ms));
  BOOST_TEST((settings.rate == BitsPerSecond{50e6}));
  BOOST_TEST((settings.queue == QueueLimit(Bytes{64'000})));
  BOOST_TEST(settings.loss == 0.05);
}

BOOST_AUTO_TEST_CASE(mistakes_in_a_topology_are_named) {
  BOOST_TEST(error_of("paths: []").starts_with("wan.yaml:1:1: sites: "));
  BOOST_TEST(error_of("sites: [{name: a, address: 192.0.2.1}]\npaths:\n  - {from: a, to: a, dely: 3ms}")
                 .starts_with("wan.yaml:3:22: paths[0].dely: "));
  BOOST_TEST(error_of("sites: [{name: a, address: 192.0.2.1}]\npaths:\n  - {from: a, to: a, loss: 3}") ==
             "wan.yaml:3:28: paths[0].loss: loss: '3' is no ratio; write 0.05 or 5%; see docs/lab.md\n");
  BOOST_TEST(error_of("sites: [{name: a, address: 192.0.2.1}]\npaths: [{from: a, to: b}]") == "unknown site 'b'");
  BOOST_TEST(error_of("sites: [{name: a, address: 192.0.2.1}, {name: b, address: 192.0.2.1}]") ==
             "192.0.2.1 is there twice");
  BOOST_TEST(!error_of("sites: [{name: a, address: nowhere}]").empty());
  BOOST_TEST(!error_of("sites: [{").empty());
}

BOOST_AUTO_TEST_CASE(packets_go_where_their_address_is) {
  auto network = network_of(two_sites);
  const auto there = send(network, 1, ipv6_to("2001:db8::10"));
  BOOST_TEST_REQUIRE(there.has_value());
  BOOST_TEST(there->to == 0U);
  const auto back = send(network, 0, ipv4_to("192.0.2.20"));
  BOOST_TEST_REQUIRE(back.has_value());
  BOOST_TEST(back->to == 1U);
}

BOOST_AUTO_TEST_CASE(what_goes_nowhere_is_dropped_and_counted) {
  auto network = network_of(two_sites);
  BOOST_TEST(!send(network, 0, ipv4_to("192.0.2.99")).has_value());
  BOOST_TEST(!send(network, 0, ipv4_to("192.0.2.10")).has_value());
  BOOST_TEST(!send(network, 0, std::vector<std::byte>(100)).has_value());
  BOOST_TEST(!send(network, 0, std::vector<std::byte>(3, std::byte{0x45})).has_value());
  BOOST_TEST(network.command("stats").find("\"unroutable\":4") != std::string::npos);
}

BOOST_AUTO_TEST_CASE(a_command_changes_a_path_while_it_runs) {
  auto network = network_of(two_sites);
  BOOST_TEST(network.command("set athens berlin delay=40ms up=1") == "ok");
  const auto forward = send(network, 1, ipv4_to("192.0.2.10"));
  BOOST_TEST_REQUIRE(forward.has_value());
  BOOST_TEST((forward->fate.departs[0] == MonoTime(40ms)));
  BOOST_TEST(network.command("set * athens up=0") == "ok");
  BOOST_TEST((send(network, 0, ipv4_to("192.0.2.20"))->fate.drop == Drop::down));
}

BOOST_AUTO_TEST_CASE(a_wrong_command_says_why_and_changes_nothing) {
  auto network = network_of(two_sites);
  BOOST_TEST(network.command("set athens berlin delay=7ms loss=2") == "error: loss: '2' is no ratio; write 0.05 or 5%");
  const auto forward = send(network, 1, ipv4_to("192.0.2.10"));
  BOOST_TEST((forward->fate.departs[0] == MonoTime(0ms)));
  BOOST_TEST(network.command("set athens mars up=0") == "error: unknown site 'mars'");
  BOOST_TEST(network.command("set athens berlin") == "error: set needs FROM TO and at least one key=value");
  BOOST_TEST(network.command("set athens berlin up") == "error: 'up' is not key=value");
  BOOST_TEST(network.command("set athens berlin delay=1ms jitter=2ms") == "error: jitter is at most the delay");
  BOOST_TEST(network.command("reboot") == "error: unknown command 'reboot'; try set, stats or quit");
  BOOST_TEST(network.command("").starts_with("error: "));
}

BOOST_AUTO_TEST_CASE(every_setting_can_be_written) {
  PathSettings settings;
  for (const auto& [key, value] : std::vector<std::pair<std::string, std::string>>{{"delay", "10ms"},
                                                                                   {"jitter", "1ms"},
                                                                                   {"rate", "8.9kbit/s"},
                                                                                   {"queue", "200ms"},
                                                                                   {"bucket", "16kB"},
                                                                                   {"loss", "0.5"},
                                                                                   {"loss_burst", "3"},
                                                                                   {"reorder", "1%"},
                                                                                   {"reorder_by", "2ms"},
                                                                                   {"duplicate", "2%"},
                                                                                   {"mtu", "1400"},
                                                                                   {"up", "0"},
                                                                                   {"hops", "192.0.2.201,*,fd00::1"},
                                                                                   {"fault_hop", "2"},
                                                                                   {"mtu_told", "1"}})
    BOOST_TEST(change(settings, key, value).has_value(), key);
  const PathSettings expected{
      .delay = 10ms,
      .jitter = 1ms,
      .rate = BitsPerSecond{8900},
      .queue = nanoseconds(200ms),
      .bucket = Bytes{16'000},
      .loss = 0.5,
      .loss_burst = 3,
      .reorder = 0.01,
      .reorder_by = 2ms,
      .duplicate = 0.02,
      .mtu = 1400,
      .up = false,
      .hops = {IpAddress::parse("192.0.2.201").value(), std::nullopt, IpAddress::parse("fd00::1").value()},
      .fault_hop = 2,
      .mtu_told = true};
  BOOST_TEST((settings == expected));
  BOOST_TEST(change(settings, "rate", "unlimited").has_value());
  BOOST_TEST(!settings.rate.has_value());
  for (const auto& [key, value] : std::vector<std::pair<std::string, std::string>>{{"rate", "0bit/s"},
                                                                                   {"loss_burst", "0"},
                                                                                   {"mtu", "10000"},
                                                                                   {"up", "yes"},
                                                                                   {"queue", "5"},
                                                                                   {"loss", "x%"},
                                                                                   {"hops", "a,b"},
                                                                                   {"fault_hop", "-1"}})
    BOOST_TEST(!change(settings, key, value).has_value(), key);
}

BOOST_AUTO_TEST_CASE(packets_leave_in_order_of_departure_and_then_of_arrival) {
  Transit transit;
  const auto put = [&](unsigned char mark, nanoseconds departs) {
    transit.spare()[0] = std::byte{mark};
    transit.keep(1, 0, 0, MonoTime(departs));
  };
  put(1, 3ms);
  put(2, 1ms);
  put(3, 1ms);
  BOOST_TEST((transit.next_departure() == MonoTime(1ms)));
  BOOST_TEST(!transit.due(MonoTime(999us)).has_value());
  for (const int mark : {2, 3, 1}) {
    const auto due = transit.due(MonoTime(5ms));
    BOOST_TEST_REQUIRE(due.has_value());
    BOOST_TEST(std::to_integer<int>(due->packet[0]) == mark);
    transit.pop();
  }
  BOOST_TEST(!transit.next_departure().has_value());
}

BOOST_AUTO_TEST_CASE(one_packet_too_many_finds_no_room) {
  Transit transit;
  for (std::size_t i = 0; i < Transit::most_packets; ++i) {
    BOOST_TEST_REQUIRE(!transit.spare().empty());
    transit.keep(1, 0, 0, MonoTime(1ms));
  }
  BOOST_TEST(transit.spare().empty());
  BOOST_TEST(!transit.keep_copy(std::vector<std::byte>(1), 0, 0, MonoTime(1ms)));
  transit.pop();
  BOOST_TEST(!transit.spare().empty());
}

BOOST_AUTO_TEST_SUITE_END()
