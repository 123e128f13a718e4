// Silences and acknowledgements over HTTP: who may, what is refused and how, what is shown.
#include <boost/test/unit_test.hpp>
#include <nlohmann/json.hpp>

#include "tests/unit/coordinator_web/answers.h"
#include "tests/unit/coordinator_web/world.h"

using namespace sonde;
using namespace sonde::web;
using namespace sonde::web::test;
using namespace std::chrono_literals;
using nlohmann::json;

namespace {

constexpr auto good_body =
    R"({"matchers": {"site": "athens", "severity": ["info", "warning"]}, "author": "ann", "reason": "new router", "duration": "2h"})";

struct Desk : World {
  Silences silences;
  Incidents incidents;
  Notify notify;
  std::vector<ApiToken> tokens{{"ops", "s3cret-s3cret"}};

  Desk() {
    incidents.set_mesh(mesh, AlertPolicy{});
    Incident incident;
    incident.id = "17";
    incident.cause = {.kind = CauseKind::link, .site = {}, .link = {athens, berlin}, .name = {}};
    incident.metrics = {Metric::loss};
    incident.started_at = at_second(present - 100);
    incident.links = {{athens, berlin}};
    incident.summary = "athens -> berlin loses packets";
    Incident over = incident;
    over.id = "16";
    over.ended_at = at_second(present - 50);
    incidents.restore({incident, over});
    MaintenanceWindow window;
    window.name = "sundays";
    window.author = "noc";
    window.reason = "updates";
    window.days = 0b100'0000;
    static_cast<void>(add_match(window.match, "site", "berlin"));
    silences.set_policy({window}, mesh);
    notify.set_policy({.receivers = {{.kind = ReceiverKind::webhook, .url = "https://key@hook.example.net/T0/secret"}}},
                      mesh);
  }
  Response send(const Request& request) {
    Sources all = sources();
    all.silences = &silences;
    all.incidents = &incidents;
    all.notify = &notify;
    all.tokens = tokens;
    return handle(request, all);
  }
  Response post(const std::string& target, const std::string& body,
                const std::string& authorization = "Bearer s3cret-s3cret") {
    return send({"POST", target, {}, authorization, body});
  }
  Response remove(const std::string& target, const std::string& authorization = "Bearer s3cret-s3cret") {
    return send({"DELETE", target, {}, authorization, {}});
  }
  Response get(const std::string& target) { return send({"GET", target, {}, {}, {}}); }
};

}  // namespace

BOOST_AUTO_TEST_SUITE(silences_api)

BOOST_AUTO_TEST_CASE(a_silence_is_set_shown_and_ended) {
  Desk desk;
  const Response created = desk.post("/api/v1/silences", good_body);
  BOOST_TEST_REQUIRE(created.status == 201U, std::get<std::string>(created.body));
  const json silence = body_of(created);
  const std::string where = "/api/v1/silences/" + silence.at("id").get<std::string>();
  BOOST_TEST(header(created, "Location") == where);
  BOOST_TEST(silence.at("state") == "active");
  BOOST_TEST(silence.at("author") == "ann");
  BOOST_TEST(silence.at("token") == "ops");
  BOOST_TEST(silence.at("reason") == "new router");
  BOOST_TEST((silence.at("matchers") == json{{"site", {"athens"}}, {"severity", {"info", "warning"}}}));
  BOOST_TEST((*parse_time(silence.at("ends_at").get<std::string>()) - desk.now == 2h));
  BOOST_TEST(silence.at("ended_by").is_null());
  BOOST_TEST((body_of(desk.get(where)) == silence));

  const json incident = body_of(desk.get("/api/v1/incidents/17"));
  BOOST_TEST(incident.at("held") == true);
  BOOST_TEST(incident.at("acknowledged").is_null());
  BOOST_TEST(incident.at("silenced").at(0).at("author") == "ann");
  BOOST_TEST(incident.at("state") == "open");  // it is there as before
  BOOST_TEST(body_of(desk.get("/api/v1/incidents/16")).at("held") == false);

  const json ended = body_of(desk.remove(where));
  BOOST_TEST(ended.at("state") == "expired");
  BOOST_TEST(ended.at("ended_by") == "ops");
  BOOST_TEST(body_of(desk.get("/api/v1/incidents/17")).at("held") == false);
  BOOST_TEST(body_of(desk.get("/api/v1/silences?state=active")).at("silences").empty());
  BOOST_TEST(body_of(desk.get("/api/v1/silences?state=expired")).at("silences").size() == 1U);
  BOOST_TEST(desk.remove("/api/v1/silences/1").status == 404U);
  BOOST_TEST(desk.get("/api/v1/silences/1").status == 404U);
}

