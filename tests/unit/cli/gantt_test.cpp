// The chart of a timetable.
#include "coordinator/cli/gantt.h"

#include <boost/test/unit_test.hpp>

#include "coordinator/core/planner.h"

using namespace sonde;
using namespace sonde::cli;
using namespace std::chrono_literals;

namespace {

Mesh mesh_of(std::size_t sites) {
  Mesh mesh;
  mesh.name = "a<b";
  for (std::size_t i = 0; i < sites; ++i) {
    SiteSpec spec;
    spec.site = SiteId::known("s" + std::to_string(i));
    spec.addresses = {"192.0.2.1"};
    mesh.sites.push_back(spec);
  }
  return mesh;
}

Expected<std::string> drawn(const Mesh& mesh) {
  const auto timetable = plan({.mesh = mesh, .effective_at = SharedTime(1h)});
  BOOST_REQUIRE(timetable.has_value());
  return gantt_svg(mesh, *timetable);
}

std::size_t count(const std::string& text, const std::string& what) {
  std::size_t found = 0;
  for (std::size_t at = text.find(what); at != std::string::npos; at = text.find(what, at + 1)) ++found;
  return found;
}

}  // namespace

BOOST_AUTO_TEST_SUITE(gantt)

BOOST_AUTO_TEST_CASE(each_run_has_a_bar_at_both_sites_and_at_an_uplink) {
  Mesh mesh = mesh_of(3);
  mesh.sites[0].uplink = "x&y";
  const auto svg = drawn(mesh);
  BOOST_REQUIRE(svg.has_value());
  BOOST_TEST(count(*svg, "<title>s0 -&gt; s1, ") == 3U);  // s0, s1, the uplink
  BOOST_TEST(count(*svg, "<title>s1 -&gt; s2, ") == 2U);
  BOOST_TEST(count(*svg, ">a&lt;b: 6 rounds in 31.2 s, ") == 1U);
  BOOST_TEST(count(*svg, ">uplink x&amp;y</text>") == 1U);
  BOOST_TEST(svg->ends_with("</svg>\n"));
}

BOOST_AUTO_TEST_CASE(a_link_with_an_interval_of_its_own_comes_again) {
  Mesh mesh = mesh_of(2);
  mesh.policy.throughput->every = 1h;
  LinkRule often;
  often.from = {SiteId::known("s0")};
  often.to = {SiteId::known("s1")};
  often.every = 20min;
  mesh.links.push_back(often);
  const auto svg = drawn(mesh);
  BOOST_REQUIRE(svg.has_value());
  BOOST_TEST(count(*svg, "<title>s0 -&gt; s1, ") == 2 * 3U);
  BOOST_TEST(count(*svg, "<title>s1 -&gt; s0, ") == 2 * 1U);
}

BOOST_AUTO_TEST_CASE(nothing_or_too_much_to_draw_is_said) {
  Mesh none = mesh_of(2);
  none.policy.throughput.reset();
  BOOST_TEST(drawn(none).error().what == "the configuration has no throughput runs");
  BOOST_TEST(drawn(mesh_of(330)).error().what.starts_with("it would have 217140 bars, at most 200000 are drawn"));
}

BOOST_AUTO_TEST_SUITE_END()
