// A real Prometheus scrapes a real coordinator: every agent and link is a series there, and every question of the
// Grafana dashboard is one that Prometheus understands and can answer.
#include <fmt/format.h>

#include <boost/test/unit_test.hpp>

#include <filesystem>
#include <fstream>

#include "tests/e2e/e2e_mesh.h"
#include "tests/source_file.h"

namespace {

using namespace sonde;
using namespace sonde::e2e;
using namespace std::chrono_literals;
using nlohmann::json;
namespace fs = std::filesystem;

/// As it is installed, or as ./dev setup has taken it out of its package.
std::string prometheus() {
  for (const std::string& program : {std::string("/usr/bin/prometheus"), test::source_file("build/tools/prometheus")})
    if (fs::exists(program)) return program;
  return {};
}

class Prometheus {
 public:
  Prometheus(const std::string& target, const fs::path& folder) : folder_(folder) {
    fs::remove_all(folder_);
    fs::create_directories(folder_);
    std::ofstream(folder_ / "prometheus.yml") << fmt::format(
        "global: {{scrape_interval: 1s}}\nscrape_configs:\n  - job_name: sonde\n    params: {{links: [\"true\"]}}\n"
        "    static_configs: [{{targets: [\"{}\"]}}]\n",
        target);
    process_ = std::make_unique<lab::Process>(
        lab::ProcessSpec{.name = "prometheus",
                         .argv = {prometheus(), "--config.file=" + (folder_ / "prometheus.yml").string(),
                                  "--storage.tsdb.path=" + (folder_ / "data").string(),
                                  fmt::format("--web.listen-address=127.0.0.1:{}", port)},
                         .netns = {},
                         .folder = folder_,
                         .log = folder_ / "prometheus.log"});
  }
  Prometheus(const Prometheus&) = delete;
  Prometheus& operator=(const Prometheus&) = delete;
  ~Prometheus() {
    process_.reset();
    fs::remove_all(folder_);
  }

  /// The whole answer to an expression; null where there is none.
  json ask(const std::string& expression) const {
    const auto reply =
        lab::http_get(fmt::format("http://127.0.0.1:{}/api/v1/query?query={}", port, encoded(expression)));
    return reply ? json::parse(reply->body, nullptr, false) : json();
  }
  /// Of an expression with one result; NaN where there is none (yet).
  double value(const std::string& expression) const {
    const json answer = ask(expression);
    if (!answer.is_object() || answer.value("status", "") != "success") return NAN;
    const json& results = answer["data"]["result"];
    return results.size() == 1 ? std::stod(results[0]["value"][1].get<std::string>()) : NAN;
  }

 private:
  static constexpr int port = 19290;
  static std::string encoded(const std::string& text) {
    std::string out;
    for (const unsigned char c : text)
      out += std::isalnum(c) != 0 ? std::string(1, static_cast<char>(c)) : fmt::format("%{:02X}", c);
    return out;
  }

  fs::path folder_;
  std::unique_ptr<lab::Process> process_;
};

/// With what Grafana would put in for its variables.
std::string filled_in(std::string expression) {
  for (const auto& [variable, value] : std::vector<std::pair<std::string, std::string>>{{"$__rate_interval", "1m"},
                                                                                        {"$__range", "1m"},
                                                                                        {"$__interval", "1m"},
                                                                                        {"$from", ".*"},
                                                                                        {"$to", ".*"},
                                                                                        {"$site", ".*"}})
    for (auto at = expression.find(variable); at != std::string::npos; at = expression.find(variable))
      expression.replace(at, variable.size(), value);
  return expression;
}

}  // namespace

BOOST_AUTO_TEST_SUITE(prometheus_scrapes)

BOOST_AUTO_TEST_CASE(every_agent_and_link_is_a_series_and_the_dashboard_can_ask) {
  if (prometheus().empty()) {
    fmt::print("skipped: prometheus is not installed\n");
    return;
  }
  const std::vector<PathTruth> paths{{"berlin", "athens", 1, 50, 0}, {"athens", "berlin", 1, 50, 0},
                                     {"berlin", "gdansk", 1, 50, 0}, {"gdansk", "berlin", 1, 50, 0},
                                     {"athens", "gdansk", 1, 50, 0}, {"gdansk", "athens", 1, 50, 0}};
  lab::Lab lab({.files = lab::make_mesh_files("scraped",
                                              "  latency: {rate: 20/s, every: 1s, timeout: 500ms}\n"
                                              "  connect: {every: 2s, timeout: 1s}\n"
                                              "  throughput: off\n",
                                              topology(paths)),
                .ground = lab::Ground::loopback});
  lab.start_all();
  wait_until_measuring(lab, "rtt");
  const std::string target = lab.url().substr(std::string("http://").size());
  const Prometheus scraper(target.substr(0, target.find('/')), fmt::format("/tmp/sonde-prometheus-{}", ::getpid()));
  const bool scraped = lab::eventually(30s, [&] {
    check_alive(lab);
    return scraper.value("sum(sonde_link_up)") == 6 && scraper.value("count(sonde_link_rtt_median_seconds)") == 6;
  });
  BOOST_TEST(scraped, lab.log_tail("coordinator", 20));
  BOOST_TEST(scraper.value("up{job=\"sonde\"}") == 1);
  BOOST_TEST(scraper.value("sum(sonde_agent_up)") == 3);
  BOOST_TEST(scraper.value("sonde_link_rtt_median_seconds{from=\"berlin\",to=\"athens\"}") > 0);
  fmt::print("Prometheus took {} samples from a scrape, in {} s\n", scraper.value("scrape_samples_scraped"),
             scraper.value("scrape_duration_seconds"));

  std::ifstream file(test::source_file("configs/grafana.json"));
  const json dashboard = json::parse(file);
  std::size_t asked = 0;
  for (const json& panel : dashboard.at("panels"))
    for (const json& question : panel.at("targets")) {
      const std::string expression = filled_in(question.at("expr").get<std::string>());
      BOOST_TEST(expression.find('$') == std::string::npos, expression);
      const json answer = scraper.ask(expression);
      BOOST_TEST(answer.value("status", "") == "success", expression << ": " << answer.dump());
      ++asked;
    }
  BOOST_TEST(asked >= 14U);
}

BOOST_AUTO_TEST_SUITE_END()
