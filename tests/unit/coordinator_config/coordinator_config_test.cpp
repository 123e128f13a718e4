#include <boost/test/unit_test.hpp>

#include <fstream>
#include <sstream>

#include "coordinator/config.h"
#include "tests/source_file.h"

using namespace sonde;
using namespace std::chrono_literals;

namespace {

const std::string head = "mesh: europe\nkeys: {secret: s, agents: a/}\n";
const std::string sites = "sites: [{name: berlin, address: 192.0.2.1}, {name: athens, address: 192.0.2.2}]\n";

std::string mistakes(const std::string& text) {
  const auto parsed = parse_coordinator_config(text, "c.yaml");
  BOOST_TEST(parsed.value.has_value() == parsed.diagnostics.empty());
  return config::to_text(parsed.diagnostics);
}

CoordinatorConfig good(const std::string& text, const char* file = "/etc/sonde/coordinator.yaml") {
  const auto parsed = parse_coordinator_config(text, file);
  BOOST_TEST(config::to_text(parsed.diagnostics) == "");
  BOOST_REQUIRE(parsed.value.has_value());
  return *parsed.value;
}

/// Diagnostics about one more item behind `key` on line 3.
std::string with_site(const std::string& site) { return mistakes(head + "sites: [" + site + "]\n"); }
std::string with_probes(const std::string& probes) { return mistakes(head + sites + "probes: {" + probes + "}\n"); }

}  // namespace

BOOST_AUTO_TEST_SUITE(coordinator_config)

BOOST_AUTO_TEST_CASE(what_is_left_out_has_defaults) {
  const CoordinatorConfig config = good(head + sites);
  BOOST_TEST(config.mesh.name == "europe");
  BOOST_TEST(config.control == "tcp://0.0.0.0:7100");
  BOOST_TEST(config.http.str() == "127.0.0.1:8080");
  BOOST_TEST(config.tokens.empty());
  BOOST_TEST(config.secret_key == "/etc/sonde/s");
  BOOST_TEST(config.agent_keys == "/etc/sonde/a/");
  BOOST_TEST(config.store == "/var/lib/sonde-coordinator/results.db");
  BOOST_TEST((config.retention.hour == 24h * 365 * 5));
  BOOST_TEST((config.mesh.policy == Policy{}));
  BOOST_REQUIRE(config.mesh.sites.size() == 2U);
  BOOST_TEST(config.mesh.sites[0].port == 7101);
  BOOST_TEST(config.mesh.sites[0].inbound);
  BOOST_TEST(config.mesh.sites[0].has_agent);
}

