// A simulated week over the demo's topology `ecosim` (configs/ecosim/wan.yaml), through the production store and its
// roll-up writer, the HTTP handler and the command's report: its tables show the values that were put in.
#include <fmt/format.h>
#include <unistd.h>

#include <boost/test/unit_test.hpp>
#include <nlohmann/json.hpp>

#include <algorithm>
#include <cmath>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <map>
#include <string>

#include "coordinator/cli/report_view.h"
#include "coordinator/core/human.h"
#include "coordinator/io/history.h"
#include "coordinator/store/writer.h"
#include "coordinator/web/api.h"
#include "tests/source_file.h"
#include "tests/wan/topology.h"

using namespace sonde;
using Json = nlohmann::ordered_json;

namespace {

constexpr std::int64_t second_ns = 1'000'000'000;
constexpr std::int64_t hour_ns = 3600 * second_ns;
constexpr std::int64_t week_ns = 7 * 24 * hour_ns;
/// Monday, 2026-11-16T00:00:00Z.
constexpr std::int64_t monday = 1'794'787'200 * second_ns;
/// As configs/ecosim/coordinator.yaml has them, but latency every two minutes: a week of all would take longer to make.
constexpr std::int64_t latency_every = 120 * second_ns;
constexpr std::int64_t connect_every = 30 * second_ns;
constexpr std::int64_t connect_timeout = 25 * second_ns;
constexpr std::int64_t throughput_every = 300 * second_ns;
constexpr int probes_in_a_result = 10;
constexpr std::uint32_t probe_octets = 72;
constexpr std::uint32_t syn_octets = 60;
constexpr std::uint32_t segment_octets = 1500;
constexpr double payload_share = 1448.0 / segment_octets;

/// Exactly what was put in, sample by sample.
struct PutIn {
  std::vector<double> samples;
  double mean() const {
    double sum = 0;
    for (const double x : samples) sum += x;
    return sum / static_cast<double>(samples.size());
  }
  double stddev() const {
    double sum = 0;
    for (const double x : samples) sum += (x - mean_) * (x - mean_);
    return std::sqrt(sum / static_cast<double>(samples.size()));
  }
  double median() const { return samples[(samples.size() - 1) / 2]; }
  void finish() {
    std::ranges::sort(samples);
    mean_ = mean();
  }

 private:
  double mean_ = 0;
};

struct Truth {
  std::map<Metric, PutIn> metrics;
  std::map<std::string, std::uint64_t> connect_outcomes;
  std::uint64_t lost = 0;
  std::uint64_t sent = 0;
};

/// One direction and its way back, as the emulated WAN's paths treat them.
class Direction {
 public:
  Direction(Link link, const wan::PathSettings& there, const wan::PathSettings& back, std::uint64_t number)
      : link_(std::move(link)), settings_(there) {
    for (std::uint64_t probe = 0; probe < 3; ++probe) {
      there_.emplace_back(1997, 6 * number + 2 * probe).set(there);
      back_.emplace_back(1997, 6 * number + 2 * probe + 1).set(back);
    }
  }
  const Link& link() const { return link_; }
  Truth& truth() { return truth_; }

  /// From 13:00 to 16:00 UTC the slowest path is slower still, and one is down for three hours: that is put in, too.
  void go_with_the_hour(std::int64_t at) {
    wan::PathSettings now = settings_;
    const std::int64_t hour = at / hour_ns % 24;
    if (link_ == Link{SiteId::known("gdansk"), SiteId::known("athens")} && hour >= 13 && hour < 16)
      now.delay += std::chrono::milliseconds(900);
    const bool fourth_night = at >= monday + 74 * hour_ns && at < monday + 77 * hour_ns;
    now.up = !(fourth_night && link_ == Link{SiteId::known("athens"), SiteId::known("berlin")});
    for (wan::Path& path : there_)
      if (now != path.settings()) path.set(now);
  }

