// What breaks over the emulated WAN becomes the right incident, one, and in time; and it ends after healing.
#include <fmt/format.h>

#include <boost/test/unit_test.hpp>

#include <algorithm>
#include <csignal>
#include <set>
#include <thread>

#include "tests/e2e/e2e_mesh.h"

namespace {

using namespace sonde;
using namespace sonde::e2e;
using namespace std::chrono_literals;
using nlohmann::json;
using std::chrono::milliseconds;

constexpr auto every = 1s;
constexpr auto timeout = 500ms;
/// Three intervals; and until a result is there (2 s), its far half was asked for (1 s) and it is judged (1 s).
constexpr milliseconds three_intervals = 3 * every + timeout + 4s;
/// Five good intervals after the last bad one, which is mixed.
constexpr milliseconds to_clear = 7 * every + timeout + 4s;
constexpr auto agent_silence = 15s;

class Watcher {
 public:
  explicit Watcher(lab::Lab& lab) : lab_(lab) {}

  /// Without starved agents: on a busy machine they are the truth, and none of this test's faults.
  std::vector<json> incidents(const std::string& state = "open") const {
    std::vector<json> out;
    for (const json& one : all(state))
      if (one["cause"] != "agent_starved") out.push_back(one);
    return out;
  }
  /// The one open incident, once there is one of this cause.
  json wait_for(const std::string& cause, milliseconds limit) {
    const double begin = seconds_now();
    json found;
    const bool there = lab::eventually(limit, [&] {
      check_alive(lab_);
      for (const json& one : incidents())
        if (one["cause"] == cause) found = one;
      return !found.is_null();
    });
    fmt::print("{}: {} after {:.1f} s\n", cause, there ? found["summary"].get<std::string>() : story(),
               seconds_now() - begin);
    BOOST_TEST_REQUIRE(there, "no incident of cause " << cause << " in time; " << story());
    return found;
  }
  /// While an agent is starved its results are left out, and nothing can be cleared: that time does not count.
  void wait_until_over(milliseconds limit) {
    const double begin = seconds_now();
    milliseconds left = limit;
    bool over = false;
    while (!over && left > 0ms && seconds_now() - begin < 60) {
      over = lab::eventually(500ms, [&] {
        check_alive(lab_);
        return incidents().empty();
      });
      if (all("open").size() == incidents().size()) left -= 500ms;
    }
    fmt::print("  over after {:.1f} s\n", seconds_now() - begin);
    BOOST_TEST(over, "still open: " << story());
  }
  /// Everything that was ever opened, by cause and subject; each is told once.
  void expect_only(const std::multiset<std::string>& expected) const {
    std::multiset<std::string> seen;
    for (const char* state : {"open", "closed"})
      for (const json& one : incidents(state)) seen.insert(one["cause"].get<std::string>());
    BOOST_TEST(seen == expected, boost::test_tools::per_element());
    if (seen != expected) BOOST_TEST_MESSAGE(story());
  }
  bool names_starved(const std::string& site) const {
    return std::ranges::any_of(all("open"),
                               [&](const json& one) { return one["cause"] == "agent_starved" && one["site"] == site; });
  }
  /// What the open incident of this cause (and site, unless empty) has as evidence of the measuring.
  std::string measurer_evidence(const std::string& cause, const std::string& site) const {
    for (const json& one : all("open"))
      if (one["cause"] == cause && (site.empty() || one["site"] == site))
        for (const json& item : one["evidence"])
          if (item["kind"] == "measurer") return item["text"].get<std::string>();
    return "none";
  }
  std::string story() const {
    std::string text;
    for (const char* state : {"open", "closed"})
      for (const json& one : all(state))
        text += fmt::format("\n  {} {} {} ({:.2f}) {} {}", state, one["cause"].dump(), one["summary"].dump(),
                            one["confidence"].get<double>(), one["metrics"].dump(), one["timeline"].dump());
    return text.empty() ? "there is none" : text;
  }

 private:
  std::vector<json> all(const std::string& state) const {
    const auto reply = lab_.get("/api/v1/incidents?state=" + state);
    if (!reply || reply->status != 200) return {};
    return json::parse(reply->body)["incidents"].get<std::vector<json>>();
  }

