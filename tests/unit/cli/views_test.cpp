#include "coordinator/cli/views.h"

#include <rapidcheck.h>

#include <boost/test/unit_test.hpp>
#include <nlohmann/json.hpp>

#include <string>

#include "coordinator/cli/result_stream.h"

using namespace sonde::cli;

namespace {

Json matrix() {
  return Json::parse(R"({"mesh":"europe","metric":"rtt","stat":"p50","unit":"s","window_s":3600.0,
    "at":"2026-01-02T03:04:05.000000Z","sites":["berlin","athens","router"],"cells":[
    {"from":"berlin","to":"athens","value":0.0412,"count":1790,"age_s":3.2,"state":"ok"},
    {"from":"berlin","to":"router","value":null,"count":0,"age_s":null,"state":"never","few":true},
    {"from":"athens","to":"berlin","value":0.05,"count":5,"age_s":90,"state":"stale","few":true},
    {"from":"athens","to":"router","value":null,"count":0,"age_s":40,"state":"down","few":true}]})");
}

}  // namespace

BOOST_AUTO_TEST_SUITE(views)

BOOST_AUTO_TEST_CASE(the_matrix_says_in_words_what_is_not_fine) {
  BOOST_TEST(render_table(matrix_view(matrix()), {}) ==
             "from \\ to          berlin   athens  router\n"
             "berlin                  .  41.2 ms   never\n"
             "athens     50.0 ms~ stale        .    DOWN\n"
             "\n"
             "rtt p50 over 1 h in s, 2026-01-02 03:04:05 UTC, mesh europe\n"
             "~ fewer than 20 samples; DOWN: the last two runs brought no value; never: no result yet; stale: results "
             "stopped coming.\n");
}

BOOST_AUTO_TEST_CASE(the_matrix_as_csv_has_raw_numbers) {
  BOOST_TEST(render_csv(matrix_rows(matrix())) ==
             "from,to,metric,stat,unit,value,count,age_s,state,error_s\n"
             "berlin,athens,rtt,p50,s,0.0412,1790,3.2,ok,\n"
             "berlin,router,rtt,p50,s,,0,,never,\n"
             "athens,berlin,rtt,p50,s,0.05,5,90,stale,\n"
             "athens,router,rtt,p50,s,,0,40,down,\n");
}

BOOST_AUTO_TEST_CASE(sites_say_when_they_were_heard) {
  const Json sites = Json::parse(R"({"mesh":"europe","at":"2026-01-02T03:04:05Z","agents":1,"heard":1,"sites":[
    {"name":"berlin","state":"ok","last_heard":"2026-01-02T03:04:02Z","version":"0.1.0","results":12,"spooled":0,
     "probe_traffic":{"days":31,"bytes":1234567890,"budget":5000000000},
     "clock_offset_s":0.0001,"addresses":["192.0.2.10","b.example"],"uplink":"dfn","groups":["de"]},
    {"name":"router","state":"no_agent","addresses":["192.0.2.99"],"uplink":null,"groups":[]}]})");
  BOOST_TEST(
      render_table(sites_view(sites), {}) ==
      "site    agent  heard    version  results  spooled             traffic   clock  address               uplink  "
      "groups\n"
      "berlin  ok     3 s ago  0.1.0         12        0  1.23 GB of 5.00 GB  100 us  192.0.2.10 b.example  dfn     "
      "de\n"
      "router  none                                                                   192.0.2.99\n"
      "\n"
      "1 of 1 agents heard, 2026-01-02 03:04:05 UTC, mesh europe\n");
}

BOOST_AUTO_TEST_CASE(the_measurers_figures_of_each_agent) {
  const Json sites = Json::parse(R"({"sites":[{"name":"router"},{"name":"berlin","measurer":{
    "send_lateness_s":{"p50":0.00001,"p99":0.0002,"max":0.004},"slot_lateness_s":{"p50":0,"p99":0.003,"max":0.003},
    "hold_s":{"p50":0.00004,"p99":0.0001,"max":0.001},"socket_drops":2,"lost_stamps":3,"results_starved":4,
    "cpu_pressure":0.25,"real_time":true,"clock":{"error_s":null}}}]})");
  const std::string text = render_table(measurers_view(sites), {});
  BOOST_TEST(text.find("router") == std::string::npos);
  for (const char* figure : {"berlin", "200 us", "4.00 ms", "3.00 ms", "40.0 us", "100 us", "25.0 %", "yes"})
    BOOST_TEST(text.find(figure) != std::string::npos, figure << " is not in\n" << text);
}

