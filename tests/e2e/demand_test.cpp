// Runs on demand over the emulated WAN: each kind is done, in a gap of the timetable, and its numbers are true.
#include <fmt/format.h>

#include <boost/test/unit_test.hpp>

#include <cmath>

#include "tests/e2e/e2e_mesh.h"

namespace {

using namespace sonde;
using namespace sonde::e2e;
using namespace std::chrono_literals;
using nlohmann::json;

const std::vector<PathTruth> paths{
    {"berlin", "athens", 8, 20, 0}, {"athens", "berlin", 13, 4, 0},  {"berlin", "gdansk", 3, 50, 0},
    {"gdansk", "berlin", 5, 50, 0}, {"athens", "gdansk", 21, 10, 0}, {"gdansk", "athens", 17, 10, 0},
};

lab::Output probe(const lab::Lab& lab, const std::string& from, const std::string& to, const std::string& kind) {
  return lab.sonde({"--format", "json", "probe", from, to, kind, "--token-file", lab.token_file().string()});
}

double number_in(const json& result, const std::string& name) {
  BOOST_TEST_REQUIRE(result.contains(name), result.dump());
  return result.at(name).get<double>();
}

}  // namespace

BOOST_AUTO_TEST_SUITE(demand)

BOOST_AUTO_TEST_CASE(each_kind_is_measured_in_a_gap_and_tells_the_truth) {
  if (!may_run()) return;
  lab::Lab lab({.files = lab::make_mesh_files("demand",
                                              "  latency: {rate: 5/s, every: 2s, timeout: 1s}\n"
                                              "  connect: {every: 5s, timeout: 2s}\n"
                                              "  throughput: {every: 30s, duration: 3s, max_duration: 3s}\n",
                                              topology(paths))});
  lab.start_all();
  wait_until_measuring(lab, "rtt");
  const double rtt = paths[0].one_way(72) + paths[1].one_way(72);

  for (const std::string kind : {"latency", "connect", "throughput", "duplex"}) {
    const lab::Output out = probe(lab, "berlin", "athens", kind);
    BOOST_TEST_REQUIRE(out.code == 0, out.err << out.out);
    const json run = json::parse(out.out);
    const json& result = run.at("result");
    BOOST_TEST(run.at("state") == "done");
    BOOST_TEST(result.at("tags").dump().find("on_demand") != std::string::npos, result.dump());
    const double late = seconds_of(result.at("started_at")) - seconds_of(run.at("scheduled_at"));
    fmt::print("{}: began {:.1f} ms after its instant, waited {:.1f} s\n", kind, late * 1e3,
               seconds_of(run.at("scheduled_at")) - seconds_of(run.at("requested_at")));
    BOOST_TEST(std::abs(late) < 0.6, "it began at another time than it was given");
    if (kind == "latency") {
      BOOST_TEST(std::abs(number_in(result, "rtt") - rtt) < 0.001 + 0.02 * rtt, result.dump());
      BOOST_TEST(number_in(result.at("details"), "sent") == 50);
    } else if (kind == "connect") {
      BOOST_TEST(std::abs(number_in(result, "connect") - rtt) < 0.003 + 0.05 * rtt, result.dump());
    } else if (kind == "duplex") {
      // Acknowledgements wait in the other way's queue, so the faster way does not reach its rate within 3 s.
      const double there = number_in(result, "throughput_duplex") / paths[0].payload_rate();
      const double back = number_in(result.at("details"), "other_way_bps") / paths[1].payload_rate();
      fmt::print("duplex: {:.3f} of the rate there, {:.3f} back\n", there, back);
      BOOST_TEST((there > 0.1 && there < 1.05), result.dump());
      BOOST_TEST((back > 0.7 && back < 1.05), result.dump());
      BOOST_TEST(!result.contains("throughput"), result.dump());
    } else {
      BOOST_TEST(std::abs(number_in(result, "throughput") / paths[0].payload_rate() - 1) < 0.1, result.dump());
    }
  }
  check_alive(lab);
  BOOST_TEST(cell(lab, "throughput_duplex", "berlin", "athens", "&window=5m").state == "ok");
  BOOST_TEST(lab::eventually(
      10s, [&] { return cell(lab, "throughput_duplex", "athens", "berlin", "&window=5m").value.has_value(); }));
  // No run of the timetable was disturbed.
  const json audit = json::parse(lab.get("/api/v1/timetable/audit?window=5m").value().body);
  BOOST_TEST(audit.at("overlaps") == 0, audit.dump());

  const lab::Output explained = lab.sonde({"explain", "berlin", "athens"});
  fmt::print("{}", explained.out);
  BOOST_TEST(explained.code == 0);
  BOOST_TEST(explained.out.find("The round trip takes ") != std::string::npos, explained.out);
}

