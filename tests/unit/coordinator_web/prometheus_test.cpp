#include <sys/wait.h>

#include <boost/test/unit_test.hpp>
#include <nlohmann/json.hpp>

#include <cstdio>
#include <cstdlib>
#include <fstream>
#include <set>
#include <sstream>

#include "tests/source_file.h"
#include "world.h"

using namespace sonde;
using namespace sonde::web;
using namespace sonde::web::test;

BOOST_AUTO_TEST_SUITE(prometheus)

BOOST_AUTO_TEST_CASE(every_sample_belongs_to_a_declared_family) {
  World world;
  world.counters.events["odd \"code\"\\"] = 2;
  const std::string page = world.body("/metrics");
  std::istringstream lines(page);
  std::set<std::string> families;
  for (std::string line; std::getline(lines, line);) {
    if (line.starts_with("# TYPE ")) families.insert(line.substr(7, line.find(' ', 7) - 7));
    if (line.starts_with('#')) continue;
    BOOST_TEST(families.contains(line.substr(0, line.find_first_of("{ "))));
  }
  BOOST_TEST(page.find("sonde_agent_up{site=\"berlin\"} 1\n") != std::string::npos);
  BOOST_TEST(page.find(R"(sonde_events_total{code="odd \"code\"\\"} 2)") != std::string::npos);
  BOOST_TEST(page.find("edge-router") == std::string::npos);  // no agent, no series
}

BOOST_AUTO_TEST_CASE(links_have_series_on_request_only) {
  World world;
  world.add(latency_result(berlin, athens, 1, present - 3, 40'000'000));
  BOOST_TEST(world.body("/metrics").find("sonde_link_") == std::string::npos);
  const std::string page = world.body("/metrics?links=true");
  BOOST_TEST(page.find("sonde_link_up{from=\"berlin\",to=\"athens\"} 1\n") != std::string::npos);
  BOOST_TEST(page.find("sonde_link_up{from=\"athens\",to=\"berlin\"} 0\n") != std::string::npos);
  BOOST_TEST(page.find("sonde_link_rtt_median_seconds{from=\"berlin\",to=\"athens\"} 0.0") != std::string::npos);
  BOOST_TEST(page.find("sonde_link_rtt_median_seconds{from=\"athens\"") == std::string::npos);
  BOOST_TEST(world.ask("/metrics?links=maybe").status == 400U);
}

BOOST_AUTO_TEST_CASE(the_dashboard_asks_for_families_that_exist) {
  World world;
  const std::string page = world.body("/metrics?links=true");
  std::ifstream file(sonde::test::source_file("configs/grafana.json"));
  const auto dashboard = nlohmann::json::parse(file);
  std::size_t asked = 0;
  for (const auto& panel : dashboard.at("panels"))
    for (const auto& target : panel.at("targets")) {
      const auto expression = target.at("expr").get<std::string>();
      const auto begin = expression.find("sonde_");
      BOOST_REQUIRE(begin != std::string::npos);
      const auto end = expression.find_first_not_of("abcdefghijklmnopqrstuvwxyz0123456789_", begin);
      const std::string family = expression.substr(begin, end - begin);
      BOOST_TEST(page.find("# TYPE " + family + " ") != std::string::npos, family);
      ++asked;
    }
  BOOST_TEST(asked >= 14U);
}

BOOST_AUTO_TEST_CASE(promtool_accepts_the_page) {
  if (std::system("command -v promtool >/dev/null 2>&1") != 0) {
    BOOST_TEST_MESSAGE("skipped: promtool (Debian package prometheus) is not installed");
    return;
  }
  World world;
  world.counters.events["session_opened"] = 2;
  FILE* promtool = ::popen("promtool check metrics >&2", "w");
  BOOST_REQUIRE(promtool != nullptr);
  world.add(latency_result(berlin, athens, 1, present - 3, 40'000'000));
  const std::string page = world.body("/metrics?links=true");
  std::fwrite(page.data(), 1, page.size(), promtool);
  BOOST_TEST(::pclose(promtool) == 0);
}

BOOST_AUTO_TEST_SUITE_END()
