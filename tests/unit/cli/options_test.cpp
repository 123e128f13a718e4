#include "coordinator/cli/options.h"

#include <sys/stat.h>

#include <boost/test/unit_test.hpp>
#include <nlohmann/json.hpp>

#include <cstdlib>
#include <filesystem>
#include <fstream>

#include "coordinator/cli/http_client.h"
#include "coordinator/cli/offline.h"

using namespace sonde::cli;

namespace {

std::variant<Options, int> parse(std::vector<const char*> arguments) {
  arguments.insert(arguments.begin(), "sonde");
  return parse_options(static_cast<int>(arguments.size()), arguments.data());
}
Options good(const std::vector<const char*>& arguments) {
  auto parsed = parse(arguments);
  BOOST_REQUIRE(std::holds_alternative<Options>(parsed));
  return std::get<Options>(parsed);
}
int exit_code(const std::vector<const char*>& arguments) {
  auto parsed = parse(arguments);
  BOOST_REQUIRE(std::holds_alternative<int>(parsed));
  return std::get<int>(parsed);
}

struct Folder {
  std::filesystem::path path;
  Folder() {
    std::string name = std::filesystem::temp_directory_path() / "sonde-cli-XXXXXX";
    BOOST_REQUIRE(::mkdtemp(name.data()) != nullptr);
    path = name;
  }
  ~Folder() { std::filesystem::remove_all(path); }
};

}  // namespace

BOOST_AUTO_TEST_SUITE(options)

BOOST_AUTO_TEST_CASE(silences_are_listed_set_and_ended) {
  BOOST_TEST((good({"silence"}).verb == Verb::silences));
  BOOST_TEST((good({"silence", "list", "--state", "active"}).verb == Verb::silences));
  const Options add = good({"silence", "add", "--site", "athens", "--site", "berlin", "--cause", "egress", "--for",
                            "2h", "--reason", "new router", "--format", "json", "--token-file", "t"});
  BOOST_TEST((add.verb == Verb::silence_add));
  BOOST_TEST((add.matchers.at("site") == std::vector<std::string>{"athens", "berlin"}));
  BOOST_TEST((add.matchers.at("cause") == std::vector<std::string>{"egress"}));
  BOOST_TEST(add.matchers.size() == 2U);
  BOOST_TEST(add.said.at("duration") == "2h");
  BOOST_TEST(add.said.at("reason") == "new router");
  BOOST_TEST(add.said.size() == 2U);
  BOOST_TEST((add.format == Format::json));
  const Options end = good({"silence", "end", "17"});
  BOOST_TEST((end.verb == Verb::silence_end));
  BOOST_TEST(end.silence == "17");
  BOOST_TEST(exit_code({"silence", "add", "--site", "a", "--reason", "x"}) == 2);  // without an end
  BOOST_TEST(exit_code({"silence", "add", "--site", "a", "--for", "2h"}) == 2);    // without a reason
  BOOST_TEST(exit_code({"silence", "add", "--for", "2h", "--until", "2027-01-01T00:00:00Z", "--reason", "x"}) == 2);
  BOOST_TEST(exit_code({"silence", "list", "--state", "open"}) == 2);
  const Options acknowledge = good({"acknowledge", "17", "--author", "ann", "--withdraw"});
  BOOST_TEST((acknowledge.verb == Verb::acknowledge));
  BOOST_TEST(acknowledge.incident == "17");
  BOOST_TEST(acknowledge.withdraw);
}

BOOST_AUTO_TEST_CASE(rules_are_tested_since_a_time_or_for_a_while) {
  const Options options =
      good({"rules", "test", "--config", "c.yaml", "--since", "7d", "--until", "2026-01-02T03:04:05Z"});
  BOOST_TEST((options.verb == Verb::rules_test));
  BOOST_TEST(options.config == "c.yaml");
  BOOST_TEST(options.since == "7d");
  BOOST_TEST(exit_code({"rules", "test", "--config", "c.yaml", "--since", "soon"}) == 2);
  BOOST_TEST(exit_code({"rules", "test", "--since", "7d"}) == 2);
  BOOST_TEST(exit_code({"rules"}) == 2);
}

