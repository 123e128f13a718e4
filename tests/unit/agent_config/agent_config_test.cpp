#include <boost/test/unit_test.hpp>

#include <fstream>
#include <sstream>

#include "agent/config.h"
#include "tests/source_file.h"

using namespace sonde;
using namespace std::chrono_literals;

namespace {

constexpr std::string_view least = R"(site: berlin
coordinator: {endpoint: "tcp://192.0.2.1:7100", key: keys/coordinator.public}
keys: {secret: keys/berlin.secret}
)";

std::string mistakes(const std::string& text) {
  const auto parsed = parse_agent_config(text, "/etc/sonde/agent.yaml");
  BOOST_TEST(parsed.value.has_value() == parsed.diagnostics.empty());
  return config::to_text(parsed.diagnostics);
}

std::string mistakes_after_least(const std::string& text) { return mistakes(std::string(least) + text); }

}  // namespace

BOOST_AUTO_TEST_SUITE(agent_config)

BOOST_AUTO_TEST_CASE(what_is_left_out_has_defaults) {
  const auto parsed = parse_agent_config(least, "/etc/sonde/agent.yaml");
  BOOST_TEST(config::to_text(parsed.diagnostics) == "");
  BOOST_REQUIRE(parsed.value.has_value());
  const AgentConfig& config = *parsed.value;
  BOOST_TEST(config.site.str() == "berlin");
  BOOST_TEST(config.coordinator == "tcp://192.0.2.1:7100");
  BOOST_TEST(config.coordinator_key == "/etc/sonde/keys/coordinator.public");
  BOOST_TEST(config.secret_key == "/etc/sonde/keys/berlin.secret");
  BOOST_TEST(config.listen.str() == "0.0.0.0:7101");
  BOOST_TEST(config.spool == "/var/lib/sonde-agent/spool.db");
  BOOST_TEST(config.spool_max_size.count == 256'000'000U);
  BOOST_TEST(!config.clock_error.has_value());
}

BOOST_AUTO_TEST_CASE(everything_can_be_given) {
  const auto parsed = parse_agent_config(std::string(least) +
                                             "listen: {address: '::', port: 17101}\n"
                                             "spool: {path: spool.db, max_size: 64MiB}\n"
                                             "clock: {error: 1ms}\n",
                                         "agent.yaml");
  BOOST_REQUIRE(parsed.value.has_value());
  BOOST_TEST(parsed.value->listen.str() == "[::]:17101");
  BOOST_TEST(parsed.value->spool == "spool.db");
  BOOST_TEST(parsed.value->spool_max_size.count == 67'108'864U);
  BOOST_TEST((parsed.value->clock_error == 1ms));
}

BOOST_AUTO_TEST_CASE(everything_that_is_needed_is_asked_for_at_once) {
  BOOST_TEST(mistakes("{}") ==
             "/etc/sonde/agent.yaml:1:1: site: missing; give this site's name as the coordinator knows it\n"
             "/etc/sonde/agent.yaml:1:1: coordinator: missing; give {endpoint: tcp://HOST:PORT, key: FILE}\n"
             "/etc/sonde/agent.yaml:1:1: keys: missing; give {secret: FILE}\n");
  BOOST_TEST(mistakes("") ==
             "/etc/sonde/agent.yaml:1:1: not a mapping; write {key: value}, or one 'key: value' in each line\n");
  BOOST_TEST(
      mistakes("site: berlin\ncoordinator: {}\nkeys: {secert: x}\n") ==
      "/etc/sonde/agent.yaml:2:14: coordinator.endpoint: missing; give the coordinator's 'control' endpoint, such as "
      "tcp://192.0.2.1:7100\n"
      "/etc/sonde/agent.yaml:2:14: coordinator.key: missing; give the file with the coordinator's public key\n"
      "/etc/sonde/agent.yaml:3:7: keys.secret: missing; give the file that 'sonde keygen' made for this site\n"
      "/etc/sonde/agent.yaml:3:8: keys.secert: unknown key; did you mean 'secret'?\n");
}

BOOST_AUTO_TEST_CASE(wrong_values_are_refused) {
  BOOST_TEST(mistakes_after_least("listen: {address: localhost, port: 65535}\n") ==
             "/etc/sonde/agent.yaml:4:19: listen.address: 'localhost' is not an IP address; write it like 0.0.0.0, "
             "192.0.2.10 or '::'\n"
             "/etc/sonde/agent.yaml:4:36: listen.port: 65535 is out of range; give a whole number from 1 to 65534\n");
  BOOST_TEST(mistakes_after_least("clock: {error: 2h}\n") ==
             "/etc/sonde/agent.yaml:4:16: clock.error: '2h' is out of range; give 100ns to 1h\n");
  BOOST_TEST(mistakes_after_least("spool: {max_size: 1kB}\n") ==
             "/etc/sonde/agent.yaml:4:19: spool.max_size: '1kB' is out of range; give 1MB to 1TB\n");
}

BOOST_AUTO_TEST_CASE(the_examples_are_right) {
  for (const char* name : {"agent.yaml", "europe/berlin.yaml", "europe/athens.yaml", "europe/gdansk.yaml",
                           "ecosim/berlin.yaml", "ecosim/athens.yaml", "ecosim/gdansk.yaml"}) {
    const std::string file = test::source_file(std::string("configs/") + name);
    std::ifstream in(file);
    std::stringstream text;
    text << in.rdbuf();
    BOOST_TEST_REQUIRE(in.good(), file);
    BOOST_TEST(config::to_text(parse_agent_config(text.str(), file).diagnostics) == "");
  }
}