BOOST_AUTO_TEST_CASE(a_link_has_both_directions_side_by_side) {
  Json link = Json::parse(R"({"mesh":"europe","at":"2026-01-02T03:04:05Z","window_s":600,"distance_m":1803000,
    "directions":[
     {"from":"berlin","to":"athens","cells":{"rtt":{"stat":"p50","unit":"s","value":0.0412,"count":90,"age_s":3,
       "state":"ok"},"delay":{"stat":"p50","unit":"s","value":0.02,"count":90,"age_s":3,"state":"ok","error_s":0.001}}},
     {"from":"athens","to":"berlin","cells":{"rtt":{"stat":"p50","unit":"s","value":null,"count":0,"age_s":null,
       "state":"never","few":true}}}]})");
  BOOST_TEST(render_table(link_view(link), {}) ==
             "metric  stat   berlin -> athens  samples  age  athens -> berlin  samples  age\n"
             "rtt     p50             41.2 ms       90  3 s             never        0\n"
             "delay   p50   20.0 ms +-1.00 ms       90  3 s\n"
             "\n"
             "over 10 min, 2026-01-02 03:04:05 UTC, mesh europe\n"
             "great circle 1803 km\n"
             "never: no result yet.\n");
  // On a narrow terminal a direction's numbers stay together; what has no result either way takes no line.
  link["directions"][0]["cells"]["loss"] =
      Json::parse(R"({"stat":"mean","unit":"ratio","value":null,"count":0,"state":"never"})");
  link["directions"][1]["cells"]["loss"] = link["directions"][0]["cells"]["loss"];
  BOOST_TEST(render_table(link_view(link), {60, false}) ==
             "metric  stat   berlin -> athens  samples  age\n"
             "rtt     p50             41.2 ms       90  3 s\n"
             "delay   p50   20.0 ms +-1.00 ms       90  3 s\n"
             "\n"
             "metric  athens -> berlin  samples  age\n"
             "rtt                never        0\n"
             "delay\n"
             "\n"
             "over 10 min, 2026-01-02 03:04:05 UTC, mesh europe\n"
             "no result yet: loss\n"
             "great circle 1803 km\n"
             "never: no result yet.\n");
}

BOOST_AUTO_TEST_CASE(a_timetable_and_a_plan) {
  const Json timetable = Json::parse(R"({"mesh":"europe","generation":3,"effective_at":"2026-01-02T03:04:05Z",
    "rounds":2,"cycle_s":12.4,"throughput_every_s":3600,"probes":{"latency":{"rate_per_s":5.0,"every_s":10},
    "connect":null,"throughput":{"every_s":3600}},"slots":[{"round":1,"from":"a","to":"b","start_s":6.2,"length_s":6.2}]})");
  BOOST_TEST(render_table(timetable_view(timetable), {}) ==
             "round  from  to  start  length\n"
             "    1  a     b   6.2 s   6.2 s\n"
             "\n"
             "timetable 3 of mesh europe, in force since 2026-01-02 03:04:05 UTC\n"
             "throughput: 2 rounds in 12.4 s, repeated every 1 h\n"
             "latency: 5.0 probes/s on each link, a result every 10 s\n");
  const Json plan = Json::parse(R"({"sites":2,"rounds":2,"cycle_s":10.4,"lower_bound_s":10,
    "utilisation":{"a":0.0029,"b":0.0029},"bytes_per_day":{"a":6200000000,"b":6200000000},"conflicts":0,
    "every_s":3600,"oldest_cell_s":3605.2,"bytes_per_month":{"a":192200000000,"b":192200000000},
    "uplinks":{"x":{"utilisation":0.0058,"share":0.5,"bytes_per_day":12400000000,"bytes_per_month":384400000000}}})");
  BOOST_TEST(render_table(plan_view(plan), {}) ==
             "site           utilisation  bytes per day, at most  per month\n"
             "a                   0.29 %                 6.20 GB     192 GB\n"
             "b                   0.29 %                 6.20 GB     192 GB\n"
             "uplink x  0.58 % of 50.0 %                 12.4 GB     384 GB\n"
             "\n"
             "2 sites; throughput: 2 rounds in 10.4 s, at least 10 s without any overhead, 4.0 % above it\n"
             "everything repeats every 1 h; the oldest cell gets 1 h old\n"
             "no conflicts\n");
}

