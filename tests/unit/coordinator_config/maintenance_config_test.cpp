// `maintenance:` becomes windows, and its mistakes are told with their place.
#include <boost/test/unit_test.hpp>

#include "coordinator/config.h"

using namespace sonde;
using namespace std::chrono_literals;

namespace {

const std::string head =
    "mesh: europe\nkeys: {secret: s, agents: a/}\n"
    "sites: [{name: a, address: 192.0.2.1, groups: [de]}, {name: b, address: 192.0.2.2}]\n";

std::vector<MaintenanceWindow> windows(const std::string& text) {
  auto parsed = parse_coordinator_config(head + text, "c.yaml");
  BOOST_REQUIRE_MESSAGE(parsed.value.has_value(), config::to_text(parsed.diagnostics));
  return parsed.value->maintenance;
}

std::string mistakes(const std::string& text) {
  return config::to_text(parse_coordinator_config(head + text, "c.yaml").diagnostics);
}

}  // namespace

BOOST_AUTO_TEST_SUITE(maintenance_config)

BOOST_AUTO_TEST_CASE(windows_are_read) {
  BOOST_TEST(windows("").empty());
  const auto read = windows(
      "maintenance:\n"
      "  - {name: backbone, days: [sat, sun], hours: \"22:00-02:00\", site: a, metric: [loss, throughput], author: "
      "noc,\n"
      "     reason: the provider's window, until: \"2027-01-01T00:00:00Z\"}\n"
      "  - {name: all, mesh: europe, author: noc, reason: tests}\n");
  BOOST_TEST_REQUIRE(read.size() == 2U);
  BOOST_TEST(read[0].name == "backbone");
  BOOST_TEST(read[0].days == 0b110'0000);
  BOOST_TEST((read[0].from == 22h && read[0].length == 4h));
  BOOST_TEST(read[0].author == "noc");
  BOOST_TEST(read[0].reason == "the provider's window");
  BOOST_TEST(format_rfc3339(*read[0].until) == "2027-01-01T00:00:00.000000Z");
  BOOST_TEST((read[0].match.sites == std::vector{SiteId::known("a")}));
  BOOST_TEST((read[0].match.metrics == std::vector{Metric::loss, Metric::throughput}));
  BOOST_TEST(read[1].days == 0x7F);
  BOOST_TEST((read[1].from == 0h && read[1].length == 24h));
}

BOOST_AUTO_TEST_CASE(mistakes_are_told) {
  BOOST_TEST(mistakes("maintenance: [{site: a, author: x, reason: y}]\n").find("maintenance[0].name: missing") !=
             std::string::npos);
  const std::string several = mistakes(
      "maintenance:\n"
      "  - {name: w, author: x, reason: y, site: oslo, days: [friday], hours: \"9-5\", until: soon}\n"
      "  - {name: w, author: x, reason: y, severity: bad}\n"
      "  - {name: v, author: x, reason: y}\n"
      "  - {name: u, author: x, reason: y, mesh: asia, places: a, group: []}\n");
  for (const char* part :
       {"unknown site 'oslo'", "'friday' is no day", "'9-5' is no part of a day", "'soon' is", "'w' is given twice",
        "unknown severity 'bad'", "the window says of no incident that it is meant", "this is the mesh 'europe'",
        "places", "the list is empty"})
    BOOST_TEST(several.find(part) != std::string::npos, part << " is not in\n" << several);
}

BOOST_AUTO_TEST_SUITE_END()
