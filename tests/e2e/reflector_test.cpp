// Sites without an agent, agents on IPv6, and outsiders who measure to an agent, open and authenticated. The reflectors
// are written here from RFC 8762, figures 2 and 4 to 6, and know nothing of Sonde.
#include <fcntl.h>
#include <fmt/format.h>
#include <netinet/in.h>
#include <sched.h>
#include <sys/socket.h>
#include <time.h>

#include <boost/test/unit_test.hpp>

#include <array>
#include <atomic>
#include <cmath>
#include <cstring>
#include <fstream>
#include <map>
#include <optional>
#include <stdexcept>
#include <thread>
#include <vector>

#include "shared/base/endpoint.h"
#include "shared/io/fd.h"
#include "tests/e2e/e2e_mesh.h"
#include "tests/unit/agent_core/plain_hmac.h"

namespace {

using namespace sonde;
using namespace sonde::e2e;
using namespace std::chrono_literals;

constexpr std::size_t base_octets = 44;
constexpr std::size_t authenticated_octets = 112;
using Packet = std::vector<std::uint8_t>;

const test::Bytes256 edge_key{'e', 'd', 'g', 'e', '-', 's', '3', 'c', 'r', 'e', 't'};
const test::Bytes256 guest_key{0x01, 0x23, 0x45, 0x67, 0x89, 0xAB, 0xCD, 0xEF};

/// The digest behind the first 96 octets.
void sign(Packet& packet, const test::Bytes256& key) {
  packet.resize(96);
  const auto digest = test::plain_hmac(key, packet);
  packet.insert(packet.end(), digest.begin(), digest.end());
}

void enter(const std::string& netns) {
  const io::Fd there(::open(("/run/netns/" + netns).c_str(), O_RDONLY | O_CLOEXEC));
  if (::setns(there.get(), CLONE_NEWNET) != 0) throw std::runtime_error("cannot enter " + netns);
}

sockaddr_in6 socket_address(const std::string& text, std::uint16_t port) {
  sockaddr_in6 address{};
  address.sin6_family = AF_INET6;
  address.sin6_port = htons(port);
  const auto parsed = IpAddress::parse(text);
  if (parsed->family == IpAddress::Family::v6) {
    std::memcpy(address.sin6_addr.s6_addr, parsed->octets.data(), 16);
  } else {  // mapped: ::ffff:a.b.c.d
    address.sin6_addr.s6_addr[10] = address.sin6_addr.s6_addr[11] = 0xFF;
    std::memcpy(address.sin6_addr.s6_addr + 12, parsed->octets.data(), 4);
  }
  return address;
}

io::Fd open_socket() {
  io::Fd fd(::socket(AF_INET6, SOCK_DGRAM | SOCK_CLOEXEC, 0));
  const int off = 0;
  ::setsockopt(fd.get(), IPPROTO_IPV6, IPV6_V6ONLY, &off, sizeof off);
  const timeval patience{.tv_sec = 0, .tv_usec = 300'000};
  ::setsockopt(fd.get(), SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof patience);
  return fd;
}

void put_now(Packet& packet, std::size_t at) {
  timespec now{};
  ::clock_gettime(CLOCK_REALTIME, &now);
  const std::uint64_t seconds = static_cast<std::uint64_t>(now.tv_sec) + 2'208'988'800U;
  const std::uint64_t fraction = (static_cast<std::uint64_t>(now.tv_nsec) << 32U) / 1'000'000'000U;
  for (std::size_t i = 0; i < 4; ++i) {
    packet[at + i] = static_cast<std::uint8_t>(seconds >> (24 - 8 * i));
    packet[at + 4 + i] = static_cast<std::uint8_t>(fraction >> (24 - 8 * i));
  }
}

/// Octets of one packet into another.
void copy(const Packet& from, std::size_t at, std::size_t count, Packet& to, std::size_t there) {
  std::copy_n(from.begin() + static_cast<std::ptrdiff_t>(at), count, to.begin() + static_cast<std::ptrdiff_t>(there));
}

/// A router that answers RFC 8762 and nothing more: no SSID, no TLVs. With a key it answers authenticated probes, and
/// those alone.
class Router {
 public:
  enum class Memory { stateless, stateful };

  Router(std::string netns, std::string address, Memory memory, std::optional<test::Bytes256> key = {})
      : key_(key), thread_([this, netns = std::move(netns), address = std::move(address), memory] {
          enter(netns);
          const io::Fd fd = open_socket();
          const sockaddr_in6 here = socket_address(address, 862);
          // An address of IPv6 cannot be bound before its namespace has made sure that it is nobody else's.
          while (!stop_ && ::bind(fd.get(), reinterpret_cast<const sockaddr*>(&here), sizeof here) != 0)
            std::this_thread::sleep_for(std::chrono::milliseconds(20));
          std::map<std::string, std::uint32_t> replies;
          while (!stop_) serve(fd.get(), memory == Memory::stateful ? &replies : nullptr);
        }) {}
  ~Router() {
    stop_ = true;
    thread_.join();
  }

 private:
  void serve(int fd, std::map<std::string, std::uint32_t>* replies) const {
    Packet request(200);
    sockaddr_in6 from{};
    socklen_t length = sizeof from;
    const ssize_t got =
        ::recvfrom(fd, request.data(), request.size(), MSG_TRUNC, reinterpret_cast<sockaddr*>(&from), &length);
    if (got != static_cast<ssize_t>(key_ ? authenticated_octets : base_octets)) return;
    request.resize(static_cast<std::size_t>(got));
    Packet reply = key_ ? authenticated(request) : open(request);
    if (reply.empty()) return;
    if (replies != nullptr) {
      const std::uint32_t number = (*replies)[std::string(reinterpret_cast<const char*>(&from), sizeof from)]++;
      for (std::size_t i = 0; i < 4; ++i) reply[i] = static_cast<std::uint8_t>(number >> (24 - 8 * i));
    }
    ::sendto(fd, reply.data(), reply.size(), 0, reinterpret_cast<const sockaddr*>(&from), length);
  }

  /// Figure 5.
  static Packet open(const Packet& request) {
    Packet reply(base_octets);
    put_now(reply, 16);
    copy(request, 0, 4, reply, 0);
    reply[12] = 0x20;
    reply[13] = 1;
    copy(request, 0, 14, reply, 24);
    reply[40] = 64;
    put_now(reply, 4);
    return reply;
  }

  /// Figure 6; nothing for somebody with another key.
  Packet authenticated(const Packet& request) const {
    Packet expected = request;
    sign(expected, *key_);
    if (expected != request) return {};
    Packet reply(96);
    put_now(reply, 32);
    copy(request, 0, 4, reply, 0);
    reply[24] = 0x20;
    reply[25] = 1;
    copy(request, 0, 4, reply, 48);
    copy(request, 16, 10, reply, 64);
    reply[80] = 64;
    put_now(reply, 16);
    sign(reply, *key_);
    return reply;
  }

  std::optional<test::Bytes256> key_;
  std::atomic<bool> stop_ = false;
  std::thread thread_;
};

/// How many octets come back for one probe from that namespace, with a key for an authenticated one; -1: nothing.
ssize_t probe(const std::string& netns, const std::string& to, std::uint16_t port,
              const std::optional<test::Bytes256>& key = {}) {
  ssize_t got = -1;
  std::thread([&] {
    enter(netns);
    const io::Fd fd = open_socket();
    Packet request(base_octets);
    if (key) {
      put_now(request, 16);
      request[25] = 1;
      sign(request, *key);
    } else {
      put_now(request, 4);
      request[13] = 1;
    }
    const sockaddr_in6 address = socket_address(to, port);
    ::sendto(fd.get(), request.data(), request.size(), 0, reinterpret_cast<const sockaddr*>(&address), sizeof address);
    std::array<std::uint8_t, 200> reply{};
    got = ::recv(fd.get(), reply.data(), reply.size(), 0);
  }).join();
  return got;
}

const std::string wan_of_four = R"(seed: 7
sites:
  - {name: berlin, address: ["2001:db8::10", 192.0.2.10]}
  - {name: athens, address: ["2001:db8::20", 192.0.2.20]}
  - {name: edge, address: [192.0.2.50]}
  - {name: core, address: ["2001:db8::60"]}
  - {name: guest, address: [192.0.2.49]}
  - {name: stranger, address: [192.0.2.70]}
paths:
)";

void replace(std::string& text, const std::string& what, const std::string& with) {
  const auto at = text.find(what);
  if (at == text.npos) throw std::runtime_error("the files have no " + what);
  text.replace(at, what.size(), with);
}

std::string topology_of_four() {
  std::string text = wan_of_four;
  const std::vector<std::string> sites{"berlin", "athens", "edge", "core"};
  for (const std::string& from : sites)
    for (const std::string& to : sites)
      if (from != to)
        text += fmt::format("  - {{from: {}, to: {}, delay: 5ms, loss: {}}}\n", from, to,
                            from == "berlin" && to == "core" ? 0.2 : 0.0);
  return text;
}

lab::MeshFiles mesh_files() {
  lab::MeshFiles files =
      lab::make_mesh_files("routers",
                           "  latency: {rate: 50/s, every: 1s, timeout: 500ms, dscp: AF41, authenticated: "
                           "true}\n  connect: off\n  throughput: off\n",
                           topology_of_four(), {"edge", "core", "guest", "stranger"});
  replace(files.coordinator, "probes:\n",
          "  - {name: edge, reflector: {address: 192.0.2.50, port: 862}}\n"
          "  - {name: core, reflector: {address: \"2001:db8::60\", port: 862}}\n"
          "probes:\n");
  for (auto& [name, text] : files.agents) {
    const auto at = text.find("listen: {address: ");
    text.replace(at, text.find(',', at) - at,
                 "listen: {allow: [{address: 192.0.2.48/31, key: keys/guest.key}], address: '::'");
    text += "latency: {keys: [{site: edge, file: keys/edge.key}]}\n";
  }
  return files;
}

}  // namespace

