// `alerts:` becomes rules, and its mistakes are told with their place.
#include <boost/test/unit_test.hpp>

#include "coordinator/config.h"

using namespace sonde;
using namespace std::chrono_literals;

namespace {

const std::string head =
    "mesh: europe\nkeys: {secret: s, agents: a/}\n"
    "sites: [{name: a, address: 192.0.2.1, groups: [de]}, {name: b, address: 192.0.2.2}]\n";

AlertPolicy alerts(const std::string& text) {
  auto parsed = parse_coordinator_config(head + text, "c.yaml");
  BOOST_REQUIRE_MESSAGE(parsed.value.has_value(), config::to_text(parsed.diagnostics));
  return parsed.value->alerts;
}

std::string mistakes(const std::string& text) {
  return config::to_text(parse_coordinator_config(head + text, "c.yaml").diagnostics);
}

const AlertRule& rule(const AlertPolicy& policy, Signal signal) {
  return policy.rules.at(static_cast<std::size_t>(signal));
}

}  // namespace

BOOST_AUTO_TEST_SUITE(alerts_config)

BOOST_AUTO_TEST_CASE(nothing_given_are_the_defaults) {
  const AlertPolicy policy = alerts("");
  BOOST_TEST((policy == AlertPolicy{}));
  BOOST_TEST(rule(policy, Signal::loss).raise == 0.05);
  BOOST_TEST(rule(policy, Signal::loss).clear == 0.02);
  BOOST_TEST(rule(policy, Signal::loss).bad == 2U);
  BOOST_TEST(rule(policy, Signal::loss).of == 3U);
  BOOST_TEST(rule(policy, Signal::loss).good == 5U);
  BOOST_TEST(rule(policy, Signal::loss).samples == 20U);
  BOOST_TEST(alerts("alerts: {}\n").on);
  BOOST_TEST(!alerts("alerts: off\n").on);
}

BOOST_AUTO_TEST_CASE(a_mesh_that_sends_few_probes_is_judged_by_few) {
  BOOST_TEST(rule(alerts("probes: {latency: {rate: 1/s, every: 10s}}\n"), Signal::loss).samples == 5U);
}

BOOST_AUTO_TEST_CASE(levels_windows_and_words_are_read) {
  const AlertPolicy policy = alerts(
      "alerts:\n"
      "  loss: {raise: 10%, bad: 3, of: 5, good: 7, for: 1m, samples: 40, severity: critical, runbook: "
      "\"https://example.net/loss\"}\n"
      "  latency: {raise: 20ms, share: 50%, most: 150ms, samples: 10}\n"
      "  throughput: {raise: 30%, least: 50Mbit/s}\n"
      "  connectivity: off\n");
  const AlertRule& loss = rule(policy, Signal::loss);
  BOOST_TEST(loss.raise == 0.1);
  BOOST_TEST(loss.clear == 0.04, boost::test_tools::tolerance(1e-9));  // its default share of the raise level
  BOOST_TEST(loss.bad == 3U);
  BOOST_TEST(loss.of == 5U);
  BOOST_TEST(loss.good == 7U);
  BOOST_TEST((loss.hold == 1min));
  BOOST_TEST(loss.samples == 40U);
  BOOST_TEST((loss.severity == AlertSeverity::critical));
  BOOST_TEST(loss.runbook == "https://example.net/loss");
  const AlertRule& latency = rule(policy, Signal::latency);
  BOOST_TEST(latency.raise == 0.02);
  BOOST_TEST(latency.clear == 0.01);
  BOOST_TEST(latency.share == 0.5);
  BOOST_TEST(latency.limit.value() == 0.15);
  BOOST_TEST(latency.samples == 10U);
  BOOST_TEST(rule(policy, Signal::throughput).limit.value() == 50e6);
  BOOST_TEST(rule(policy, Signal::throughput).clear == 0.45, boost::test_tools::tolerance(1e-9));
  BOOST_TEST(!rule(policy, Signal::connectivity).on);
  BOOST_TEST(rule(policy, Signal::answer).on);
}