BOOST_AUTO_TEST_CASE(what_was_shown_can_be_sent_again) {
  Desk desk;
  const json shown = body_of(desk.post("/api/v1/silences", good_body));
  json again;
  for (const char* key : {"matchers", "author", "reason", "starts_at", "ends_at"}) again[key] = shown.at(key);
  const json second = body_of(desk.post("/api/v1/silences", again.dump()));
  BOOST_TEST(second.at("ends_at") == shown.at("ends_at"));
  BOOST_TEST(second.at("id") != shown.at("id"));
}

BOOST_AUTO_TEST_CASE(windows_stand_beside_the_silences) {
  Desk desk;  // the present is a Tuesday
  const json window = body_of(desk.get("/api/v1/silences")).at("windows").at(0);
  BOOST_TEST(window.at("name") == "sundays");
  BOOST_TEST(window.at("state") == "pending");
  BOOST_TEST(window.at("starts_at") == "2023-11-19T00:00:00.000000Z");
  BOOST_TEST(window.at("ends_at") == "2023-11-20T00:00:00.000000Z");
  BOOST_TEST(window.at("until").is_null());
  BOOST_TEST(body_of(desk.get("/api/v1/silences?state=active")).at("windows").empty());
}

BOOST_AUTO_TEST_CASE(without_a_token_nothing_is_done) {
  Desk desk;
  BOOST_TEST(desk.post("/api/v1/silences", good_body, "").status == 401U);
  BOOST_TEST(desk.post("/api/v1/silences", good_body, "Bearer wrong").status == 401U);
  BOOST_TEST(desk.post("/api/v1/incidents/17/acknowledge", "{}", "").status == 401U);
  const std::string id = body_of(desk.post("/api/v1/silences", good_body)).at("id");
  BOOST_TEST(desk.remove("/api/v1/silences/" + id, "").status == 401U);
  BOOST_TEST(desk.silences.held(*desk.incidents.find("17"), desk.now));
  desk.tokens.clear();
  BOOST_TEST(desk.post("/api/v1/silences", good_body).status == 403U);
}

BOOST_AUTO_TEST_CASE(mistakes_in_the_body_are_told) {
  Desk desk;
  const auto told = [&](const std::string& body) {
    const Response response = desk.post("/api/v1/silences", body);
    BOOST_TEST(response.status == 400U, body);
    return error_of(response);
  };
  BOOST_TEST(told("no").starts_with("the body must be a JSON object like"));
  BOOST_TEST(told("[]").starts_with("the body must be a JSON object like"));
  BOOST_TEST(told(R"({"comment": "x"})") ==
             "unknown key 'comment'; known are matchers, author, reason, starts_at, ends_at, duration");
  BOOST_TEST(told(R"({"matchers": {"site": "oslo"}, "reason": "x", "duration": "1h"})") ==
             "unknown site 'oslo'; /api/v1/sites lists them");
  BOOST_TEST(
      told(R"({"matchers": {"colour": "red"}, "reason": "x", "duration": "1h"})").starts_with("unknown matcher"));
  BOOST_TEST(told(R"({"matchers": {"site": 7}, "reason": "x", "duration": "1h"})") ==
             "the matcher 'site' must be a text or a list of texts");
  BOOST_TEST(
      told(R"({"matchers": [], "reason": "x", "duration": "1h"})").starts_with("the body's \"matchers\" must be"));
  BOOST_TEST(told(R"({"reason": "x", "duration": "1h"})").starts_with("no matcher is given"));
  BOOST_TEST(told(R"({"matchers": {"site": "athens"}, "duration": "1h"})") ==
             "the reason is missing; say it in a few words");
  BOOST_TEST(told(R"({"matchers": {"site": "athens"}, "reason": 7, "duration": "1h"})") ==
             "the body's \"reason\" must be a text");
  BOOST_TEST(told(R"({"matchers": {"site": "athens"}, "reason": "x"})").starts_with("a silence has an end"));
  BOOST_TEST(
      told(R"({"matchers": {"site": "athens"}, "reason": "x", "duration": "1h", "ends_at": "2023-11-15T00:00:00Z"})")
          .starts_with("a silence has an end"));
  BOOST_TEST(told(R"({"matchers": {"site": "athens"}, "reason": "x", "duration": "-1h"})")
                 .starts_with("the body's \"duration\""));
  BOOST_TEST(told(R"({"matchers": {"site": "athens"}, "reason": "x", "duration": "400d"})")
                 .starts_with("it would end in more"));
  BOOST_TEST(told(R"({"matchers": {"site": "athens"}, "reason": "x", "ends_at": "soon"})")
                 .starts_with("the body's \"ends_at\""));
  BOOST_TEST(told(R"({"matchers": {"site": "athens"}, "reason": "x", "ends_at": "2001-01-01T00:00:00Z"})")
                 .starts_with("it would end before"));
  BOOST_TEST(desk.silences.list().empty());
  BOOST_TEST(desk.get("/api/v1/silences?state=open").status == 400U);
}

