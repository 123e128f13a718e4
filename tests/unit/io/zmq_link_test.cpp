// Real sockets on loopback: who is admitted, who is not, and what garbage does.
#include "shared/io/zmq_link.h"

#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/write.hpp>
#include <boost/test/unit_test.hpp>

#include <chrono>
#include <string>
#include <vector>

#include "shared/base/limits.h"
#include "shared/io/zap.h"

using namespace sonde;
using namespace std::chrono_literals;

namespace {

std::span<const std::uint8_t> bytes(const std::string& text) {
  return {reinterpret_cast<const std::uint8_t*>(text.data()), text.size()};
}

struct Server {
  boost::asio::io_context loop;
  zmq::context_t context;
  io::KeyPair keys = io::make_key_pair();
  io::KeyPair berlin = io::make_key_pair();
  int refused = 0;
  std::vector<std::pair<std::string, std::string>> received;
  std::string last_route;
  io::ZapHandler zap{loop, context, [this](std::string_view) { ++refused; }};
  std::string endpoint;
  std::unique_ptr<io::ZmqRouter> router;

  Server() {
    zap.admit({{berlin.public_key, SiteId::known("berlin")}});
    boost::asio::ip::tcp::acceptor free_port(loop, {boost::asio::ip::make_address("127.0.0.1"), 0});
    const auto port = free_port.local_endpoint().port();
    free_port.close();
    endpoint = "tcp://127.0.0.1:" + std::to_string(port);
    router = std::make_unique<io::ZmqRouter>(
        loop, context, endpoint, keys,
        [this](const SiteId& site, const std::string& route, std::span<const std::uint8_t> body) {
          received.emplace_back(site.str(), std::string(body.begin(), body.end()));
          last_route = route;
        },
        [](io::ConnectionChange) {});
  }

  /// Runs the loop until `done` says so, which is not asked again then (it may be a send), or for half a minute.
  bool run_until(const std::function<bool()>& done) {
    const auto deadline = std::chrono::steady_clock::now() + 30s;
    while (std::chrono::steady_clock::now() < deadline) {
      if (done()) return true;
      loop.run_for(5ms);
    }
    return false;
  }
};

}  // namespace

BOOST_AUTO_TEST_SUITE(zmq_link)

BOOST_AUTO_TEST_CASE(a_known_key_speaks_as_its_site_and_gets_an_answer) {
  Server server;
  std::string answer;
  io::ZmqDealer dealer(
      server.loop, server.context, server.endpoint, server.berlin, server.keys.public_key,
      [&](std::span<const std::uint8_t> body) { answer.assign(body.begin(), body.end()); },
      [](io::ConnectionChange) {});
  BOOST_TEST(!dealer.send(bytes("too early")));  // nothing is queued for a connection that does not stand
  BOOST_TEST_REQUIRE(server.run_until([&] { return dealer.send(bytes("hello")); }));
  BOOST_TEST_REQUIRE(server.run_until([&] { return !server.received.empty(); }));
  BOOST_TEST(server.received[0].first == "berlin");
  BOOST_TEST(server.received[0].second == "hello");
  BOOST_TEST(server.router->send(server.last_route, bytes("welcome")));
  BOOST_TEST(server.run_until([&] { return answer == "welcome"; }));
  BOOST_TEST(!server.router->send("nobody", bytes("lost")));
}

BOOST_AUTO_TEST_CASE(an_unknown_key_is_refused_and_counted) {
  Server server;
  io::ZmqDealer stranger(
      server.loop, server.context, server.endpoint, io::make_key_pair(), server.keys.public_key,
      [](std::span<const std::uint8_t>) {}, [](io::ConnectionChange) {});
  BOOST_TEST(server.run_until([&] { return server.refused > 0; }));
  BOOST_TEST(!stranger.send(bytes("hello")));
  BOOST_TEST(server.zap.refused() > 0U);
  BOOST_TEST(server.received.empty());
}

BOOST_AUTO_TEST_CASE(a_key_that_is_admitted_later_gets_in) {
  Server server;
  const io::KeyPair athens = io::make_key_pair();
  int refusals = 0;
  io::ZmqDealer dealer(
      server.loop, server.context, server.endpoint, athens, server.keys.public_key,
      [](std::span<const std::uint8_t>) {},
      [&](io::ConnectionChange change) { refusals += change == io::ConnectionChange::handshake_failed ? 1 : 0; });
  BOOST_TEST_REQUIRE(server.run_until([&] { return refusals > 1; }));  // it asks again
  server.zap.admit({{athens.public_key, SiteId::known("athens")}});
  BOOST_TEST_REQUIRE(server.run_until([&] { return dealer.send(bytes("hello")); }));
  BOOST_TEST_REQUIRE(server.run_until([&] { return !server.received.empty(); }));
  BOOST_TEST(server.received[0].first == "athens");
}

BOOST_AUTO_TEST_CASE(garbage_on_the_port_is_counted_and_stops_nothing) {
  Server server;
  const auto colon = server.endpoint.rfind(':');
  const auto port = static_cast<unsigned short>(std::stoi(server.endpoint.substr(colon + 1)));
  boost::asio::ip::tcp::socket client(server.loop);
  client.connect({boost::asio::ip::make_address("127.0.0.1"), port});
  boost::system::error_code ignored;
  boost::asio::write(client, boost::asio::buffer(std::string(4096, 'x')), ignored);
  BOOST_TEST(
      server.run_until([&] { return server.router->counts().broken + server.router->counts().handshakes_failed > 0; }));
  client.close(ignored);

  io::ZmqDealer dealer(
      server.loop, server.context, server.endpoint, server.berlin, server.keys.public_key,
      [](std::span<const std::uint8_t>) {}, [](io::ConnectionChange) {});
  BOOST_TEST(server.run_until([&] { return dealer.send(bytes("still here")); }));
  BOOST_TEST(server.run_until([&] { return !server.received.empty(); }));
}

BOOST_AUTO_TEST_CASE(a_message_over_the_limit_breaks_the_connection_and_nothing_else) {
  Server server;
  io::ZmqDealer dealer(
      server.loop, server.context, server.endpoint, server.berlin, server.keys.public_key,
      [](std::span<const std::uint8_t>) {}, [](io::ConnectionChange) {});
  const std::string huge(limits::message_bytes + 1, 'x');
  BOOST_TEST_REQUIRE(server.run_until([&] { return dealer.send(bytes(huge)); }));
  BOOST_TEST(server.run_until([&] { return server.router->counts().broken > 0; }));
  BOOST_TEST(server.received.empty());
  BOOST_TEST(server.run_until(
      [&] { return dealer.send(bytes("small")) && server.run_until([&] { return !server.received.empty(); }); }));
  BOOST_TEST(server.received[0].second == "small");
}

BOOST_AUTO_TEST_SUITE_END()