  Result latency(std::int64_t at) {
    Result result = blank(Probe::latency, at);
    Distribution rtt;
    std::uint64_t lost = 0;
    for (int i = 0; i < probes_in_a_result; ++i) {
      const std::int64_t sent = at + i * 4 * second_ns;
      const auto arrived = through(there_[0], sent, probe_octets);
      lost += arrived ? 0U : 1U;
      const auto home = arrived ? through(back_[0], *arrived, probe_octets) : std::nullopt;
      if (!home) continue;
      rtt.add(*home - sent);
      truth_.metrics[Metric::rtt].samples.push_back(static_cast<double>(*home - sent) / 1e9);
    }
    truth_.lost += lost;
    truth_.sent += probes_in_a_result;
    result.finished_at = shared_from_ns(at + probes_in_a_result * 4 * second_ns);
    if (rtt.empty()) result.outcome = Outcome::timeout;
    if (!rtt.empty()) result.distributions.push_back({Metric::rtt, rtt});
    result.ratios.push_back({Metric::loss, lost, probes_in_a_result});
    return result;
  }

  /// A SYN is sent again after 1 s, then 2, 4, 8 s later, until its answer is home.
  Result connect(std::int64_t at) {
    Result result = blank(Probe::connect, at);
    std::optional<std::int64_t> home;
    bool clean = true;
    std::int64_t sent = at;
    for (std::int64_t wait = second_ns; sent < at + connect_timeout && (!home || sent < *home);
         sent += wait, wait *= 2) {
      clean = sent == at;
      const auto arrived = through(there_[1], sent, syn_octets);
      const auto answer = arrived ? through(back_[1], *arrived, syn_octets) : std::nullopt;
      if (answer && (!home || *answer < *home)) home = answer;
    }
    if (home && *home < at + connect_timeout) {
      const double took = static_cast<double>(*home - at) / 1e9;
      result.finished_at = shared_from_ns(*home);
      result.values.push_back({Metric::connect, took});
      truth_.metrics[Metric::connect].samples.push_back(took);
      if (clean) {
        result.values.push_back({Metric::connect_clean, took});
        truth_.metrics[Metric::connect_clean].samples.push_back(took);
      }
    }
    if (result.values.empty()) {
      result.outcome = Outcome::timeout;
      result.finished_at = shared_from_ns(at + connect_timeout);
    }
    result.ratios.push_back({Metric::connectivity, result.outcome == Outcome::ok ? 1U : 0U, 1});
    ++truth_.connect_outcomes[std::string(name(result.outcome))];
    return result;
  }

  /// 27 full segments (40 kB), each sent when the line is free; what came, over the time in which it came.
  Result throughput(std::int64_t at) {
    Result result = blank(Probe::throughput, at);
    const std::int64_t spacing = static_cast<std::int64_t>(segment_octets * 8e9 / settings_.rate->value) + 1;
    std::vector<std::int64_t> arrivals;
    for (int i = 0; i < 27; ++i)
      if (const auto arrived = through(there_[2], at + i * spacing, segment_octets)) arrivals.push_back(*arrived);
    if (arrivals.empty()) {
      result.outcome = Outcome::timeout;
      result.finished_at = shared_from_ns(at + 10 * second_ns);
      return result;
    }
    const double seconds = static_cast<double>(arrivals.back() - arrivals.front()) / 1e9;
    const double rate =
        std::round(static_cast<double>(arrivals.size() - 1) * segment_octets * 8 * payload_share / seconds);
    result.finished_at = shared_from_ns(arrivals.back());
    result.values.push_back({Metric::throughput, rate});
    truth_.metrics[Metric::throughput].samples.push_back(rate);
    return result;
  }

 private:
  Result blank(Probe probe, std::int64_t at) const {
    Result result;
    result.id.from = link_.from;
    result.to = link_.to;
    result.probe = probe;
    result.scheduled_at = shared_from_ns(at);
    result.started_at = shared_from_ns(at);
    return result;
  }
  static std::optional<std::int64_t> through(wan::Path& path, std::int64_t at, std::uint32_t octets) {
    const wan::Fate fate = path.on_packet(mono_from_ns(at), octets);
    return fate.copies > 0 ? std::optional(to_ns(fate.departs[0])) : std::nullopt;
  }