BOOST_AUTO_TEST_CASE(everything_can_be_given) {
  const CoordinatorConfig config = good(R"(mesh: europe
control: tcp://127.0.0.1:7200
http: "[::1]:9090"
tokens: [{name: ops, file: keys/ops.token}]
keys: {secret: /keys/c.secret, agents: keys/agents/}
store: sqlite://results.db
retention: {raw: 1d, minute: 2d, hour: 1y}
sites:
  - {name: berlin, address: [192.0.2.10, "2001:db8::10"], port: 7201, location: [52.52, -13.40], uplink: dfn, groups: [de, eu]}
  - {name: athens, address: probe.example.net, inbound: false}
  - {name: edge-router, reflector: {address: 192.0.2.99}, connect: {port: 443}}
  - {name: core-router, reflector: {address: 192.0.2.98, port: 1862}, connect: {address: 192.0.2.97, port: 22}}
probes:
  latency: {rate: 20/s, every: 5s, timeout: 1s}
  connect: off
  throughput: {every: 10m, duration: 2s, max_duration: 9s, max_bytes: 64MiB, streams: 4}
autonomy: 2d
alerts: {loss: {raise: 10%}, links: [{group: de, latency: off}]}
notify:
  alertmanager: [{url: "http://127.0.0.1:9093"}]
  webhook: [{url: "https://example.net/hook", secret_file: keys/hook}]
  smtp: [{server: mail.example.net, to: [ops@example.net]}]
  command: [/usr/local/bin/page-me]
)");
  const Mesh& mesh = config.mesh;
  BOOST_TEST(config.control == "tcp://127.0.0.1:7200");
  BOOST_TEST(config.http.str() == "[::1]:9090");
  BOOST_REQUIRE(config.tokens.size() == 1U);
  BOOST_TEST(config.tokens[0].file == "/etc/sonde/keys/ops.token");
  BOOST_TEST(config.secret_key == "/keys/c.secret");
  BOOST_TEST(config.store == "/etc/sonde/results.db");
  BOOST_TEST((config.retention.raw == 24h));
  BOOST_REQUIRE(mesh.sites.size() == 4U);
  BOOST_TEST((mesh.sites[0].addresses == std::vector<std::string>{"192.0.2.10", "2001:db8::10"}));
  BOOST_TEST(mesh.sites[0].port == 7201);
  BOOST_TEST((mesh.sites[0].location == Location{52.52, -13.40}));
  BOOST_TEST((mesh.sites[0].uplink == "dfn"));
  BOOST_TEST((mesh.sites[0].groups == std::vector<std::string>{"de", "eu"}));
  BOOST_TEST(!mesh.sites[1].inbound);
  BOOST_TEST(!mesh.sites[2].has_agent);
  BOOST_TEST(mesh.sites[2].port == 862);
  BOOST_TEST((mesh.sites[2].connect == ConnectTarget{"192.0.2.99", 443}));
  BOOST_TEST(mesh.sites[3].port == 1862);
  BOOST_TEST((mesh.sites[3].connect == ConnectTarget{"192.0.2.97", 22}));
  BOOST_TEST((mesh.policy.latency == LatencyPolicy{{20}, 5s, 1s}));
  BOOST_TEST(!mesh.policy.connect.has_value());
  BOOST_TEST((mesh.policy.throughput == ThroughputPolicy{10min, 2s, 9s, {67'108'864}, 4, false, {}}));
  BOOST_TEST((mesh.policy.autonomy == 48h));
  BOOST_REQUIRE(config.notify.receivers.size() == 4U);
  BOOST_TEST(config.notify.receivers[0].title() == "alertmanager http://127.0.0.1:9093");
  BOOST_TEST((config.notify.receivers[1].secret_file == "/etc/sonde/keys/hook"));
  BOOST_TEST(config.notify.receivers[2].title() == "smtp smtp://mail.example.net ops@example.net");
  BOOST_TEST((config.notify.receivers[3].argv == std::vector<std::string>{"/usr/local/bin/page-me"}));
}

BOOST_AUTO_TEST_CASE(a_plan_needs_no_keys) {
  BOOST_TEST(mistakes("mesh: europe\n" + sites) == "c.yaml:1:1: keys: missing; give {secret: FILE, agents: FOLDER}\n");
  BOOST_TEST(parse_coordinator_config("mesh: europe\n" + sites, "c.yaml", ConfigUse::plan).value.has_value());
}

BOOST_AUTO_TEST_CASE(all_mistakes_are_told_at_once_in_order) {
  BOOST_TEST(
      mistakes("mesh: europe\n"
               "htpp: 127.0.0.1:8080\n"
               "keys: {secret: s, agents: a/}\n"
               "sites:\n"
               "  - {name: berlin, adress: 192.0.2.1}\n"
               "  - {name: athens, address: 192.0.2.2, port: many}\n"
               "  - {name: berlin, address: 192.0.2.3}\n"
               "probes:\n"
               "  latency: {rate: 5, every: 10s}\n"
               "  latency: off\n") ==
      "c.yaml:2:1: htpp: unknown key; did you mean 'http'?\n"
      "c.yaml:5:5: sites[0]: neither address nor reflector is given; give one of them\n"
      "c.yaml:5:20: sites[0].adress: unknown key; did you mean 'address'?\n"
      "c.yaml:6:46: sites[1].port: 'many' is not a whole number; give a whole number from 1 to 65534\n"
      "c.yaml:7:12: sites[2].name: the site 'berlin' is given twice, first at line 5; give each site its own name\n"
      "c.yaml:9:19: probes.latency.rate: '5' has no unit; write it like 5/s\n"
      "c.yaml:10:3: probes.latency: given twice, first at line 9 column 3; keep one of them\n");
}

