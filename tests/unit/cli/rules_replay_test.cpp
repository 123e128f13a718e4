// The history under other rules.
#include "coordinator/cli/rules_replay.h"

#include <fmt/format.h>

#include <boost/test/unit_test.hpp>

#include "coordinator/config.h"

using namespace sonde;
using namespace sonde::cli;
using namespace std::chrono_literals;

namespace {

constexpr std::int64_t noon = 1'795'176'000;

std::string line(std::string_view from, std::string_view to, std::int64_t second, double loss, double rtt = 0.04,
                 double rise = 0.0002) {
  return fmt::format(
      R"({{"id":"{0}-1-1","seq":1,"probe":"latency","from":"{0}","to":"{1}","finished_at":"{2}","started_at":"{2}","scheduled_at":"{2}",)"
      R"("outcome":"ok","rtt":{3},"delay_rise":{4},"loss":{5},"counts":{{"rtt":50,"delay_rise":50,"loss":50}}}})",
      from, to, format_rfc3339(shared_from_ns(second * 1'000'000'000)), rtt, rise, loss);
}

CoordinatorConfig config_with(const std::string& alerts) {
  auto parsed = parse_coordinator_config(
      "mesh: europe\nsites: [{name: berlin, address: 192.0.2.1}, {name: athens, address: 192.0.2.2}, "
      "{name: gdansk, address: 192.0.2.3}]\n" +
          alerts,
      "c.yaml", ConfigUse::plan);
  BOOST_REQUIRE_MESSAGE(parsed.value.has_value(), config::to_text(parsed.diagnostics));
  return *std::move(parsed.value);
}

/// Twenty minutes in which athens -> berlin loses `loss` for five of them.
std::vector<Incident> replay(const std::string& alerts, double loss, double rise = 0.0002) {
  const CoordinatorConfig config = config_with(alerts);
  RulesReplay replay(config.mesh, config.alerts, shared_from_ns(noon * 1'000'000'000));
  for (std::int64_t t = -3600; t < 1200; t += 10)
    for (const auto& [from, to] : {std::pair("berlin", "athens"),
                                   {"athens", "berlin"},
                                   {"berlin", "gdansk"},
                                   {"gdansk", "berlin"},
                                   {"athens", "gdansk"},
                                   {"gdansk", "athens"}}) {
      const bool bad = t >= 300 && t < 600 && from == std::string_view("athens") && to == std::string_view("berlin");
      const auto result =
          result_in(line(from, to, noon + t, bad ? loss : 0, bad ? 0.04 + rise : 0.04, bad ? rise : 0.0002));
      BOOST_REQUIRE(result.has_value());
      replay.on_result(*result);
    }
  replay.finish(shared_from_ns((noon + 1200) * 1'000'000'000));
  BOOST_TEST(replay.results() == 120U * 6);
  return replay.incidents();
}

}  // namespace

BOOST_AUTO_TEST_SUITE(rules_replay)

BOOST_AUTO_TEST_CASE(a_changed_rule_raises_what_the_other_did_not) {
  BOOST_TEST(replay("", 0.04).empty());
  const auto raised = replay("alerts: {loss: {raise: 3%}}\n", 0.04);
  BOOST_TEST_REQUIRE(raised.size() == 1U);
  BOOST_TEST((raised[0].cause.kind == CauseKind::link));
  BOOST_TEST(raised[0].cause.link.from.str() == "athens");
  BOOST_TEST(format_rfc3339(raised[0].started_at) == "2026-11-20T12:05:00.000000Z");
  BOOST_TEST(!raised[0].open());
  BOOST_TEST(replay("", 0.2).size() == 1U);
  BOOST_TEST(replay("alerts: off\n", 0.2).empty());
}

BOOST_AUTO_TEST_CASE(what_is_usual_is_learnt_from_before_the_beginning) {
  BOOST_TEST(replay("", 0, 0.03).size() == 1U);
  BOOST_TEST(replay("alerts: {latency: {raise: 50ms}}\n", 0, 0.03).empty());
}

BOOST_AUTO_TEST_CASE(lines_that_are_no_results_are_left_out) {
  for (const char* wrong :
       {"", "{}", "[]", "x", R"({"from":"a"})", R"({"from":"a","to":"b","probe":"latency","outcome":"ok"})",
        R"({"from":"a","to":"b","probe":"other","outcome":"ok","finished_at":"2026-01-01T00:00:00Z"})"})
    BOOST_TEST(!result_in(wrong).has_value(), wrong);
  const auto odd = result_in(
      R"({"from":"a","to":"b","probe":"connect","outcome":"timeout","finished_at":"2026-01-01T00:00:00Z","rtt":"x","loss":-7,"counts":{"loss":-1},"tags":["starved",7],"details":{"a":"b","c":1}})");
  BOOST_TEST_REQUIRE(odd.has_value());
  BOOST_TEST(odd->has(Tag::starved));
  BOOST_TEST(odd->ratios.empty());
  BOOST_TEST(odd->details.size() == 1U);
}

BOOST_AUTO_TEST_SUITE_END()