  Link link_;
  wan::PathSettings settings_;
  std::vector<wan::Path> there_;  ///< one for each probe: they do not meet, as the timetable has it
  std::vector<wan::Path> back_;
  Truth truth_;
};

/// The whole week in one store, and what the coordinator and the command make of it. Made once for all cases.
class EcosimWeek {
 public:
  EcosimWeek() {
    std::string name = (std::filesystem::temp_directory_path() / "sonde-report-XXXXXX").string();
    BOOST_REQUIRE(::mkdtemp(name.data()) != nullptr);
    folder_ = name;
    const std::string file = test::source_file("configs/ecosim/wan.yaml");
    std::ifstream in(file);
    const std::string text((std::istreambuf_iterator<char>(in)), {});
    auto topology = wan::parse_topology(text, file);
    BOOST_REQUIRE(topology.value.has_value());
    const auto path_of = [&](const SiteId& from, const SiteId& to) {
      for (const wan::WanPath& path : topology.value->paths)
        if (path.from == from && path.to == to) return path.settings;
      throw std::runtime_error("no such path");
    };
    for (const wan::WanPath& path : topology.value->paths) {
      paths.emplace(Link{path.from, path.to}, path.settings);
      directions.emplace_back(Link{path.from, path.to}, path.settings, path_of(path.to, path.from), directions.size());
    }
    for (const wan::WanSite& each : topology.value->sites) {
      SiteSpec site;
      site.site = each.site;
      mesh.sites.push_back(site);
    }
    mesh.name = "ecosim";
    store_all();
    for (Direction& direction : directions)
      for (auto& [metric, put_in] : direction.truth().metrics) put_in.finish();
    report = ask();
  }
  EcosimWeek(const EcosimWeek&) = delete;
  EcosimWeek& operator=(const EcosimWeek&) = delete;
  ~EcosimWeek() {
    std::error_code ignored;
    std::filesystem::remove_all(folder_, ignored);
  }

  std::map<Link, wan::PathSettings> paths;
  std::vector<Direction> directions;
  Mesh mesh;
  Json report;

 private:
  void store_all() {
    store::Writer writer(folder_ / "results.db");
    std::map<SiteId, std::uint64_t> seqs;
    for (std::int64_t hour = 0; hour < week_ns / hour_ns; ++hour) {
      std::map<SiteId, StoreBatch> batches;
      for (Direction& direction : directions) {
        const std::int64_t begin = monday + hour * hour_ns;
        direction.go_with_the_hour(begin);
        StoreBatch& batch = batches[direction.link().from];
        for (std::int64_t at = begin; at < begin + hour_ns; at += connect_every) {
          if ((at - monday) % latency_every == 0) batch.results.push_back(direction.latency(at));
          if ((at - monday) % throughput_every == 0) batch.results.push_back(direction.throughput(at + 45 * second_ns));
          batch.results.push_back(direction.connect(at + 60 * second_ns + 45 * second_ns));
        }
      }
      for (auto& [site, batch] : batches) {
        batch.site = site;
        batch.spool = 1;
        batch.after = seqs[site];
        for (Result& result : batch.results) result.id = {site, 1, ++seqs[site]};
        batch.up_to = seqs[site];
        const auto done = writer.append({&batch, 1});
        BOOST_REQUIRE(done.has_value());
        BOOST_REQUIRE(done->front().stored);
      }
      while (*writer.seal(store::Writer::results_in_a_chunk)) {
      }
    }
    while (*writer.seal(1)) {
    }
    while (*writer.roll(shared_from_ns(monday + week_ns + 2 * hour_ns))) {
    }
  }

