// No two runs at one site or uplink, every pair measured, one instant for each take-over, an end to autonomy: under
// everything that hosts and networks do. A failure prints its seed; SONDE_SIM_SEED=SEED replays it alone.
#include <fmt/format.h>

#include <boost/test/unit_test.hpp>

#include <cstdlib>
#include <set>

#include "tests/sim/mesh/conflicts.h"
#include "tests/sim/mesh/world.h"

using namespace sonde;
using namespace sonde::sim;
using namespace std::chrono_literals;

namespace {

std::vector<std::uint64_t> seeds() {
  if (const char* one = std::getenv("SONDE_SIM_SEED")) return {std::strtoull(one, nullptr, 10)};
  return {1, 2, 3, 4};
}

WorldSettings settings_for(std::uint64_t seed) {
  WorldSettings settings;
  settings.seed = seed;
  settings.sites = 20 + static_cast<std::uint32_t>(seed * 7 % 11);
  settings.full_duplex = seed % 2 == 0;
  settings.length = 150min;
  settings.calm = 75min;
  return settings;
}

}  // namespace

BOOST_AUTO_TEST_SUITE(mesh_sim)

BOOST_AUTO_TEST_CASE(nothing_that_hosts_and_networks_do_makes_two_runs_meet) {
  for (const std::uint64_t seed : seeds()) {
    const WorldReport report = run_world(settings_for(seed));
    fmt::print(
        "seed {}: {} events, {} generations, {} runs ok, {} busy, {} skipped, {} failed; {} steps, {} deaths, {} "
        "sleeps, {} partitions, {} deaths of the coordinator; audit: {} overlaps\n",
        seed, report.events, report.generations, report.runs_ok, report.runs_busy, report.runs_skipped,
        report.runs_failed, report.steps, report.deaths, report.sleeps, report.partitions, report.coordinator_deaths,
        report.audited_overlaps);
    for (const std::string& what : report.conflicts) BOOST_ERROR(what << "; replay with SONDE_SIM_SEED=" << seed);
    for (const std::string& what : report.broken) BOOST_ERROR(what << "; replay with SONDE_SIM_SEED=" << seed);
    BOOST_TEST(report.audited_overlaps == 0U);  // the coordinator saw none, either
    BOOST_TEST(report.runs_ok > 1000U);
    BOOST_TEST(report.steps * report.deaths * report.sleeps * report.partitions * report.coordinator_deaths > 0U);
  }
}

BOOST_AUTO_TEST_CASE(equal_seeds_give_equal_results) {
  WorldSettings settings = settings_for(5);
  settings.length = 20min;
  settings.calm = 5min;
  settings.sites = 12;
  const WorldReport one = run_world(settings);
  const WorldReport again = run_world(settings);
  BOOST_TEST(one.runs_ok > 0U);
  BOOST_TEST(one.fingerprint == again.fingerprint);
  BOOST_TEST(one.events == again.events);
  settings.seed = 6;
  BOOST_TEST(run_world(settings).fingerprint != one.fingerprint);
}

BOOST_AUTO_TEST_CASE(agents_without_books_and_with_wrong_clocks_are_caught) {
  WorldSettings settings = settings_for(7);
  settings.without_books = true;
  settings.full_duplex = false;
  settings.length = 75min;
  settings.faults = 0;
  BOOST_TEST(!run_world(settings).conflicts.empty());
}

BOOST_AUTO_TEST_CASE(the_checker_knows_a_conflict_when_it_sees_one) {
  Mesh mesh;
  for (const char* name : {"a", "b", "c", "d"}) mesh.sites.emplace_back().site = SiteId::known(name);
  mesh.sites[2].uplink = mesh.sites[3].uplink = "x";
  const auto link = [](const char* from, const char* to) { return Link{SiteId::known(from), SiteId::known(to)}; };
  const auto count = [&](bool duplex, const Link& first, const Link& second) {
    Conflicts conflicts(mesh, duplex);
    conflicts.begin(1, first, SharedTime(1s), "");
    conflicts.begin(2, second, SharedTime(2s), "");
    return conflicts.found().size();
  };
  BOOST_TEST(count(false, link("a", "b"), link("c", "d")) == 0U);
  BOOST_TEST(count(false, link("a", "b"), link("b", "c")) == 1U);
  BOOST_TEST(count(false, link("a", "c"), link("d", "b")) == 1U);
  BOOST_TEST(count(true, link("a", "b"), link("b", "a")) == 0U);
  BOOST_TEST(count(true, link("a", "b"), link("c", "b")) == 1U);
  Conflicts over(mesh, false);
  over.begin(1, link("a", "b"), SharedTime(1s), "");
  over.end(1);
  over.begin(2, link("a", "b"), SharedTime(2s), "");
  BOOST_TEST(over.found().empty());
  BOOST_TEST(over.under_way() == 1U);
}

BOOST_AUTO_TEST_SUITE_END()
