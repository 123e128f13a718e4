// Real packets over loopback between two agents' latency paths. Only facts are asserted, no times.
#include "agent/io/latency_path.h"

#include <poll.h>

#include <boost/test/unit_test.hpp>

#include <algorithm>
#include <string_view>
#include <vector>

#include "agent/io/udp_socket.h"
#include "shared/io/clock.h"
#include "shared/wire/stamp_packet.h"

using namespace sonde;
using namespace std::chrono_literals;

namespace {

const SiteId berlin = SiteId::known("berlin");
const SiteId athens = SiteId::known("athens");

IpAddress ip(std::string_view text) { return *IpAddress::parse(text); }

LatencyPlan plan(const SiteId& self, const SiteId& to, const Endpoint& target, std::vector<IpAddress> members) {
  const SharedTime now(io::read_clock().wall.time_since_epoch());
  return {.generation = {1},
          .self = self,
          .effective_at = now,
          .epoch = now,
          .streams = {{.to = to,
                       .addresses = {target},
                       .rate = {200},
                       .every = 500ms,
                       .timeout = 200ms,
                       .phase = 0s,
                       .stateful = true,
                       .format = wire::ProbeFormat::agents(),
                       .key = {},
                       .dscp = 0,
                       .shares_clock = true,
                       .far_clock_error = {}}},
          .members = std::move(members),
          .allowed = {},
          .keys = {},
          .own_clock_error = {},
          .dscp = 0};
}

bool wait_readable(int fd) {
  pollfd source{fd, POLLIN, 0};
  return ::poll(&source, 1, 10'000) == 1;
}

/// The first result that is not `skipped`, or none within the patience of wait_readable.
std::vector<Result> some_results(io::LatencyPath& path, std::size_t count) {
  std::vector<Result> results;
  while (results.size() < count && wait_readable(path.results_fd()))
    std::ranges::move(path.take_results(), std::back_inserter(results));
  return results;
}

}  // namespace

BOOST_AUTO_TEST_SUITE(latency_path)

BOOST_AUTO_TEST_CASE(two_agents_measure_each_other_with_kernel_stamps) {
  io::LatencyPath a({ip("127.0.0.11"), 0}, 1);
  io::LatencyPath b({ip("127.0.0.12"), 0}, 2);
  const std::vector<IpAddress> members{ip("127.0.0.11"), ip("127.0.0.12")};
  a.configure(plan(berlin, athens, b.local(), members));
  b.configure(plan(athens, berlin, a.local(), members));
  a.set_clock({.known = true});
  b.set_clock({.known = true});
  for (const Result& result : {some_results(a, 2).at(1), some_results(b, 2).at(1)}) {
    BOOST_CHECK(result.outcome == Outcome::ok);
    BOOST_TEST(!result.has(Tag::user_clock));
    BOOST_TEST(!result.has(Tag::clock_stepped));
    for (const Metric metric : {Metric::rtt, Metric::rtt_host, Metric::host_queue, Metric::delay_rise}) {
      const DistributionValue* samples = result.distribution_of(metric);
      BOOST_TEST_CONTEXT(name(metric)) {
        BOOST_REQUIRE(samples != nullptr);
        BOOST_TEST(samples->samples.count() > 0);
      }
    }
    BOOST_TEST(result.distribution_of(Metric::rtt)->samples.min() > 0);
    BOOST_TEST(result.ratio_of(Metric::loss)->hits == 0);
    BOOST_TEST(*result.detail("rejected") == 0);
    BOOST_TEST(*result.detail("lost_stamps") == 0);
    BOOST_TEST(*result.detail("ttl") == 64);
  }
}

BOOST_AUTO_TEST_CASE(a_wildcard_reflector_answers_from_the_address_that_was_asked) {
  io::LatencyPath everywhere({ip("0.0.0.0"), 0}, 1);
  io::LatencyPath asking({ip("127.0.0.13"), 0}, 2);
  const std::vector<IpAddress> members{ip("127.0.0.13")};
  const Endpoint target{ip("127.0.0.77"), everywhere.local().port};
  everywhere.configure(plan(athens, berlin, asking.local(), members));
  asking.configure(plan(berlin, athens, target, members));
  asking.set_clock({.known = true});
  // Replies from another address than the one asked are foreign, so an ok proves the address.
  BOOST_CHECK(some_results(asking, 1).at(0).outcome == Outcome::ok);
}

BOOST_AUTO_TEST_CASE(ipv6_and_ipv4_mapped_members_are_served_by_one_dual_stack_reflector) {
  io::LatencyPath everywhere({ip("::"), 0}, 1);
  const std::uint16_t port = everywhere.local().port;
  const std::vector<IpAddress> members{ip("::1"), ip("127.0.0.14")};
  io::LatencyPath six({ip("::1"), 0}, 2);
  io::LatencyPath four({ip("127.0.0.14"), 0}, 3);
  everywhere.configure(plan(athens, berlin, four.local(), members));
  six.configure(plan(berlin, athens, {ip("::1"), port}, members));
  four.configure(plan(berlin, athens, {ip("127.0.0.15"), port}, members));
  for (io::LatencyPath* path : {&six, &four}) {
    path->set_clock({.known = true});
    const Result result = some_results(*path, 1).at(0);
    BOOST_CHECK(result.outcome == Outcome::ok);
    BOOST_TEST(!result.has(Tag::user_clock));
    BOOST_TEST(*result.detail("ttl") == 64);
  }
}

BOOST_AUTO_TEST_CASE(strangers_get_nothing_and_a_deaf_port_is_unreachable) {
  io::LatencyPath closed({ip("127.0.0.16"), 0}, 1);
  io::LatencyPath stranger({ip("127.0.0.17"), 0}, 2);
  stranger.configure(plan(berlin, athens, closed.local(), {}));
  stranger.set_clock({.known = true});
  BOOST_CHECK(some_results(stranger, 1).at(0).outcome == Outcome::timeout);
  stranger.configure(plan(berlin, athens, {ip("127.0.0.18"), 9}, {}));
  // Intervals of the first target may still come; the new stream's follow them.
  Result result;
  for (int i = 0; i < 10 && result.outcome != Outcome::unreachable; ++i) result = some_results(stranger, 1).at(0);
  BOOST_CHECK(result.outcome == Outcome::unreachable);
}

BOOST_AUTO_TEST_CASE(it_stops_at_once_with_much_to_do) {
  io::LatencyPath path({ip("127.0.0.19"), 0}, 1);
  path.configure(plan(berlin, athens, path.local(), {}));
  path.set_clock({.known = true});
}

BOOST_AUTO_TEST_CASE(an_address_that_is_taken_is_an_error_with_the_address_in_it) {
  io::LatencyPath first({ip("127.0.0.20"), 0}, 1);
  BOOST_CHECK_EXCEPTION(io::LatencyPath(first.local(), 2), std::system_error, [&](const std::system_error& error) {
    return std::string_view(error.what()).find(first.local().str()) != std::string_view::npos;
  });
}

BOOST_AUTO_TEST_SUITE_END()

BOOST_AUTO_TEST_SUITE(udp_socket)

BOOST_AUTO_TEST_CASE(each_probe_gets_both_send_stamps_in_order) {
  io::UdpSocket sender({ip("127.0.0.21"), 0}, io::SendStamps::all);
  io::UdpSocket receiver({ip("127.0.0.22"), 0}, io::SendStamps::on_demand);
  std::vector<wire::StampPacket> packets;
  std::vector<io::OutgoingDatagram> datagrams;
  for (std::uint32_t s = 0; s < io::UdpSocket::batch; ++s)
    packets.push_back(wire::encode(wire::SenderPacket{.sequence = s, .sent_at = {}, .error = {}, .ssid = 9}));
  for (const auto& packet : packets)
    datagrams.push_back({.to = receiver.local(), .octets = packet, .from = {}, .traffic_class = {}});
  const io::SendOutcome outcome = sender.send(datagrams);
  BOOST_TEST(outcome.taken == packets.size());
  BOOST_TEST(outcome.error == 0);
  std::vector<io::StampedSend> stamps;
  std::vector<io::SendError> errors;
  while (stamps.size() < 2 * packets.size()) {
    pollfd source{sender.fd(), 0, 0};
    BOOST_REQUIRE(::poll(&source, 1, 10'000) == 1);
    sender.drain_errors(stamps, errors);
  }
  BOOST_TEST(errors.empty());
  std::size_t received = 0;
  while (received < packets.size()) {
    BOOST_REQUIRE(wait_readable(receiver.fd()));
    for (const io::Datagram& datagram : receiver.receive()) {
      const auto packet = wire::decode_sender(datagram.octets);
      BOOST_REQUIRE(packet);
      BOOST_TEST(packet->sequence == received++);
      BOOST_REQUIRE(datagram.kernel_stamp);
      BOOST_CHECK(datagram.from == sender.local());
      BOOST_CHECK(datagram.to.address == ip("127.0.0.22"));
      std::optional<WallTime> scheduled;
      std::optional<WallTime> sent;
      for (const io::StampedSend& stamp : stamps)
        if (wire::decode_sender(stamp.payload) == packet) (stamp.in_driver ? sent : scheduled) = stamp.at;
      BOOST_REQUIRE((scheduled && sent));
      BOOST_CHECK(*scheduled <= *sent);
      BOOST_CHECK(*sent <= *datagram.kernel_stamp);
    }
  }
}

BOOST_AUTO_TEST_SUITE_END()
