// Minutes and hours: the same whatever order, split, repetition and lateness the results came in, and what a window
// shows is what its results say.
#include <boost/test/unit_test.hpp>

#include <algorithm>
#include <cmath>
#include <map>
#include <tuple>

#include "coordinator/store/reader.h"
#include "coordinator/store/rollup_block.h"
#include "coordinator/store/sqlite.h"
#include "coordinator/store/writer.h"
#include "shared/base/random.h"
#include "tests/bench/mesh_results.h"
#include "tests/unit/coordinator_store/scratch.h"

using namespace sonde;
using namespace sonde::store;
using namespace sonde::test;

namespace {

constexpr double whole_story_s = 4 * 3600;
const SiteId berlin = SiteId::known("berlin");

/// What berlin's agent measures in some hours: three probes to two sites, some of it lost, failed or skipped.
std::vector<Result> story(std::uint64_t seed, std::size_t count) {
  bench::MeshResults mesh(3, seed);
  Random random(seed);
  std::vector<Result> results;
  for (std::size_t i = 0; i < count; ++i) {
    const std::uint64_t kind = random.below(10);
    Result result = kind < 6 ? mesh.latency(0, 1 + i % 2, 0, at_s(0), 1) : mesh.connect(0, 1 + i % 2, 0, at_s(0), 1);
    if (kind == 9) {
      result.probe = Probe::throughput;
      result.ratios.clear();
      result.values = {{Metric::throughput, std::round(1e5 + 1e8 * random.unit())}, {Metric::retransmits, 2}};
    }
    result.id.from = berlin;
    // On full seconds, so that edges of minutes and equal times occur.
    const double finished = std::floor(whole_story_s * random.unit());
    result.scheduled_at = at_s(finished - 12);
    result.started_at = at_s(finished - 10 - static_cast<double>(random.below(2)));
    result.finished_at = at_s(finished);
    if (random.below(20) == 0) result.outcome = static_cast<Outcome>(random.below(outcome_count));
    results.push_back(std::move(result));
  }
  return results;
}

void shuffle(std::vector<Result>& results, Random& random) {
  for (std::size_t i = results.size(); i > 1; --i) std::swap(results[i - 1], results[random.below(i)]);
}

/// Stores them in this order, as agents do: in batches of any size, some of them twice; seals and rolls up in between.
void store_all(const std::filesystem::path& file, const std::vector<Result>& results, Random& random) {
  Writer writer(file);
  constexpr std::uint64_t spool = 5;
  std::uint64_t stored = 0;
  while (stored < results.size()) {
    const std::uint64_t first = stored - random.below(std::min<std::uint64_t>(stored, 5) + 1);
    const std::uint64_t last = std::min<std::uint64_t>(results.size(), stored + 1 + random.below(90));
    StoreBatch batch{.site = berlin, .spool = spool, .after = first, .up_to = last, .results = {}};
    for (std::uint64_t i = first; i < last; ++i) {
      batch.results.push_back(results[i]);
      batch.results.back().id = {berlin, spool, i + 1};
    }
    BOOST_REQUIRE(writer.append({&batch, 1})->front().stored);
    stored = last;
    if (random.below(3) == 0) BOOST_REQUIRE(writer.seal(1 + random.below(60)).has_value());
    if (random.below(4) == 0) BOOST_REQUIRE(writer.roll(at_s(whole_story_s * random.unit())).has_value());
  }
  while (*writer.seal(1)) {
  }
  while (*writer.roll(at_s(1e6))) {
  }
}

using BlockName = std::tuple<std::int64_t, std::string, std::int64_t, std::int64_t>;  // level, to, probe, start

std::map<BlockName, Octets> blocks_of(const std::filesystem::path& file) {
  const Database raw(file, Database::Use::read);
  Statement rows =
      raw.prepare("SELECT level, to_site, probe, start, body FROM rollups JOIN series ON series.id = rollups.series");
  std::map<BlockName, Octets> found;
  while (rows.step()) {
    const auto body = rows.blob(4);
    found[{rows.integer(0), std::string(rows.text(1)), rows.integer(2), rows.integer(3)}] =
        Octets(body.begin(), body.end());
  }
  return found;
}

RollUp roll_of(const std::vector<Result>& results, const std::string& to, Probe probe, SharedTime since,
               SharedTime until) {
  RollUp roll;
  for (const Result& result : results)
    if (result.to.str() == to && result.probe == probe && result.finished_at > since && result.finished_at <= until)
      roll.add(reading_of(result));
  return roll;
}

RollUp window_of(Reader& reader, const std::string& to, Probe probe, SharedTime since, SharedTime until,
                 RollLevel coarsest = RollLevel::hour) {
  RollUp roll;
  const RollQuery query{
      .from = berlin, .to = SiteId::known(to), .probe = probe, .since = since, .until = until, .coarsest = coarsest};
  const auto done = reader.roll_ups(query, [&](const SiteId&, SharedTime, const RollUp& part) { roll.merge(part); });
  BOOST_REQUIRE(done.has_value());
  // The quick way to the same.
  const auto windows = reader.windows(query);
  BOOST_REQUIRE(windows.has_value());
  BOOST_TEST(windows->size() == (roll.empty() ? 0U : 1U));
  if (!windows->empty()) BOOST_TEST((windows->at(SiteId::known(to)) == roll));
  RollQuery of_one_metric = query;
  of_one_metric.metrics = mask_of(Metric::rtt);
  const auto of_one = reader.windows(of_one_metric);
  BOOST_REQUIRE(of_one.has_value());
  BOOST_TEST(of_one->size() == windows->size());
  if (of_one->empty()) return roll;
  const MetricRoll* one = of_one->begin()->second.find(Metric::rtt);
  BOOST_REQUIRE((one != nullptr) == (roll.find(Metric::rtt) != nullptr));
  if (one != nullptr) BOOST_TEST((*one == *roll.find(Metric::rtt)));
  return roll;
}

}  // namespace

