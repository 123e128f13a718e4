#include "coordinator/web/api.h"

#include <boost/test/unit_test.hpp>
#include <nlohmann/json.hpp>

#include <algorithm>

#include "world.h"

namespace {

using namespace sonde;
using namespace sonde::web;
using namespace sonde::web::test;
using nlohmann::json;

std::string header(const Response& response, std::string_view name) {
  for (const auto& [key, value] : response.headers)
    if (key == name) return value;
  return {};
}

json cell(const json& matrix, std::string_view from, std::string_view to) {
  for (const json& candidate : matrix.at("cells"))
    if (candidate.at("from") == from && candidate.at("to") == to) return candidate;
  return nullptr;
}

std::string all_pieces(Response response) {
  std::string all;
  auto& source = std::get<PieceSource>(response.body);
  while (const auto piece = source()) all += *piece;
  return all;
}

}  // namespace

BOOST_AUTO_TEST_SUITE(api)

BOOST_AUTO_TEST_CASE(the_matrix_has_a_cell_for_each_pair_with_an_agent_at_from) {
  World world;
  world.add(latency_result(berlin, athens, 1, present - 3, 40'000'000));
  const json matrix = json::parse(world.body("/api/v1/matrix"));
  BOOST_TEST(matrix.at("mesh") == "europe");
  BOOST_TEST(matrix.at("metric") == "rtt");
  BOOST_TEST(matrix.at("stat") == "p50");
  BOOST_TEST(matrix.at("unit") == "s");
  BOOST_TEST(matrix.at("window_s") == 3600);
  BOOST_TEST(matrix.at("at") == "2023-11-14T22:13:20.000000Z");
  BOOST_TEST(matrix.at("sites") == json({"berlin", "athens", "edge-router"}));
  BOOST_TEST(matrix.at("cells").size() == 4U);  // berlin and athens, each to two others
  const json measured = cell(matrix, "berlin", "athens");
  BOOST_TEST(measured.at("value").get<double>() == 0.04, boost::test_tools::tolerance(0.011));
  BOOST_TEST(measured.at("count") == 50);
  BOOST_TEST(measured.at("age_s") == 3);
  BOOST_TEST(measured.at("state") == "ok");
  BOOST_TEST(!measured.contains("few"));
  BOOST_TEST(!measured.contains("error_s"));
  const json other = cell(matrix, "athens", "berlin");
  BOOST_TEST(other.at("value").is_null());
  BOOST_TEST(other.at("age_s").is_null());
  BOOST_TEST(other.at("state") == "never");
  BOOST_TEST(other.at("few") == true);
}

BOOST_AUTO_TEST_CASE(delay_says_its_error_and_ratios_show_the_mean_first) {
  World world;
  world.add(latency_result(berlin, athens, 1, present - 3, 40'000'000));
  const json delay = json::parse(world.body("/api/v1/matrix?metric=delay"));
  BOOST_TEST(cell(delay, "berlin", "athens").contains("error_s"));
  const json loss = json::parse(world.body("/api/v1/matrix?metric=loss_rtt"));
  BOOST_TEST(loss.at("stat") == "mean");
  BOOST_TEST(cell(loss, "berlin", "athens").at("value").get<double>() == 1.0 / 51, boost::test_tools::tolerance(1e-9));
}

BOOST_AUTO_TEST_CASE(columns_hold_the_same_numbers_row_major) {
  World world;
  world.add(latency_result(berlin, athens, 1, present - 3, 40'000'000));
  const json matrix = json::parse(world.body("/api/v1/matrix?layout=columns"));
  BOOST_TEST(!matrix.contains("cells"));
  for (const char* column : {"value", "count", "age_s", "state"}) BOOST_TEST(matrix.at(column).size() == 9U);
  BOOST_TEST(matrix.at("state")[1] == "ok");
  BOOST_TEST(matrix.at("count")[1] == 50);
  BOOST_TEST(matrix.at("state")[0].is_null());  // the diagonal
  BOOST_TEST(matrix.at("state")[6].is_null());  // no agent at from
  BOOST_TEST(matrix.at("value")[3].is_null());
  BOOST_TEST(matrix.at("state")[3] == "never");
}