  Json ask() const {
    const Timetable timetable;
    Matrix matrix;
    const AgentStatuses agents;
    const web::Counters counters;
    const web::Sources sources{.mesh = mesh,
                               .timetable = timetable,
                               .matrix = matrix,
                               .agents = agents,
                               .counters = counters,
                               .history = io::make_history(folder_ / "results.db"),
                               .now = shared_from_ns(monday + week_ns + hour_ns),
                               .mono = mono_from_ns(0),
                               .version = "test"};
    web::Response response =
        web::handle({"GET", "/api/v1/report?since=2026-11-16T00:00:00Z&until=2026-11-23T00:10:00Z", {}}, sources);
    BOOST_REQUIRE(response.status == 200U);
    std::string text;
    while (const auto piece = std::get<web::PieceSource>(response.body)()) text += *piece;
    return Json::parse(text);
  }

  std::filesystem::path folder_;
};

EcosimWeek& week() {
  static EcosimWeek made;
  return made;
}

const Json& of_direction(const Link& link) {
  for (const Json& direction : week().report.at("directions"))
    if (direction.at("from") == link.from.str() && direction.at("to") == link.to.str()) return direction;
  throw std::runtime_error("the report has no such direction");
}

}  // namespace

BOOST_AUTO_TEST_SUITE(report_of_an_ecosim_week)

BOOST_AUTO_TEST_CASE(figures_are_those_of_the_samples_that_were_put_in) {
  for (Direction& direction : week().directions) {
    const Json& metrics = of_direction(direction.link()).at("metrics");
    BOOST_TEST_CONTEXT(direction.link().from.str() << " -> " << direction.link().to.str())
    for (const auto& [metric, put_in] : direction.truth().metrics) {
      const Json& shown = metrics.at(std::string(name(metric)));
      BOOST_TEST_CONTEXT(name(metric)) {
        BOOST_TEST(shown.at("count") == put_in.samples.size());
        BOOST_TEST(shown.at("mean").get<double>() == put_in.mean(), boost::test_tools::tolerance(1e-6));
        BOOST_TEST(shown.at("p50").get<double>() == put_in.median(), boost::test_tools::tolerance(0.0101));
        // Samples that are all alike have a deviation of a few ns, by the rounding of sums of squares.
        BOOST_TEST(std::abs(shown.at("stddev").get<double>() - put_in.stddev()) < 1e-4 * put_in.stddev() + 2e-8);
        BOOST_TEST(shown.at("min").get<double>() == put_in.samples.front(), boost::test_tools::tolerance(1e-6));
        BOOST_TEST(shown.at("max").get<double>() == put_in.samples.back(), boost::test_tools::tolerance(1e-6));
      }
    }
  }
}

BOOST_AUTO_TEST_CASE(figures_are_those_of_the_topology) {
  for (Direction& direction : week().directions) {
    const Link& link = direction.link();
    const wan::PathSettings& there = week().paths.at(link);
    const wan::PathSettings& back = week().paths.at({link.to, link.from});
    const Json& metrics = of_direction(link).at("metrics");
    const auto serial = [](const wan::PathSettings& path, double octets) { return octets * 8 / path.rate->value; };
    const double handshake =
        to_seconds(there.delay + back.delay) + serial(there, syn_octets) + serial(back, syn_octets);
    BOOST_TEST_CONTEXT(link.from.str() << " -> " << link.to.str()) {
      BOOST_TEST(metrics.at("connect").at("p50").get<double>() == handshake, boost::test_tools::tolerance(0.03));
      BOOST_TEST(metrics.at("connect").at("min").get<double>() >= handshake * 0.999);
      // One of them was down for 3 of the 168 hours.
      const double down = link == Link{SiteId::known("athens"), SiteId::known("berlin")} ? 3.0 / 168 : 0;
      BOOST_TEST(std::abs(metrics.at("loss").at("mean").get<double>() - there.loss * (1 - down) - down) < 0.005);
      // 27 segments of which `loss` is missing.
      BOOST_TEST(
          metrics.at("throughput").at("mean").get<double>() == there.rate->value * payload_share * (1 - there.loss),
          boost::test_tools::tolerance(0.02));
    }
  }
}