BOOST_AUTO_TEST_CASE(an_incident_is_acknowledged_and_that_taken_back) {
  Desk desk;
  const Response done = desk.post("/api/v1/incidents/17/acknowledge", R"({"author": "ann", "reason": "on it"})");
  BOOST_TEST_REQUIRE(done.status == 200U, std::get<std::string>(done.body));
  const json incident = body_of(done);
  BOOST_TEST(incident.at("held") == true);
  BOOST_TEST(incident.at("acknowledged").at("author") == "ann");
  BOOST_TEST(incident.at("acknowledged").at("token") == "ops");
  BOOST_TEST(incident.at("acknowledged").at("reason") == "on it");
  const json listed = body_of(desk.get("/api/v1/incidents")).at("incidents").at(0);
  BOOST_TEST(listed.at("acknowledged").at("author") == "ann");
  BOOST_TEST(body_of(desk.remove("/api/v1/incidents/17/acknowledge")).at("held") == false);
  BOOST_TEST(desk.remove("/api/v1/incidents/17/acknowledge").status == 404U);
  // An empty body is enough; who it was the token says.
  BOOST_TEST(body_of(desk.post("/api/v1/incidents/17/acknowledge", "")).at("acknowledged").at("author") == "ops");
  BOOST_TEST(desk.post("/api/v1/incidents/18/acknowledge", "").status == 404U);
  BOOST_TEST(desk.post("/api/v1/incidents/16/acknowledge", "").status == 409U);
  BOOST_TEST(desk.post("/api/v1/incidents/17/acknowledge", R"({"by": "x"})").status == 400U);
}

BOOST_AUTO_TEST_CASE(only_what_a_path_takes_is_let_in) {
  Desk desk;
  BOOST_TEST(header(desk.send({"PUT", "/api/v1/silences", {}, {}, {}}), "Allow") == "GET, HEAD, POST");
  BOOST_TEST(header(desk.send({"POST", "/api/v1/silences/1", {}, {}, {}}), "Allow") == "GET, HEAD, DELETE");
  BOOST_TEST(header(desk.get("/api/v1/incidents/17/acknowledge"), "Allow") == "POST, DELETE");
  BOOST_TEST(error_of(desk.send({"DELETE", "/api/v1/incidents/17", {}, {}, {}})) ==
             "only GET and HEAD work at /api/v1/incidents/17");
}

BOOST_AUTO_TEST_CASE(metrics_count_what_is_held_and_what_was_told_without_a_secret) {
  Desk desk;
  desk.post("/api/v1/silences", good_body);
  const std::string text = std::get<std::string>(desk.get("/metrics").body);
  for (const char* line :
       {"\nsonde_silences{state=\"active\"} 1\n", "\nsonde_incidents_held 1\n", "\nsonde_incidents_acknowledged 0\n",
        "\nsonde_notify_delivered_total{receiver=\"webhook hook.example.net\"} 0\n",
        "\nsonde_notify_failed_total{receiver=\"webhook hook.example.net\"} 0\n"})
    BOOST_TEST(text.find(line) != std::string::npos, line);
  BOOST_TEST(text.find("secret") == std::string::npos);
}

BOOST_AUTO_TEST_CASE(whoever_looks_on_is_told) {
  Desk desk;
  EventStream stream(CellQuery{});
  const auto update = [&] {
    Sources all = desk.sources();
    all.incidents = &desk.incidents;
    all.silences = &desk.silences;
    return stream.update(all, {});
  };
  update();
  BOOST_TEST(update().find("event: incidents") == std::string::npos);
  desk.post("/api/v1/incidents/17/acknowledge", "");
  BOOST_TEST(update().find("\"acknowledged\":{\"author\":\"ops\"") != std::string::npos);
}

BOOST_AUTO_TEST_SUITE_END()