BOOST_AUTO_TEST_CASE(rules_of_the_measuring_and_of_both_ways) {
  const AlertPolicy defaults = alerts("");
  BOOST_TEST(rule(defaults, Signal::silence).on);
  BOOST_TEST(!rule(defaults, Signal::asymmetry).on);
  BOOST_TEST(!rule(defaults, Signal::clock).on);
  const AlertPolicy policy = alerts(
      "alerts:\n"
      "  silence: {bad: 2, of: 4, good: 1, for: 1m, severity: info}\n"
      "  asymmetry: {raise: 40%, clear: 60%}\n"
      "  clock: {severity: critical}\n");
  BOOST_TEST(rule(policy, Signal::silence).bad == 2U);
  BOOST_TEST(rule(policy, Signal::silence).of == 4U);
  BOOST_TEST(rule(policy, Signal::asymmetry).on);
  BOOST_TEST(rule(policy, Signal::asymmetry).raise == 0.4);
  BOOST_TEST(rule(policy, Signal::asymmetry).clear == 0.6);
  BOOST_TEST(rule(policy, Signal::clock).on);
  BOOST_TEST(!alerts("alerts: {silence: off}\n").rules.at(static_cast<std::size_t>(Signal::silence)).on);
  BOOST_TEST(mistakes("alerts: {silence: {raise: 5%}}\n").find("raise: unknown key") != std::string::npos);
  BOOST_TEST(mistakes("alerts: {asymmetry: {raise: 50%, clear: 40%}}\n").find("below the level that raises") !=
             std::string::npos);
}

BOOST_AUTO_TEST_CASE(the_rule_of_budgets) {
  BOOST_TEST(alerts("").budget.on);
  BOOST_TEST(alerts("").budget.raise == 1);
  const AlertRule early = alerts("alerts: {budget: {raise: 80%, for: 10m, severity: info}}\n").budget;
  BOOST_TEST(early.raise == 0.8);
  BOOST_TEST(early.clear == 0.76, boost::test_tools::tolerance(1e-9));
  BOOST_TEST((early.hold == 10min));
  BOOST_TEST((early.severity == AlertSeverity::info));
  BOOST_TEST(!alerts("alerts: {budget: off}\n").budget.on);
  BOOST_TEST(mistakes("alerts: {budget: {raise: 80%, clear: 90%}}\n") ==
             "c.yaml:4:38: alerts.budget.clear: above the level that raises; give at most the raise level\n");
  BOOST_TEST(mistakes("alerts: {budget: {bad: 3}}\n").find("bad: unknown key") != std::string::npos);
}

BOOST_AUTO_TEST_CASE(single_links_may_differ) {
  const AlertPolicy policy = alerts(
      "alerts:\n"
      "  loss: {severity: info}\n"
      "  links: [{from: a, to: b, loss: {raise: 20%}}, {to: a, latency: off}]\n");
  SiteSpec a;
  a.site = SiteId::known("a");
  SiteSpec b;
  b.site = SiteId::known("b");
  BOOST_TEST(policy.rule(Signal::loss, a, b).raise == 0.2);
  BOOST_TEST((policy.rule(Signal::loss, a, b).severity == AlertSeverity::info));
  BOOST_TEST(policy.rule(Signal::loss, b, a).raise == 0.05);
  BOOST_TEST(!policy.rule(Signal::latency, b, a).on);
  BOOST_TEST(policy.rule(Signal::latency, a, b).on);
}

BOOST_AUTO_TEST_CASE(mistakes_have_a_place_and_a_remedy) {
  BOOST_TEST(mistakes("alerts: {lost: {raise: 5%}}\n") ==
             "c.yaml:4:10: alerts.lost: unknown key; did you mean 'loss'?\n");
  BOOST_TEST(mistakes("alerts: {loss: {raise: 5%, clear: 7%}}\n") ==
             "c.yaml:4:35: alerts.loss.clear: above the level that raises; give at most the raise level\n");
  BOOST_TEST(mistakes("alerts: {throughput: {raise: 50%, clear: 40%}}\n") ==
             "c.yaml:4:42: alerts.throughput.clear: below the level that raises; give at least the raise level\n");
  BOOST_TEST(mistakes("alerts: {loss: {bad: 4, of: 3}}\n") ==
             "c.yaml:4:29: alerts.loss.of: 4 bad of the last 3 results cannot be; give at least 4\n");
  BOOST_TEST(mistakes("alerts: {loss: {severity: loud}}\n") ==
             "c.yaml:4:27: alerts.loss.severity: 'loud' is no severity; write info, warning or critical\n");
  BOOST_TEST(mistakes("alerts: {latency: {raise: 5}}\n") ==
             "c.yaml:4:27: alerts.latency.raise: '5' has no unit; write it like 500ms, 10s, 15m, 6h or 7d\n");
  BOOST_TEST(mistakes("alerts: {links: [{from: a}, {from: x, loss: off}, {loss: off}]}\n") ==
             "c.yaml:4:18: alerts.links[0]: the exception says nothing; give answer, connectivity, loss, latency, "
             "throughput, silence, asymmetry or clock\n"
             "c.yaml:4:36: alerts.links[1].from: the mesh has no site 'x'; name one of sites\n"
             "c.yaml:4:51: alerts.links[2]: no link is named; give from, to, between or group\n");
  BOOST_TEST(mistakes("alerts: 5\n") ==
             "c.yaml:4:9: alerts: not a mapping; write {key: value}, or one 'key: value' in each line\n");
}

BOOST_AUTO_TEST_SUITE_END()