BOOST_AUTO_TEST_CASE(what_is_shown_comes_as_csv_too) {
  World world;
  world.matrix.on_result(latency_result(berlin, athens, 1, present - 3, 40'000'000));
  world.history->results = {latency_result(berlin, athens, 1, present - 95, 10'000'000),
                            latency_result(berlin, athens, 2, present - 5, 20'000'000, 5)};
  const Response response = world.ask("/api/v1/matrix?format=csv");
  BOOST_TEST(response.content_type == "text/csv; charset=utf-8; header=present");
  BOOST_TEST(header(response, "Content-Disposition") == "attachment; filename=\"matrix-rtt-p50.csv\"");
  const auto text = std::get<std::string>(response.body);
  const json matrix = json::parse(world.body("/api/v1/matrix"));
  std::string rows = "from,to,metric,stat,unit,value,count,age_s,state,error_s\n";
  for (const json& cell : matrix.at("cells"))
    rows += cell.at("from").get<std::string>() + "," + cell.at("to").get<std::string>() + ",rtt,p50,s," +
            (cell.at("value").is_null() ? "" : cell.at("value").dump()) + "," + cell.at("count").dump() + "," +
            (cell.at("age_s").is_null() ? "" : cell.at("age_s").dump()) + "," + cell.at("state").get<std::string>() +
            ",\n";
  BOOST_TEST(text == rows);
  BOOST_TEST(text.find("berlin,athens,rtt,p50,s,0.0") != std::string::npos, text);

  const std::string series = world.body("/api/v1/links/berlin/athens/series?window=20s&step=10s&format=csv");
  BOOST_TEST(series.starts_with("start,count,p5,p50,p95,mean,min,max\n2023-11-14T22:13:00.000000Z,0,,,,,,\n"
                                "2023-11-14T22:13:10.000000Z,5,"),
             series);
  BOOST_TEST(series.ends_with(",0.02\n"), series);
  const std::string histogram = world.body("/api/v1/links/berlin/athens/histogram?window=100s&format=csv");
  BOOST_TEST(histogram.starts_with("low,high,count\n0.00"), histogram);
  BOOST_TEST(std::ranges::count(histogram, '\n') == 3);
  const std::string course = world.body("/api/v1/links/berlin/athens/histogram?window=100s&step=50s&format=csv");
  BOOST_TEST(course.starts_with("start,low,high,count\n2023-11-14T22:11:40.000000Z,0.00"), course);
  BOOST_TEST(std::ranges::count(course, '\n') == 3);
  BOOST_TEST(world.body("/api/v1/links/berlin/athens/profile?format=csv").starts_with("day,hour,count,p5,"));
  BOOST_TEST(world.body("/api/v1/detours?format=csv").starts_with("from,to,via,direct_s,"));
  BOOST_TEST(world.ask("/api/v1/matrix?format=csv&layout=columns").status == 400U);
  BOOST_TEST(world.ask("/api/v1/matrix?format=xml").status == 400U);
}

BOOST_AUTO_TEST_CASE(an_instant_beyond_the_live_matrix_comes_from_the_history) {
  World world;
  const std::int64_t past = present - 86'400;
  world.history->results = {latency_result(berlin, athens, 1, past - 5, 30'000'000)};
  const json matrix = json::parse(world.body("/api/v1/matrix?at=" + std::to_string(past) + "&window=10m"));
  BOOST_TEST(cell(matrix, "berlin", "athens").at("value").get<double>() == 0.03, boost::test_tools::tolerance(0.011));
  BOOST_TEST(cell(matrix, "berlin", "athens").at("age_s") == 5);
  BOOST_TEST(cell(matrix, "berlin", "athens").at("state") == "ok");
  BOOST_TEST(cell(matrix, "athens", "berlin").at("state") == "never");
}