BOOST_AUTO_TEST_SUITE(reflector)

BOOST_AUTO_TEST_CASE(routers_have_a_column_and_agents_measure_over_ipv6) {
  if (!may_run()) return;
  lab::Lab lab({.files = mesh_files()});
  // Both sides are given the keys of whoever is no agent.
  const auto keys = lab.token_file().parent_path();
  std::ofstream(keys / "edge.key") << "text:edge-s3cret\n";
  std::ofstream(keys / "guest.key") << "hex:0123456789abcdef\n";
  const Router edge(lab.netns("edge"), "192.0.2.50", Router::Memory::stateless, edge_key);
  const Router core(lab.netns("core"), "2001:db8::60", Router::Memory::stateful);
  lab.start_all();
  const auto measured = [&](const std::string& from, const std::string& to) {
    return lab::eventually(30s, [&] { return cell(lab, "rtt", from, to, "&stat=last").count >= 20; });
  };
  for (const auto& [from, to] :
       {std::pair("berlin", "athens"), std::pair("athens", "berlin"), std::pair("berlin", "edge"),
        std::pair("athens", "edge"), std::pair("berlin", "core"), std::pair("athens", "core")}) {
    BOOST_TEST_CONTEXT(from << " -> " << to) {
      const bool enough = measured(from, to);
      const auto newest = lab.get(fmt::format("/api/v1/results?from={}&to={}&limit=2", from, to));
      BOOST_TEST_REQUIRE(enough, lab.log_tail(from) << (newest ? newest->body : "no results"));
      const Cell rtt = cell(lab, "rtt", from, to, "&window=10s");
      BOOST_TEST_REQUIRE(rtt.value.has_value());
      fmt::print("rtt {}->{}: {:.6f} s\n", from, to, *rtt.value);
      BOOST_TEST(std::abs(*rtt.value - 0.010) < 0.0006);
    }
  }
  // An agent and a stateful router count by themselves, which shows with a router once something was lost on the way
  // there; a stateless one does not: no loss by direction.
  BOOST_CHECK(cell(lab, "loss", "berlin", "athens", "&window=10s&stat=mean").value == 0.0);
  const double lost = cell(lab, "loss", "berlin", "core", "&window=10s&stat=mean").value.value_or(0);
  BOOST_TEST(lost > 0.05, lost);
  BOOST_TEST(lost < 0.4, lost);
  BOOST_CHECK(!cell(lab, "loss", "athens", "core", "&window=10s&stat=mean").value);
  BOOST_CHECK(!cell(lab, "loss", "berlin", "edge", "&window=10s&stat=mean").value);
  BOOST_CHECK(cell(lab, "loss_rtt", "berlin", "edge", "&window=10s&stat=mean").value == 0.0);

  // Outsiders: 192.0.2.49 is in the range that agents allow, 192.0.2.70 is not.
  BOOST_TEST(probe(lab.netns("guest"), "192.0.2.20", lab::agent_port) == 44);
  BOOST_TEST(probe(lab.netns("guest"), "192.0.2.20", lab::agent_port, guest_key) == 112);
  BOOST_TEST(probe(lab.netns("guest"), "192.0.2.20", lab::agent_port, edge_key) == -1);
  BOOST_TEST(probe(lab.netns("stranger"), "192.0.2.20", lab::agent_port) == -1);
  // Nobody has a key for core: its probes leave open, and the agent says so.
  BOOST_TEST(lab.log_tail("berlin").find("latency_key_missing") != std::string::npos, lab.log_tail("berlin"));
  BOOST_TEST(lab.log_tail("berlin").find("to=core") != std::string::npos, lab.log_tail("berlin"));
  // The class is the mesh's: the far reflector saw it.
  const auto results = lab.get("/api/v1/results?from=berlin&to=athens&limit=1");
  BOOST_TEST_REQUIRE(results.has_value());
  BOOST_TEST(results->body.find("\"dscp_there\":34") != std::string::npos, results->body);
  check_alive(lab);
}

BOOST_AUTO_TEST_SUITE_END()
