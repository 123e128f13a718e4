// Strangers, impostors and garbage: refused, counted, logged once in a while, and nothing stops.
#include <fcntl.h>
#include <fmt/format.h>
#include <netinet/in.h>
#include <poll.h>
#include <sched.h>
#include <sys/socket.h>

#include <boost/test/unit_test.hpp>
#include <zmq.hpp>

#include <algorithm>
#include <array>
#include <bit>
#include <cstring>
#include <fstream>
#include <functional>
#include <thread>
#include <vector>

#include "shared/base/random.h"
#include "shared/io/curve_keys.h"
#include "tests/e2e/e2e_mesh.h"

namespace {

using namespace sonde;
using namespace sonde::e2e;
using namespace std::chrono_literals;
using Octets = std::vector<std::uint8_t>;

constexpr std::size_t stamp_octets = 44;

/// Runs something in a network namespace, on a thread of its own.
void in_namespace(const std::string& netns, const std::function<void()>& work) {
  bool entered = false;
  std::thread([&] {
    const io::Fd there(::open(("/run/netns/" + netns).c_str(), O_RDONLY | O_CLOEXEC));
    entered = ::setns(there.get(), CLONE_NEWNET) == 0;
    if (entered) work();
  }).join();
  if (!entered) throw std::runtime_error("cannot enter " + netns);
}

Octets random_octets(std::uint64_t seed, std::size_t size) {
  Random random(seed);
  Octets octets(size);
  for (auto& octet : octets) octet = static_cast<std::uint8_t>(random.below(256));
  return octets;
}

/// RFC 8762 section 4.2.1: sequence number, time, error estimate with a multiplier that is not 0, zeros.
Octets stamp_request() {
  Octets packet(stamp_octets);
  packet[3] = 1;
  packet[13] = 1;
  packet[15] = 77;  // the SSID of RFC 8972
  return packet;
}

sockaddr address_of(const std::string& host, std::uint16_t port) {
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_port = htons(port);
  const auto octets = IpAddress::parse(host)->octets;
  std::memcpy(&address.sin_addr, octets.data(), 4);
  return std::bit_cast<sockaddr>(address);
}

/// A UDP socket of somebody who sends what he likes.
class Shooter {
 public:
  Shooter(const std::string& host, std::uint16_t port) : fd_(::socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0)) {
    const auto address = address_of(host, port);
    if (::connect(fd_.get(), &address, sizeof address) < 0) throw std::runtime_error("cannot reach " + host);
  }
  void send(const Octets& octets) { ::send(fd_.get(), octets.data(), octets.size(), 0); }
  /// The sizes of what came back, until nothing more does within this time.
  std::vector<std::size_t> replies(int milliseconds) {
    std::vector<std::size_t> replies;
    pollfd ready{.fd = fd_.get(), .events = POLLIN, .revents = 0};
    while (::poll(&ready, 1, milliseconds) > 0) {
      std::array<std::uint8_t, 2000> reply{};
      const auto got = ::recv(fd_.get(), reply.data(), reply.size(), 0);
      if (got >= 0) replies.push_back(static_cast<std::size_t>(got));
    }
    return replies;
  }

 private:
  io::Fd fd_;
};

void write_to_control(const Octets& octets) {
  const io::Fd fd(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0));
  const auto address = address_of(lab::hub_address, lab::control_port);
  if (::connect(fd.get(), &address, sizeof address) < 0) throw std::runtime_error("cannot reach the control port");
  std::size_t sent = 0;
  while (sent < octets.size()) {
    const auto got = ::send(fd.get(), octets.data() + sent, octets.size() - sent, MSG_NOSIGNAL);
    if (got <= 0) return;  // it hung up, as it should
    sent += static_cast<std::size_t>(got);
  }
}

