// Runs on demand over HTTP: who may ask, what is refused and how, what is shown.
#include <boost/test/unit_test.hpp>
#include <nlohmann/json.hpp>

#include "tests/unit/coordinator_web/answers.h"
#include "tests/unit/coordinator_web/world.h"

using namespace sonde;
using namespace sonde::web;
using namespace sonde::web::test;
using namespace std::chrono_literals;

namespace {

using nlohmann::json;

constexpr auto good_body = R"({"from": "berlin", "to": "athens", "probe": "connect"})";

struct Desk : World {
  Demand demand;
  std::vector<ApiToken> tokens{{"guest", "gggggggggggg"}, {"ops", "s3cret-s3cret"}};

  Desk() {
    for (const SiteId& site : {berlin, athens}) agents[site].route = site.str();
    demand.set_plan(mesh, timetable, now);
  }

  Response send(const Request& request) {
    Sources all = sources();
    all.demand = &demand;
    all.tokens = tokens;
    return handle(request, all);
  }
  Response post(const std::string& body, const std::string& authorization = "Bearer s3cret-s3cret") {
    return send({"POST", "/api/v1/probes", {}, authorization, body});
  }
  Response get(const std::string& target) { return send({"GET", target, {}, {}, {}}); }
};

}  // namespace

BOOST_AUTO_TEST_SUITE(probes)

BOOST_AUTO_TEST_CASE(a_run_is_asked_for_followed_and_shown) {
  Desk desk;
  const Response accepted = desk.post(good_body);
  BOOST_TEST_REQUIRE(accepted.status == 202U, std::get<std::string>(accepted.body));
  const json run = body_of(accepted);
  const std::string id = run.at("id");
  BOOST_TEST(header(accepted, "Location") == "/api/v1/probes/" + id);
  BOOST_TEST(run.at("state") == "queued");
  BOOST_TEST(run.at("requested_by") == "ops");
  BOOST_TEST(run.at("wait_s").get<double>() == 0.5);
  BOOST_TEST(run.at("result").is_null());
  BOOST_TEST(desk.demand.take_orders().size() == 1U);

  desk.demand.on_progress(berlin, {.id = std::stoull(id), .stage = 1, .elapsed = 1s, .bytes = 5});
  const json running = body_of(desk.get("/api/v1/probes/" + id));
  BOOST_TEST(running.at("state") == "running");
  BOOST_TEST(running.at("progress").at("elapsed_s") == 1.0);

  Result result = latency_result(berlin, athens, 1, present, 40'000'000);
  result.probe = Probe::connect;
  result.set(Tag::on_demand);
  result.details.push_back({"demand", std::stod(id)});
  desk.demand.on_result(result);
  const json done = body_of(desk.get("/api/v1/probes/" + id));
  BOOST_TEST(done.at("state") == "done");
  BOOST_TEST(done.at("result").at("tags").at(0) == "on_demand");
  BOOST_TEST(done.at("result").at("distributions").at("rtt").at("count") == 50);
  BOOST_TEST(done.at("result").at("distributions").at("rtt").at("max").get<double>() == 0.04);
  BOOST_TEST(body_of(desk.get("/api/v1/probes")).at("probes").size() == 1U);
}

BOOST_AUTO_TEST_CASE(without_a_token_nothing_is_done) {
  Desk desk;
  for (const char* wrong : {"", "Bearer", "Bearer ", "Bearer s3cret-s3cre", "Bearer s3cret-s3crett",
                            "Basic b3BzOm9wcw==", "s3cret-s3cret", "Bearer  s3cret-s3cret"}) {
    const Response refused = desk.post(good_body, wrong);
    BOOST_TEST(refused.status == 401U, "'" << wrong << "'");
    BOOST_TEST(header(refused, "WWW-Authenticate") == "Bearer realm=\"sonde\"");
  }
  BOOST_TEST(desk.post(good_body, "bearer gggggggggggg").status == 202U);  // the scheme's case does not matter
  desk.tokens.clear();
  const Response none = desk.post(good_body);
  BOOST_TEST(none.status == 403U);
  BOOST_TEST(error_of(none).find("`tokens:`") != std::string::npos);
  BOOST_TEST(desk.demand.runs().size() == 1U);
}

