#include "coordinator/cli/report_view.h"

#include <rapidcheck.h>

#include <boost/test/unit_test.hpp>
#include <nlohmann/json.hpp>

#include <string>

using namespace sonde::cli;

namespace {

Json small_report() {
  return Json::parse(R"({"mesh":"a|b <i>","since":"2026-01-02T00:00:00.000000Z","until":"2026-01-02T01:00:00.000000Z",
    "made_at":"2026-01-02T03:04:05.000000Z","step_s":1200.0,"first_step":"2026-01-02T00:00:00.000000Z",
    "units":{"connect":"s","loss":"ratio"},
    "directions":[{"from":"berlin","to":"athens","outcomes":{"connect":{"ok":9,"refused":1,"timeout":0,"unreachable":0,
      "reset":0,"dns_failed":0,"busy":0,"skipped":2}},
      "metrics":{"connect":{"count":9,"mean":0.0412,"p50":0.04,"stddev":0.001,"min":0.0398,"max":0.05,
        "series":{"count":[5,0,4],"p50":[0.04,null,0.05],"p5":[0.039,null,0.049],"p95":[0.041,null,0.051]},
        "hours":{"count":[9],"p50":[0.04],"p5":[0.039],"p95":[0.05]}}}}],
    "findings":[{"code":"failed_runs","weight":"warning","text":"berlin -> athens: 10.0 % failed.","figures":{}}]})");
}

bool holds(const std::string& text, std::string_view part) { return text.find(part) != std::string::npos; }

}  // namespace

BOOST_AUTO_TEST_SUITE(report_view)

BOOST_AUTO_TEST_CASE(markdown_is_readable_as_it_is) {
  const std::string text = report_markdown(small_report());
  BOOST_TEST(holds(text, "# Report of the mesh a\\|b \\<i\\>, 2026-01-02 00:00 to 2026-01-02 01:00 UTC\n"));
  BOOST_TEST(holds(text, "- **Warning:** berlin → athens: 10.0 % failed.\n"));
  BOOST_TEST(holds(text,
                   "| direction       | average |  median | std. deviation |     min |     max | samples |\n"
                   "|-----------------| ------: | ------: | -------------: | ------: | ------: | ------: |\n"
                   "| berlin → athens | 41.2 ms | 40.0 ms |        1.00 ms | 39.8 ms | 50.0 ms |       9 |\n"));
  BOOST_TEST(holds(text, "| berlin → athens | connect |   12 |   9 |"));
  BOOST_TEST(holds(text, "90.0 % |"));
  BOOST_TEST(holds(text, "berlin -> athens  ▁ █  40.0 ms to 50.0 ms\n"));
  BOOST_TEST(holds(text, "Each character is 20 min (2026-01-02 00:00 UTC on)"));
}

BOOST_AUTO_TEST_CASE(html_holds_everything_itself) {
  const std::string text = report_html(small_report());
  BOOST_TEST(holds(text, "<title>Report of the mesh a|b &lt;i&gt;, "));
  BOOST_TEST(holds(text, "<td>41.2 ms</td><td>40.0 ms</td><td>1.00 ms</td><td>39.8 ms</td><td>50.0 ms</td>"));
  BOOST_TEST(holds(text, "<svg viewBox=\"0 0 620 150\""));
  BOOST_TEST(
      holds(text, "aria-label=\"Latency: time to connect (connect) of berlin -&gt; athens: 40.0 ms to 50.0 ms\""));
  for (const char* elsewhere : {"<script", "src=", "href=", "url(", "@import", "http:", "https:"})
    BOOST_TEST(!holds(text, elsewhere), elsewhere);
}

BOOST_AUTO_TEST_CASE(csv_has_base_units) {
  BOOST_TEST(render_csv(report_rows(small_report())) ==
             "from,to,metric,unit,count,mean,p50,stddev,min,max\n"
             "berlin,athens,connect,s,9,0.0412,0.04,0.001,0.0398,0.05\n");
}

BOOST_AUTO_TEST_CASE(curves_of_a_large_mesh_are_left_out_and_it_says_so) {
  Json report = small_report();
  const Json direction = report["directions"][0];
  while (report["directions"].size() <= report::curves_at_most) report["directions"].push_back(direction);
  BOOST_TEST(!holds(report_html(report), "<svg"));
  BOOST_TEST(holds(report_html(report), "left out for more than 200 directions"));
  BOOST_TEST(holds(report_markdown(report), "left out for more than 200 directions"));
}

BOOST_AUTO_TEST_CASE(whatever_is_missing_or_of_another_type_fails_nothing) {
  const Json whole = small_report();
  for (const auto& [key, value] : whole.items())
    for (const char* instead :
         {"null", "[]", "{}", "3", "\"x\"", "[null]", "[{\"metrics\":{\"connect\":[1]}}]", "-1e300"}) {
      Json broken = whole;
      broken[key] = Json::parse(instead);
      BOOST_CHECK(!report_markdown(broken).empty());
      BOOST_CHECK(!report_html(broken).empty());
      report_rows(broken);
    }
  for (const char* list : {"series", "hours"})
    for (const char* instead :
         {"null", "[]", "{\"p50\":3}", "{\"p50\":[null]}", "{\"p50\":[1e308,-1e308],\"p5\":[1],\"p95\":[2,\"x\"]}"}) {
      Json broken = whole;
      broken["directions"][0]["metrics"]["connect"][list] = Json::parse(instead);
      BOOST_CHECK(!report_markdown(broken).empty());
      BOOST_CHECK(!report_html(broken).empty());
    }
}

BOOST_AUTO_TEST_SUITE_END()