BOOST_AUTO_TEST_CASE(mistakes_are_named) {
  const World world;
  const auto expect = [&](const std::string& target, unsigned status, const std::string& error) {
    const Response response = world.ask(target);
    BOOST_TEST_CONTEXT(target) {
      BOOST_TEST(response.status == status);
      BOOST_TEST(response.content_type == "application/json");
      BOOST_TEST(json::parse(std::get<std::string>(response.body)).at("error") == error);
    }
  };
  expect("/api/v1/matrix?stat=p51", 400,
         "unknown stat 'p51'; there are p5 p25 p50 p75 p95 p99 mean min max stddev last ewma hmean");
  expect("/api/v1/matrix?stat=hmean", 400, "stat hmean does not apply to rtt; it is for throughput");
  expect("/api/v1/matrix?colour=red", 400,
         "unknown parameter 'colour'; known here: at, format, layout, metric, stat, window");
  expect("/api/v1/matrix?layout=rows", 400, "unknown layout 'rows'; there are cells, columns");
  expect("/api/v1/matrix?window=0s", 400, "window: must be longer than zero");
  expect("/api/v1/matrix?window=-1", 400,
         "window: '-1s' does not start with a number; write it like 500ms, 10s, 15m, "
         "6h or 7d");
  expect("/api/v1/matrix?at=2100-01-01T00:00:00Z", 400,
         "at: 2100-01-01T00:00:00.000000Z is in the future; it is 2023-11-14T22:13:20.000000Z");
  expect("/api/v1/sites?x=1", 400, "unknown parameter 'x'; none is known here");
  expect("/api/v1/links/berlin/paris", 404, "unknown site 'paris'; /api/v1/sites lists them");
  expect("/api/v1/links/berlin/berlin", 404, "a link leads from one site to another");
  expect("/api/v1/links/BER LIN/athens", 404, "unknown site 'BER LIN'; /api/v1/sites lists them");
  expect("/api/v1/links/berlin/athens/other", 404,
         "nothing is at /api/v1/links/berlin/athens/other; /api/v1/openapi.json lists what there is");
  expect("/api/v1/results?from=paris", 404, "unknown site 'paris'; /api/v1/sites lists them");
  expect("/api/v1/results?limit=-1", 400, "limit: '-1' is not a whole number; write it like limit=100");
  expect("/api/v1/results?probe=ping", 400, "unknown probe 'ping'; there are latency, connect, throughput, duplex");
  expect("/api/v1/events?window=30d", 400, "window: longer than the live matrix reaches; ask for at most 2h here");
  expect("/api/v1/links/berlin/athens/series?window=7d&step=1s", 400,
         "step: gives more than 5000 points; ask for a longer one");
  expect("/api/v1/nothing", 404, "nothing is at /api/v1/nothing; /api/v1/openapi.json lists what there is");
  expect("/%", 400, "a '%' in the address is not followed by two hexadecimal digits");
  BOOST_TEST(world.ask("/api/v1/matrix?metric=ping").status == 404U);
}

BOOST_AUTO_TEST_CASE(a_huge_question_about_the_past_is_refused) {
  World world;
  BOOST_TEST(world.ask("/api/v1/matrix?window=3650d&stat=ewma").status == 400U);
  BOOST_TEST(world.ask("/api/v1/matrix?window=3650d").status == 200U);
  world.history->level = RollLevel::hour;
  BOOST_TEST(world.ask("/api/v1/matrix?window=30d&stat=ewma").status == 400U);
  BOOST_TEST(world.ask("/api/v1/matrix?window=30d&stat=last").status == 200U);
}

BOOST_AUTO_TEST_CASE(methods_other_than_get_and_head_are_refused) {
  const World world;
  BOOST_TEST(world.ask("/api/v1/sites", "HEAD").status == 200U);
  const Response response = world.ask("/api/v1/sites", "DELETE");
  BOOST_TEST(response.status == 405U);
  BOOST_TEST(header(response, "Allow") == "GET, HEAD");
  BOOST_TEST(world.ask("/api/v1/probes", "POST").status == 403U);
}

BOOST_AUTO_TEST_CASE(every_answer_has_the_security_headers) {
  const World world;
  for (const char* target : {"/", "/api/v1/sites", "/nothing", "/metrics", "/api/v1/timetable/audit"}) {
    const Response response = world.ask(target);
    BOOST_TEST_CONTEXT(target) {
      BOOST_TEST(header(response, "X-Content-Type-Options") == "nosniff");
      BOOST_TEST(header(response, "Content-Security-Policy").starts_with("default-src 'none'"));
      BOOST_TEST(header(response, "Content-Security-Policy").find("unsafe") == std::string::npos);
      BOOST_TEST(header(response, "Cache-Control") == "no-store");
    }
  }
}