BOOST_AUTO_TEST_CASE(a_run_of_several_iterations_and_streams_says_what_each_moved) {
  if (!may_run()) return;
  lab::Lab lab(
      {.files = lab::make_mesh_files("iterations",
                                     "  latency: {rate: 5/s, every: 2s, timeout: 1s}\n"
                                     "  connect: off\n"
                                     "  throughput: {every: 2m, duration: 1500ms, max_duration: 2s, iterations: "
                                     "3, streams: 2, max_bytes: 4MB}\n",
                                     topology(paths))});
  lab.start_all();
  wait_until_measuring(lab, "rtt");
  const lab::Output out = probe(lab, "berlin", "athens", "throughput");
  BOOST_TEST_REQUIRE(out.code == 0, out.err << out.out);
  const json parsed = json::parse(out.out);
  const json& result = parsed.at("result");
  const json& details = result.at("details");
  BOOST_TEST(number_in(details, "iterations") == 3, result.dump());
  BOOST_TEST(std::abs(number_in(result, "throughput") / paths[0].payload_rate() - 1) < 0.1, result.dump());
  double bytes = 0;
  double packets = 0;
  for (int i = 0; i < 3; ++i) {
    const std::string iteration = fmt::format("iteration_{}_", i);
    BOOST_TEST(std::abs(number_in(details, iteration + "bps") / paths[0].payload_rate() - 1) < 0.15, result.dump());
    const double of_iteration = number_in(details, iteration + "bytes");
    double of_streams = 0;
    for (int s = 0; s < 2; ++s) {
      of_streams += number_in(details, fmt::format("{}stream_{}_bytes", iteration, s));
      BOOST_TEST(number_in(details, fmt::format("{}stream_{}_packets", iteration, s)) > 0);
    }
    BOOST_TEST(of_streams == of_iteration);
    bytes += of_iteration;
    packets += number_in(details, iteration + "packets");
  }
  BOOST_TEST(number_in(details, "bytes") == bytes);
  BOOST_TEST(number_in(details, "packets") == packets);
  check_alive(lab);
}

BOOST_AUTO_TEST_CASE(a_site_that_nobody_can_reach_is_measured_both_ways) {
  if (!may_run()) return;
  auto files = lab::make_mesh_files("hidden",
                                    "  latency: {rate: 5/s, every: 2s, timeout: 1s}\n"
                                    "  connect: {every: 5s, timeout: 2s}\n"
                                    "  throughput: {every: 30s, duration: 1s, max_duration: 2s}\n",
                                    topology(paths));
  const auto replace = [](std::string& text, const std::string& what, const std::string& with) {
    const auto at = text.find(what);
    BOOST_TEST_REQUIRE(at != std::string::npos, text);
    text.replace(at, what.size(), with);
  };
  // Nobody knows where it listens.
  replace(files.coordinator, "name: gdansk, ", "name: gdansk, inbound: false, ");
  replace(files.agents.at("gdansk"), fmt::format("port: {}", lab::agent_port), "port: 17999");
  lab::Lab lab({.files = std::move(files)});
  lab.start_all();
  const bool heard = lab::eventually(
      30s, [&] { return cell(lab, "rtt", "gdansk", "berlin").value && cell(lab, "rtt", "berlin", "athens").value; });
  BOOST_TEST_REQUIRE(heard, lab.log_tail("gdansk"));
  const auto share = [&](const std::string& from, const std::string& to, const PathTruth& path) {
    const lab::Output out = probe(lab, from, to, "throughput");
    BOOST_TEST_REQUIRE(out.code == 0, out.err << out.out << lab.log_tail(from));
    const double rate = number_in(json::parse(out.out).at("result"), "throughput");
    fmt::print("{} -> {}: {:.3f} of the rate\n", from, to, rate / path.payload_rate());
    return rate / path.payload_rate();
  };
  BOOST_TEST(std::abs(share("gdansk", "berlin", paths[3]) - 1) < 0.1);
  BOOST_TEST(std::abs(share("berlin", "gdansk", paths[2]) - 1) < 0.1);
  BOOST_TEST(std::abs(share("athens", "gdansk", paths[4]) - 1) < 0.1);
  BOOST_TEST(cell(lab, "rtt", "berlin", "gdansk").state == "none");
  check_alive(lab);
}

BOOST_AUTO_TEST_CASE(what_cannot_be_done_is_said_in_one_line) {
  if (!may_run()) return;
  lab::Lab lab({.files = lab::make_mesh_files("refused",
                                              "  latency: {rate: 5/s, every: 2s, timeout: 1s}\n"
                                              "  connect: {every: 5s, timeout: 2s}\n"
                                              "  throughput: off\n",
                                              topology(paths))});
  lab.start_coordinator();
  lab.start_agent("berlin");
  const bool heard = lab::eventually(10s, [&] { return lab.sonde({"sites"}).out.find(" ok ") != std::string::npos; });
  BOOST_TEST_REQUIRE(heard);
  const auto refused = [&](std::vector<std::string> arguments, const std::string& what) {
    const lab::Output out = lab.sonde(std::move(arguments));
    BOOST_TEST(out.code == 1);
    BOOST_TEST(out.err.find(what) != std::string::npos, out.err);
    BOOST_TEST(std::count(out.err.begin(), out.err.end(), '\n') == 1, out.err);
  };
  const std::string token = lab.token_file().string();
  refused({"probe", "berlin", "athens", "latency"}, "this needs a token");
  refused({"probe", "berlin", "athens", "latency", "--token-file", "/dev/null"}, "is empty");
  refused({"probe", "berlin", "athens", "latency", "--token-file", (lab.folder() / "coordinator.yaml").string()},
          "more than one line");
  refused({"probe", "berlin", "paris", "latency", "--token-file", token}, "to: unknown site 'paris'");
  refused({"probe", "athens", "berlin", "latency", "--token-file", token}, "the agent of athens is not heard");
  refused({"probe", "berlin", "athens", "throughput", "--token-file", token}, "the mesh has no throughput from berlin");
  BOOST_TEST(lab.sonde({"probe", "berlin", "athens", "ping", "--token-file", token}).code == 2);

  // Nobody listens at athens: the run is done, fails, and says why.
  const lab::Output failed = probe(lab, "berlin", "athens", "connect");
  BOOST_TEST(failed.code == 1);
  const json run = json::parse(failed.out);
  BOOST_TEST(run.at("state") == "failed");
  BOOST_TEST(run.at("result").at("outcome") == "refused");
}

BOOST_AUTO_TEST_SUITE_END()