BOOST_FIXTURE_TEST_SUITE(rolling_up, Scratch)

BOOST_AUTO_TEST_CASE(any_split_order_repetition_and_lateness_gives_the_same_octets) {
  for (std::uint64_t seed = 1; seed <= 12; ++seed) {
    Random random(seed);
    std::vector<Result> results = story(seed, 600);
    std::ranges::stable_sort(results, {}, &Result::finished_at);
    const auto in_order = folder() / ("a" + std::to_string(seed));
    const auto in_any = folder() / ("b" + std::to_string(seed));
    store_all(in_order, results, random);
    shuffle(results, random);
    store_all(in_any, results, random);
    const auto blocks = blocks_of(in_order);
    BOOST_TEST((blocks == blocks_of(in_any)));
    std::size_t rows = 0;
    for (const auto& [block, body] : blocks) {
      const auto& [level, to, probe, start] = block;
      const auto decoded = decode_rolls(body, {});
      for (const RollRow& row : *decoded) {
        ++rows;
        const SharedTime since = shared_from_ns(row.start);
        const SharedTime until = since + span_of(static_cast<RollLevel>(level));
        BOOST_TEST((row.roll == roll_of(results, to, static_cast<Probe>(probe), since, until)));
      }
    }
    BOOST_TEST(rows > 300U);
  }
}

BOOST_AUTO_TEST_CASE(a_window_shows_what_its_results_say_at_every_stage) {
  Random random(7);
  const std::vector<Result> results = story(7, 900);
  Writer writer(file());
  Reader reader(file());
  for (std::size_t i = 0; i < results.size(); ++i) {
    StoreBatch batch{.site = berlin, .spool = 5, .after = i, .up_to = i + 1, .results = {results[i]}};
    batch.results[0].id = {berlin, 5, i + 1};
    BOOST_REQUIRE(writer.append({&batch, 1})->front().stored);
    if (random.below(20) == 0) BOOST_REQUIRE(writer.seal(1).has_value());
    if (random.below(40) == 0) BOOST_REQUIRE(writer.roll(at_s(whole_story_s * random.unit())).has_value());
    if (i % 30 != 0) continue;
    const std::vector<Result> so_far(results.begin(), results.begin() + static_cast<std::ptrdiff_t>(i) + 1);
    const SharedTime since =
        at_s(std::floor(whole_story_s * random.unit()) + 0.5 * static_cast<double>(random.below(2)));
    const SharedTime until = since + from_seconds(whole_story_s * random.unit());
    for (const Probe probe : {Probe::latency, Probe::connect, Probe::throughput})
      for (const RollLevel coarsest : {RollLevel::raw, RollLevel::minute, RollLevel::hour})
        BOOST_TEST((window_of(reader, "site-1", probe, since, until, coarsest) ==
                    roll_of(so_far, "site-1", probe, since, until)));
  }
}