BOOST_AUTO_TEST_CASE(options_stand_before_or_behind_the_verb) {
  ::unsetenv("SONDE_COORDINATOR");
  const Options before = good({"--format", "json", "--coordinator", "host:81/", "matrix", "--metric", "loss"});
  BOOST_TEST((before.format == Format::json));
  BOOST_TEST(before.coordinator == "http://host:81");
  const Options behind = good({"link", "a", "b", "--window", "10m", "--format", "csv"});
  BOOST_TEST((behind.verb == Verb::link));
  BOOST_TEST((behind.format == Format::csv));
  BOOST_TEST(behind.from == "a");
  BOOST_TEST(behind.to == "b");
  BOOST_REQUIRE(behind.query.size() == 1U);
  BOOST_TEST(behind.query[0].first == "window");
  BOOST_TEST(behind.coordinator == "http://127.0.0.1:8080");
}

BOOST_AUTO_TEST_CASE(the_environment_names_the_coordinator) {
  ::setenv("SONDE_COORDINATOR", "https://sonde.example/", 1);
  BOOST_TEST(good({"sites"}).coordinator == "https://sonde.example");
  BOOST_TEST(good({"--coordinator", "http://other", "sites"}).coordinator == "http://other");
  ::unsetenv("SONDE_COORDINATOR");
}

BOOST_AUTO_TEST_CASE(the_token_comes_from_an_option_or_the_environment) {
  ::setenv("SONDE_TOKEN_FILE", "/from/environment", 1);
  const Options asked = good({"probe", "a", "b", "latency"});
  BOOST_TEST((asked.verb == Verb::probe));
  BOOST_TEST(asked.kind == "latency");
  BOOST_TEST(asked.token_file == "/from/environment");
  BOOST_TEST(good({"probe", "a", "b", "connect", "--token-file", "/given"}).token_file == "/given");
  ::unsetenv("SONDE_TOKEN_FILE");
  BOOST_TEST(good({"probe", "a", "b", "throughput"}).token_file == "");
}

BOOST_AUTO_TEST_CASE(exit_codes_of_the_command_line) {
  BOOST_TEST(exit_code({"--help"}) == 0);
  BOOST_TEST(exit_code({"--version"}) == 0);
  BOOST_TEST(exit_code({"matrix", "--help"}) == 0);
  BOOST_TEST(exit_code({}) == 2);
  BOOST_TEST(exit_code({"fly"}) == 2);
  BOOST_TEST(exit_code({"link", "a"}) == 2);
  BOOST_TEST(exit_code({"matrix", "--metric", "ping"}) == 2);
  BOOST_TEST(exit_code({"matrix", "--stat", "p51"}) == 2);
  BOOST_TEST(exit_code({"matrix", "--window", "soon"}) == 2);
  BOOST_TEST(exit_code({"matrix", "--window", "0s"}) == 2);
  BOOST_TEST(exit_code({"results", "--since", "yesterday"}) == 2);
  BOOST_TEST(exit_code({"--format", "xml", "sites"}) == 2);
  BOOST_TEST(exit_code({"plan"}) == 2);
  BOOST_TEST(exit_code({"probe", "a", "b"}) == 2);
  BOOST_TEST(exit_code({"probe", "a", "b", "ping"}) == 2);
  BOOST_TEST(exit_code({"explain", "a"}) == 2);
}

BOOST_AUTO_TEST_CASE(what_goes_into_a_url_is_encoded) {
  BOOST_TEST(url_encoded("2026-01-02T03:04:05+01:00") == "2026-01-02T03%3A04%3A05%2B01%3A00");
  BOOST_TEST(url_encoded("../x y") == "..%2Fx%20y");
}

BOOST_AUTO_TEST_CASE(nobody_there_is_one_clear_line) {
  const auto reply = http_get("http://127.0.0.1:1", "/api/v1/sites");
  BOOST_REQUIRE(!reply);
  BOOST_TEST(reply.error().what.starts_with("ask the coordinator at http://127.0.0.1:1: "));
  BOOST_TEST(reply.error().what.ends_with("; is it running? name another with --coordinator URL or SONDE_COORDINATOR"));
  BOOST_TEST(reply.error().what.find('\n') == std::string::npos);
}

BOOST_AUTO_TEST_CASE(keys_are_made_once_and_only_for_names_of_sites) {
  const Folder folder;
  const auto written = write_keys(folder.path, "berlin");
  BOOST_REQUIRE(written);
  struct stat secret{};
  BOOST_REQUIRE(::stat((folder.path / "berlin.secret").c_str(), &secret) == 0);
  BOOST_TEST((secret.st_mode & 0777U) == 0600U);
  BOOST_TEST(std::filesystem::exists(folder.path / "berlin.public"));
  BOOST_TEST(!write_keys(folder.path, "berlin").has_value());
  BOOST_TEST(!write_keys(folder.path, "../up").has_value());
  BOOST_TEST(!write_keys(folder.path, "").has_value());
}