BOOST_AUTO_TEST_CASE(an_audit) {
  const Json audit = Json::parse(R"({"probe":"throughput","runs":142,"overlaps":2,"overlaps_within_clock_error":1,
    "missed":3,"busy":1,"skipped":2,"unreported":0,"start_error_s":{"p50":0.0004,"p99":0.0021,"max":0.0102},
    "since":"2026-01-01T03:04:05Z","until":"2026-01-02T03:04:05Z","utilisation":{"a":{"measured":0.01,"planned":0.012}},
    "uplinks":{"x":{"measured":0.02,"planned":0.024}}})");
  BOOST_TEST(render_table(audit_view(audit), {}) ==
             "site      in throughput runs  planned\n"
             "a                     1.00 %   1.20 %\n"
             "uplink x              2.00 %   2.40 %\n"
             "\n"
             "throughput: 142 runs from 2026-01-01 03:04:05 to 2026-01-02 03:04:05 UTC; missed: 3 (busy 1, skipped 2, "
             "unreported 0)\n"
             "start error: p50 400 us, p99 2.10 ms, at most 10.2 ms\n"
             "2 OVERLAPS, 1 of them within the clocks' error\n");
}

BOOST_AUTO_TEST_CASE(the_past_of_a_link_is_a_row_for_each_stretch) {
  const Json series = Json::parse(R"({"from":"berlin","to":"athens","metric":"rtt","unit":"s","window_s":7200.0,
    "at":"2026-01-02T03:04:05.000000Z","step_s":3600.0,"level":"minute","points":[
    {"start":"2026-01-02T01:04:05.000000Z","count":50,"p5":0.04,"p50":0.041,"p95":0.05,"mean":0.042,"min":0.04,"max":0.06},
    {"start":"2026-01-02T02:04:05.000000Z","count":0,"p5":null,"p50":null,"p95":null,"mean":null,"min":null,"max":null}]})");
  BOOST_TEST(render_csv(series_view(series)) ==
             "start,count,p5,p50,p95,mean,min,max\n"
             "2026-01-02T01:04:05.000000Z,50,0.04,0.041,0.05,0.042,0.04,0.06\n"
             "2026-01-02T02:04:05.000000Z,0,,,,,,\n");
  const std::string table = render_table(series_view(series), {});
  BOOST_TEST(table.find("rtt of berlin -> athens, the last 2 h") != std::string::npos, table);
  BOOST_TEST(table.find("made of minutes") != std::string::npos, table);
  const Json profile = Json::parse(R"({"from":"a","to":"b","metric":"loss","unit":"ratio","window_s":604800.0,
    "at":"2026-01-02T03:04:05.000000Z","hours":[{"day":"monday","hour":5,"count":9,"p5":0,"p50":0,"p95":0.1,"mean":0.02,
    "min":0,"max":0.1}]})");
  BOOST_TEST(render_table(profile_view(profile), {}).find("monday  05:00") != std::string::npos);
  const Json histogram = Json::parse(R"({"from":"a","to":"b","metric":"rtt","unit":"s","window_s":3600.0,
    "at":"2026-01-02T03:04:05.000000Z","count":4,"min":0.01,"max":0.02,"buckets":[
    {"low":0.0099,"high":0.0101,"count":3},{"low":0.0198,"high":0.0202,"count":1}]})");
  BOOST_TEST(render_csv(histogram_view(histogram)) ==
             "low,high,count,share\n0.0099,0.0101,3,0.75\n0.0198,0.0202,1,0.25\n");
}

BOOST_AUTO_TEST_CASE(detours_say_how_often_they_held) {
  const Json detours =
      Json::parse(R"({"window_s":86400.0,"at":"2026-01-02T03:04:05.000000Z","detours":[{"from":"berlin",
    "to":"athens","via":"gdansk","direct_s":0.1,"via_s":0.05,"gain_s":0.05,"gain_ratio":0.5,"hours":24,"held_ratio":0.75}]})");
  BOOST_TEST(render_csv(detours_view(detours)) ==
             "from,to,via,direct_s,via_s,gain_s,gain_ratio,held_ratio,hours\n"
             "berlin,athens,gdansk,0.1,0.05,0.05,0.5,0.75,24\n");
  BOOST_TEST(render_table(detours_view(Json::parse(R"({"detours":[]})")), {}).find("no way") != std::string::npos);
}

BOOST_AUTO_TEST_CASE(no_incidents_is_said) {
  BOOST_TEST(render_table(incidents_view(Json::parse(R"({"incidents":[]})")), {}).ends_with("\nno incidents\n"));
}