BOOST_AUTO_TEST_CASE(sites_tell_who_is_heard) {
  World world;
  world.agents[athens].last_heard = world.now - std::chrono::seconds(15);
  world.agents[athens].heartbeat.hold_p99 = std::chrono::microseconds(50);
  world.agents[athens].heartbeat.cpu_pressure_known = false;
  const json sites = json::parse(world.body("/api/v1/sites"));
  BOOST_TEST(sites.at("agents") == 2);
  BOOST_TEST(sites.at("heard") == 1);
  BOOST_TEST(sites.at("sites")[0].at("state") == "ok");
  BOOST_TEST(sites.at("sites")[0].at("version") == "1.2.3");
  BOOST_TEST(sites.at("sites")[0].at("location") == json({52.52, 13.40}));
  BOOST_TEST(sites.at("sites")[1].at("state") == "silent");
  BOOST_TEST(sites.at("sites")[1].at("last_heard") == "2023-11-14T22:13:05.000000Z");
  const json& measurer = sites.at("sites")[1].at("measurer");
  BOOST_TEST(measurer.at("hold_s").at("p99").get<double>() == 50e-6, boost::test_tools::tolerance(1e-9));
  BOOST_TEST(measurer.at("cpu_pressure").is_null());
  BOOST_TEST(measurer.at("clock").at("offset_s").is_null());
  BOOST_TEST(sites.at("sites")[2].at("state") == "no_agent");
  world.agents.erase(athens);
  BOOST_TEST(json::parse(world.body("/api/v1/sites")).at("sites")[1].at("state") == "never");
}

