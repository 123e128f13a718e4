// What the history says at any zoom: levels of a series, profiles of the week, detours, asymmetry, efficiency; and that
// the description tells the truth about every answer.
#include <boost/test/unit_test.hpp>
#include <nlohmann/json.hpp>

#include <string>

#include "world.h"

using namespace sonde;
using namespace sonde::web;
using namespace sonde::web::test;
using json = nlohmann::json;

namespace {

const SiteId gdansk = SiteId::known("gdansk");

struct Past : World {
  json ask_json(const std::string& target) const { return json::parse(body(target)); }
  void add_site(const SiteId& site) {
    SiteSpec spec;
    spec.site = site;
    spec.addresses = {"192.0.2.30"};
    mesh.sites.push_back(spec);
    matrix.set_mesh(mesh);
    hear(site);
  }
  void remember(const SiteId& from, const SiteId& to, std::int64_t second, std::int64_t rtt_ms) {
    const std::uint64_t seq = history->results.size() + 1;
    history->results.push_back(latency_result(from, to, seq, second, rtt_ms * 1'000'000));
  }
};

/// Where a value is not what its schema says; empty where all is well. `resolve` is the whole description.
std::string wrong_in(const json& schema, const json& value, const json& resolve, const std::string& where) {
  if (schema.contains("$ref")) {
    const auto text = schema.at("$ref").get<std::string>();
    return wrong_in(resolve.at(json::json_pointer(text.substr(1))), value, resolve, where);
  }
  json types = schema.at("type");
  if (types.is_string()) types = json::array({types});
  bool fits = false;
  for (const json& type : types)
    fits = fits || (type == "null" && value.is_null()) || (type == "string" && value.is_string()) ||
           (type == "boolean" && value.is_boolean()) || (type == "integer" && value.is_number_integer()) ||
           (type == "number" && value.is_number()) || (type == "object" && value.is_object()) ||
           (type == "array" && value.is_array());
  if (!fits) return where + " is " + value.dump().substr(0, 60) + ", not " + types.dump();
  if (schema.contains("enum") && std::ranges::find(schema.at("enum"), value) == schema.at("enum").end())
    return where + " is not listed: " + value.dump();
  if (value.is_array())
    for (const json& item : value)
      if (auto wrong = wrong_in(schema.at("items"), item, resolve, where + "[]"); !wrong.empty()) return wrong;
  if (!value.is_object() || !schema.contains("properties")) return {};
  for (const auto& [name, member] : value.items()) {
    if (!schema.at("properties").contains(name)) return where + "." + name + " is not described";
    auto wrong = wrong_in(schema.at("properties").at(name), member, resolve, where + "." + name);
    if (!wrong.empty()) return wrong;
  }
  return {};
}

}  // namespace

BOOST_FIXTURE_TEST_SUITE(the_past, Past)

BOOST_AUTO_TEST_CASE(a_series_is_no_finer_than_what_is_kept) {
  remember(berlin, athens, present - 7000, 10);
  remember(berlin, athens, present - 10, 20);
  BOOST_TEST(ask_json("/api/v1/links/berlin/athens/series?window=2h").at("level") == "raw");
  BOOST_TEST(ask_json("/api/v1/links/berlin/athens/series?window=24h").at("level") == "minute");
  const json coarse = ask_json("/api/v1/links/berlin/athens/series?window=30d");
  BOOST_TEST(coarse.at("level") == "hour");
  BOOST_TEST(coarse.at("points").back().at("count") == 100);
  history->level = RollLevel::hour;
  const json kept = ask_json("/api/v1/links/berlin/athens/series?window=2h&step=60s");
  BOOST_TEST(kept.at("step_s") == 3600);
  BOOST_TEST(kept.at("level") == "hour");
  BOOST_REQUIRE(kept.at("points").size() == 2U);
  BOOST_TEST(kept.at("points")[0].at("count") == 50);
  BOOST_TEST(kept.at("points")[0].at("max").get<double>() == 0.01);
}