BOOST_AUTO_TEST_CASE(a_percentile_of_a_window_is_within_the_sketch_of_the_samples_own) {
  Random random(11);
  std::vector<Result> results;
  std::vector<double> samples;
  for (std::uint64_t i = 0; i < 400; ++i) {
    std::vector<double> some;
    for (int k = 0; k < 20; ++k) some.push_back(std::floor(1e6 * (1 + 30 * std::pow(random.unit(), 8))) / 1e6);
    samples.insert(samples.end(), some.begin(), some.end());
    results.push_back(test::latency_result(i + 1, std::floor(7000 * random.unit()) + 1, some));
  }
  store_all(file(), results, random);
  Reader reader(file());
  const RollUp roll = window_of(reader, "athens", Probe::latency, at_s(0), at_s(7200));
  std::ranges::sort(samples);
  for (const auto& [stat, share] :
       {std::pair(Stat::p5, 0.05), {Stat::p50, 0.5}, {Stat::p95, 0.95}, {Stat::p99, 0.99}}) {
    const double want = samples[static_cast<std::size_t>(share * static_cast<double>(samples.size() - 1))] / 1e3;
    BOOST_TEST(std::abs(roll.value(Metric::rtt, stat).value.value() - want) <= want * (Distribution::alpha + 1e-6));
  }
}

BOOST_AUTO_TEST_CASE(late_results_count_once_although_their_hour_is_no_longer_kept_raw) {
  Writer writer(file());
  const std::vector<Result> results = story(3, 300);
  const auto bring = [&](std::size_t first, std::size_t last) {
    StoreBatch batch{.site = berlin, .spool = 5, .after = first, .up_to = last, .results = {}};
    for (std::size_t i = first; i < last; ++i) {
      batch.results.push_back(results[i]);
      batch.results.back().id = {berlin, 5, i + 1};
    }
    BOOST_REQUIRE(writer.append({&batch, 1})->front().stored);
    BOOST_REQUIRE(*writer.seal(1));
    while (*writer.roll(at_s(1e6))) {
    }
    while (*writer.expire({.raw = at_s(1e6)}, 100) > 0) {
    }
  };
  bring(0, 200);
  BOOST_TEST(Database(file(), Database::Use::read).ask_integer("SELECT count(*) FROM chunks") == 0);
  bring(200, 300);
  Reader reader(file());
  for (const Probe probe : {Probe::latency, Probe::connect, Probe::throughput})
    BOOST_TEST((window_of(reader, "site-2", probe, at_s(-3600), at_s(2 * whole_story_s)) ==
                roll_of(results, "site-2", probe, at_s(-3600), at_s(2 * whole_story_s))));
  BOOST_TEST((*reader.finest(at_s(0)) == RollLevel::minute));
}

