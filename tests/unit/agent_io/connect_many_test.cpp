// What thousands of connects leave behind: nothing.
#include <boost/test/unit_test.hpp>

#include <chrono>

#include "agent/io/connector.h"
#include "agent/io/tcp_port.h"
#include "tests/unit/agent_io/own_network.h"
#include "tests/unit/agent_io/tcp_rig.h"

using namespace sonde;
using namespace sonde::test;

BOOST_AUTO_TEST_SUITE(connect_many)

BOOST_AUTO_TEST_CASE(no_connection_lingers_in_time_wait) {
  constexpr std::size_t runs = 4000;
  constexpr std::size_t at_once = 200;
  std::size_t ok = 0;
  std::size_t ended = 0;
  int waiting = -1;
  int in_use = -1;
  in_own_network([&] {
    boost::asio::io_context loop;
    io::Resolver resolver(loop);
    io::TcpPort port(loop, {loopback, 0});
    port.set_members({loopback});
    io::Connector connector(loop, resolver, [&](const Result& result) {
      ++ended;
      ok += result.outcome == Outcome::ok ? 1U : 0U;
    });
    ConnectOrder order;
    order.link = {SiteId::known("berlin"), SiteId::known("athens")};
    order.addresses = {"127.0.0.1"};
    order.port = port.local_endpoint().port;
    const auto began = std::chrono::steady_clock::now();
    for (std::size_t started = 0; started < runs;) {
      for (std::size_t i = 0; i < at_once; ++i, ++started) connector.start(order);
      if (!run_until(loop, [&] { return ended == started; })) break;
    }
    const std::chrono::duration<double> took = std::chrono::steady_clock::now() - began;
    std::printf("%.0f connects/s\n", static_cast<double>(ended) / took.count());
    run_until(loop, [&] { return port.open_connections() == 0; });
    waiting = tcp_sockets("tw");
    in_use = tcp_sockets("inuse");
    BOOST_TEST(port.stats().expired == 0U);
  });
  if (waiting < 0) return;  // skipped
  BOOST_TEST(ended == runs);
  BOOST_TEST(ok == runs);
  BOOST_TEST(waiting == 0);
  BOOST_TEST(in_use <= 1);  // the listening socket
}

BOOST_AUTO_TEST_SUITE_END()
