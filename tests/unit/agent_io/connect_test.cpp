#include <boost/test/unit_test.hpp>

#include <set>

#include "agent/io/connector.h"
#include "agent/io/tcp_port.h"
#include "tests/unit/agent_io/tcp_rig.h"

using namespace sonde;
using namespace sonde::test;
using namespace std::chrono_literals;

namespace {

struct Rig {
  boost::asio::io_context loop;
  io::Resolver resolver{loop};
  std::vector<Result> results;
  io::Connector connector{loop, resolver, [this](Result r) { results.push_back(std::move(r)); }};

  Result probe(std::vector<std::string> addresses, std::uint16_t port, nanoseconds timeout = 10s) {
    ConnectOrder order;
    order.link = {SiteId::known("berlin"), SiteId::known("athens")};
    order.addresses = std::move(addresses);
    order.port = port;
    order.timeout = timeout;
    connector.start(order);
    BOOST_TEST_REQUIRE(run_until(loop, [&] { return !results.empty(); }));
    BOOST_TEST(results.size() == 1U);
    BOOST_TEST(connector.pending() == 0U);
    Result result = std::move(results.front());
    results.clear();
    return result;
  }
};

}  // namespace

BOOST_AUTO_TEST_SUITE(connector)

BOOST_AUTO_TEST_CASE(an_open_port_is_ok_with_its_times) {
  Rig rig;
  io::TcpPort port(rig.loop, {loopback, 0});
  port.set_members({loopback});
  const Result result = rig.probe({"127.0.0.1"}, port.local_endpoint().port);
  BOOST_TEST((result.outcome == Outcome::ok), result.reason);
  BOOST_TEST(result.value_of(Metric::connect)->value > 0);
  BOOST_TEST(result.value_of(Metric::connect_clean) != nullptr);
  BOOST_TEST(result.value_of(Metric::handshake_rtt)->value > 0);
  BOOST_TEST(result.value_of(Metric::resolve) == nullptr);
  BOOST_TEST(result.detail("reverse_s").has_value());  // /etc/hosts knows localhost
  BOOST_TEST(result.ratio_of(Metric::connectivity)->hits == 1U);
  BOOST_TEST((result.finished_at > *result.started_at));
  BOOST_TEST(run_until(rig.loop, [&] { return port.stats().probes == 1; }));
  BOOST_TEST(port.open_connections() == 0U);
}

BOOST_AUTO_TEST_CASE(a_name_is_timed_apart) {
  Rig rig;
  io::TcpPort port(rig.loop, {loopback, 0});
  port.set_members({loopback});
  const Result result = rig.probe({"localhost"}, port.local_endpoint().port);
  BOOST_TEST(result.value_of(Metric::resolve) != nullptr);
  BOOST_TEST((result.outcome == Outcome::ok || result.outcome == Outcome::refused), result.reason);  // ::1 may be first
}

BOOST_AUTO_TEST_CASE(a_closed_port_is_refused) {
  Rig rig;
  const auto [socket, port] = bound_socket(std::nullopt);
  const Result result = rig.probe({"127.0.0.1"}, port);
  BOOST_TEST((result.outcome == Outcome::refused));
  BOOST_TEST(result.reason.ends_with("Connection refused"), result.reason);
  BOOST_TEST(result.values.empty());
  BOOST_TEST(result.ratio_of(Metric::connectivity)->hits == 0U);
}

BOOST_AUTO_TEST_CASE(a_name_that_does_not_exist_is_dns_failed) {
  Rig rig;
  const Result result = rig.probe({"no-such-name.invalid"}, 9);
  BOOST_TEST((result.outcome == Outcome::dns_failed));
  BOOST_TEST(result.reason.starts_with("no-such-name.invalid: "), result.reason);
  BOOST_TEST(result.ratios.empty());
}

BOOST_AUTO_TEST_CASE(no_address_at_all_is_dns_failed) {
  Rig rig;
  BOOST_TEST((rig.probe({}, 9).outcome == Outcome::dns_failed));
}

BOOST_AUTO_TEST_CASE(a_port_that_does_not_answer_is_a_timeout) {
  Rig rig;
  // A full accept queue drops the SYN, as a silent network would.
  const auto [socket, port] = bound_socket(0);
  std::vector<io::Fd> fill;
  for (int i = 0; i < 2; ++i) {
    fill.emplace_back(::socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0));
    const sockaddr_in address = loopback_address(port);
    ::connect(fill.back().get(), reinterpret_cast<const sockaddr*>(&address), sizeof address);
  }
  const Result result = rig.probe({"127.0.0.1"}, port, 1500ms);
  BOOST_TEST((result.outcome == Outcome::timeout), result.reason);
  BOOST_TEST(result.detail("syn_retransmits").value() == 1);
  BOOST_TEST(result.values.empty());
}

BOOST_AUTO_TEST_CASE(the_next_address_is_tried_where_there_is_no_way_to_the_first) {
  Rig rig;
  io::TcpPort port(rig.loop, {loopback, 0});
  port.set_members({loopback});
  // A link-local address without a scope: connect() refuses it before anything is sent.
  const Result result = rig.probe({"fe80::1", "127.0.0.1"}, port.local_endpoint().port);
  BOOST_TEST((result.outcome == Outcome::ok), result.reason);
}

BOOST_AUTO_TEST_CASE(many_at_once_each_come_back_once) {
  Rig rig;
  io::TcpPort port(rig.loop, {loopback, 0});
  port.set_members({loopback});
  ConnectOrder order;
  order.link = {SiteId::known("berlin"), SiteId::known("athens")};
  order.addresses = {"127.0.0.1"};
  order.port = port.local_endpoint().port;
  for (std::uint32_t i = 0; i < 200; ++i) {
    order.round = {i};
    rig.connector.start(order);
  }
  BOOST_TEST(run_until(rig.loop, [&] { return rig.results.size() == 200; }));
  std::set<std::uint32_t> rounds;
  for (const Result& result : rig.results) rounds.insert(result.round.number);
  BOOST_TEST(rounds.size() == 200U);
}

BOOST_AUTO_TEST_CASE(probes_under_way_end_quietly_with_the_connector) {
  boost::asio::io_context loop;
  io::Resolver resolver(loop);
  {
    io::Connector connector(loop, resolver, [](Result) { BOOST_ERROR("called after the end"); });
    ConnectOrder order;
    order.addresses = {"localhost"};
    connector.start(order);
    order.addresses = {"127.0.0.1"};
    order.port = 9;
    connector.start(order);
  }
  loop.run_for(100ms);
}

BOOST_AUTO_TEST_SUITE_END()
