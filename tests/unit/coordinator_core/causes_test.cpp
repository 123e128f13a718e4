// What broke? Links with evidence in, causes out.
#include "coordinator/core/causes.h"

#include <fmt/format.h>

#include <boost/test/unit_test.hpp>

#include "sample_results.h"

using namespace sonde;
using sonde::test::at_s;

namespace {

struct Grid {
  Mesh mesh;
  std::vector<Observation> links;
  std::vector<SiteFacts> facts;
  std::vector<Cause> open;
  bool loop = false;

  explicit Grid(std::size_t sites) : links(sites * sites), facts(sites) {
    for (std::size_t i = 0; i < sites; ++i) {
      SiteSpec site;
      site.site = SiteId::known(fmt::format("s{}", i));
      mesh.sites.push_back(site);
    }
    for (std::size_t from = 0; from < sites; ++from)
      for (std::size_t to = 0; to < sites; ++to)
        if (from != to) good(from, to, 20);
  }
  Observation& at(std::size_t from, std::size_t to) { return links[from * mesh.sites.size() + to]; }
  void good(std::size_t from, std::size_t to, unsigned times) {
    at(from, to) = {.known = true, .goods = times, .every = std::chrono::seconds(10), .newest = at_s(1000)};
  }
  /// So many bad verdicts in a row until now, and good ones before.
  void bad(std::size_t from, std::size_t to, unsigned times) {
    at(from, to) = {.known = true,
                    .raised = times >= 2,
                    .bad = times * weight_of_bad(),
                    .since = at_s(1000 - 10.0 * (times - 1)),
                    .goods_before = 20,
                    .every = std::chrono::seconds(10),
                    .newest = at_s(1000)};
  }
  void bad_row(std::size_t from, unsigned times) {
    for (std::size_t to = 0; to < mesh.sites.size(); ++to)
      if (to != from) bad(from, to, times);
  }
  void bad_column(std::size_t to, unsigned times) {
    for (std::size_t from = 0; from < mesh.sites.size(); ++from)
      if (to != from) bad(from, to, times);
  }
  std::vector<FoundCause> find() const {
    return find_causes(
        {.mesh = mesh, .links = links, .sites = facts, .loop = loop, .open = open, .found = std::vector<Cause>{}});
  }
  std::string names() const {
    std::string out;
    for (const FoundCause& found : find()) out += (out.empty() ? "" : "; ") + describe(found.cause);
    return out;
  }
};

}  // namespace

BOOST_AUTO_TEST_SUITE(causes)

BOOST_AUTO_TEST_CASE(a_well_mesh_and_a_single_bad_verdict_are_nothing) {
  Grid grid(6);
  BOOST_TEST(grid.names() == "");
  grid.bad(1, 2, 1);
  BOOST_TEST(grid.names() == "");
}

BOOST_AUTO_TEST_CASE(each_direction_of_a_site_is_told_apart) {
  Grid egress(6);
  egress.bad_row(2, 3);
  BOOST_TEST(egress.names() == "s2 egress");
  Grid ingress(6);
  ingress.bad_column(2, 3);
  BOOST_TEST(ingress.names() == "s2 ingress");
  Grid down(6);
  down.bad_row(2, 3);
  down.bad_column(2, 3);
  BOOST_TEST(down.names() == "s2 is down");
}

BOOST_AUTO_TEST_CASE(good_links_contradict_a_larger_cause) {
  Grid grid(6);
  grid.bad(2, 3, 4);
  BOOST_TEST(grid.names() == "s2 -> s3");
  grid.bad(3, 2, 4);
  BOOST_TEST(grid.names() == "s2 and s3");
}

BOOST_AUTO_TEST_CASE(a_partial_fault_is_still_one_cause) {
  Grid grid(16);
  grid.bad_row(2, 3);
  grid.good(2, 7, 20);
  const auto found = grid.find();
  BOOST_REQUIRE(found.size() == 1U);
  BOOST_TEST(describe(found[0].cause) == "s2 egress");
  BOOST_TEST(found[0].links.size() == 14U);
  BOOST_TEST(found[0].covered == 15U);
  BOOST_TEST(found[0].confidence > 0.99);
}