BOOST_AUTO_TEST_CASE(sites_are_checked) {
  BOOST_TEST(mistakes(head + "sites: []\n") == "c.yaml:3:8: sites: the list is empty; give at least one site\n");
  BOOST_TEST(mistakes(head) == "c.yaml:1:1: sites: missing; list the sites, each with name and address or reflector\n");
  BOOST_TEST(with_site("{address: 192.0.2.1}") == "c.yaml:3:9: sites[0].name: missing; give the site a name\n");
  BOOST_TEST(with_site("berlin") ==
             "c.yaml:3:9: sites[0]: not a mapping; write {key: value}, or one 'key: value' in each line\n");
  BOOST_TEST(with_site("{name: a, address: []}") ==
             "c.yaml:3:28: sites[0].address: the list is empty; give at least one address\n");
  BOOST_TEST(
      with_site("{name: a, address: [192.0.2.1, 192.0.2.256]}") ==
      "c.yaml:3:40: sites[0].address[1]: '192.0.2.256' is neither an address nor a DNS name; write it like 192.0.2.10, "
      "2001:db8::10 or probe.example.net\n");
  BOOST_TEST(
      with_site("{name: a, address: a, location: [52.52]}") ==
      "c.yaml:3:41: sites[0].location: not a pair of numbers; write [LATITUDE, LONGITUDE] in degrees, such as [52.52, "
      "13.40]\n");
  BOOST_TEST(with_site("{name: a, address: a, location: [91, -181]}") ==
             "c.yaml:3:42: sites[0].location[0]: 91 is out of range; give a number from -90 to 90\n"
             "c.yaml:3:46: sites[0].location[1]: -181 is out of range; give a number from -180 to 180\n");
  BOOST_TEST(
      with_site("{name: a, address: a, reflector: {address: b}}") ==
      "c.yaml:3:42: sites[0].reflector: given beside address; give address for a site with an agent, reflector for one "
      "without\n");
  BOOST_TEST(
      with_site("{name: a, address: a, connect: {port: 80}}") ==
      "c.yaml:3:40: sites[0].connect: only a site with a reflector has this; an agent takes connections at its address "
      "and port; leave it out\n");
  BOOST_TEST(with_site("{name: a, reflector: {}, port: 862, inbound: false}") ==
             "c.yaml:3:30: sites[0].reflector.address: missing; give the address of the STAMP reflector\n"
             "c.yaml:3:40: sites[0].port: only a site with an agent has this; give the port inside reflector\n"
             "c.yaml:3:54: sites[0].inbound: a reflector that nobody can reach measures nothing; leave it out\n");
  BOOST_TEST(with_site("{name: a, reflector: {address: b}, connect: {}}") ==
             "c.yaml:3:53: sites[0].connect.port: missing; give the TCP port that takes connections\n");
}

BOOST_AUTO_TEST_CASE(parts_of_probes_may_be_given) {
  const Policy policy =
      good(head + sites + "probes: {latency: {every: 1s}, connect: {every: 5s}, throughput: off}\n").mesh.policy;
  BOOST_TEST((policy.latency == LatencyPolicy{{5}, 1s, 1s}));
  BOOST_TEST((policy.connect == ConnectPolicy{5s, 5s}));
  BOOST_TEST(!policy.throughput.has_value());
  const Policy marked = good(head + sites + "probes: {latency: {dscp: EF, authenticated: true}}\n").mesh.policy;
  BOOST_TEST(marked.latency->dscp == 46);
  BOOST_TEST(marked.latency->authenticated);
  const Policy longer = good(head + sites + "probes: {throughput: {duration: 90s}}\n").mesh.policy;
  BOOST_TEST((longer.throughput->max_duration == 90s));
  BOOST_TEST(!longer.throughput->every.has_value());
}

