// What is killed or cut loses nothing, repeats nothing, and disturbs nobody else.
#include <fmt/format.h>

#include <boost/test/unit_test.hpp>

#include <map>
#include <set>
#include <thread>

#include "tests/e2e/e2e_mesh.h"

namespace {

using namespace sonde;
using namespace sonde::e2e;
using namespace std::chrono_literals;
using nlohmann::json;

struct Span {
  double begin = 0;
  double end = 0;
};

/// The whole run, from the first look to the last, was inside.
bool inside(const json& result, const Span& span) {
  return !result["started_at"].is_null() && seconds_of(result["started_at"]) >= span.begin &&
         seconds_of(result["finished_at"]) <= span.end;
}

bool touches(const json& result, const Span& span) {
  return seconds_of(result["scheduled_at"]) <= span.end && seconds_of(result["finished_at"]) >= span.begin;
}

bool between(const json& result, const std::string& a, const std::string& b) {
  return (result["from"] == a && result["to"] == b) || (result["from"] == b && result["to"] == a);
}

bool about(const json& result, const std::string& site) { return result["from"] == site || result["to"] == site; }

std::string line_of(const json& result) {
  return fmt::format("{} {} {}->{} {} at {}", result["id"].dump(), result["probe"].dump(), result["from"].dump(),
                     result["to"].dump(), result["outcome"].dump(), result["scheduled_at"].dump());
}

std::vector<PathTruth> fast_paths() {
  return {{"berlin", "athens", 8, 100, 0}, {"athens", "berlin", 9, 100, 0}, {"berlin", "gdansk", 3, 100, 0},
          {"gdansk", "berlin", 4, 100, 0}, {"athens", "gdansk", 6, 100, 0}, {"gdansk", "athens", 7, 100, 0}};
}

void check_complete(const std::vector<json>& all) {
  std::set<std::string> ids;
  std::map<std::string, std::set<std::uint64_t>> seqs;
  for (const json& result : all) {
    BOOST_TEST(ids.insert(result["id"].get<std::string>()).second, "the same id twice: " << line_of(result));
    BOOST_TEST(seqs[result["from"]].insert(result["seq"].get<std::uint64_t>()).second,
               "the same seq twice: " << line_of(result));
  }
  for (const auto& [site, numbers] : seqs) {
    fmt::print("{}: {} results, seq {} to {}\n", site, numbers.size(), *numbers.begin(), *numbers.rbegin());
    BOOST_TEST(*numbers.begin() == 1U, site);
    BOOST_TEST(*numbers.rbegin() == numbers.size(), "results of " << site << " are missing");
  }
}

/// Of links whose agents were never killed: every interval of 1 s has its result, whoever else was away, also where a
/// new timetable begins (the coordinator was restarted): the epoch stays, and with it the intervals.
void check_no_interval_missing(const std::vector<json>& all, const std::string& from, const std::string& to) {
  std::set<double> begins;
  for (const json& result : all)
    if (result["probe"] == "latency" && result["from"] == from && result["to"] == to)
      begins.insert(seconds_of(result["scheduled_at"]));
  BOOST_TEST_REQUIRE(begins.size() >= 30U, from << "->" << to << " has " << begins.size() << " results");
  for (auto now = std::next(begins.begin()); now != begins.end(); ++now) {
    const double gap = *now - *std::prev(now);
    BOOST_TEST(gap <= 1.01, from << "->" << to << ": a gap of " << gap << " s");
  }
}

}  // namespace

BOOST_AUTO_TEST_SUITE(chaos)

BOOST_AUTO_TEST_CASE(kills_and_cuts_lose_nothing_and_repeat_nothing) {
  if (!may_run()) return;
  lab::Lab lab({.files = lab::make_mesh_files(
                    "chaos",
                    "  latency: {rate: 10/s, every: 1s, timeout: 500ms}\n"
                    "  connect: {every: 1s, timeout: 800ms}\n"
                    "  throughput: {every: 15s, duration: 1s, max_duration: 1500ms, max_bytes: 20MB}\n",
                    topology(fast_paths()))});
  lab.start_all();
  wait_until_measuring(lab, "connect");
  std::this_thread::sleep_for(5s);

  Span away{.begin = seconds_now(), .end = 0};
  lab.kill("coordinator");
  std::this_thread::sleep_for(6s);
  lab.start_coordinator();
  away.end = seconds_now();
  std::this_thread::sleep_for(8s);

  Span dead{.begin = seconds_now(), .end = 0};
  lab.kill("athens");
  std::this_thread::sleep_for(4s);
  lab.start_agent("athens");
  // The others' runs towards it may fail until it listens again.
  wait_until_measuring(lab, "connect");
  std::this_thread::sleep_for(8s);
  dead.end = seconds_now();

  Span cut{.begin = seconds_now(), .end = 0};
  lab.wan("set berlin gdansk up=0");
  std::this_thread::sleep_for(8s);
  cut.end = seconds_now();
  lab.wan("set berlin gdansk up=1");
  const Span near_cut{.begin = cut.begin - 3, .end = cut.end + 3};
  std::this_thread::sleep_for(6s);
  check_alive(lab);

  const auto all = results(lab);
  fmt::print("{} results, scheduled from {} to {}\n", all.size(), all.front()["scheduled_at"].dump(),
             all.back()["scheduled_at"].dump());
  check_complete(all);
  check_no_interval_missing(all, "berlin", "gdansk");
  check_no_interval_missing(all, "gdansk", "berlin");

  std::size_t during_absence = 0;
  std::size_t failed = 0;
  for (const json& result : all) {
    during_absence += result["outcome"] == "ok" && inside(result, away);
    const bool cut_off = between(result, "berlin", "gdansk");
    if (cut_off && inside(result, cut)) {
      BOOST_TEST(result["outcome"] != "ok", line_of(result));
      BOOST_TEST(!result.value("reason", "").empty(), "no reason: " << line_of(result));
      ++failed;
    }
    const bool disturbed = (cut_off && touches(result, near_cut)) || (about(result, "athens") && touches(result, dead));
    if (!disturbed && result["probe"] != "throughput") BOOST_TEST(result["outcome"] == "ok", line_of(result));
  }
  fmt::print("{} ok while the coordinator was away, {} failed during the cut\n", during_absence, failed);
  BOOST_TEST(during_absence >= 6U * 3U * 2U);  // six links, at least three seconds of the six, two probes
  BOOST_TEST(failed >= 2U * 4U);
}

BOOST_AUTO_TEST_CASE(agents_may_start_before_the_coordinator_and_everybody_stops_within_five_seconds) {
  if (!may_run()) return;
  lab::Lab lab({.files = lab::make_mesh_files("order",
                                              "  latency: {rate: 10/s, every: 1s, timeout: 500ms}\n"
                                              "  connect: off\n  throughput: off\n",
                                              topology(fast_paths()))});
  for (const std::string& site : lab.sites()) lab.start_agent(site);
  std::this_thread::sleep_for(3s);
  lab.start_coordinator();
  wait_until_measuring(lab, "rtt");
  for (const std::string name : {"athens", "berlin", "gdansk", "coordinator"}) BOOST_TEST(lab.stop(name) == 0, name);
}

BOOST_AUTO_TEST_SUITE_END()
