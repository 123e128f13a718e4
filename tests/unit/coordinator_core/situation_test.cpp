#include "coordinator/core/situation.h"

#include <boost/test/unit_test.hpp>

#include <algorithm>

using namespace sonde;
using namespace std::chrono_literals;

namespace {

const SiteId berlin = SiteId::known("berlin");
const SiteId athens = SiteId::known("athens");
const SiteId gdansk = SiteId::known("gdansk");

Mesh three_sites() {
  Mesh mesh;
  mesh.name = "europe";
  for (const SiteId& site : {berlin, athens, gdansk}) {
    SiteSpec spec;
    spec.site = site;
    mesh.sites.push_back(spec);
  }
  mesh.policy.latency = LatencyPolicy{};
  mesh.policy.connect = ConnectPolicy{};
  mesh.policy.throughput.reset();
  return mesh;
}

}  // namespace

BOOST_AUTO_TEST_SUITE(situation)

BOOST_AUTO_TEST_CASE(it_speaks_of_the_sites_own_links_and_of_its_agent) {
  const Mesh mesh = three_sites();
  const SharedTime now = shared_from_ns(1'000'000'000'000);
  Matrix matrix;
  matrix.set_mesh(mesh);
  matrix.on_heard(berlin, now);
  matrix.on_heard(athens, now);
  Result result;
  result.id = {athens, 1, 1};
  result.to = berlin;
  result.probe = Probe::connect;
  result.outcome = Outcome::ok;
  result.scheduled_at = result.finished_at = now - 4s;
  result.started_at = now - 4s;
  result.values = {{Metric::connect, 0.04}};
  matrix.on_result(result);
  Roster roster;
  Roster::Out out;
  const Timetable timetable;
  roster.set_mesh(now, mesh, timetable, out);
  roster.on_message(now - 2s, berlin, "r1", wire::Hello{berlin, "0.1.0", 1, 0, {}, "boot", 7101}, out);

  const wire::Situation said = situation_of(berlin, mesh, roster, matrix, now);
  BOOST_TEST(said.mesh == "europe");
  BOOST_TEST(said.silence.has_value());
  BOOST_TEST((said.silence == 2s));
  BOOST_TEST(said.agent_version == "0.1.0");
  BOOST_TEST(said.links.size() == 8U);  // two peers, two ways, two probes: the policy has no throughput
  const auto state = [&](const Link& link, Probe probe) {
    const auto news =
        std::ranges::find_if(said.links, [&](const auto& n) { return n.link == link && n.probe == probe; });
    BOOST_TEST_REQUIRE((news != said.links.end()));
    return *news;
  };
  BOOST_TEST(state({athens, berlin}, Probe::connect).state == "ok");
  BOOST_TEST((state({athens, berlin}, Probe::connect).age == 4s));
  BOOST_TEST(state({berlin, athens}, Probe::latency).state == "never");
  BOOST_TEST(!state({berlin, athens}, Probe::latency).age.has_value());
}

BOOST_AUTO_TEST_CASE(a_site_that_is_no_member_hears_that_the_mesh_does_not_know_it) {
  const Roster roster;
  const wire::Situation said = situation_of(gdansk, Mesh{}, roster, Matrix{}, shared_from_ns(1));
  BOOST_TEST(!said.silence.has_value());
  BOOST_TEST(said.links.empty());
  BOOST_TEST((said.timetable.member(gdansk) == nullptr));
}

BOOST_AUTO_TEST_SUITE_END()