BOOST_AUTO_TEST_CASE(each_level_is_kept_for_its_own_time) {
  Random random(1);
  const std::vector<Result> results = story(1, 300);
  store_all(file(), results, random);
  Writer writer(file());
  const Database raw(file(), Database::Use::read);
  const auto rows = [&](int level) {
    return raw.ask_integer("SELECT count(*) FROM rollups WHERE level = " + std::to_string(level));
  };
  BOOST_TEST(rows(1) > 10);
  BOOST_TEST(*writer.expire({.minute = at_s(3600)}, 1000) > 0U);
  BOOST_TEST(raw.ask_integer("SELECT count(*) FROM chunks") > 0);
  BOOST_TEST(*writer.expire({.raw = at_s(1e6), .minute = at_s(1e6)}, 1000) > 0U);
  BOOST_TEST(rows(1) == 0);
  BOOST_TEST(rows(2) > 0);
  BOOST_TEST(raw.ask_integer("SELECT count(*) FROM chunks") == 0);
  Reader reader(file());
  BOOST_TEST((*reader.finest(at_s(0)) == RollLevel::hour));
  BOOST_TEST((window_of(reader, "site-1", Probe::latency, at_s(0), at_s(3 * 3600)) ==
              roll_of(results, "site-1", Probe::latency, at_s(0), at_s(3 * 3600))));
  BOOST_TEST(*writer.expire({.hour = at_s(1e6)}, 1000) > 0U);
  BOOST_TEST(rows(2) == 0);
}

BOOST_AUTO_TEST_CASE(what_came_before_a_window_is_found_however_long_ago) {
  Random random(1);
  std::vector<Result> results;
  for (const double hours : {0.0, 1.0, 2.0, 30.0}) {
    Result result = test::latency_result(1, 3600 * hours + 60, {5});
    result.probe = Probe::throughput;
    result.distributions.clear();
    result.values = {{Metric::throughput, 1e6 * (hours + 1)}};
    results.push_back(result);
  }
  store_all(file(), results, random);
  Reader reader(file());
  RollUp before;
  const RollQuery query{.from = berlin, .probe = Probe::throughput, .since = at_s(29 * 3600), .until = at_s(30 * 3600)};
  BOOST_REQUIRE(reader
                    .roll_ups_before(query, [&](const SiteId&, SharedTime,
                                                const RollUp& roll) { before.merge(roll.without_values()); })
                    .has_value());
  BOOST_REQUIRE(before.tried().size() == 2U);
  BOOST_TEST(to_ns(before.tried()[0].finished_at) == to_ns(at_s(2 * 3600 + 60)));
  BOOST_TEST(to_ns(before.tried()[1].finished_at) == to_ns(at_s(3600 + 60)));
  std::size_t series = 0;
  BOOST_REQUIRE(reader
                    .newest([&](const Link& link, Probe probe, const RollUp& roll) {
                      ++series;
                      BOOST_TEST((link == Link{berlin, SiteId::known("athens")}));
                      BOOST_TEST((probe == Probe::throughput));
                      BOOST_TEST(to_ns(roll.tried().front().finished_at) == to_ns(at_s(30 * 3600 + 60)));
                      BOOST_TEST(roll.results() == 0U);
                    })
                    .has_value());
  BOOST_TEST(series == 1U);
}

BOOST_AUTO_TEST_CASE(a_damaged_block_is_kept_aside_and_the_next_results_begin_anew) {
  Random random(2);
  std::vector<Result> results = story(2, 50);
  store_all(file(), results, random);
  {
    const Database raw(file(), Database::Use::write);
    raw.run("UPDATE rollups SET body = x'C1FF00' WHERE level = 2");
  }
  Reader reader(file());
  BOOST_TEST(window_of(reader, "site-1", Probe::latency, at_s(0), at_s(3600)).empty());
  BOOST_TEST(reader.damaged() > 0U);
  // Minutes of the same window, of which none is damaged, are not lost with them.
  BOOST_TEST(!window_of(reader, "site-1", Probe::latency, at_s(30), at_s(3600 + 90)).empty());
  Writer writer(file());
  StoreBatch batch{.site = berlin, .spool = 6, .after = 0, .up_to = 1, .results = {results[0]}};
  batch.results[0].id = {berlin, 6, 1};
  BOOST_REQUIRE(writer.append({&batch, 1})->front().stored);
  BOOST_TEST(*writer.seal(1));
  BOOST_TEST(*writer.roll(at_s(1e6)));
  const Database raw(file(), Database::Use::read);
  BOOST_TEST(raw.ask_integer("SELECT count(*) FROM damaged WHERE body = x'C1FF00'") == 1);
}

BOOST_AUTO_TEST_SUITE_END()