BOOST_AUTO_TEST_CASE(an_incident_in_a_row_and_in_full) {
  const Json incident = Json::parse(R"({"id":"17","cause":"egress","site":"athens","from":null,"to":null,"uplink":null,
    "metrics":["loss"],"severity":"warning","state":"open","started_at":"2026-01-02T03:04:05.5Z","ended_at":null,
    "confidence":0.98,"summary":"athens egress: 2 of 2 destinations lose packets","runbook":"https://example.net/loss",
    "links":[{"from":"athens","to":"berlin"},{"from":"athens","to":"gdansk"}],
    "alternatives":[{"cause":"link","text":"athens -> berlin","confidence":0.01}],
    "evidence":[{"from":"athens","to":"berlin","metric":"loss","value":0.2,"text":"athens -> berlin: 20.0 % lost"}],
    "timeline":[{"at":"2026-01-02T03:04:05.5Z","text":"the first sign"}]})");
  const std::string list = render_table(incidents_view(Json{{"incidents", Json::array({incident})}}), {});
  BOOST_TEST(list.find("17        open   warning         2026-01-02 03:04:05") != std::string::npos, list);
  BOOST_TEST(list.find("98.0 %  athens egress: 2 of 2 destinations lose packets") != std::string::npos, list);
  BOOST_TEST(render_table(incident_view(incident), {}) ==
             "athens egress: 2 of 2 destinations lose packets\n"
             "open, warning, since 2026-01-02 03:04:05 UTC, 98.0 % sure\n"
             "or  athens -> berlin (1.00 %)\n"
             "  - athens -> berlin: 20.0 % lost\n"
             "  2026-01-02 03:04:05  the first sign\n"
             "explains athens->berlin, athens->gdansk\n"
             "runbook https://example.net/loss\n");
}

BOOST_AUTO_TEST_CASE(who_holds_an_incident_is_said) {
  const Json incident =
      Json::parse(R"({"id":"17","state":"open","severity":"critical","summary":"athens egress","held":true,
    "started_at":"2026-01-02T03:04:05.5Z","acknowledged":{"author":"ann","token":"ops","reason":"on it","at":"2026-01-02T03:05:05Z"},
    "silenced":[{"silence":"9","window":null,"author":"bob","reason":"new router","ends_at":"2026-01-02T05:00:00Z"},
                {"silence":null,"window":"backbone","author":"noc","reason":"updates","ends_at":"2026-01-02T06:00:00Z"}]})");
  const std::string list = render_table(incidents_view(Json{{"incidents", Json::array({incident})}}), {});
  BOOST_TEST(list.find("critical  acknowledged, silenced, maintenance  2026") != std::string::npos, list);
  const std::string full = render_table(incident_view(incident), {});
  for (const char* line : {"\nacknowledged by ann at 2026-01-02 03:05:05 UTC: on it\n",
                           "\nsilence 9 until 2026-01-02 05:00:00 UTC, bob: new router\n",
                           "\nmaintenance window backbone until 2026-01-02 06:00:00 UTC, noc: updates\n"})
    BOOST_TEST(full.find(line) != std::string::npos, full);
  Json worse = incident;
  worse["held"] = false;
  BOOST_TEST(render_table(incident_view(worse), {}).find("on it; it has become worse since") != std::string::npos);
}

BOOST_AUTO_TEST_CASE(silences_and_windows_in_rows) {
  const Json silences = Json::parse(
      R"({"silences":[{"id":"9","state":"active","matchers":{"site":["athens","berlin"],"severity":["info"]},
    "author":"ann","reason":"new router","starts_at":"2026-01-02T03:00:00Z","ends_at":"2026-01-02T05:00:00Z"}],
    "windows":[{"name":"backbone","state":"pending","matchers":{"uplink":["dfn"]},"author":"noc","reason":"updates",
    "starts_at":"2026-01-03T22:00:00Z","ends_at":"2026-01-04T02:00:00Z"}]})");
  BOOST_TEST(
      render_csv(silences_view(silences)) ==
      "id,state,starts_at,ends_at,author,matchers,reason\n"
      "9,active,2026-01-02T03:00:00Z,2026-01-02T05:00:00Z,ann,\"site athens or berlin, severity info\",new router\n"
      "window backbone,pending,2026-01-03T22:00:00Z,2026-01-04T02:00:00Z,noc,uplink dfn,updates\n");
  BOOST_TEST(render_table(silences_view(Json::parse(R"({"silences":[],"windows":[]})")), {})
                 .ends_with("\nnothing is silenced\n"));
  BOOST_TEST(silences_view(silences["silences"][0]).rows.size() == 1U);  // what setting one answers
}