/// Messages from somebody whose key is admitted.
void send_as(const lab::Lab& lab, const std::string& site, const std::vector<std::size_t>& sizes) {
  const auto keys = io::read_key_pair(lab.folder() / "keys" / (site + ".secret"));
  const auto server = io::read_key(lab.folder() / "keys" / "coordinator.public");
  if (!keys || !server) throw std::runtime_error("cannot read the keys");
  zmq::context_t context;
  zmq::socket_t socket(context, zmq::socket_type::dealer);
  socket.set(zmq::sockopt::linger, 0);
  socket.set(zmq::sockopt::curve_serverkey, *server);
  socket.set(zmq::sockopt::curve_publickey, keys->public_key);
  socket.set(zmq::sockopt::curve_secretkey, keys->secret_key);
  socket.connect(fmt::format("tcp://{}:{}", lab::hub_address, lab::control_port));
  for (const std::size_t size : sizes) {
    const Octets octets = random_octets(size, size);
    socket.send(zmq::buffer(octets), zmq::send_flags::none);
    std::this_thread::sleep_for(300ms);
  }
}

/// An agent's file with other settings, as NAME.yaml in the lab's folder.
void write_agent(const lab::Lab& lab, const std::string& name, const std::string& site, const std::string& key) {
  std::ofstream(lab.folder() / (name + ".yaml")) << fmt::format(
      "site: {}\n"
      "coordinator: {{endpoint: \"tcp://{}:{}\", key: keys/coordinator.public}}\n"
      "keys: {{secret: keys/{}.secret}}\n"
      "listen: {{address: 127.0.0.1, port: 7301}}\n"
      "spool: {{path: {}-spool.db}}\n",
      site, lab::hub_address, lab::control_port, key, name);
}

std::size_t lines_with(const std::string& text, const std::string& word) {
  std::size_t lines = 0;
  for (auto at = text.find(word); at != text.npos; at = text.find(word, text.find('\n', at))) ++lines;
  return lines;
}

std::size_t peak_memory_kb(pid_t pid) {
  std::ifstream status(fmt::format("/proc/{}/status", pid));
  std::string word;
  std::size_t kb = 0;
  while (status >> word)
    if (word == "VmHWM:") status >> kb;
  return kb;
}

double events(const lab::Lab& lab, const std::string& code) {
  return counter(lab, "sonde_events_total", fmt::format("\"{}\"", code));
}

struct Hostile {
  lab::Lab lab{{.files = lab::make_mesh_files(
                    "hostile",
                    "  latency: {rate: 10/s, every: 1s, timeout: 500ms}\n  connect: {every: 2s, timeout: 1s}\n"
                    "  throughput: off\n",
                    topology({{"berlin", "athens", 1, 100, 0},
                              {"athens", "berlin", 1, 100, 0},
                              {"berlin", "gdansk", 1, 100, 0},
                              {"gdansk", "berlin", 1, 100, 0},
                              {"athens", "gdansk", 1, 100, 0},
                              {"gdansk", "athens", 1, 100, 0}},
                             "  - {name: mallory, address: 192.0.2.66}\n"),
                    {"mallory"})}};

  Hostile() {
    lab.start_all();
    wait_until_measuring(lab, "connect");
  }
  /// Nobody has fallen, and every cell is as it should be.
  void check_unharmed() {
    check_alive(lab);
    const auto reply = lab.get("/api/v1/matrix?metric=rtt&stat=last");
    BOOST_TEST_REQUIRE(reply.has_value());
    const auto matrix = nlohmann::json::parse(reply->body);
    for (const auto& one : matrix["cells"]) BOOST_TEST(one["state"] == "ok", one.dump());
    for (const auto& result : results(lab)) BOOST_TEST(result["outcome"] == "ok", result.dump());
  }
};

}  // namespace

BOOST_AUTO_TEST_SUITE(hostile)

