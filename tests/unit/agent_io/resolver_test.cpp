// Names: both ways, and what a name server that never answers does to the loop, which is nothing.
#include "agent/io/resolver.h"

#include <boost/asio/steady_timer.hpp>
#include <boost/test/unit_test.hpp>

#include <cstdlib>
#include <filesystem>

#include "agent/io/connector.h"
#include "agent/io/tcp_port.h"
#include "tests/unit/agent_io/own_network.h"
#include "tests/unit/agent_io/tcp_rig.h"

using namespace sonde;
using namespace sonde::test;
using namespace std::chrono_literals;

namespace {

/// For this thread and those that it starts, until its end: /etc/NAME is a file with this text.
bool replace_in_etc(const std::string& name, const std::string& text) {
  std::string file = std::filesystem::temp_directory_path() / "sonde-etc-XXXXXX";
  const io::Fd fd(::mkstemp(file.data()));
  if (!fd || ::write(fd.get(), text.data(), text.size()) != std::ssize(text)) return false;
  ::fchmod(fd.get(), 0644);
  const bool mounted = ::mount(nullptr, "/", nullptr, MS_REC | MS_PRIVATE, nullptr) == 0 &&
                       ::mount(file.c_str(), ("/etc/" + name).c_str(), nullptr, MS_BIND, nullptr) == 0;
  ::unlink(file.c_str());
  return mounted;
}

}  // namespace

BOOST_AUTO_TEST_SUITE(resolver)

BOOST_AUTO_TEST_CASE(an_address_has_a_name) {
  boost::asio::io_context loop;
  io::Resolver resolver(loop);
  std::optional<io::Resolution> found;
  resolver.reverse(loopback, 10s, [&](io::Resolution r) { found = std::move(r); });
  BOOST_TEST_REQUIRE(run_until(loop, [&] { return found.has_value(); }));
  BOOST_TEST(found->host == "localhost", found->reason);
  BOOST_TEST((found->took > 0ns));
}

BOOST_AUTO_TEST_CASE(a_silent_name_server_ends_in_dns_failed_and_never_stops_the_loop) {
  in_own_network([] {
    const io::Fd silent(::socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0));
    sockaddr generic;
    const sockaddr_in address = loopback_address(53);
    std::copy_n(reinterpret_cast<const char*>(&address), sizeof address, reinterpret_cast<char*>(&generic));
    if (!replace_in_etc("resolv.conf", "nameserver 127.0.0.1\n") ||
        ::bind(silent.get(), &generic, sizeof generic) != 0) {
      std::printf("skipped: no name server can be played here\n");
      return;
    }
    boost::asio::io_context loop;
    io::Resolver resolver(loop);
    std::optional<Result> result;
    io::Connector connector(loop, resolver, [&](Result r) { result = std::move(r); });
    int beats = 0;
    boost::asio::steady_timer heart(loop);
    const std::function<void()> beat = [&] {
      heart.expires_after(10ms);
      heart.async_wait([&](const boost::system::error_code& error) {
        ++beats;
        if (!error) beat();
      });
    };
    beat();
    ConnectOrder order;
    order.link = {SiteId::known("berlin"), SiteId::known("athens")};
    order.addresses = {"athens.example.org"};
    order.port = 9;
    order.timeout = 700ms;
    const auto began = std::chrono::steady_clock::now();
    connector.start(order);
    BOOST_TEST_REQUIRE(run_until(loop, [&] { return result.has_value(); }));
    const auto took = std::chrono::steady_clock::now() - began;
    BOOST_TEST((result->outcome == Outcome::dns_failed), result->reason);
    BOOST_TEST(result->reason == "athens.example.org: no answer in time");
    BOOST_TEST((took >= 700ms && took < 4s));  // glibc itself would go on for 10 s and more
    BOOST_TEST(beats > 2);                     // a loop that waits for the name beats once, when it is over
    BOOST_TEST(result->ratio_of(Metric::connectivity) == nullptr);
  });
}

BOOST_AUTO_TEST_CASE(a_slow_reverse_look_up_holds_no_result_up) {
  in_own_network([] {
    if (!replace_in_etc("resolv.conf", "nameserver 127.0.0.1\n") || !replace_in_etc("hosts", "127.0.0.2 other\n")) {
      std::printf("skipped: no names can be played here\n");
      return;
    }
    const io::Fd silent(::socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0));
    sockaddr generic;
    const sockaddr_in address = loopback_address(53);
    std::copy_n(reinterpret_cast<const char*>(&address), sizeof address, reinterpret_cast<char*>(&generic));
    if (::bind(silent.get(), &generic, sizeof generic) != 0) return;
    boost::asio::io_context loop;
    io::Resolver resolver(loop);
    std::vector<Result> results;
    io::Connector connector(loop, resolver, [&](Result r) { results.push_back(std::move(r)); });
    io::TcpPort port(loop, {loopback, 0});
    port.set_members({loopback});
    ConnectOrder order;
    order.link = {SiteId::known("berlin"), SiteId::known("athens")};
    order.addresses = {"127.0.0.1"};
    order.port = port.local_endpoint().port;
    const auto began = std::chrono::steady_clock::now();
    connector.start(order);
    BOOST_TEST_REQUIRE(run_until(loop, [&] { return results.size() == 1; }));
    BOOST_TEST((std::chrono::steady_clock::now() - began < 3s));
    BOOST_TEST((results[0].outcome == Outcome::ok));
    BOOST_TEST(!results[0].detail("reverse_s").has_value());
    BOOST_TEST(!results[0].detail("reverse_failed").has_value());
    connector.start(order);  // its look-up is under way still: this one does not wait at all
    BOOST_TEST_REQUIRE(run_until(loop, [&] { return results.size() == 2; }));
    BOOST_TEST(!results[1].detail("reverse_failed").has_value());
  });
}

BOOST_AUTO_TEST_SUITE_END()