BOOST_AUTO_TEST_CASE(probes_are_checked_across_fields) {
  BOOST_TEST(with_probes("connect: {every: 5s, timeout: 10s}") ==
             "c.yaml:4:40: probes.connect.timeout: 10s is too long for results every 5s; give at most 5s, or a longer "
             "every\n");
  BOOST_TEST(with_probes("latency: {every: 1s, timeout: 11s}") ==
             "c.yaml:4:40: probes.latency.timeout: 11s is too long for results every 1s; give at most 10s, or a longer "
             "every\n");
  BOOST_TEST(with_probes("latency: {rate: 1/s, every: 500ms}") ==
             "c.yaml:4:19: probes.latency: rate 1/s and every 500ms make 0.5 probes for a result; choose rate and "
             "every so that "
             "it is 1 to 1000000\n");
  BOOST_TEST(with_probes("latency: {rate: 20000/s}") ==
             "c.yaml:4:26: probes.latency.rate: '20000/s' is out of range; give 0.01/s to 10000/s\n");
  BOOST_TEST(with_probes("throughput: {duration: 10s, max_duration: 5s}") ==
             "c.yaml:4:52: probes.throughput.max_duration: 5s is shorter than duration, 10s; give at least 10s\n");
  BOOST_TEST(with_probes("throughput: {iterations: 101}") ==
             "c.yaml:4:35: probes.throughput.iterations: 101 is out of range; give a whole number from 1 to 100\n");
  BOOST_TEST(with_probes("throughput: {iterations: 5, duration: 300ms}") ==
             "c.yaml:4:35: probes.throughput.iterations: a duration of 300ms is too short to be repeated; give a "
             "duration of at least 500ms\n");
  BOOST_TEST(with_probes("throughput: {iterations: 7, duration: 10m}") ==
             "c.yaml:4:35: probes.throughput.iterations: 7 runs of 10m take 70m, and a slot holds at most 1h; give at "
             "most 6, or a shorter duration\n");
  BOOST_TEST(with_probes("throughput: {iterations: 9, streams: 32}") ==
             "c.yaml:4:35: probes.throughput.iterations: 9 iterations of 32 streams make 288 figures of each kind in a "
             "result, which holds at most 256; give at most 8, or fewer streams\n");
  BOOST_TEST(with_probes("throughput: {streams: 65}") ==
             "c.yaml:4:32: probes.throughput.streams: 65 is out of range; give a whole number from 1 to 64\n");
  BOOST_TEST(with_probes("latency: on") ==
             "c.yaml:4:19: probes.latency: not a mapping; write {key: value}, or one 'key: value' in each line\n");
  BOOST_TEST(with_probes("ping: off") ==
             "c.yaml:4:10: probes.ping: unknown key; known here: latency, connect, throughput\n");
}

BOOST_AUTO_TEST_CASE(an_interval_that_the_cycle_does_not_fit_is_refused) {
  BOOST_TEST(
      with_probes("throughput: {every: 10s}") ==
      "c.yaml:4:30: probes.throughput.every: 10s does not hold the cycle of 2 rounds, which takes 10400ms (104 % of "
      "it); give at least 11s or auto, or a duration of at most 4800ms\n");
  BOOST_TEST(with_probes("throughput: {every: 11s}") == "");
  // A slot holds all iterations of a run.
  BOOST_TEST(
      with_probes("throughput: {every: 11s, iterations: 2}") ==
      "c.yaml:4:30: probes.throughput.every: 11s does not hold the cycle of 2 rounds, which takes 20400ms (185 % of "
      "it); give at least 21s or auto, or a duration of at most 2600ms\n");
  BOOST_TEST(with_probes("throughput: {every: 21s, iterations: 2}") == "");
  BOOST_TEST(with_probes("throughput: {congestion: 'Cubic!'}") ==
             "c.yaml:4:35: probes.throughput.congestion: 'Cubic!' is no name of a congestion control; write it as the "
             "kernel does: cubic, bbr, reno\n");
}