BOOST_AUTO_TEST_CASE(strangers_impostors_and_garbage_on_the_control_port) {
  if (!may_run()) return;
  Hostile mesh;
  lab::Lab& lab = mesh.lab;

  lab.make_key("stranger");
  write_agent(lab, "stranger", "berlin", "stranger");
  lab.start_agent_with("stranger", "berlin", "stranger.yaml");
  write_agent(lab, "impostor", "berlin", "gdansk");
  lab.start_agent_with("impostor", "gdansk", "impostor.yaml");
  BOOST_TEST(lab::eventually(10s, [&] { return events(lab, "control_key_refused") > 0; }), "no stranger was counted");
  BOOST_TEST(lab::eventually(10s, [&] { return events(lab, "agent_impostor") > 0; }), "no impostor was counted");

  const std::size_t before_kb = peak_memory_kb(lab.process("coordinator").pid());
  const double ended_before = events(lab, "control_connection_ended") + events(lab, "control_handshake_failed");
  in_namespace(lab.netns("hub"), [&] {
    for (std::uint64_t seed = 0; seed < 50; ++seed) write_to_control(random_octets(seed, 1U << (seed % 16)));
    send_as(lab, "berlin", {10, 1000, 100'000, 100'000'000});
  });
  BOOST_TEST(lab::eventually(5s, [&] { return events(lab, "message_malformed") >= 3; }), "garbage was not counted");
  BOOST_TEST(lab::eventually(5s,
                             [&] {
                               return events(lab, "control_connection_ended") +
                                          events(lab, "control_handshake_failed") >
                                      ended_before;
                             }),
             "no connection was ended");
  const std::size_t after_kb = peak_memory_kb(lab.process("coordinator").pid());
  fmt::print("coordinator's peak memory {} kB, before {} kB\n", after_kb, before_kb);
  BOOST_TEST(after_kb < before_kb + 50'000, "a message of 100 MB took memory");

  std::this_thread::sleep_for(4s);
  lab.kill("stranger");
  lab.kill("impostor");
  mesh.check_unharmed();
  const std::string log = lab.log_of("coordinator");
  for (const std::string code : {"control_key_refused", "agent_impostor", "message_malformed"}) {
    const std::size_t lines = lines_with(log, code);
    fmt::print("{}: {} lines, {} counted\n", code, lines, events(lab, code));
    BOOST_TEST(lines >= 1U, code);
    BOOST_TEST(lines <= 30U, code);
  }
}

BOOST_AUTO_TEST_CASE(the_reflector_answers_members_only_and_never_with_more) {
  if (!may_run()) return;
  Hostile mesh;
  lab::Lab& lab = mesh.lab;

  in_namespace(lab.netns("berlin"), [&] {
    Shooter member("192.0.2.20", lab::agent_port);
    member.send(stamp_request());
    const auto replies = member.replies(2000);
    BOOST_TEST(replies == std::vector<std::size_t>{stamp_octets}, boost::test_tools::per_element());
    // Each from a socket of its own: a late reply is still that to its own request.
    std::vector<Shooter> shooters;
    std::vector<std::size_t> sizes;
    for (std::size_t i = 0; i < 150; ++i) {
      sizes.push_back(i < 60 ? i : (i * 37) % 1400);
      shooters.emplace_back("192.0.2.20", lab::agent_port).send(random_octets(i, sizes.back()));
      std::this_thread::sleep_for(10ms);
    }
    std::this_thread::sleep_for(2s);
    std::size_t answered = 0;
    for (std::size_t i = 0; i < shooters.size(); ++i) {
      const auto back = shooters[i].replies(0);
      BOOST_TEST(back.size() <= 1U, "more than one reply");
      for (const std::size_t size : back) BOOST_TEST(size <= sizes[i], "a reply longer than its request");
      answered += back.size();
    }
    BOOST_TEST(answered > 0U);
    fmt::print("{} of 150 random packets of a member were answered\n", answered);
  });
  in_namespace(lab.netns("mallory"), [&] {
    Shooter stranger("192.0.2.20", lab::agent_port);
    for (std::size_t i = 0; i < 70; ++i) {
      stranger.send(i < 20 ? stamp_request() : random_octets(i, (i - 20) * 20));
      std::this_thread::sleep_for(10ms);
    }
    BOOST_TEST(stranger.replies(2000).empty(), "a stranger got an answer");
  });

  std::this_thread::sleep_for(3s);
  mesh.check_unharmed();
  const std::size_t lines = lines_with(lab.log_of("athens"), "reflector_stranger");
  fmt::print("reflector_stranger: {} lines\n", lines);
  BOOST_TEST(lines >= 1U);
  BOOST_TEST(lines <= 15U);
}

BOOST_AUTO_TEST_SUITE_END()
