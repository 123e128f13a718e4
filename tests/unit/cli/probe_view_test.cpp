#include <boost/test/unit_test.hpp>
#include <nlohmann/json.hpp>

#include "coordinator/cli/probe_command.h"
#include "coordinator/cli/views.h"

using namespace sonde::cli;

namespace {

Json run() {
  return Json::parse(R"({"id":"7","state":"done","probe":"latency","from":"berlin","to":"athens","reason":null,
    "wait_s":0.0,"length_s":4.7,"scheduled_at":"2026-01-02T03:04:00.500000Z","progress":{"elapsed_s":0.0,"bytes":0},
    "result":{"id":"berlin-0123456789abcdef-42","outcome":"ok","finished_at":"2026-01-02T03:04:05.000000Z",
     "rtt":0.0412,"jitter":0.0001,"loss":0.02,"counts":{"rtt":49,"loss":50},"tags":["on_demand","unsynced"],
     "details":{"sent":50.0,"error_s":0.012,"demand":7.0},
     "distributions":{"rtt":{"unit":"s","count":49,"min":0.04,"max":0.09,"mean":0.042,"p5":0.0401,"p50":0.0412,
      "p95":0.05,"p99":0.08}}}})");
}

}  // namespace

BOOST_AUTO_TEST_SUITE(probe_command)

BOOST_AUTO_TEST_CASE(the_whole_result_in_units_people_read) {
  BOOST_TEST(render_table(probe_view(run()), {}) ==
             "metric   median  samples       p5      p95      p99      min      max\n"
             "rtt     41.2 ms       49  40.1 ms  50.0 ms  80.0 ms  40.0 ms  90.0 ms\n"
             "jitter   100 us\n"
             "loss     2.00 %       50\n"
             "\n"
             "latency berlin -> athens: ok, finished 2026-01-02 03:04:05 UTC, berlin-0123456789abcdef-42\n"
             "tags: unsynced\n"
             "details: sent 50, error_s 12.0 ms\n");
}

BOOST_AUTO_TEST_CASE(each_iteration_and_each_stream_has_a_line) {
  Json several = run();
  several["probe"] = "throughput";
  several["result"] = Json::parse(R"({"id":"berlin-1-2","outcome":"ok","finished_at":"2026-01-02T03:04:05.000000Z",
    "throughput":30e6,"tags":[],"details":{"bytes":3e6,"iterations":2,"ended_by":2,"knee":1,"limited_by":0,"stream_0_bytes":1e6,"stream_0_packets":700,
      "stream_1_bytes":2e6,"iteration_0_bps":20e6,"iteration_0_bytes":1e6,"iteration_0_packets":690,
      "iteration_0_retransmits":3,"iteration_0_stream_0_bytes":1e6,"iteration_1_bps":40e6,
      "iteration_1_total_bps":35e6}})");
  const std::string text = render_table(probe_view(several), {});
  BOOST_TEST(text.find("run: ended at its byte budget, steady behind the knee (slow start or a burst), limited by the "
                       "path\n"
                       "stream 0: 1.00 MB, 700 packets\n"
                       "stream 1: 2.00 MB\n"
                       "iteration 0: 20.0 Mbit/s, 1.00 MB, 690 packets, 3 sent again\n"
                       "iteration 0, stream 0: 1.00 MB\n"
                       "iteration 1: 40.0 Mbit/s, 35.0 Mbit/s in all\n"
                       "details: bytes 3.00 MB, iterations 2\n") != std::string::npos,
             text);
}

BOOST_AUTO_TEST_CASE(a_run_without_a_result_says_why) {
  Json expired = run();
  expired["state"] = "expired";
  expired["reason"] = "the agent of berlin never confirmed the order";
  expired["result"] = nullptr;
  BOOST_TEST(render_table(probe_view(expired), {}) ==
             "latency berlin -> athens: expired, the agent of berlin never confirmed the order\n");
}

BOOST_AUTO_TEST_CASE(as_csv_each_number_has_a_line) {
  const std::string csv = render_csv(probe_rows(run()));
  BOOST_TEST(csv.starts_with("from,to,probe,outcome,name,stat,value\n"
                             "berlin,athens,latency,ok,rtt,p50,0.0412\n"
                             "berlin,athens,latency,ok,rtt,p5,0.0401\n"),
             csv);
  BOOST_TEST(csv.find("berlin,athens,latency,ok,loss,,0.02\n") != std::string::npos, csv);
  BOOST_TEST(csv.ends_with("berlin,athens,latency,ok,demand,,7.0\n"), csv);
}

BOOST_AUTO_TEST_CASE(progress_is_told_in_a_sentence) {
  Json state = run();
  state["state"] = "queued";
  state["wait_s"] = 12.34;
  BOOST_TEST(progress_text(state) == "latency berlin -> athens: begins in 12.3 s, when both sites are free");
  state["wait_s"] = nullptr;
  BOOST_TEST(progress_text(state) ==
             "latency berlin -> athens: begins at 2026-01-02 03:04:00 UTC, when both sites are free");
  state["state"] = "running";
  BOOST_TEST(progress_text(state) == "latency berlin -> athens: runs");
  state["progress"]["elapsed_s"] = 1.5;
  state["progress"]["bytes"] = 1'500'000;
  BOOST_TEST(progress_text(state) == "latency berlin -> athens: runs for 1.5 s, at most 4.7 s, 1.50 MB");
}

BOOST_AUTO_TEST_CASE(explanations_hang_under_their_mark) {
  const Json explained = Json::parse(R"({"from":"berlin","to":"athens","window_s":3600,"at":"2026-01-02T03:04:05Z",
    "findings":[{"code":"loss","weight":"bad","text":"One two three four five."},
                {"code":"rtt","weight":"info","text":"Six."}]})");
  BOOST_TEST(render_table(explain_view(explained), {20, false}) ==
             "berlin -> athens,\n"
             "   the last 1 h,\n"
             "   2026-01-02\n"
             "   03:04:05 UTC\n"
             "!! One two three\n"
             "   four five.\n"
             "-  Six.\n");
  BOOST_TEST(render_csv(explain_rows(explained)) ==
             "from,to,weight,code,text\n"
             "berlin,athens,bad,loss,One two three four five.\n"
             "berlin,athens,info,rtt,Six.\n");
}

BOOST_AUTO_TEST_SUITE_END()