BOOST_AUTO_TEST_CASE(what_was_degraded_then_is_shown_as_that_and_not_what_is_now) {
  Incident then;
  then.id = "1";
  then.cause = {.kind = CauseKind::link, .site = {}, .link = {berlin, athens}, .name = {}};
  then.metrics = {Metric::loss};
  then.links = {{berlin, athens}};
  then.started_at = at_second(present - 86'500);
  then.ended_at = at_second(present - 86'300);
  Incident open = then;
  open.id = "2";
  open.metrics = {Metric::delay_rise};
  open.started_at = at_second(present - 300);
  open.ended_at.reset();
  Incidents incidents;
  incidents.set_mesh(mesh, AlertPolicy{});
  incidents.restore({then, open});
  history->incidents = {then, open};
  matrix.set_degraded(incidents.verdicts().degraded());
  for (const std::int64_t ago : {86'400, 600, 5})
    add(latency_result(berlin, athens, 1 + ago, present - ago - 1, 10'000'000));
  const auto state = [&](const std::string& target) {
    Sources all = sources();
    all.incidents = &incidents;
    Response response = handle(Request{"GET", target, {}}, all);
    if (auto* deferred = std::get_if<Deferred>(&response.body)) response = (*deferred)();
    const json answer = json::parse(std::get<std::string>(response.body));
    return answer.at("cells").at(0).at("state").get<std::string>();
  };
  const auto asked = [](std::string_view metric, std::int64_t ago) {
    return "/api/v1/matrix?metric=" + std::string(metric) + "&at=" + std::to_string(present - ago);
  };
  BOOST_TEST(state("/api/v1/matrix?metric=rtt") == "degraded");
  BOOST_TEST(state("/api/v1/matrix?metric=loss_rtt") == "ok");
  BOOST_TEST(state(asked("rtt", 600)) == "ok");  // the live matrix reaches that far; the incident began later
  BOOST_TEST(state(asked("rtt", 5)) == "degraded");
  BOOST_TEST(state(asked("rtt", 86'400)) == "ok");  // out of the history
  BOOST_TEST(state(asked("loss_rtt", 86'400)) == "degraded");
}

BOOST_AUTO_TEST_CASE(a_profile_puts_weeks_on_top_of_each_other) {
  // 2023-11-13 was a Monday.
  const std::int64_t monday = 1'699'833'600;
  remember(berlin, athens, monday + 3600 * 5 + 60, 10);
  remember(berlin, athens, monday - 7 * 86'400 + 3600 * 5 + 60, 30);
  remember(berlin, athens, monday, 50);  // ends on the full hour: Sunday's last
  const json profile = ask_json("/api/v1/links/berlin/athens/profile");
  BOOST_REQUIRE(profile.at("hours").size() == 168U);
  BOOST_TEST(profile.at("hours")[5].at("day") == "monday");
  BOOST_TEST(profile.at("hours")[5].at("hour") == 5);
  BOOST_TEST(profile.at("hours")[5].at("count") == 100);
  BOOST_TEST(profile.at("hours")[5].at("min").get<double>() == 0.01);
  BOOST_TEST(profile.at("hours")[5].at("max").get<double>() == 0.03);
  BOOST_TEST(profile.at("hours")[167].at("count") == 50);
  BOOST_TEST(profile.at("hours")[6].at("p50").is_null());
}

BOOST_AUTO_TEST_CASE(a_detour_has_its_gain_and_how_often_it_held) {
  add_site(gdansk);
  for (const std::int64_t hour : {0, 1, 2}) {
    remember(berlin, athens, present - 3600 * hour - 60, 100);
    remember(berlin, gdansk, present - 3600 * hour - 60, hour == 1 ? 90 : 20);
    remember(gdansk, athens, present - 3600 * hour - 60, 30);
  }
  const json found = ask_json("/api/v1/detours?window=3h");
  BOOST_REQUIRE(found.at("detours").size() == 1U);
  const json& detour = found.at("detours")[0];
  BOOST_TEST(detour.at("from") == "berlin");
  BOOST_TEST(detour.at("to") == "athens");
  BOOST_TEST(detour.at("via") == "gdansk");
  BOOST_TEST(detour.at("gain_s").get<double>() == 0.05, boost::test_tools::tolerance(0.05));
  BOOST_TEST(detour.at("gain_ratio").get<double>() == 0.5, boost::test_tools::tolerance(0.05));
  BOOST_TEST(detour.at("hours") == 3);
  BOOST_TEST(detour.at("held_ratio").get<double>() == 2.0 / 3, boost::test_tools::tolerance(1e-9));
  BOOST_TEST(ask("/api/v1/detours?window=30d").status == 400U);
}

BOOST_AUTO_TEST_CASE(a_link_is_held_against_light_in_fibre_and_against_the_way_back) {
  add(latency_result(berlin, athens, 1, present - 3, 40'000'000));
  add(latency_result(athens, berlin, 2, present - 3, 20'000'000));
  const json link = ask_json("/api/v1/links/berlin/athens");
  const double fibre = 2 * link.at("distance_m").get<double>() * 1.468 / 299'792'458;
  BOOST_TEST(link.at("efficiency").at("fibre_rtt_s").get<double>() == fibre, boost::test_tools::tolerance(1e-9));
  BOOST_TEST(link.at("efficiency").at("rtt_min_s").get<double>() == 0.04);
  BOOST_TEST(link.at("efficiency").at("ratio").get<double>() == fibre / 0.04, boost::test_tools::tolerance(1e-9));
  BOOST_TEST(link.at("asymmetry").at("rtt").at("difference").get<double>() == 0.02, boost::test_tools::tolerance(0.03));
  BOOST_TEST(link.at("asymmetry").at("rtt").at("ratio").get<double>() == 2.0, boost::test_tools::tolerance(0.03));
  BOOST_TEST(!link.at("asymmetry").contains("connect"));
  BOOST_TEST(ask_json("/api/v1/links/berlin/edge-router").at("efficiency").is_null());
}

BOOST_AUTO_TEST_CASE(an_export_goes_on_after_the_last_id_that_came) {
  for (int i = 0; i < 5; ++i) remember(berlin, athens, present - 100 + i, 10);
  const auto lines = [&](const std::string& target) {
    Response response = ask(target);
    BOOST_REQUIRE(response.status == 200U);
    std::string text;
    while (const auto piece = std::get<PieceSource>(response.body)()) text += *piece;
    return text;
  };
  const std::string all = lines("/api/v1/results");
  const std::string id = json::parse(all.substr(0, all.find('\n'))).at("id");
  BOOST_TEST(lines("/api/v1/results?after_id=" + id) == all.substr(all.find('\n') + 1));
  BOOST_TEST(ask("/api/v1/results?after_id=berlin-0000000000000007-99").status == 404U);
  for (const char* bad : {"", "berlin", "-", "berlin-7", "-7-8", "berlin-zz-8", "berlin-7-", "berlin-7-8x"})
    BOOST_TEST(ask("/api/v1/results?after_id=" + std::string(bad)).status == 400U, bad);
}

BOOST_AUTO_TEST_CASE(a_report_has_each_directions_figures_and_asks_for_a_time_that_was) {
  remember(berlin, athens, present - 3600, 10);
  remember(berlin, athens, present - 60, 30);
  Response response = ask("/api/v1/report?since=" + std::to_string(present - 7200));
  std::string text;
  while (const auto piece = std::get<PieceSource>(response.body)()) text += *piece;
  const json report = json::parse(text);
  BOOST_REQUIRE(report.at("directions").size() == 4U);  // both agents to each other and to the reflector
  const json& first = report.at("directions")[0];
  BOOST_TEST(first.at("metrics").at("rtt").at("count") == 100);
  BOOST_TEST(first.at("metrics").at("rtt").at("mean").get<double>() == 0.02, boost::test_tools::tolerance(1e-9));
  BOOST_TEST(first.at("metrics").at("rtt").at("stddev").get<double>() == 0.01, boost::test_tools::tolerance(1e-9));
  BOOST_TEST(first.at("outcomes").at("latency").at("ok") == 2);
  BOOST_TEST(!report.at("findings").empty());
  for (const char* bad : {"since=1700000000&until=1600000000", "since=1800000000&until=1900000000", "from=nowhere",
                          "from=edge-router", "since=soon", "window=7d"})
    BOOST_TEST(ask("/api/v1/report?" + std::string(bad)).status >= 400U, bad);
}

BOOST_AUTO_TEST_CASE(every_answer_is_what_the_description_says) {
  add_site(gdansk);
  add(latency_result(berlin, athens, 1, present - 3, 40'000'000));
  add(latency_result(berlin, gdansk, 2, present - 3, 10'000'000));
  add(latency_result(gdansk, athens, 3, present - 3, 10'000'000));
  add(throughput_result(berlin, athens, 4, present - 100, 0.1, 5));
  const json openapi = ask_json("/api/v1/openapi.json");
  std::size_t checked = 0;
  for (const auto& [path, operations] : openapi.at("paths").items()) {
    if (!operations.contains("get")) continue;
    const json& content = operations.at("get").at("responses").at("200").at("content");
    const std::string type = content.begin().key();
    if (path.find("{id}") != std::string::npos || type.starts_with("text/")) continue;
    std::string target = path;
    if (const auto from = target.find("{from}"); from != std::string::npos) target.replace(from, 6, "berlin");
    if (const auto to = target.find("{to}"); to != std::string::npos) target.replace(to, 4, "athens");
    Response response = ask(target);
    BOOST_TEST(response.content_type.starts_with(type), target);
    std::string text;
    if (auto* pieces = std::get_if<PieceSource>(&response.body)) {
      while (const auto piece = (*pieces)()) text += *piece;
      text = text.substr(0, text.find('\n'));
    } else {
      text = std::get<std::string>(response.body);
    }
    const std::string wrong = wrong_in(content.begin().value().at("schema"), json::parse(text), openapi, target);
    BOOST_TEST(wrong.empty(), wrong);
    ++checked;
  }
  BOOST_TEST(checked >= 13U);
  // The test can tell: an answer held against another's schema does not fit.
  BOOST_TEST(!wrong_in(json{{"$ref", "#/components/schemas/Sites"}}, ask_json("/api/v1/matrix"), openapi, "x").empty());
}

BOOST_AUTO_TEST_SUITE_END()
