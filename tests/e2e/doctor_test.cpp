// `sonde doctor` at a site of a real mesh: well, and broken in the ways that it is there to tell apart.
#include <fmt/format.h>

#include <boost/test/unit_test.hpp>

#include <algorithm>
#include <filesystem>

#include "tests/e2e/e2e_mesh.h"

namespace {

using namespace sonde;
using namespace sonde::e2e;
using nlohmann::json;

const std::vector<PathTruth> paths{
    {"berlin", "athens", 8, 20, 0}, {"athens", "berlin", 13, 20, 0}, {"berlin", "gdansk", 3, 50, 0},
    {"gdansk", "berlin", 5, 50, 0}, {"athens", "gdansk", 21, 10, 0}, {"gdansk", "athens", 17, 10, 0},
};

lab::LabSpec spec() {
  return {.files = lab::make_mesh_files("doctor",
                                        "  latency: {rate: 10/s, every: 1s, timeout: 500ms}\n"
                                        "  connect: {every: 2s, timeout: 1s}\n"
                                        "  throughput: off\n",
                                        topology(paths))};
}

lab::Output doctor(const lab::Lab& lab, const std::string& site, const std::string& file, const std::string& format) {
  const auto program = std::filesystem::read_symlink("/proc/self/exe").parent_path() / "sonde";
  return lab::run({"ip", "netns", "exec", lab.netns(site), program.string(), "--format", format, "doctor", "--config",
                   (lab.folder() / file).string()});
}

/// The finding of that check; requires that there is one.
json finding(const lab::Output& out, const std::string& check) {
  const json answer = json::parse(out.out, nullptr, false);
  BOOST_TEST_REQUIRE(answer.is_object(), out.err << out.out);
  const json& findings = answer.at("findings");
  const auto found = std::ranges::find_if(findings, [&](const json& each) { return each.at("check") == check; });
  BOOST_TEST_REQUIRE((found != findings.end()), check << " in " << out.out);
  return *found;
}

bool contains(const json& finding, const std::string& part) {
  return finding.at("what").get<std::string>().find(part) != std::string::npos;
}

}  // namespace

BOOST_AUTO_TEST_SUITE(doctor_at_a_site)

BOOST_AUTO_TEST_CASE(well_and_broken_are_told_apart) {
  if (!may_run()) return;
  lab::Lab lab(spec());
  lab.start_all();
  wait_until_measuring(lab, "connect");
  lab.make_key("stranger");

  const lab::Output table = doctor(lab, "berlin", "berlin.yaml", "table");
  fmt::print("{}", table.out);
  BOOST_TEST(table.code == 0, table.err << table.out);
  const lab::Output well = doctor(lab, "berlin", "berlin.yaml", "json");
  BOOST_TEST(json::parse(well.out).at("well") == true, well.out);
  for (const std::string check : {"coordinator", "agent", "to athens", "to gdansk", "from athens", "from gdansk"})
    BOOST_TEST(finding(well, check).at("verdict") == "ok", check << ": " << well.out);
  BOOST_TEST(contains(finding(well, "capabilities"), "the agent has "), well.out);  // real-time priority or not
  BOOST_TEST(contains(finding(well, "MTU to athens"), "packets of 1500 octets pass whole"), well.out);
  // The agent noticed nothing: its session is the one that it had.
  check_alive(lab);
  BOOST_TEST(counter(lab, "sonde_agent_up", "berlin") == 1);

  // A site whose agent is gone: its own way is not to be reached, the other is.
  lab.stop("gdansk");
  const lab::Output gone = doctor(lab, "berlin", "berlin.yaml", "json");
  BOOST_TEST(gone.code == 1);
  BOOST_TEST(finding(gone, "to gdansk").at("verdict") == "bad", gone.out);
  BOOST_TEST(contains(finding(gone, "to gdansk"), "does not answer"), gone.out);
  BOOST_TEST(finding(gone, "to athens").at("verdict") == "ok", gone.out);
  const lab::Output there = doctor(lab, "gdansk", "gdansk.yaml", "json");
  BOOST_TEST(there.code == 0, there.out);  // nothing is broken at gdansk; it is only not running
  BOOST_TEST(finding(there, "port").at("verdict") == "note", there.out);
  BOOST_TEST(contains(finding(there, "port"), "no agent runs here"), there.out);

  // Another key than the coordinator's list has.
  lab::run({"cp", (lab.folder() / "keys/stranger.secret").string(), (lab.folder() / "keys/gdansk.secret").string()});
  const lab::Output stranger = doctor(lab, "gdansk", "gdansk.yaml", "json");
  BOOST_TEST(stranger.code == 1);
  BOOST_TEST(contains(finding(stranger, "coordinator"), "the keys do not fit"), stranger.out);

  lab.stop("coordinator");
  const lab::Output alone = doctor(lab, "berlin", "berlin.yaml", "json");
  BOOST_TEST(alone.code == 1);
  BOOST_TEST(contains(finding(alone, "coordinator"), "no connection"), alone.out);
}

BOOST_AUTO_TEST_SUITE_END()
