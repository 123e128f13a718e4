// What `sonde plan` says before anything runs.
#include <boost/test/unit_test.hpp>

#include "coordinator/core/planner.h"
#include "coordinator/core/probe_cost.h"

using namespace sonde;
using namespace std::chrono_literals;

namespace {

constexpr double near = 1e-9;

SiteSpec site(const char* name, const char* address = "192.0.2.1") {
  SiteSpec spec;
  spec.site = SiteId::known(name);
  spec.addresses = {address};
  return spec;
}

Mesh three_sites() {
  Mesh mesh;
  mesh.sites = {site("a"), site("b"), site("c")};
  mesh.policy.connect.reset();
  mesh.policy.latency.reset();
  return mesh;
}

PlanSummary summary_of(const Mesh& mesh) {
  const auto timetable = plan({.mesh = mesh, .effective_at = SharedTime(1h)});
  BOOST_REQUIRE(timetable.has_value());
  return summarise(mesh, *timetable);
}

const PlanUse& of(const PlanSummary& summary, const char* name) { return summary.of_site.at(SiteId::known(name)); }

}  // namespace

BOOST_AUTO_TEST_SUITE(plan_summary)

BOOST_AUTO_TEST_CASE(sites_links_and_uplinks_add_up) {
  Mesh mesh = three_sites();
  mesh.sites[0].uplink = "dfn";
  mesh.sites[1].uplink = "dfn";
  const PlanSummary summary = summary_of(mesh);
  const double run = 5.0 / 3600;  // the slots' guards left out
  BOOST_TEST(of(summary, "a").utilisation == 4 * run, boost::test_tools::tolerance(near));
  // All six runs need the uplink; those between a and b need it once.
  BOOST_TEST(summary.of_uplink.at("dfn").utilisation == 6 * run, boost::test_tools::tolerance(near));
  BOOST_TEST(summary.of_link.size() == 6U);
  double links = 0;
  for (const auto& [link, use] : summary.of_link) links += use.bytes_per_day;
  BOOST_TEST(summary.of_uplink.at("dfn").bytes_per_day == links, boost::test_tools::tolerance(near));
  double sites = 0;
  for (const auto& [name, use] : summary.of_site) sites += use.bytes_per_day;
  BOOST_TEST(sites == 2 * links, boost::test_tools::tolerance(near));
  BOOST_TEST(of(summary, "a").bytes_per_month() == 31 * of(summary, "a").bytes_per_day,
             boost::test_tools::tolerance(near));
}

BOOST_AUTO_TEST_CASE(with_full_duplex_the_busier_direction_counts) {
  Mesh mesh = three_sites();
  mesh.policy.throughput->full_duplex = true;
  LinkRule off;
  off.from = {SiteId::known("a")};
  off.to = {SiteId::known("b")};
  off.throughput = false;
  mesh.links.push_back(off);
  const PlanSummary summary = summary_of(mesh);
  BOOST_TEST(of(summary, "a").utilisation == 2 * 5.0 / 3600, boost::test_tools::tolerance(near));
  BOOST_TEST(of(summary, "b").utilisation == 2 * 5.0 / 3600, boost::test_tools::tolerance(near));
}

BOOST_AUTO_TEST_CASE(the_oldest_cell_waits_for_the_longest_interval) {
  Mesh mesh = three_sites();
  BOOST_TEST(summary_of(mesh).oldest_cell_s == 3605.2, boost::test_tools::tolerance(near));
  LinkRule rarely;
  rarely.from = {SiteId::known("a")};
  rarely.every = 6h;
  mesh.links.push_back(rarely);
  BOOST_TEST(summary_of(mesh).oldest_cell_s == 6 * 3600 + 5.2, boost::test_tools::tolerance(near));
}

BOOST_AUTO_TEST_CASE(quiet_hours_make_cells_older) {
  Mesh mesh = three_sites();
  mesh.sites[0].quiet_hours = {{8h, 10h}};
  const double oldest = summary_of(mesh).oldest_cell_s;
  BOOST_TEST(oldest >= 10 * 3600.0);
  BOOST_TEST(oldest <= 12 * 3600.0);
}

BOOST_AUTO_TEST_CASE(latency_probes_count_as_the_packets_that_may_be_sent) {
  // 112 octets of an authenticated base packet, TLVs 20 + 8 + 28 and the HMAC's 20, UDP 8, IPv4 20 or IPv6 40.
  BOOST_TEST(latency_packet_octets(site("a")) == 188 + 28);
  BOOST_TEST(latency_packet_octets(site("a", "2001:db8::1")) == 188 + 48);
  BOOST_TEST(latency_packet_octets(site("a", "a.example")) == 188 + 48);
  SiteSpec reflector = site("r");
  reflector.has_agent = false;
  BOOST_TEST(latency_packet_octets(reflector) == 112 + 28);

  Mesh mesh = three_sites();
  mesh.policy.throughput.reset();
  mesh.policy.latency = LatencyPolicy{};
  mesh.sites.pop_back();
  const PlanSummary summary = summary_of(mesh);
  BOOST_TEST(of(summary, "a").bytes_per_day == 2.0 * 2 * 5 * 216 * 86'400, boost::test_tools::tolerance(near));
  BOOST_TEST(summary.oldest_cell_s == 12.0);
}

BOOST_AUTO_TEST_CASE(all_iterations_of_a_run_are_in_its_slot_and_in_the_bytes) {
  Mesh mesh = three_sites();
  const PlanSummary once = summary_of(mesh);
  mesh.policy.throughput->iterations = 4;
  const PlanSummary four = summary_of(mesh);
  const auto& policy = *mesh.policy.throughput;
  // Six runs, one at a time; only the guard of each slot is there once.
  BOOST_TEST(four.cycle_s - once.cycle_s == 6 * 3 * to_seconds(policy.duration), boost::test_tools::tolerance(near));
  BOOST_TEST(throughput_run_octets(policy) >= 4.0 * static_cast<double>(policy.max_bytes.count));
  BOOST_TEST(of(four, "a").utilisation > 3.5 * of(once, "a").utilisation);
  BOOST_TEST(of(four, "a").bytes_per_day == 4 * of(once, "a").bytes_per_day, boost::test_tools::tolerance(near));
  BOOST_TEST(four.conflicts == 0U);
}

BOOST_AUTO_TEST_SUITE_END()
