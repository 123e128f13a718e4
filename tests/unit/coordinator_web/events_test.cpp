#include "coordinator/web/events.h"

#include <boost/test/unit_test.hpp>
#include <nlohmann/json.hpp>

#include "world.h"

using namespace sonde;
using namespace sonde::web;
using namespace sonde::web::test;
using nlohmann::json;

namespace {

struct Client {
  World world;
  EventStream stream{CellQuery{}};

  std::string after(std::int64_t seconds, const std::vector<Link>& changed = {}) {
    world.now += std::chrono::seconds(seconds);
    world.mono += std::chrono::seconds(seconds);
    return stream.update(world.sources(), changed);
  }
  /// The data of the one event of this kind in the text.
  static json data(const std::string& text, const std::string& kind) {
    const std::string begin = "event: " + kind + "\ndata: ";
    const auto at = text.find(begin);
    if (at == std::string::npos) return nullptr;
    const auto end = text.find("\n\n", at);
    return json::parse(text.substr(at + begin.size(), end - at - begin.size()));
  }
};

}  // namespace

BOOST_AUTO_TEST_SUITE(event_stream)

BOOST_AUTO_TEST_CASE(the_sites_come_first) {
  Client client;
  const json sites = Client::data(client.after(0), "sites");
  BOOST_TEST(sites.at("heard") == 2);
  BOOST_TEST(client.after(1).empty());
}

BOOST_AUTO_TEST_CASE(a_changed_link_brings_its_cell) {
  Client client;
  client.after(0);
  client.world.add(latency_result(berlin, athens, 1, present, 40'000'000));
  const json cells = Client::data(client.after(1, {{berlin, athens}}), "cells");
  BOOST_TEST(cells.at("metric") == "rtt");
  BOOST_TEST(cells.at("unit") == "s");
  BOOST_REQUIRE(cells.at("cells").size() == 1U);
  BOOST_TEST(cells.at("cells")[0].at("from") == "berlin");
  BOOST_TEST(cells.at("cells")[0].at("count") == 50);
  BOOST_TEST(cells.at("cells")[0].at("state") == "ok");
}

BOOST_AUTO_TEST_CASE(a_link_that_falls_silent_is_told_without_a_result) {
  Client client;
  client.world.add(latency_result(berlin, athens, 1, present, 40'000'000));
  client.after(0);
  std::string text;
  for (int second = 1; second <= 15; ++second) text += client.after(1);
  const json sites = Client::data(text.substr(text.rfind("event: sites")), "sites");
  BOOST_TEST(sites.at("heard") == 0);
  const json cells = Client::data(text, "cells");
  BOOST_REQUIRE(!cells.is_null());
  BOOST_TEST(cells.at("cells")[0].at("state") == "agent_silent");
  BOOST_TEST(client.after(1).find("event: cells") == std::string::npos);  // told once
}

BOOST_AUTO_TEST_CASE(something_comes_every_ten_seconds) {
  Client client;
  client.after(0);
  for (int round = 0; round < 3; ++round) {
    for (int second = 0; second < 9; ++second) {
      client.world.hear(berlin);
      client.world.hear(athens);
      BOOST_TEST(client.after(1).empty());
    }
    BOOST_TEST(!client.after(1).empty());
  }
}

BOOST_AUTO_TEST_CASE(links_of_sites_that_are_gone_are_left_out) {
  Client client;
  client.after(0);
  const std::string text = client.after(1, {{SiteId::known("gone"), berlin}});
  BOOST_TEST(text.find("gone") == std::string::npos);
}

BOOST_AUTO_TEST_SUITE_END()