BOOST_AUTO_TEST_CASE(a_body_that_is_wrong_says_what_would_be_right) {
  Desk desk;
  const auto status = [&](const std::string& body) { return desk.post(body).status; };
  BOOST_TEST(status("") == 400U);
  BOOST_TEST(status("[]") == 400U);
  BOOST_TEST(status(std::string(60'000, '[')) == 400U);
  BOOST_TEST(status(R"({"from": "berlin", "to": "athens"})") == 400U);
  BOOST_TEST(status(R"({"from": "berlin", "to": "athens", "probe": "ping"})") == 400U);
  BOOST_TEST(status(R"({"from": "berlin", "to": "athens", "probe": "connect", "now": true})") == 400U);
  BOOST_TEST(status(R"({"from": "berlin", "to": 3, "probe": "connect"})") == 400U);
  BOOST_TEST(status(R"({"from": "berlin", "to": "berlin", "probe": "connect"})") == 400U);
  BOOST_TEST(status(R"({"from": "berlin", "to": "nowhere", "probe": "connect"})") == 404U);
  BOOST_TEST(status(R"({"from": "berlin", "to": "edge-router", "probe": "throughput"})") == 409U);
  BOOST_TEST(error_of(desk.post(R"({"from": "berlin", "to": "nowhere", "probe": "connect"})")) ==
             "to: unknown site 'nowhere'; /api/v1/sites lists them");
  BOOST_TEST(desk.send({"POST", "/api/v1/probes?x=1", {}, "Bearer s3cret-s3cret", good_body}).status == 400U);
  BOOST_TEST(desk.demand.runs().empty());
}

BOOST_AUTO_TEST_CASE(limits_say_when_to_come_back) {
  Desk desk;
  while (true) {
    const Response response = desk.post(good_body);
    if (response.status == 202U) continue;
    BOOST_TEST(response.status == 429U);
    BOOST_TEST(header(response, "Retry-After") == "60");
    break;
  }
  desk.agents[berlin].last_heard = desk.now - 20s;
  BOOST_TEST(desk.post(good_body).status == 503U);
}

BOOST_AUTO_TEST_CASE(other_methods_and_unknown_runs) {
  Desk desk;
  const Response refused = desk.send({"DELETE", "/api/v1/probes", {}, {}, {}});
  BOOST_TEST(refused.status == 405U);
  BOOST_TEST(header(refused, "Allow") == "GET, HEAD, POST");
  BOOST_TEST(desk.send({"POST", "/api/v1/matrix", {}, "Bearer s3cret-s3cret", {}}).status == 405U);
  BOOST_TEST(desk.get("/api/v1/probes/17").status == 404U);
  BOOST_TEST(desk.get("/api/v1/probes/x").status == 404U);
  BOOST_TEST(desk.get("/api/v1/probes/").status == 404U);
  BOOST_TEST(desk.get("/api/v1/probesx").status == 404U);
}

BOOST_AUTO_TEST_CASE(the_event_stream_tells_each_change_and_nothing_from_before) {
  Desk desk;
  BOOST_TEST(desk.post(good_body).status == 202U);
  Sources all = desk.sources();
  all.demand = &desk.demand;
  EventStream stream(CellQuery{});
  BOOST_TEST(stream.update(all, {}).find("event: probe") == std::string::npos);
  desk.demand.on_progress(berlin, {.id = desk.demand.runs().front().id, .stage = 1});
  const std::string told = stream.update(all, {});
  BOOST_TEST(told.find("event: probe\ndata: {\"id\":\"") != std::string::npos, told);
  BOOST_TEST(told.find("\"state\":\"running\"") != std::string::npos);
  BOOST_TEST(stream.update(all, {}).find("event: probe") == std::string::npos);
}

BOOST_AUTO_TEST_CASE(a_token_file_holds_one_line) {
  BOOST_TEST(token_in("abc123\n").value() == "abc123");
  BOOST_TEST(token_in("abc123\r\n").value() == "abc123");
  BOOST_TEST(!token_in("").has_value());
  BOOST_TEST(!token_in("\n").has_value());
  BOOST_TEST(!token_in("two words").has_value());
  BOOST_TEST(!token_in("two\nlines").has_value());
  BOOST_TEST(!token_in(std::string(513, 'x')).has_value());
}

BOOST_AUTO_TEST_SUITE_END()