BOOST_AUTO_TEST_CASE(outsiders_are_allowed_by_address_or_range) {
  const auto parsed =
      parse_agent_config(std::string(least) + "listen: {allow: [192.0.2.99, '2001:db8::/48']}\n", "a.yaml");
  BOOST_TEST(config::to_text(parsed.diagnostics) == "");
  BOOST_REQUIRE(parsed.value.has_value());
  BOOST_REQUIRE(parsed.value->allow.size() == 2);
  BOOST_TEST(parsed.value->allow[0].range.str() == "192.0.2.99/32");
  BOOST_TEST(parsed.value->allow[1].range.str() == "2001:db8::/48");
  BOOST_TEST(
      mistakes_after_least("listen: {allow: [192.0.2.1/24]}\n") ==
      "/etc/sonde/agent.yaml:4:18: listen.allow[0]: '192.0.2.1/24' is no address range: the address has bits behind "
      "the first 24; write it like 192.0.2.99, 192.0.2.0/24 or '2001:db8::/48'\n");
}

BOOST_AUTO_TEST_CASE(outsiders_and_reflectors_may_have_keys) {
  const auto parsed = parse_agent_config(std::string(least) +
                                             "listen: {allow: [{address: 192.0.2.99, key: router.key}, 192.0.2.98]}\n" +
                                             "latency: {keys: [{site: edge, file: keys/edge.key}]}\n",
                                         "/etc/sonde/a.yaml");
  BOOST_REQUIRE(parsed.value.has_value());
  BOOST_REQUIRE(parsed.value->allow.size() == 2);
  BOOST_TEST(parsed.value->allow[0].range.str() == "192.0.2.99/32");
  BOOST_TEST(parsed.value->allow[0].key == "/etc/sonde/router.key");
  BOOST_TEST(parsed.value->allow[1].key.empty());
  BOOST_REQUIRE(parsed.value->latency_keys.size() == 1);
  BOOST_TEST(parsed.value->latency_keys[0].site.str() == "edge");
  BOOST_TEST(parsed.value->latency_keys[0].file == "/etc/sonde/keys/edge.key");
  BOOST_TEST(mistakes_after_least("listen: {allow: [{address: 192.0.2.99}]}\n") ==
             "/etc/sonde/agent.yaml:4:18: listen.allow[0].key: missing; give the file with the key that the outsider "
             "has, or write the address alone\n");
  BOOST_TEST(mistakes_after_least("latency: {keys: [{site: a, file: f}, {site: a, file: g}]}\n") ==
             "/etc/sonde/agent.yaml:4:45: latency.keys[1].site: 'a' is given twice; keep one of them\n");
}

BOOST_AUTO_TEST_CASE(a_class_of_service_has_a_number_or_a_name) {
  const auto dscp = [](const std::string& text) {
    const auto parsed = parse_agent_config(std::string(least) + "latency: {dscp: " + text + "}\n", "a.yaml");
    return parsed.value ? static_cast<int>(parsed.value->latency_dscp.value_or(64)) : -1;
  };
  BOOST_TEST(dscp("0") == 0);
  BOOST_TEST(dscp("63") == 63);
  BOOST_TEST(dscp("EF") == 46);
  BOOST_TEST(dscp("ef") == 46);
  BOOST_TEST(dscp("AF11") == 10);
  BOOST_TEST(dscp("AF43") == 38);
  BOOST_TEST(dscp("CS0") == 0);
  BOOST_TEST(dscp("CS7") == 56);
  BOOST_TEST(dscp("LE") == 1);
  BOOST_TEST(dscp("VA") == 44);
  BOOST_TEST(dscp("DF") == 0);
  for (const char* bad : {"64", "-1", "CS8", "AF44", "AF50", "E", "4.5"}) BOOST_TEST(dscp(bad) == -1);
  BOOST_TEST(mistakes_after_least("latency: {dscp: AF44}\n") ==
             "/etc/sonde/agent.yaml:4:17: latency.dscp: 'AF44' is no class of service; give 0 to 63, or a name such as "
             "EF, AF41 or CS5\n");
}

BOOST_AUTO_TEST_CASE(latency_probes_have_a_class_and_may_be_authenticated) {
  const auto plain = parse_agent_config(least, "a.yaml");
  BOOST_TEST(!plain.value->latency_dscp.has_value());
  BOOST_TEST(!plain.value->latency_authenticated.has_value());
  BOOST_TEST(!plain.value->latency_timestamp_information);
  BOOST_TEST(!plain.value->latency_direct_measurement);
  const auto asking = parse_agent_config(
      std::string(least) + "latency: {timestamp_information: true, direct_measurement: true}\n", "a.yaml");
  BOOST_TEST_REQUIRE(asking.value.has_value());
  BOOST_TEST(asking.value->latency_timestamp_information);
  BOOST_TEST(asking.value->latency_direct_measurement);
  const auto parsed = parse_agent_config(std::string(least) + "latency: {dscp: 46, authenticated: true}\n", "a.yaml");
  BOOST_TEST(config::to_text(parsed.diagnostics) == "");
  BOOST_REQUIRE(parsed.value.has_value());
  BOOST_TEST(*parsed.value->latency_dscp == 46);
  BOOST_TEST(*parsed.value->latency_authenticated);
}

BOOST_AUTO_TEST_SUITE_END()
