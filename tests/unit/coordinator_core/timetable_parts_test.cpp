// The parts of a timetable, made all at once.
#include "coordinator/core/timetable_parts.h"

#include <boost/test/unit_test.hpp>

#include "coordinator/core/planner.h"
#include "shared/wire/codec.h"

using namespace sonde;
using namespace std::chrono_literals;

BOOST_AUTO_TEST_SUITE(timetable_parts)

BOOST_AUTO_TEST_CASE(each_part_is_what_for_site_gives) {
  Mesh mesh;
  for (const char* name : {"a", "b", "c", "d", "e"}) {
    SiteSpec& site = mesh.sites.emplace_back();
    site.site = SiteId::known(name);
    site.addresses = {"192.0.2.1"};
  }
  mesh.sites[1].uplink = mesh.sites[2].uplink = "x";
  mesh.sites[3].quiet_hours = {{1h, 2h}};
  mesh.sites[4].has_agent = false;
  const auto timetable = plan({.mesh = mesh, .effective_at = SharedTime(1h)});
  BOOST_REQUIRE(timetable.has_value());
  const TimetableParts parts(*timetable);
  for (const SiteSpec& site : mesh.sites) BOOST_TEST((parts.of(site.site) == timetable->for_site(site.site)));
  for (const SiteSpec& site : mesh.sites)  // and, sent, octet for octet
    BOOST_TEST(parts.message_for(site.site) == wire::encode(wire::NewTimetable{timetable->for_site(site.site)}));
  const SiteId stranger = SiteId::known("z");
  BOOST_TEST((parts.of(stranger) == timetable->for_site(stranger)));
  BOOST_TEST(parts.message_for(stranger) == wire::encode(wire::NewTimetable{timetable->for_site(stranger)}));
}

BOOST_AUTO_TEST_SUITE_END()