BOOST_AUTO_TEST_CASE(outcomes_are_counted) {
  for (Direction& direction : week().directions) {
    const Json& shown = of_direction(direction.link()).at("outcomes").at("connect");
    for (const char* outcome : {"ok", "timeout", "refused"})
      BOOST_TEST(shown.at(outcome).get<std::uint64_t>() == direction.truth().connect_outcomes[outcome]);
  }
  const Json& down = of_direction({SiteId::known("athens"), SiteId::known("berlin")}).at("outcomes");
  BOOST_TEST(down.at("connect").at("timeout") == 360);  // 120 an hour
  BOOST_TEST(down.at("throughput").at("timeout") == 36);
}

BOOST_AUTO_TEST_CASE(both_documents_show_the_tables_of_1997) {
  const std::string markdown = cli::report_markdown(week().report);
  const std::string html = cli::report_html(week().report);
  const auto section = [](const std::string& text, const std::string& title) {
    const auto begin = text.find(title);
    BOOST_REQUIRE(begin != std::string::npos);
    return text.substr(begin, 3000);
  };
  const std::string latency = section(markdown, "## Latency: time to connect");
  const std::string latency_html = section(html, "<h2>Latency: time to connect");
  for (Direction& direction : week().directions) {
    const PutIn& connect = direction.truth().metrics.at(Metric::connect);
    const std::string who = fmt::format("| {} → {} ", direction.link().from.str(), direction.link().to.str());
    const auto at = latency.find(who);
    BOOST_REQUIRE(at != std::string::npos);
    const std::string row = latency.substr(at, latency.find('\n', at) - at);
    for (const double value : {connect.mean(), connect.stddev(), connect.samples.front(), connect.samples.back()}) {
      BOOST_TEST(row.find(" " + human(value, "s") + " |") != std::string::npos, row);
      BOOST_TEST(latency_html.find("<td>" + human(value, "s") + "</td>") != std::string::npos);
    }
  }
  for (const char* part :
       {"Throughput: steady (throughput) over time", "by hour of the day", "Outcomes", "What stands out"}) {
    BOOST_TEST(markdown.find(part) != std::string::npos, part);
    BOOST_TEST(html.find(part) != std::string::npos, part);
  }
  if (const char* folder = std::getenv("SONDE_KEEP_REPORT")) {
    std::ofstream(std::string(folder) + "/ecosim.md") << markdown;
    std::ofstream(std::string(folder) + "/ecosim.html") << html;
  }
}

BOOST_AUTO_TEST_CASE(sentences_say_what_was_put_in) {
  std::vector<std::string> said;
  for (const Json& finding : week().report.at("findings"))
    said.push_back(finding.at("code").get<std::string>() + ": " + finding.at("text").get<std::string>());
  const auto says = [&](std::string_view code, std::string_view words) {
    return std::ranges::any_of(
        said, [&](const std::string& text) { return text.starts_with(code) && text.find(words) != std::string::npos; });
  };
  // The path that was slower in the afternoon, and no other.
  BOOST_TEST(says("hour_of_day", "gdansk -> athens: connect goes with the hour of the day"));
  BOOST_TEST(!says("hour_of_day", "berlin -> gdansk"));
  // 1997's own finding: lost SYNs pull the average away from the median.
  BOOST_TEST(says("syn_retransmits", "berlin -> gdansk"));
  BOOST_TEST(says("loss", "athens -> gdansk"));
  BOOST_TEST(
      says("failed_runs", "athens -> berlin: 1.79 % of the connect runs failed, 360 of 20160 in all (360 timeout)"));
  BOOST_TEST(says("asymmetry", "athens -> gdansk carries"));
  BOOST_TEST(says("extremes", "The median throughput is least on gdansk -> athens"));
}

BOOST_AUTO_TEST_SUITE_END()