BOOST_AUTO_TEST_CASE(a_plan_needs_neither_keys_nor_a_store) {
  const Folder folder;
  const auto file = folder.path / "c.yaml";
  std::ofstream(file) << "mesh: t\nsites:\n  - {name: a, address: 192.0.2.1}\n  - {name: b, address: 192.0.2.2}\n"
                         "  - {name: c, address: 192.0.2.3}\n";
  const PlanOutcome outcome = plan_configuration(file);
  BOOST_TEST(outcome.errors == "");
  BOOST_REQUIRE(outcome.json);
  const auto json = nlohmann::json::parse(*outcome.json);
  BOOST_TEST(json.at("sites") == 3);
  BOOST_TEST(json.at("rounds") == 6);
  BOOST_TEST(json.at("conflicts") == 0);
  BOOST_TEST(json.at("cycle_s").get<double>() >= json.at("lower_bound_s").get<double>());
  BOOST_TEST(json.at("utilisation").size() == 3U);
  BOOST_TEST(json.at("bytes_per_day").contains("a"));
}

BOOST_AUTO_TEST_CASE(a_plan_tells_what_another_site_would_cost) {
  const Folder folder;
  const auto file = folder.path / "c.yaml";
  std::ofstream(file) << "mesh: t\nsites:\n  - {name: a, address: 192.0.2.1, uplink: dfn}\n"
                         "  - {name: b, address: 192.0.2.2}\nuplinks:\n  - {name: dfn, share: 50%}\n";
  const PlanOutcome outcome = plan_configuration(file, {.add_sites = {"c", "d:dfn"}, .links = true, .gantt = true});
  BOOST_TEST(outcome.errors == "");
  BOOST_REQUIRE(outcome.json);
  BOOST_REQUIRE(outcome.gantt);
  const auto json = nlohmann::json::parse(*outcome.json);
  BOOST_TEST(json.at("sites") == 4);
  BOOST_TEST(json.at("links").size() == 12U);
  BOOST_TEST(json.at("links")[0].at("to") == "b");
  BOOST_TEST(json.at("uplinks").at("dfn").at("share") == 0.5);
  BOOST_TEST(json.at("uplinks").at("dfn").at("utilisation").get<double>() <= 0.5);
  BOOST_TEST(json.at("bytes_per_month").at("d").get<double>() > 30 * json.at("bytes_per_day").at("d").get<double>());
  BOOST_TEST(json.at("oldest_cell_s").get<double>() > json.at("every_s").get<double>());

  for (const auto& [wish, error] : {std::pair("a", "the configuration has this site already; give another name"),
                                    {"Berlin!", "--add-site Berlin!: "},
                                    {"e:", "no uplink stands behind the colon"},
                                    {"e:geant", "no site of the configuration has the uplink 'geant'"}}) {
    const PlanOutcome refused = plan_configuration(file, {.add_sites = {wish}});
    BOOST_TEST(!refused.json.has_value());
    BOOST_TEST(refused.errors.find(error) != std::string::npos, refused.errors);
  }
}

BOOST_AUTO_TEST_CASE(a_file_that_cannot_be_written_is_named) {
  const Folder folder;
  BOOST_TEST(write_text(folder.path / "x.svg", "<svg/>").has_value());
  const auto failed = write_text(folder.path / "none" / "x.svg", "<svg/>");
  BOOST_REQUIRE(!failed.has_value());
  BOOST_TEST(failed.error().what ==
             "write " + (folder.path / "none" / "x.svg").string() + ": No such file or directory");
}

BOOST_AUTO_TEST_CASE(a_wrong_configuration_is_told_with_its_place) {
  const Folder folder;
  const auto file = folder.path / "c.yaml";
  std::ofstream(file) << "mesh: t\ncolour: red\nsites:\n  - {name: a, address: 192.0.2.1}\n";
  const PlanOutcome outcome = plan_configuration(file);
  BOOST_TEST(!outcome.json.has_value());
  BOOST_TEST(outcome.errors.starts_with(file.string() + ":2:1: colour: "));
  BOOST_TEST(!plan_configuration(folder.path / "none.yaml").json.has_value());
}

BOOST_AUTO_TEST_SUITE_END()