BOOST_AUTO_TEST_CASE(the_timetable_can_be_narrowed_to_a_site) {
  World world;
  world.timetable.slots = {{{0}, {berlin, athens}, {}, std::chrono::seconds(6)},
                           {{1}, {athens, router}, std::chrono::seconds(6), std::chrono::seconds(6)}};
  const json all = json::parse(world.body("/api/v1/timetable"));
  BOOST_TEST(all.at("generation") == 3);
  BOOST_TEST(all.at("slots").size() == 2U);
  BOOST_TEST(all.at("slots")[1].at("start_s") == 6);
  BOOST_TEST(all.at("probes").at("throughput").at("every_s") == 3600);
  BOOST_TEST(json::parse(world.body("/api/v1/timetable?site=berlin")).at("slots").size() == 1U);
  world.timetable.slots.resize(400'000, world.timetable.slots.front());
  BOOST_TEST(world.ask("/api/v1/timetable").status == 400U);
  BOOST_TEST(world.body("/api/v1/timetable").find("site=NAME") != std::string::npos);
  world.timetable.slots.resize(2);
  BOOST_TEST(world.ask("/api/v1/timetable").status == 200U);
}

BOOST_AUTO_TEST_CASE(a_link_shows_both_directions_and_its_length) {
  World world;
  world.add(latency_result(berlin, athens, 1, present - 3, 40'000'000));
  const json link = json::parse(world.body("/api/v1/links/berlin/athens"));
  BOOST_TEST(link.at("distance_m").get<double>() == 1'803'000, boost::test_tools::tolerance(0.005));
  const json& there = link.at("directions")[0];
  BOOST_TEST(there.at("from") == "berlin");
  BOOST_TEST(there.at("cells").size() == metric_count);
  BOOST_TEST(there.at("cells").at("rtt").at("state") == "ok");
  BOOST_TEST(there.at("cells").at("loss_rtt").at("stat") == "mean");
  BOOST_TEST(link.at("directions")[1].at("cells").at("rtt").at("state") == "never");
  const json to_router = json::parse(world.body("/api/v1/links/berlin/edge-router"));
  BOOST_TEST(to_router.at("directions")[1].at("cells").is_null());
  BOOST_TEST(to_router.at("distance_m").is_null());
}

BOOST_AUTO_TEST_CASE(a_series_has_a_point_for_each_step) {
  World world;
  world.history->results = {latency_result(berlin, athens, 1, present - 95, 10'000'000),
                            latency_result(berlin, athens, 2, present - 5, 20'000'000, 5),
                            latency_result(berlin, athens, 3, present, 30'000'000, 5)};
  const json series = json::parse(world.body("/api/v1/links/berlin/athens/series?window=100s&step=10s"));
  BOOST_TEST(series.at("step_s") == 10);
  BOOST_REQUIRE(series.at("points").size() == 10U);
  BOOST_TEST(series.at("points")[0].at("count") == 50);
  BOOST_TEST(series.at("points")[0].at("start") == "2023-11-14T22:11:40.000000Z");
  BOOST_TEST(series.at("points")[1].at("count") == 0);
  BOOST_TEST(series.at("points")[1].at("p50").is_null());
  BOOST_TEST(series.at("points")[9].at("count") == 10);
  BOOST_TEST(series.at("points")[9].at("max").get<double>() == 0.03);
}

BOOST_AUTO_TEST_CASE(a_histogram_merges_the_window) {
  World world;
  world.history->results = {latency_result(berlin, athens, 1, present - 95, 10'000'000, 30),
                            latency_result(berlin, athens, 2, present - 5, 20'000'000, 10)};
  const json histogram = json::parse(world.body("/api/v1/links/berlin/athens/histogram"));
  BOOST_TEST(histogram.at("count") == 40);
  BOOST_TEST(histogram.at("min").get<double>() == 0.01);
  BOOST_TEST(histogram.at("max").get<double>() == 0.02);
  BOOST_REQUIRE(histogram.at("buckets").size() == 2U);
  BOOST_TEST(histogram.at("buckets")[0].at("count") == 30);
  BOOST_TEST(histogram.at("buckets")[0].at("low").get<double>() < 0.01);
  BOOST_TEST(histogram.at("buckets")[0].at("high").get<double>() >= 0.01);
}

BOOST_AUTO_TEST_CASE(a_histogram_with_steps_tells_when_which_samples_came) {
  World world;
  world.history->results = {latency_result(berlin, athens, 1, present - 95, 10'000'000, 30),
                            latency_result(berlin, athens, 2, present - 5, 20'000'000, 10),
                            latency_result(berlin, athens, 3, present - 4, 10'000'000, 2)};
  const json histogram = json::parse(world.body("/api/v1/links/berlin/athens/histogram?window=100s&step=10s"));
  BOOST_TEST(histogram.at("step_s") == 10);
  BOOST_TEST(histogram.at("level") == "raw");
  BOOST_REQUIRE(histogram.at("buckets").size() == 2U);
  BOOST_TEST(histogram.at("buckets")[0].at("count") == 32);
  BOOST_REQUIRE(histogram.at("steps").size() == 10U);
  BOOST_TEST(histogram.at("steps")[0].at("start") == "2023-11-14T22:11:40.000000Z");
  BOOST_TEST(histogram.at("steps")[0].at("places").dump() == "[[0,30]]");
  BOOST_TEST(histogram.at("steps")[1].at("places").dump() == "[]");
  BOOST_TEST(histogram.at("steps")[9].at("places").dump() == "[[0,2],[1,10]]");
  BOOST_TEST(histogram.at("steps")[9].at("count") == 12);
  BOOST_TEST(world.ask("/api/v1/links/berlin/athens/histogram?window=7d&step=1s").status == 400);
}

BOOST_AUTO_TEST_CASE(results_come_a_line_each_with_the_contract_s_fields) {
  World world;
  Result skipped;
  skipped.id = {athens, 7, 1};
  skipped.to = berlin;
  skipped.probe = Probe::throughput;
  skipped.outcome = Outcome::skipped;
  skipped.reason = "bad \xff byte";
  skipped.scheduled_at = skipped.finished_at = at_second(present - 50);
  world.history->results = {latency_result(berlin, athens, 1, present - 95, 10'000'000), skipped};
  Response response = world.ask("/api/v1/results");
  BOOST_TEST(response.content_type == "application/x-ndjson");
  const std::string text = all_pieces(std::move(response));
  const auto newline = text.find('\n');
  const json first = json::parse(text.substr(0, newline));
  BOOST_TEST(first.at("id") == "berlin-0000000000000007-1");
  BOOST_TEST(first.at("seq") == 1);
  BOOST_TEST(first.at("probe") == "latency");
  BOOST_TEST(first.at("outcome") == "ok");
  BOOST_TEST(first.at("round") == 0);
  BOOST_TEST(first.at("rtt").get<double>() == 0.01, boost::test_tools::tolerance(0.011));
  BOOST_TEST(first.at("loss_rtt").get<double>() == 1.0 / 51, boost::test_tools::tolerance(1e-9));
  BOOST_TEST(first.at("counts").at("rtt") == 50);
  const json second = json::parse(text.substr(newline + 1));
  BOOST_TEST(second.at("started_at").is_null());
  BOOST_TEST(second.at("outcome") == "skipped");
  BOOST_TEST(all_pieces(world.ask("/api/v1/results?from=athens")).find("latency") == std::string::npos);
  BOOST_TEST(all_pieces(world.ask("/api/v1/results?limit=0")).empty());
}

BOOST_AUTO_TEST_CASE(results_come_in_bounded_pieces) {
  World world;
  for (std::uint64_t i = 1; i <= 450; ++i)
    world.history->results.push_back(
        latency_result(berlin, athens, i, present - 5000 + static_cast<std::int64_t>(i), 1));
  Response response = world.ask("/api/v1/results");
  auto& source = std::get<PieceSource>(response.body);
  std::size_t pieces = 0;
  std::size_t lines = 0;
  while (const auto piece = source()) {
    ++pieces;
    lines += static_cast<std::size_t>(std::count(piece->begin(), piece->end(), '\n'));
  }
  BOOST_TEST(pieces == 3U);
  BOOST_TEST(lines == 450U);
}

BOOST_AUTO_TEST_CASE(health_and_readiness) {
  World world;
  BOOST_TEST(world.ask("/healthz").status == 200U);
  BOOST_TEST(world.ask("/readyz").status == 200U);
  Sources sources = world.sources();
  sources.control_open = false;
  BOOST_TEST(handle({"GET", "/readyz", {}}, sources).status == 503U);
  BOOST_TEST(handle({"GET", "/healthz", {}}, sources).status == 200U);
}

BOOST_AUTO_TEST_CASE(without_a_store_the_past_is_503) {
  World world;
  world.history = nullptr;
  Sources sources = world.sources();
  sources.history = nullptr;
  for (const char* target : {"/api/v1/results", "/api/v1/timetable/audit", "/api/v1/links/berlin/athens/series"})
    BOOST_TEST(handle({"GET", target, {}}, sources).status == 503U);
}

BOOST_AUTO_TEST_CASE(the_description_names_every_endpoint_and_each_answers) {
  World world;
  const json openapi = json::parse(world.body("/api/v1/openapi.json"));
  BOOST_TEST(openapi.at("openapi") == "3.1.0");
  for (const auto& [path, operations] : openapi.at("paths").items()) {
    if (!operations.contains("get")) continue;  // what only changes something has tests of its own
    std::string target = path;
    if (const auto from = target.find("{from}"); from != std::string::npos) target.replace(from, 6, "berlin");
    if (const auto to = target.find("{to}"); to != std::string::npos) target.replace(to, 4, "athens");
    // Nobody asked for a run here: an id that is not known.
    const auto id = target.find("{id}");
    if (id != std::string::npos) target.replace(id, 4, "1");
    BOOST_TEST_CONTEXT(target) {
      BOOST_TEST(world.ask(target).status == (id == std::string::npos ? 200U : 404U));
      // every described parameter is known, and nothing else
      for (const json& parameter : operations.at("get").at("parameters")) {
        if (parameter.at("in") != "query") continue;
        const Response response = world.ask(target + "?" + parameter.at("name").get<std::string>() + "=!!");
        BOOST_TEST((response.status == 400U || response.status == 404U));
        BOOST_TEST(std::get<std::string>(response.body).find("unknown parameter") == std::string::npos);
      }
    }
  }
  for (const MetricInfo& metric : all_metrics())
    BOOST_TEST(openapi.at("components").at("schemas").at("Result").at("properties").contains(metric.name));
}

BOOST_AUTO_TEST_CASE(no_incident_is_open_while_nothing_raises_one) {
  const World world;
  BOOST_TEST(world.body("/api/v1/incidents") == R"({"mesh":"europe","incidents":[]})");
  BOOST_TEST(world.ask("/api/v1/incidents/1").status == 404U);
}

BOOST_AUTO_TEST_SUITE_END()
