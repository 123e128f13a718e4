// The timetable carried out by eight real agents over the emulated WAN: whole cycles without an overlap, every slot
// used.
#include <fmt/format.h>

#include <boost/test/unit_test.hpp>

#include <algorithm>
#include <map>
#include <thread>

#include "tests/e2e/e2e_mesh.h"

namespace {

using namespace sonde;
using namespace sonde::e2e;
using namespace std::chrono_literals;
using nlohmann::json;

constexpr int sites = 8;
constexpr int cycles = 2;

/// On the average of all sites, in throughput runs.
struct Utilisation {
  double measured = 0;
  double planned = 0;
};

json audit_of(lab::Lab& lab, double window, double at) {
  return json::parse(lab.get(fmt::format("/api/v1/timetable/audit?window={}s&at={:.6f}", window, at)).value().body);
}

Utilisation utilisation_of(const json& audit) {
  Utilisation mean;
  for (const json& use : audit.at("utilisation")) {
    mean.measured += use.at("measured").get<double>() / sites;
    mean.planned += use.at("planned").get<double>() / sites;
  }
  return mean;
}

void wait_until(lab::Lab& lab, double seconds) {
  while (seconds_now() < seconds) {
    check_alive(lab);
    std::this_thread::sleep_for(200ms);
  }
}

std::string eight_sites() {
  std::string text = "seed: 11\nsites:\n";
  for (int i = 0; i < sites; ++i) text += fmt::format("  - {{name: s{}, address: 192.0.2.{}}}\n", i, 10 * (i + 1));
  text += "paths:\n";
  for (int from = 0; from < sites; ++from)
    for (int to = 0; to < sites; ++to)
      if (from != to)
        text += fmt::format("  - {{from: s{}, to: s{}, delay: {}ms, rate: 10Mbit/s, queue: 50ms, loss: 0}}\n", from, to,
                            2 + (from * 7 + to * 3) % 23);
  return text;
}

}  // namespace

BOOST_AUTO_TEST_SUITE(timetable)

BOOST_AUTO_TEST_CASE(whole_cycles_of_eight_agents_are_audited_without_an_overlap) {
  if (!may_run()) return;
  lab::Lab lab({.files = lab::make_mesh_files("timetable",
                                              "  latency: {rate: 5/s, every: 5s, timeout: 1s}\n"
                                              "  connect: off\n"
                                              "  throughput: {every: 20s, duration: 1s, max_duration: 1s}\n",
                                              eight_sites())});
  lab.start_all();
  wait_until_measuring(lab, "rtt");
  const json plan = json::parse(lab.get("/api/v1/timetable").value().body);
  BOOST_TEST(plan.at("slots").size() == 56U);
  const double every = plan.at("throughput_every_s").get<double>();
  // One cycle, from when every agent has its timetable, shows what runs take; the plan that follows from it is held
  // against those after it.
  double first = seconds_of(plan.at("epoch"));
  while (first < seconds_now() + 0.5) first += every;
  const double begin = first + every;
  const double end = begin + cycles * every;
  wait_until(lab, begin);
  const double planned = utilisation_of(audit_of(lab, every, begin)).planned;
  wait_until(lab, end + 3);  // and the way of the last results

  std::map<std::string, int> runs;
  int started = 0;
  for (const json& result : results(lab, "?probe=throughput")) {
    const double scheduled = seconds_of(result.at("scheduled_at"));
    if (scheduled < begin - 0.001 || scheduled >= end - 0.001) continue;
    ++runs[fmt::format("{}->{}", result.at("from").get<std::string>(), result.at("to").get<std::string>())];
    if (!result.at("started_at").is_null()) ++started;
  }
  const json audit = audit_of(lab, cycles * every, end);
  const json& error = audit.at("start_error_s");
  const double measured = utilisation_of(audit).measured;
  double reserved = 0;
  for (const json& slot : plan.at("slots")) reserved += 2 * slot.at("length_s").get<double>() / every / sites;
  fmt::print(
      "{} of {} slots ran; start error p50 {:.1f} ms, p99 {:.1f} ms, at most {:.1f} ms; clocks within {:.2f} ms; "
      "utilisation {:.1f} % of the time in runs, {:.1f} % planned; in slots {:.1f} %\n",
      started, 56 * cycles, 1e3 * error.at("p50").get<double>(), 1e3 * error.at("p99").get<double>(),
      1e3 * error.at("max").get<double>(), 1e3 * audit.at("clock_error_s").get<double>(), 100 * measured, 100 * planned,
      100 * reserved);
  BOOST_TEST(audit.at("overlaps") == 0, audit.dump());
  BOOST_TEST(counter(lab, "sonde_timetable_overlaps_total") == 0);
  // Every slot of the plan was reported.
  BOOST_TEST(runs.size() == 56U);
  for (const auto& [link, count] : runs) BOOST_TEST(count == cycles, link);
  BOOST_TEST(started >= 0.95 * 56 * cycles, audit.dump());
  BOOST_TEST(measured == planned, boost::test_tools::tolerance(0.05));
  BOOST_TEST(planned < reserved);

  const lab::Output shown = lab.sonde({"timetable", "--audit", "--window", "40s"});
  fmt::print("{}", shown.out);
  BOOST_TEST(shown.code == 0, shown.err);
  BOOST_TEST(shown.out.find("no overlaps") != std::string::npos, shown.out);
}

BOOST_AUTO_TEST_SUITE_END()
