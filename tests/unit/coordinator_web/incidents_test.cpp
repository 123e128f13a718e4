// Incidents over HTTP: the list, one of them, the event stream, /metrics, and what a link's explanation says.
#include <boost/test/unit_test.hpp>
#include <nlohmann/json.hpp>

#include "world.h"

using namespace sonde;
using namespace sonde::web;
using namespace sonde::web::test;
using nlohmann::json;

namespace {

/// athens -> berlin lost packets and does no more; berlin -> athens does.
struct Troubled {
  World world;
  Incidents incidents;

  Troubled() {
    incidents.set_mesh(world.mesh, AlertPolicy{});
    incidents.restore({make("1", {athens, berlin}, true), make("2", {berlin, athens}, false)});
  }
  static Incident make(std::string id, Link link, bool closed) {
    Incident incident;
    incident.id = std::move(id);
    incident.cause = {.kind = CauseKind::link, .site = {}, .link = link, .name = {}};
    incident.metrics = {Metric::loss};
    incident.started_at = at_second(present - 100);
    if (closed) incident.ended_at = at_second(present - 50);
    incident.confidence = 0.9;
    incident.links = {link};
    incident.alternatives = {{{.kind = CauseKind::egress, .site = link.from, .link = {}, .name = {}}, 0.1}};
    incident.evidence = {{link, Metric::loss, 0.25}};
    incident.timeline = {{at_second(present - 100), "the first sign"}};
    incident.summary = link.from.str() + " loses packets";
    return incident;
  }
  Sources sources() const {
    Sources out = world.sources();
    out.incidents = &incidents;
    return out;
  }
  Response ask(const std::string& target) const {
    Response response = handle(Request{"GET", target, {}}, sources());
    while (auto* deferred = std::get_if<Deferred>(&response.body)) {
      Deferred job = std::move(*deferred);
      response = job();
    }
    return response;
  }
  std::string text(const std::string& target) const { return std::get<std::string>(ask(target).body); }
};

}  // namespace

BOOST_FIXTURE_TEST_SUITE(incidents_api, Troubled)

BOOST_AUTO_TEST_CASE(open_ones_come_first_and_have_every_field) {
  const json list = json::parse(text("/api/v1/incidents")).at("incidents");
  BOOST_REQUIRE(list.size() == 2U);
  const json& open = list[0];
  BOOST_TEST(open.at("id") == "2");
  BOOST_TEST(open.at("cause") == "link");
  BOOST_TEST(open.at("site").is_null());
  BOOST_TEST(open.at("from") == "berlin");
  BOOST_TEST(open.at("to") == "athens");
  BOOST_TEST(open.at("uplink").is_null());
  BOOST_TEST((open.at("metrics") == json::array({"loss"})));
  BOOST_TEST(open.at("severity") == "warning");
  BOOST_TEST(open.at("state") == "open");
  BOOST_TEST(open.at("ended_at").is_null());
  BOOST_TEST(open.at("confidence") == 0.9);
  BOOST_TEST(open.at("links")[0].at("from") == "berlin");
  BOOST_TEST(open.at("alternatives")[0].at("cause") == "egress");
  BOOST_TEST(open.at("alternatives")[0].at("site") == "berlin");
  BOOST_TEST(open.at("evidence")[0].at("text") == "berlin -> athens: 25.0 % lost");
  BOOST_TEST(open.at("summary") == "berlin loses packets");
  BOOST_TEST(list[1].at("state") == "closed");
  BOOST_TEST(list[1].at("ended_at").is_string());
}

BOOST_AUTO_TEST_CASE(one_state_or_one_incident_can_be_asked_for) {
  BOOST_TEST(json::parse(text("/api/v1/incidents?state=open")).at("incidents").size() == 1U);
  BOOST_TEST(json::parse(text("/api/v1/incidents?state=closed")).at("incidents")[0].at("id") == "1");
  BOOST_TEST(ask("/api/v1/incidents?state=lost").status == 400U);
  BOOST_TEST(json::parse(text("/api/v1/incidents/1")).at("state") == "closed");
  BOOST_TEST(ask("/api/v1/incidents/3").status == 404U);
}

BOOST_AUTO_TEST_CASE(a_stream_begins_with_them_and_then_tells_changes_only) {
  EventStream stream{CellQuery{}};
  const std::string first = stream.update(sources(), {});
  BOOST_TEST(first.find("event: incidents\ndata: {\"mesh\":\"europe\",\"incidents\":[{\"id\":\"2\"") !=
             std::string::npos);
  BOOST_TEST(stream.update(sources(), {}).find("event: incidents") == std::string::npos);
  incidents.restore({make("3", {athens, berlin}, false)});
  BOOST_TEST(stream.update(sources(), {}).find("\"id\":\"3\"") != std::string::npos);
}

BOOST_AUTO_TEST_CASE(metrics_count_them_and_an_explanation_names_them) {
  const std::string metrics = text("/metrics");
  BOOST_TEST(metrics.find("sonde_incidents_open{cause=\"link\"} 1\n") != std::string::npos);
  BOOST_TEST(metrics.find("sonde_incidents_open{cause=\"egress\"} 0\n") != std::string::npos);
  BOOST_TEST(metrics.find("sonde_rules_raised{metric=\"loss\"} 1\n") != std::string::npos);
  const json there = json::parse(text("/api/v1/links/berlin/athens/explain")).at("findings");
  BOOST_TEST(there[0].at("code") == "incident");
  BOOST_TEST(there[0].at("text") == "An incident explains this link, for 1 min 40 s now: berlin loses packets.");
  const json back = json::parse(text("/api/v1/links/athens/berlin/explain")).at("findings");
  for (const json& finding : back) BOOST_TEST(finding.at("code") != "incident");
}

BOOST_AUTO_TEST_SUITE_END()