BOOST_AUTO_TEST_CASE(the_timetable_can_be_shaped) {
  const CoordinatorConfig config = good(head + R"(sites:
  - {name: berlin, address: 192.0.2.1, uplink: dfn, groups: [de], bytes_per_month: 500GB}
  - {name: athens, address: 192.0.2.2, quiet_hours: ["22:00-06:00", "12:00-12:30"]}
links:
  - {from: athens, to: berlin, throughput: off}
  - {between: [athens, berlin], throughput: {every: 2h}}
uplinks: [{name: dfn, share: 10%}]
probes: {throughput: {full_duplex: true, congestion: cubic}}
)");
  const Mesh& mesh = config.mesh;
  BOOST_TEST(mesh.policy.throughput->full_duplex);
  BOOST_TEST(mesh.policy.throughput->congestion == "cubic");
  BOOST_TEST(mesh.sites[0].bytes_per_month->count == 500'000'000'000U);
  BOOST_REQUIRE(mesh.sites[1].quiet_hours.size() == 2U);
  BOOST_TEST((mesh.sites[1].quiet_hours[0] == DailyHours{22h, 8h}));
  BOOST_REQUIRE(mesh.links.size() == 2U);
  BOOST_TEST(!mesh.links[0].throughput);
  BOOST_TEST((mesh.links[1].every == 2h));
  BOOST_TEST(mesh.links[1].from.size() == 2U);
  BOOST_REQUIRE(mesh.uplinks.size() == 1U);
  BOOST_TEST(mesh.uplinks[0].share == 0.1);
}

BOOST_AUTO_TEST_CASE(a_shape_with_mistakes_is_refused) {
  const auto with = [](const std::string& more) { return mistakes(head + sites + more + "\n"); };
  BOOST_TEST(with("links: [{from: rome, throughput: off}]") ==
             "c.yaml:4:16: links[0].from: the mesh has no site 'rome'; name one of sites\n");
  BOOST_TEST(with("links: [{from: berlin}]") ==
             "c.yaml:4:9: links[0]: the rule says nothing; give probes: off, throughput: off or throughput: {every: "
             "15m}\n");
  BOOST_TEST(with("links: [{throughput: off}]") ==
             "c.yaml:4:9: links[0]: no link is named; give from, to, between or group\n");
  BOOST_TEST(with("links: [{group: de, throughput: off}]") ==
             "c.yaml:4:17: links[0].group: no site is in the group 'de'; name one of the sites' groups\n");
  BOOST_TEST(with("uplinks: [{name: dfn, share: 0}]") ==
             "c.yaml:4:18: uplinks[0].name: no site names the uplink 'dfn'; name one of the sites' uplinks\n"
             "c.yaml:4:30: uplinks[0].share: 0 is out of range; give more than 0 and at most 100%, such as 10%\n");
  BOOST_TEST(with_site("{name: a, address: 192.0.2.1, quiet_hours: [\"10-12\"]}") ==
             "c.yaml:3:53: sites[0].quiet_hours[0]: '10-12' is no part of a day; write it like \"22:00-06:00\", in "
             "UTC\n");
}

BOOST_AUTO_TEST_CASE(what_asks_for_more_than_there_is_is_refused_where_it_is_written) {
  BOOST_TEST(mistakes(head + sites + "links: [{from: berlin, to: athens, throughput: {every: 5s}}]\n") ==
             "c.yaml:4:56: links[0].throughput.every: berlin would be in throughput runs 104 % of the time; give "
             "intervals 1.05 times as long, or a shorter duration\n");
  BOOST_TEST(with_site("{name: a, address: 192.0.2.1, bytes_per_month: 20MB}, {name: b, address: 192.0.2.2}") ==
             "c.yaml:3:56: sites[0].bytes_per_month: a needs up to 11.7GB a month; give at least 11.7GB, or fewer "
             "latency probes\n");
  BOOST_TEST(mistakes(head + "sites: [{name: a, address: 192.0.2.1, uplink: u}, {name: b, address: 192.0.2.2}]\n" +
                      "uplinks: [{name: u, share: 1%}]\nprobes: {throughput: {every: 10m}}\n") ==
             "c.yaml:4:28: uplinks[0].share: the runs over u take 1.7 % of the time; give at least 2%, or intervals "
             "1.74 times as long\n");
}

BOOST_AUTO_TEST_CASE(the_rest_is_checked) {
  BOOST_TEST(mistakes(head + sites + "store: postgres://x\n") ==
             "c.yaml:4:8: store: 'postgres://x' is not a store; write it like sqlite:///absolute/results.db or "
             "sqlite://beside-this-file.db\n");
  BOOST_TEST(mistakes(head + sites + "tokens: [{name: ops, file: a}, {name: ops}]\n") ==
             "c.yaml:4:32: tokens[1].file: missing; give the file that holds the token\n"
             "c.yaml:4:39: tokens[1].name: 'ops' is given twice; give each token its own name\n");
  BOOST_TEST(mistakes(head + sites + "control: 0.0.0.0:7100\nhttp: 8080\nautonomy: 1\n") ==
             "c.yaml:4:10: control: '0.0.0.0:7100' is not an endpoint; write it like tcp://0.0.0.0:7100\n"
             "c.yaml:5:7: http: '8080' is not an address with a port; write it like 127.0.0.1:8080 or [::1]:8080\n"
             "c.yaml:6:11: autonomy: '1' has no unit; write it like 500ms, 10s, 15m, 6h or 7d\n");
  BOOST_TEST(
      mistakes(head + sites + "notify: {alertmanager: [{}], webhook: {}, mail: []}\n") ==
      "c.yaml:4:25: notify.alertmanager[0].url: missing; give the Alertmanager's address, such as "
      "http://127.0.0.1:9093\n"
      "c.yaml:4:39: notify.webhook: not a list; write [a, b], or one item in each line with '- ' before it\n"
      "c.yaml:4:43: notify.mail: unknown key; known here: alertmanager, webhook, smtp, command, group_wait, repeat\n");
  BOOST_TEST(mistakes(head + sites +
                      "notify:\n"
                      "  webhook: [{url: \"http://h/\", severity: loud, sites: [mars]}, {url: \"http://h/\"}]\n"
                      "  smtp: [{server: \"a b\", to: [x]}]\n"
                      "  command: []\n") ==
             "c.yaml:5:42: notify.webhook[0].severity: 'loud' is no severity; write info, warning or critical\n"
             "c.yaml:5:56: notify.webhook[0].sites[0]: 'mars' is no site; name one of the mesh's sites\n"
             "c.yaml:5:64: notify.webhook[1]: the same receiver is given twice; leave one of them out\n"
             "c.yaml:6:19: notify.smtp[0].server: 'a b' is no mail server; write it like mail.example.net, "
             "mail.example.net:587 or smtps://mail.example.net\n"
             "c.yaml:6:31: notify.smtp[0].to[0]: 'x' is no mail address; write it like ops@example.net\n"
             "c.yaml:7:12: notify.command: the command is empty; give the program and its arguments, such as "
             "[/usr/local/bin/page-me]\n");
}

BOOST_AUTO_TEST_CASE(the_examples_are_right) {
  for (const char* name : {"coordinator.yaml", "europe/coordinator.yaml", "ecosim/coordinator.yaml"}) {
    const std::string file = test::source_file(std::string("configs/") + name);
    std::ifstream in(file);
    std::stringstream text;
    text << in.rdbuf();
    BOOST_TEST_REQUIRE(in.good(), file);
    BOOST_TEST(config::to_text(parse_coordinator_config(text.str(), file).diagnostics) == "");
  }
}

BOOST_AUTO_TEST_SUITE_END()