BOOST_AUTO_TEST_CASE(replayed_rules_say_what_there_was) {
  const Json replayed =
      Json::parse(R"({"since":"2026-01-02T03:00:00Z","until":"2026-01-02T05:00:00Z","results":120,"raised_then":2,
    "incidents":[{"id":"17","state":"closed","summary":"athens egress"}]})");
  const std::string text = render_table(rules_view(replayed), {});
  BOOST_TEST(
      text.ends_with("2026-01-02 03:00:00 UTC to 2026-01-02 05:00:00 UTC, 120 results: these rules would have raised 1 "
                     "incident; the coordinator has raised 2\n"),
      text);
}

BOOST_AUTO_TEST_CASE(results_arrive_in_any_pieces) {
  const std::string lines =
      R"({"id":"a-1","seq":1,"probe":"latency","from":"a","to":"b","round":0,"finished_at":"2026-01-02T03:04:05.5Z","outcome":"ok","rtt":0.0412,"loss_rtt":0.0})"
      "\n"
      R"({"id":"a-2","seq":2,"probe":"connect","from":"a","to":"b","round":4,"finished_at":"2026-01-02T03:04:06.5Z","outcome":"refused","reason":"nobody listens"})"
      "\n";
  for (const std::size_t piece : {1U, 7U, 10'000U}) {
    std::string printed;
    ResultStream stream(Format::table, {}, [&](std::string_view text) {
      printed += text;
      return true;
    });
    for (std::size_t i = 0; i < lines.size(); i += piece) BOOST_TEST(stream.add(lines.substr(i, piece)));
    BOOST_TEST(stream.finish());
    BOOST_TEST(printed ==
               "finished (UTC)       probe    from  to  outcome  values\n"
               "2026-01-02 03:04:05  latency  a     b   ok       rtt 41.2 ms, loss_rtt 0 %\n"
               "2026-01-02 03:04:06  connect  a     b   refused  nobody listens\n");
  }
}

BOOST_AUTO_TEST_CASE(results_as_csv_have_one_header) {
  std::string printed;
  ResultStream stream(Format::csv, {}, [&](std::string_view text) {
    printed += text;
    return true;
  });
  for (int i = 0; i < 1200; ++i)
    stream.add(R"({"id":"x","rtt":0.5})"
               "\n");
  BOOST_TEST(stream.finish());
  BOOST_TEST(std::count(printed.begin(), printed.end(), '\n') == 1201);
  BOOST_TEST(printed.starts_with("id,seq,probe,from,to,round,scheduled_at,started_at,finished_at,outcome,reason,rtt,"));
}

BOOST_AUTO_TEST_CASE(a_reader_that_is_gone_and_a_broken_line_stop_the_stream) {
  ResultStream gone(Format::json, {}, [](std::string_view) { return false; });
  BOOST_TEST(!gone.add("{}\n"));
  ResultStream broken(Format::table, {}, [](std::string_view) { return true; });
  BOOST_TEST(!broken.add("<html>\n"));
}

BOOST_AUTO_TEST_CASE(no_answer_of_a_stranger_breaks_a_view) {
  const auto try_all = [](const Json& json) {
    for (const auto view : {matrix_view, matrix_rows, sites_view, measurers_view, timetable_view, link_view, link_rows,
                            incidents_view, incident_view, silences_view, rules_view, plan_view, audit_view,
                            series_view, histogram_view, profile_view, detours_view}) {
      const TextTable table = view(json);
      for (const auto& row : table.rows) BOOST_TEST(row.size() == table.columns.size());
      render_table(table, {40, false});
      render_csv(table);
    }
    result_row(json);
    result_fields(json);
  };
  for (
      const char* text :
      {"null", "[]", "{}", "3", "\"x\"", R"({"cells":3,"sites":{"a":1},"directions":[1,{}]})",
       R"({"cells":[1,{"from":2}],"sites":[null,2,["x"]],"incidents":[3],"slots":[{}]})",
       R"({"directions":[{"cells":[1,2]},{"cells":{"rtt":4}}],"utilisation":[1],"window_s":1e300})",
       R"({"points":[1,{"count":"x"}],"buckets":[{"count":-5},{"count":1e300}],"hours":[[],{"hour":1e300}],"detours":[2]})"})
    try_all(Json::parse(text));
}

BOOST_AUTO_TEST_SUITE_END()