  lab::Lab& lab_;
};

bool has(const json& list, const std::string& word) { return std::ranges::find(list, json(word)) != list.end(); }

/// Three of each path's own: 192.0.2.101 to 103 and so on.
std::string routers(int number) { return fmt::format("192.0.2.{0}1,192.0.2.{0}2,192.0.2.{0}3", number); }

std::string mesh_topology() {
  const std::vector<std::string> sites{"berlin", "athens", "gdansk", "lisbon"};
  std::vector<PathTruth> paths;
  double delay_ms = 8;
  for (const std::string& from : sites)
    for (const std::string& to : sites)
      if (from != to) paths.push_back({from, to, delay_ms += 1, 50, 0});
  return topology(paths, "  - {name: lisbon, address: 192.0.2.40}\n");
}

lab::LabSpec spec() {
  return {.files = lab::make_mesh_files("incidents",
                                        "  latency: {rate: 50/s, every: 1s, timeout: 500ms}\n"
                                        "  connect: {every: 30s, timeout: 1s}\n"
                                        "  throughput: off\n",
                                        mesh_topology())};
}

/// The routers that stand on each path, and where its faults lie: behind the first.
void place_routers(lab::Lab& lab) {
  int number = 10;
  for (const char* from : {"berlin", "athens", "gdansk", "lisbon"})
    for (const char* to : {"berlin", "athens", "gdansk", "lisbon"})
      if (from != std::string(to)) lab.wan(fmt::format("set {} {} fault_hop=1 hops={}", from, to, routers(number++)));
}

/// The way of each link as it is while all is well.
void wait_until_known(const lab::Lab& lab) {
  const bool known = lab::eventually(30s, [&] {
    for (const char* from : {"berlin", "athens", "gdansk", "lisbon"})
      for (const char* to : {"berlin", "athens", "gdansk", "lisbon"}) {
        if (from == std::string(to)) continue;
        const auto reply = lab.get(fmt::format("/api/v1/links/{}/{}/path", from, to));
        if (!reply || reply->status != 200 || json::parse(reply->body)["path"].is_null()) return false;
      }
    return true;
  });
  BOOST_TEST_REQUIRE(known, "agents did not look at every way within 30 s");
}

bool finds(const json& evidence, const std::string& code) {
  return std::ranges::any_of(evidence["findings"], [&](const json& finding) { return finding["code"] == code; });
}

/// What an incident has of a way from and to these sites (empty: any), once it is there.
json evidence_of(const lab::Lab& lab, const json& incident, const std::string& from, const std::string& to) {
  json found;
  json all;
  lab::eventually(20s, [&] {
    const auto reply = lab.get("/api/v1/incidents/" + incident["id"].get<std::string>());
    if (!reply || reply->status != 200) return false;
    all = json::parse(reply->body)["evidence"];
    for (const json& item : all)
      if (item["kind"] == "path" && (from.empty() || item["from"] == from) && (to.empty() || item["to"] == to))
        found = item;
    return !found.is_null();
  });
  BOOST_TEST_REQUIRE(!found.is_null(),
                     "no evidence of the way from '" << from << "' to '" << to << "', but " << all.dump());
  fmt::print("  {}\n    {}\n", found["text"].get<std::string>(), found["hops"].get<std::string>());
  return found;
}

void cut_egress(lab::Lab& lab, Watcher& watcher) {
  lab.wan("set athens * up=0");
  const json incident = watcher.wait_for("egress", three_intervals);
  BOOST_TEST(incident["site"] == "athens");
  BOOST_TEST(has(incident["metrics"], "loss"));
  BOOST_TEST(incident["confidence"].get<double>() > 0.8);
  BOOST_TEST(!incident["evidence"].empty());
  // The interval in which it began lost a part; the next one loses all.
  BOOST_TEST(lab::eventually(
      three_intervals, [&] { return cell(lab, "loss", "athens", "berlin", "&stat=last").value.value_or(0) == 1.0; }));
  BOOST_TEST(cell(lab, "loss", "berlin", "athens", "&stat=last").value.value_or(1) == 0.0);
  const json way = evidence_of(lab, incident, "athens", "");
  BOOST_TEST(finds(way, "path_ends"));
  BOOST_TEST(finds(way, "path_same"));
  BOOST_TEST(way["now"]["hops"].size() == 1U);
  BOOST_TEST(way["before"]["hops"].size() == 4U);
  BOOST_TEST(way["now"]["interface"] == "wan0");
  evidence_of(lab, incident, "", "athens");  // the other agent's
  lab.wan("set athens * up=1");
  watcher.wait_until_over(to_clear);
}

void slow_ingress(lab::Lab& lab, Watcher& watcher) {
  for (const char* from : {"athens", "lisbon"}) lab.wan(fmt::format("set {} gdansk delay=80ms", from));
  lab.wan(fmt::format("set berlin gdansk delay=80ms hops={}", routers(24)));
  const json incident = watcher.wait_for("ingress", three_intervals);
  BOOST_TEST(incident["site"] == "gdansk");
  BOOST_TEST(has(incident["metrics"], "delay_rise"));
  // Two of three links are enough for the incident; the third may be judged an interval later.
  BOOST_TEST(lab::eventually(three_intervals,
                             [&] { return cell(lab, "delay_rise", "berlin", "gdansk").state == "degraded"; }));
  BOOST_TEST(cell(lab, "delay_rise", "gdansk", "berlin").state == "ok");
  const json changed = evidence_of(lab, incident, "berlin", "gdansk");
  BOOST_TEST(finds(changed, "path_changed"));
  BOOST_TEST(changed["text"].get<std::string>().find("changed at hop 1: 192.0.2.241 instead of 192.0.2.1") !=
             std::string::npos);
  const json same = evidence_of(lab, incident, "athens", "gdansk");
  BOOST_TEST(finds(same, "path_same"));
  BOOST_TEST(finds(same, "step_at_hop"));
  for (const char* from : {"berlin", "athens", "lisbon"}) lab.wan(fmt::format("set {} gdansk delay=12ms", from));
  watcher.wait_until_over(to_clear);
}

/// In its midst the coordinator is stopped and comes back: it is the same incident.
void lossy_link(lab::Lab& lab, Watcher& watcher) {
  lab.wan("set berlin lisbon loss=30%");
  const json incident = watcher.wait_for("link", three_intervals);
  BOOST_TEST(incident["from"] == "berlin");
  BOOST_TEST(incident["to"] == "lisbon");
  BOOST_TEST(incident["links"].size() == 1U);
  const json way = evidence_of(lab, incident, "berlin", "lisbon");
  BOOST_TEST(way["now"]["reached"] == true);  // the way is there, and what is lost on it is lost at random
  BOOST_TEST(!finds(way, "path_changed"));
  evidence_of(lab, incident, "lisbon", "berlin");
  lab.stop("coordinator");
  lab.start_coordinator();
  const json again = watcher.wait_for("link", 10s);
  BOOST_TEST(again["id"] == incident["id"]);
  BOOST_TEST((evidence_of(lab, again, "berlin", "lisbon")["now"] == way["now"]));
  BOOST_TEST(lab.sonde({"incidents"}).out.find("berlin -> lisbon") != std::string::npos);
  lab.wan("set berlin lisbon loss=0%");
  watcher.wait_until_over(to_clear + 10s);
}

void dead_host(lab::Lab& lab, Watcher& watcher) {
  lab.kill("lisbon");
  lab.wan("set lisbon * up=0");
  lab.wan("set * lisbon up=0");
  const json incident = watcher.wait_for("site_down", agent_silence + three_intervals);
  BOOST_TEST(incident["site"] == "lisbon");
  BOOST_TEST(incident["severity"] == "critical");
  const json way = evidence_of(lab, incident, "", "lisbon");
  BOOST_TEST(finds(way, "path_ends"));
  BOOST_TEST(way["now"]["reached"] == false);
  lab.wan("set lisbon * up=1");
  lab.wan("set * lisbon up=1");
  lab.start_agent("lisbon");
  watcher.wait_until_over(to_clear + 15s);
}

/// Nobody can reach it: one incident, and nothing is said of the network.
void coordinator_cut_off(lab::Lab& lab, Watcher& watcher) {
  const auto hub = [&](const char* state) {
    const auto done = lab::run({"ip", "-n", lab.netns("hub"), "link", "set", "br0", state});
    BOOST_TEST_REQUIRE(done.code == 0, done.err);
  };
  hub("down");
  watcher.wait_for("coordinator", agent_silence + 4s);
  BOOST_TEST(watcher.measurer_evidence("coordinator", "").starts_with("of 4 agents that were heard before"));
  BOOST_TEST(watcher.incidents().size() == 1U);
  hub("up");
  watcher.wait_until_over(20s);
}

/// An agent that hardly gets any CPU is named itself, and its links are not blamed.
void overloaded_agent(lab::Lab& lab, Watcher& watcher) {
  const auto before = watcher.incidents();
  const auto starved = [&] { return watcher.names_starved("berlin"); };
  const double begin = seconds_now();
  while (!starved() && seconds_now() - begin < 25) {
    lab.process("berlin").signal(SIGSTOP);
    std::this_thread::sleep_for(200ms);
    lab.process("berlin").signal(SIGCONT);
    std::this_thread::sleep_for(100ms);
  }
  fmt::print("agent_starved after {:.1f} s\n", seconds_now() - begin);
  BOOST_TEST(starved(), watcher.story());
  BOOST_TEST(watcher.incidents().size() == before.size(), watcher.story());
  BOOST_TEST(watcher.measurer_evidence("agent_starved", "berlin").find("probes left up to") != std::string::npos);
  BOOST_TEST(lab::eventually(30s, [&] { return !starved(); }), "it is open, though its agent has its CPU again");
}

/// A mesh of its own, so that transfers disturb no other test's latency, and its waiting costs nobody any time: large
/// packets vanish and small ones arrive, so that only transfers suffer, and the way's evidence says why.
class BlackHole {
 public:
  BlackHole() : lab_(spec()) { lab_.start_all(); }
  void begin() {
    wait_until_measuring(lab_, "rtt");
    const bool known = lab::eventually(20s, [&] {
      const auto reply = lab_.get("/api/v1/links/berlin/athens/path");
      return reply && reply->status == 200 && !json::parse(reply->body)["path"].is_null();
    });
    BOOST_TEST_REQUIRE(known, "no agent looked at the way from berlin to athens");
    lab_.wan("set berlin athens mtu=1400");
  }
  void end() {
    Watcher watcher(lab_);
    const json incident = watcher.wait_for("link", 30s);
    BOOST_TEST(incident["from"] == "berlin");
    BOOST_TEST(incident["to"] == "athens");
    BOOST_TEST(has(incident["metrics"], "throughput"));
    const json way = evidence_of(lab_, incident, "berlin", "athens");
    BOOST_TEST(way["now"]["mtu"] == 1400);
    BOOST_TEST(way["now"]["mtu_black_hole"] == true);
    BOOST_TEST(way["before"]["mtu"] == 1500);
    BOOST_TEST(finds(way, "mtu_black_hole"));
    const json back = evidence_of(lab_, incident, "athens", "berlin");
    BOOST_TEST(back["now"]["mtu"] == 1500);
    BOOST_TEST(back["now"]["mtu_black_hole"] == false);
    const std::string id = incident["id"].get<std::string>();
    std::string shown;
    const bool named = lab::eventually(5s, [&] {
      shown = lab_.sonde({"incidents", id}).out;
      return shown.find("packets of more than 1400 octets are lost, smaller ones are not") != std::string::npos;
    });
    BOOST_TEST(named, shown);
    BOOST_TEST(shown.find("hops: 1 192.0.2.201") != std::string::npos, shown);
    BOOST_TEST(lab_.sonde({"explain", "berlin", "athens"}).out.find("packets over 1400 octets vanish") !=
               std::string::npos);
  }

