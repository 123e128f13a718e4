#include "agent/io/tcp_port.h"

#include <boost/test/unit_test.hpp>

#include <system_error>

#include "agent/core/transfer_header.h"
#include "tests/unit/agent_io/tcp_rig.h"

using namespace sonde;
using namespace sonde::test;

namespace {

struct Rig {
  boost::asio::io_context loop;
  io::TcpPort port{loop, {loopback, 0}};
  std::uint16_t number = port.local_endpoint().port;

  Rig() { port.set_members({loopback}); }
  bool until(const std::function<bool()>& done) { return run_until(loop, done); }
};

void send_all(const io::Fd& socket, const auto& octets) {
  BOOST_TEST(::send(socket.get(), octets.data(), octets.size(), MSG_NOSIGNAL) == std::ssize(octets));
}

/// True where the other side has closed or reset it.
bool is_closed(const io::Fd& socket) {
  char c = 0;
  return ::recv(socket.get(), &c, 1, MSG_DONTWAIT) == 0 || (errno != EAGAIN && errno != EWOULDBLOCK);
}

}  // namespace

BOOST_AUTO_TEST_SUITE(tcp_port)

BOOST_AUTO_TEST_CASE(a_silent_connection_is_a_probe_and_is_never_closed_first) {
  Rig rig;
  io::Fd probe = connect_to(rig.number);
  BOOST_TEST(rig.until([&] { return rig.port.open_connections() == 1; }));
  BOOST_TEST(!is_closed(probe));
  const linger reset{1, 0};
  ::setsockopt(probe.get(), SOL_SOCKET, SO_LINGER, &reset, sizeof reset);
  probe.reset();
  BOOST_TEST(rig.until([&] { return rig.port.open_connections() == 0; }));
  BOOST_TEST(rig.port.stats().probes == 1U);
  BOOST_TEST(rig.port.stats().bad_headers == 0U);
}

BOOST_AUTO_TEST_CASE(a_stranger_is_closed_at_once) {
  Rig rig;
  rig.port.set_members({*IpAddress::parse("192.0.2.1")});
  const io::Fd stranger = connect_to(rig.number);
  BOOST_TEST(rig.until([&] { return is_closed(stranger); }));
  BOOST_TEST(rig.port.stats().strangers == 1U);
  BOOST_TEST(rig.port.stats().accepted == 0U);
}

BOOST_AUTO_TEST_CASE(a_member_in_ipv6_form_is_the_same_member) {
  boost::asio::io_context loop;
  io::TcpPort port(loop, {*IpAddress::parse("::"), 0});
  port.set_members({*IpAddress::parse("::ffff:127.0.0.1")});
  const io::Fd member = connect_to(port.local_endpoint().port);
  BOOST_TEST(run_until(loop, [&] { return port.open_connections() == 1; }));
}

BOOST_AUTO_TEST_CASE(the_right_token_attaches_and_leaves_the_data_unread) {
  Rig rig;
  std::vector<std::pair<io::Fd, int>> attached;
  rig.port.expect({1}, 2,
                  [&](io::Fd socket, std::uint8_t stream) { attached.emplace_back(std::move(socket), stream); });
  const io::Fd client = connect_to(rig.number);
  const auto header = encode(TransferHeader{{1}, 1});
  // In pieces, with data right behind it.
  send_all(client, std::span(header).first(7));
  rig.until([&] { return rig.port.open_connections() == 1; });
  send_all(client, std::span(header).subspan(7));
  send_all(client, std::string_view("payload"));
  BOOST_TEST_REQUIRE(rig.until([&] { return attached.size() == 1; }));
  BOOST_TEST(attached[0].second == 1);
  char got[16];
  BOOST_TEST(::recv(attached[0].first.get(), got, sizeof got, 0) == 7);
  BOOST_TEST(rig.port.open_connections() == 0U);
}

BOOST_AUTO_TEST_CASE(wrong_tokens_streams_and_headers_are_reset_and_counted) {
  Rig rig;
  int attached = 0;
  rig.port.expect({1}, 1, [&](io::Fd, std::uint8_t) { ++attached; });
  const auto closes = [&](const std::array<std::uint8_t, TransferHeader::size>& octets) {
    const io::Fd client = connect_to(rig.number);
    send_all(client, octets);
    return rig.until([&] { return is_closed(client); });
  };
  BOOST_TEST(closes(encode(TransferHeader{{2}, 0})));
  BOOST_TEST(closes(encode(TransferHeader{{1}, 1})));
  BOOST_TEST(rig.port.stats().wrong_tokens == 2U);
  BOOST_TEST(attached == 0);
  closes(encode(TransferHeader{{1}, 0}));
  BOOST_TEST(attached == 1);
  BOOST_TEST(closes(encode(TransferHeader{{1}, 0})));  // the stream is there already
  BOOST_TEST(rig.port.stats().wrong_tokens == 3U);
  auto garbage = encode(TransferHeader{{1}, 0});
  garbage[0] = 'G';
  BOOST_TEST(closes(garbage));
  BOOST_TEST(rig.port.stats().bad_headers == 1U);
  rig.port.forget({1});
  BOOST_TEST(closes(encode(TransferHeader{{1}, 0})));
  BOOST_TEST(rig.port.stats().wrong_tokens == 4U);
}

BOOST_AUTO_TEST_CASE(connections_are_bounded) {
  Rig rig;
  std::vector<io::Fd> probes;
  for (std::size_t i = 0; i < io::TcpPort::max_connections + 3; ++i) {
    probes.push_back(connect_to(rig.number));
    if (i % 50 == 0) rig.loop.poll();
    rig.loop.restart();
  }
  BOOST_TEST(rig.until([&] { return rig.port.stats().over_limit == 3; }));
  BOOST_TEST(rig.port.open_connections() == io::TcpPort::max_connections);
}

BOOST_AUTO_TEST_CASE(a_port_that_is_taken_says_so) {
  Rig rig;
  BOOST_CHECK_EXCEPTION(io::TcpPort(rig.loop, {loopback, rig.number}), std::system_error,
                        [](const auto& e) { return std::string_view(e.what()).starts_with("listen on 127.0.0.1:"); });
}

BOOST_AUTO_TEST_SUITE_END()
