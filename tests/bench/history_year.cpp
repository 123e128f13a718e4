// How long the past takes to answer, and how large it is: a mesh whose hours are written by the production roll-up
// writer, and after them minutes and raw results that are appended, sealed and rolled up as they would be; then asked
// over the HTTP handler. bench_history SITES DAYS MINUTES FOLDER; a file that FOLDER holds already is asked only,
// and with ONLY=QUESTION in the environment that one question.
#include <fmt/format.h>

#include <algorithm>
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <memory>
#include <stdexcept>
#include <string>
#include <vector>

#include "coordinator/io/history.h"
#include "coordinator/store/roller.h"
#include "coordinator/store/writer.h"
#include "coordinator/web/api.h"
#include "shared/base/random.h"
#include "tests/bench/mesh_results.h"

namespace {

using namespace sonde;
using Clock = std::chrono::steady_clock;

constexpr std::int64_t hour_ns = 3'600'000'000'000;
constexpr std::int64_t day_ns = 24 * hour_ns;
constexpr std::int64_t minute_ns = 60'000'000'000;
constexpr std::size_t link_models = 12;
/// Of each link model, drawn from again and again.
constexpr std::size_t results_made = 200;
constexpr std::int64_t present = 20'000 * day_ns;

double seconds_since(Clock::time_point begin) { return std::chrono::duration<double>(Clock::now() - begin).count(); }

/// What the samples of `results` intervals of 10 s hold: five distributions, ratios and a value, as agents report them.
RollUp made_of(bench::MeshResults& mesh, std::size_t from, std::size_t to, std::int64_t start, int results) {
  RollUp roll;
  for (int i = 0; i < results; ++i) {
    Result result = mesh.latency(from, to, 1, shared_from_ns(start), 1);
    result.finished_at = shared_from_ns(start + hour_ns / 360 * (i + 1));
    roll.add(reading_of(result));
  }
  return roll;
}

struct Written {
  std::uint64_t hours = 0;
  double seconds = 0;
};

Written write(const std::filesystem::path& file, std::size_t sites, std::int64_t days) {
  {
    const store::Writer makes_the_file(file);
  }
  bench::MeshResults mesh(sites);
  const store::Database database(file, store::Database::Use::write);
  store::SeriesTable names(database);
  store::Roller roller(database, names);
  Written written;
  Random random(1);
  // A few links' days of real hours, used again and again: making samples takes far longer than rolling them up.
  std::vector<std::vector<RollUp>> days_made;
  for (std::size_t link = 0; link < link_models; ++link) {
    auto& day = days_made.emplace_back();
    for (int hour = 0; hour < 24; ++hour) day.push_back(made_of(mesh, link % sites, (link + 1) % sites, 0, 360));
  }
  for (std::size_t from = 0; from < sites; ++from)
    for (std::size_t to = 0; to < sites; ++to) {
      if (from == to) continue;
      const std::vector<RollUp>& day = days_made[(from * sites + to) % link_models];
      const auto begin = Clock::now();
      store::Transaction transaction(database);
      names.make_site(mesh.site(from));
      const store::SeriesId series = names.make_series({mesh.site(from), mesh.site(to)}, Probe::latency);
      for (std::int64_t back = days; back > 0; --back) {
        std::vector<store::RollRow> rows;
        for (std::int64_t hour = 0; hour < 24; ++hour)
          rows.push_back({present - back * day_ns + hour * hour_ns, day[(hour + random.below(3)) % 24]});
        roller.add(series, rows);
        written.hours += rows.size();
      }
      transaction.commit();
      written.seconds += seconds_since(begin);
    }
  database.run("DELETE FROM rollups WHERE level = 1; PRAGMA wal_checkpoint(TRUNCATE); VACUUM");
  database.run("PRAGMA wal_checkpoint(TRUNCATE)");
  return written;
}

struct Stored {
  std::uint64_t results = 0;
  std::uint64_t link_minutes = 0;
  double seconds = 0;
};

/// What all sites' agents send in the minute from `start`, at the default policy.
std::vector<StoreBatch> one_minute(const bench::MeshResults& mesh, const std::vector<std::vector<Result>>& made,
                                   std::vector<std::uint64_t>& seqs, std::int64_t start, Random& random) {
  std::vector<StoreBatch> batches;
  for (std::size_t from = 0; from < mesh.size(); ++from) {
    StoreBatch batch{.site = mesh.site(from), .spool = 1, .after = seqs[from], .up_to = seqs[from], .results = {}};
    for (std::int64_t at = start; at < start + minute_ns; at += 10'000'000'000)
      for (std::size_t to = 0; to < mesh.size(); ++to) {
        if (from == to) continue;
        for (const Probe probe : {Probe::latency, Probe::connect}) {
          if (probe == Probe::connect && at % 30'000'000'000 != 0) continue;
          const auto& model = made[2 * ((from * mesh.size() + to) % link_models) + (probe == Probe::connect ? 1 : 0)];
          Result& result = batch.results.emplace_back(model[random.below(model.size())]);
          const SharedTime scheduled = shared_from_ns(at + static_cast<std::int64_t>(to) * 150'000'000);
          result.started_at = scheduled + (*result.started_at - result.scheduled_at);
          result.finished_at = scheduled + (result.finished_at - result.scheduled_at);
          result.scheduled_at = scheduled;
          result.id = {mesh.site(from), batch.spool, ++batch.up_to};
          result.to = mesh.site(to);
        }
      }
    seqs[from] = batch.up_to;
    batches.push_back(std::move(batch));
  }
  return batches;
}

/// Raw results after `present`, through the log into chunks and from there into minutes and hours.
Stored write_recent(const std::filesystem::path& file, std::size_t sites, std::int64_t minutes) {
  bench::MeshResults mesh(sites);
  Random random(2);
  std::vector<std::vector<Result>> made(2 * link_models);
  for (std::size_t model = 0; model < link_models; ++model)
    for (std::size_t i = 0; i < results_made; ++i) {
      const std::size_t from = model % sites;
      made[2 * model].push_back(mesh.latency(from, (model + 1) % sites, 1, shared_from_ns(present), 1));
      made[2 * model + 1].push_back(mesh.connect(from, (model + 1) % sites, 1, shared_from_ns(present), 1));
    }
  std::vector<std::uint64_t> seqs(sites, 0);
  store::Writer writer(file);
  Stored stored;
  const auto done = [](const auto& step) {
    if (!step) throw std::runtime_error(step.error().what);
    return *step;
  };
  for (std::int64_t minute = 0; minute < minutes; ++minute) {
    const auto batches = one_minute(mesh, made, seqs, present + minute * minute_ns, random);
    const auto begin = Clock::now();
    for (const StoreBatch& batch : batches) {
      const auto appended = writer.append({&batch, 1});
      if (!appended || !appended->front().stored) throw std::runtime_error("a batch was not stored");
      stored.results += batch.results.size();
    }
    while (done(writer.seal(store::Writer::results_in_a_chunk))) {
    }
    stored.seconds += seconds_since(begin);
  }
  const auto begin = Clock::now();
  while (done(writer.seal(1))) {
  }
  while (done(writer.roll(shared_from_ns(present + (minutes + 1) * minute_ns)))) {
  }
  stored.seconds += seconds_since(begin);
  stored.link_minutes = sites * (sites - 1) * static_cast<std::uint64_t>(minutes);
  return stored;
}

/// The sum of what the query counts in octets.
double megabytes_of(const std::filesystem::path& file, const std::string& what) {
  const store::Database database(file, store::Database::Use::read);
  return static_cast<double>(database.ask_integer(what.c_str())) / 1e6;
}

void add_recent(const std::filesystem::path& file, std::size_t sites, std::int64_t minutes) {
  const Stored stored = write_recent(file, sites, minutes);
  const double raw = megabytes_of(file, "SELECT sum(length(body)) FROM chunks");
  const double rolled = megabytes_of(file, "SELECT sum(length(body)) FROM rollups WHERE level = 1");
  fmt::print(
      "{} minutes: {} results in {:.1f} MB, {:.1f} octets each; {} minutes of links in {:.1f} MB, {:.0f} octets "
      "each; {:.1f} us for a result, until it is rolled up\n",
      minutes, stored.results, raw, 1e6 * raw / static_cast<double>(stored.results), stored.link_minutes, rolled,
      1e6 * rolled / static_cast<double>(stored.link_minutes),
      1e6 * stored.seconds / static_cast<double>(stored.results));
  fmt::print("the file: {:.1f} MB\n", static_cast<double>(std::filesystem::file_size(file)) / 1e6);
}

double ask(const std::string& target, const web::Sources& sources) {
  const auto begin = Clock::now();
  web::Response response = web::handle({"GET", target, {}}, sources);
  while (auto* deferred = std::get_if<web::Deferred>(&response.body)) {
    web::Deferred job = std::move(*deferred);
    response = job();
  }
  const double took = seconds_since(begin);
  if (response.status != 200) fmt::print(stderr, "{}: status {}\n", target, response.status);
  return took;
}

}  // namespace

int main(int argc, char** argv) {
  if (argc != 5) {
    fmt::print(stderr, "usage: bench_history SITES DAYS MINUTES FOLDER\n");
    return 2;
  }
  const auto sites = static_cast<std::size_t>(std::atoi(argv[1]));
  const std::int64_t days = std::atoi(argv[2]);
  const std::int64_t minutes = std::atoi(argv[3]);
  const auto file = std::filesystem::path(argv[4]) / "history.db";
  if (!std::filesystem::exists(file)) {
    const Written written = write(file, sites, days);
    fmt::print("{} sites, {} days: {} hours of links in {:.1f} MB, {:.0f} octets each, {:.1f} us of writing each\n",
               sites, days, written.hours, static_cast<double>(std::filesystem::file_size(file)) / 1e6,
               static_cast<double>(std::filesystem::file_size(file)) / static_cast<double>(written.hours),
               1e6 * written.seconds / static_cast<double>(written.hours));
    if (minutes > 0) add_recent(file, sites, minutes);
  }
  // Later than the live matrix reaches back, so that the store is asked.
  const std::int64_t end = present + minutes * minute_ns;
  const std::int64_t now = end + 3 * hour_ns;
  bench::MeshResults mesh_names(sites);
  Mesh mesh;
  mesh.name = "bench";
  for (std::size_t i = 0; i < sites; ++i) {
    SiteSpec spec;
    spec.site = mesh_names.site(i);
    spec.has_agent = true;
    mesh.sites.push_back(spec);
  }
  const Timetable timetable;
  Matrix matrix;
  matrix.set_mesh(mesh);
  const AgentStatuses agents;
  const web::Counters counters;
  const auto history = io::make_history(file);
  const web::Sources sources{.mesh = mesh,
                             .timetable = timetable,
                             .matrix = matrix,
                             .agents = agents,
                             .counters = counters,
                             .history = history,
                             .now = shared_from_ns(now),
                             .mono = mono_from_ns(0),
                             .version = "bench"};
  // Within the minutes and raw results: a window that begins and ends in the middle of a minute.
  const std::string recent = fmt::format("&at={}", (end - 50'000'000'000) / 1'000'000'000);
  const auto at = [](std::int64_t back_ns) { return fmt::format("&at={}", (present - back_ns) / 1'000'000'000); };
  for (const auto& [what, target] : std::vector<std::pair<std::string, std::string>>{
           {"matrix of 1 h with minutes and results", "/api/v1/matrix?window=1h" + recent},
           {"matrix of 24 h with minutes and results", "/api/v1/matrix?window=24h" + recent},
           {"matrix of 1 h", "/api/v1/matrix?window=1h" + at(17 * hour_ns)},
           {"matrix of 24 h", "/api/v1/matrix?window=24h" + at(5 * hour_ns)},
           {"series of all days", fmt::format("/api/v1/links/site-0/site-1/series?window={}d", days)},
           {"profile of all days", fmt::format("/api/v1/links/site-0/site-1/profile?window={}d", days)},
           {"histogram of all days", fmt::format("/api/v1/links/site-0/site-1/histogram?window={}d", days)}}) {
    if (const char* only = std::getenv("ONLY"); only && what != only) continue;
    std::vector<double> times;
    for (int i = 0; i < 5; ++i) times.push_back(ask(target, sources));
    std::ranges::sort(times);
    fmt::print("{}: {:.1f} ms (median of 5, worst {:.1f})\n", what, 1e3 * times[2], 1e3 * times[4]);
  }
  return 0;
}
