// Every outcome of a connect, provoked: open, SYNs lost, silent, closed, unreachable by ICMP, reset, no such name.
#include <fcntl.h>
#include <fmt/format.h>
#include <netinet/in.h>
#include <sched.h>
#include <sys/socket.h>

#include <boost/test/unit_test.hpp>

#include <csignal>
#include <cstring>
#include <future>
#include <thread>

#include "tests/e2e/e2e_mesh.h"

namespace {

using namespace sonde;
using namespace sonde::e2e;
using namespace std::chrono_literals;
using nlohmann::json;

const std::vector<PathTruth> paths{
    {"berlin", "athens", 10, 20, 0}, {"athens", "berlin", 10, 20, 0}, {"berlin", "gdansk", 10, 20, 0},
    {"gdansk", "berlin", 10, 20, 0}, {"athens", "gdansk", 10, 20, 0}, {"gdansk", "athens", 10, 20, 0},
};

/// gdansk is known by a name that does not exist.
lab::MeshFiles files() {
  lab::MeshFiles files = lab::make_mesh_files(
      "outcomes", "  latency: off\n  connect: {every: 10m, timeout: 5s}\n  throughput: off\n", topology(paths));
  const std::string address = "address: 192.0.2.30,";
  files.coordinator.replace(files.coordinator.find(address), address.size(), "address: no-such-name.invalid,");
  return files;
}

class Outcomes {
 public:
  Outcomes() : lab({.files = files()}) {
    lab.start_coordinator();
    for (const char* site : {"berlin", "athens"}) lab.start_agent(site);
    const bool up = lab::eventually(15s, [&] {
      const lab::Output sites = lab.sonde({"--format", "csv", "sites"});
      return sites.out.find("berlin,ok") != std::string::npos && sites.out.find("athens,ok") != std::string::npos;
    });
    if (!up) throw std::runtime_error("the agents did not come up: " + lab.log_tail("berlin"));
  }

  /// The result of one connect on demand, which begins half a second from now.
  json connect(const std::string& to = "athens") {
    const lab::Output out =
        lab.sonde({"--format", "json", "probe", "berlin", to, "connect", "--token-file", lab.token_file().string()});
    const json run = json::parse(out.out, nullptr, false);
    if (!run.is_object() || !run.at("result").is_object()) throw std::runtime_error(out.err + out.out);
    const json& result = run.at("result");
    fmt::print("{} -> {}: {}\n", out.code, result.at("outcome").get<std::string>(), result.dump());
    BOOST_TEST((out.code == 0) == (result.at("outcome") == "ok"));
    return result;
  }
  std::future<json> connect_meanwhile() {
    return std::async(std::launch::async, [this] { return connect(); });
  }

  lab::Lab lab;
};

/// Takes one connection at the address in the namespace and resets it.
class Resetter {
 public:
  explicit Resetter(const std::string& netns) {
    std::promise<void> listening;
    auto ready = listening.get_future();
    thread_ = std::jthread([this, netns, &listening] { run(netns, listening); });
    ready.get();
  }

 private:
  void run(const std::string& netns, std::promise<void>& listening) {
    const io::Fd place(::open(("/run/netns/" + netns).c_str(), O_RDONLY | O_CLOEXEC));
    ::setns(place.get(), CLONE_NEWNET);
    const io::Fd server(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0));
    const int reuse = 1;
    ::setsockopt(server.get(), SOL_SOCKET, SO_REUSEADDR, &reuse, sizeof reuse);
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_port = htons(lab::agent_port);
    sockaddr generic;
    std::memcpy(&generic, &address, sizeof address);
    const bool good = ::bind(server.get(), &generic, sizeof generic) == 0 && ::listen(server.get(), 8) == 0;
    const timeval patience{10, 0};
    ::setsockopt(server.get(), SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof patience);
    listening.set_value();
    if (!good) return;
    const io::Fd taken(::accept4(server.get(), nullptr, nullptr, SOCK_CLOEXEC));
    const linger at_once{1, 0};
    ::setsockopt(taken.get(), SOL_SOCKET, SO_LINGER, &at_once, sizeof at_once);
  }

  std::jthread thread_;
};

void check_failed(const json& result, const std::string& outcome) {
  BOOST_TEST(result.at("outcome") == outcome);
  BOOST_TEST(!result.contains("connect"));
  BOOST_TEST(!result.at("reason").get<std::string>().empty());
}

}  // namespace

BOOST_AUTO_TEST_SUITE(connects)

BOOST_AUTO_TEST_CASE(every_outcome_is_told_as_what_it_is) {
  if (!may_run()) return;
  Outcomes world;
  lab::Lab& lab = world.lab;

  const json open = world.connect();
  BOOST_TEST(open.at("outcome") == "ok");
  BOOST_TEST(open.at("details").at("syn_retransmits") == 0);
  BOOST_TEST(std::abs(open.at("connect_clean").get<double>() - 0.02) < 0.005);

  check_failed(world.connect("gdansk"), "dns_failed");

  // The first SYNs are lost: the path is down until 1.5 s after the first.
  lab.wan("set berlin athens up=false");
  auto waiting = world.connect_meanwhile();
  std::this_thread::sleep_for(2100ms);
  lab.wan("set berlin athens up=true");
  const json late = waiting.get();
  BOOST_TEST(late.at("outcome") == "ok");
  BOOST_TEST(late.at("details").at("syn_retransmits") >= 1);
  BOOST_TEST(late.at("details").at("syn_retransmits") <= 3);
  BOOST_TEST(late.at("connect") > 0.9);
  BOOST_TEST(!late.contains("connect_clean"));
  BOOST_TEST(!late.contains("handshake_rtt"));

  lab.wan("set berlin athens up=false");
  const json silent = world.connect();
  check_failed(silent, "timeout");
  BOOST_TEST(silent.at("details").at("syn_retransmits") >= 2);
  BOOST_TEST(silent.at("connectivity") == 0.0);
  lab.wan("set berlin athens up=true");

  lab.stop("athens");
  check_failed(world.connect(), "refused");

  // The reset comes right behind the handshake: berlin's agent sleeps over both, and sees them at one wake.
  {
    const Resetter resetter(lab.netns("athens"));
    lab.wan("set berlin athens delay=600ms");
    lab.wan("set athens berlin delay=600ms");
    auto sleeping = world.connect_meanwhile();
    std::this_thread::sleep_for(1300ms);
    lab.process("berlin").signal(SIGSTOP);
    std::this_thread::sleep_for(2500ms);
    lab.process("berlin").signal(SIGCONT);
    check_failed(sleeping.get(), "reset");
  }

  // athens' address is gone and its router says so.
  const std::string netns = lab.netns("athens");
  for (const char* line : {"ip addr del 192.0.2.20/24 dev wan0", "ip route add 192.0.2.10 dev wan0",
                           "ip route add unreachable 192.0.2.20", "echo 1 >/proc/sys/net/ipv4/ip_forward"}) {
    const lab::Output done = lab::run({"ip", "netns", "exec", netns, "sh", "-c", line});
    BOOST_TEST_REQUIRE(done.code == 0, line << ": " << done.err);
  }
  const json unreachable = world.connect();
  check_failed(unreachable, "unreachable");
  BOOST_TEST(unreachable.at("reason").get<std::string>().find("No route to host") != std::string::npos);
}

BOOST_AUTO_TEST_SUITE_END()