BOOST_AUTO_TEST_CASE(two_at_once_are_two) {
  Grid grid(8);
  grid.bad_row(1, 3);
  grid.bad_column(6, 3);
  BOOST_TEST((grid.names() == "s1 egress; s6 ingress" || grid.names() == "s6 ingress; s1 egress"));
}

BOOST_AUTO_TEST_CASE(what_sites_share_is_one_cause) {
  Grid grid(8);
  for (const std::size_t site : {0U, 1U, 2U}) grid.mesh.sites[site].uplink = "dfn";
  for (const std::size_t site : {4U, 5U}) grid.mesh.sites[site].groups = {"gr"};
  for (std::size_t inside = 0; inside < 3; ++inside)
    for (std::size_t outside = 3; outside < 8; ++outside) {
      grid.bad(inside, outside, 3);
      grid.bad(outside, inside, 3);
    }
  BOOST_TEST(grid.names() == "uplink dfn");
  Grid group = Grid(8);
  for (const std::size_t site : {4U, 5U}) group.mesh.sites[site].groups = {"gr"};
  for (const std::size_t site : {4U, 5U}) {
    group.bad_row(site, 3);
    group.bad_column(site, 3);
  }
  BOOST_TEST(group.names() == "group gr");
}

BOOST_AUTO_TEST_CASE(everything_bad_is_the_mesh) {
  Grid grid(6);
  for (std::size_t site = 0; site < 6; ++site) grid.bad_row(site, 2);
  BOOST_TEST(grid.names() == "the whole mesh");
}

BOOST_AUTO_TEST_CASE(with_three_sites_more_windows_decide) {
  Grid grid(3);
  grid.bad(0, 1, 2);
  grid.bad(0, 2, 1);  // two windows: the other way out showed it once
  BOOST_TEST((grid.find().empty() || grid.find()[0].settled < 0.95));
  grid.bad(0, 1, 4);
  grid.good(0, 2, 20);
  BOOST_TEST(grid.names() == "s0 -> s1");
  grid.bad(0, 2, 4);
  BOOST_TEST(grid.names() == "s0 egress");
}

BOOST_AUTO_TEST_CASE(where_only_answers_count_a_silent_agent_makes_it_a_site) {
  Grid grid(6);
  grid.loop = true;
  grid.facts[2].heard = false;
  grid.bad_column(2, 3);
  for (std::size_t to = 0; to < 6; ++to) grid.at(2, to).known = false;
  const auto found = grid.find();
  BOOST_REQUIRE(found.size() == 1U);
  BOOST_TEST(describe(found[0].cause) == "s2 is down");
  BOOST_TEST(found[0].confidence > 0.8);
}

BOOST_AUTO_TEST_CASE(a_cut_of_which_the_direction_is_unknown_says_so) {
  Grid grid(6);
  grid.loop = true;
  grid.bad_row(2, 3);
  grid.bad_column(2, 3);
  const auto found = grid.find();
  BOOST_REQUIRE(found.size() == 1U);
  BOOST_TEST(found[0].cause.site.str() == "s2");
  BOOST_TEST(found[0].settled > 0.95);
  BOOST_TEST(found[0].confidence < 0.9);
  BOOST_REQUIRE(!found[0].alternatives.empty());
  BOOST_TEST(found[0].alternatives[0].cause.site.str() == "s2");
}

BOOST_AUTO_TEST_CASE(names_lead_back) {
  for (std::size_t i = 0; i < cause_kind_count; ++i) {
    const auto kind = static_cast<CauseKind>(i);
    BOOST_TEST((cause_kind_named(name(kind)) == kind));
  }
  BOOST_TEST(!cause_kind_named("weather").has_value());
}

BOOST_AUTO_TEST_SUITE_END()