 private:
  static lab::LabSpec spec() {
    const std::string two =
        "seed: 5\nsites:\n"
        "  - {name: berlin, address: 192.0.2.10}\n"
        "  - {name: athens, address: 192.0.2.20}\n"
        "paths:\n"
        "  - {from: berlin, to: athens, delay: 5ms, hops: \"192.0.2.201,192.0.2.202,192.0.2.203\", fault_hop: 2}\n"
        "  - {from: athens, to: berlin, delay: 5ms, hops: \"192.0.2.211,192.0.2.212\"}\n";
    return {.files = lab::make_mesh_files("hole",
                                          "  latency: {rate: 20/s, every: 1s, timeout: 500ms}\n"
                                          "  connect: off\n"
                                          "  throughput: {every: 6s, duration: 1s, max_duration: 1s, "
                                          "max_bytes: 200kB}\n",
                                          two),
            .second = "hole"};
  }

  lab::Lab lab_;
};

/// Whoever was stopped has heard nobody, and accuses nobody of it.
void stopped_coordinator(lab::Lab& lab, Watcher& watcher) {
  lab.process("coordinator").signal(SIGSTOP);
  std::this_thread::sleep_for(agent_silence + 1s);
  lab.process("coordinator").signal(SIGCONT);
  BOOST_TEST(lab::eventually(10s, [&] { return cell(lab, "rtt", "athens", "gdansk", "&window=5s").count > 0; }),
             "no result within 10 s of the coordinator's standstill");
  std::this_thread::sleep_for(3s);
  BOOST_TEST(watcher.incidents().empty(), watcher.story());
  BOOST_TEST(lab.log_of("coordinator").find("stood_still") != std::string::npos);
}

}  // namespace

BOOST_AUTO_TEST_SUITE(incidents)

BOOST_AUTO_TEST_CASE(each_fault_is_one_incident_in_time_and_ends_after_healing) {
  if (!may_run()) return;
  lab::Lab lab(spec());
  BlackHole hole;
  place_routers(lab);
  lab.start_all();
  wait_until_measuring(lab, "rtt");
  wait_until_known(lab);
  Watcher watcher(lab);
  cut_egress(lab, watcher);
  lossy_link(lab, watcher);
  watcher.expect_only({"egress", "link"});
  coordinator_cut_off(lab, watcher);
  watcher.expect_only({"egress", "link", "coordinator"});
  overloaded_agent(lab, watcher);
  hole.begin();
  stopped_coordinator(lab, watcher);
  hole.end();
  watcher.expect_only({"egress", "link", "coordinator"});
  slow_ingress(lab, watcher);  // by now enough was seen to know what is usual
  dead_host(lab, watcher);
  watcher.expect_only({"egress", "link", "coordinator", "ingress", "site_down"});
}

BOOST_AUTO_TEST_SUITE_END()
