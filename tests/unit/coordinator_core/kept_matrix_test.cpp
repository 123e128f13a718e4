// What the live matrix keeps is what a fresh look at the same results gives, bit for bit.
#include <rapidcheck.h>

#include <boost/test/unit_test.hpp>

#include <algorithm>
#include <cmath>
#include <deque>
#include <vector>

#include "coordinator/core/matrix.h"
#include "tests/unit/coordinator_core/sample_results.h"

using namespace sonde;
using namespace sonde::test;
using namespace std::chrono_literals;

namespace {

const Link berlin_athens{SiteId::known("berlin"), SiteId::known("athens")};
const Link athens_berlin{SiteId::known("athens"), SiteId::known("berlin")};

bool same(const WindowValue& a, const WindowValue& b) {
  return a.value == b.value && a.count == b.count && a.error_s == b.error_s;
}

bool same(const Cell& a, const Cell& b) {
  return a.value == b.value && a.count == b.count && a.age_s == b.age_s && a.error_s == b.error_s && a.state == b.state;
}

/// A run of the probe of `metric`: well or not, with few or many samples, some of them zero.
Result any_result(const MetricInfo& metric, std::uint64_t seq, double finished_s) {
  const auto outcome =
      *rc::gen::weightedElement<Outcome>({{8, Outcome::ok}, {2, Outcome::timeout}, {1, Outcome::skipped}});
  Result result = make_result(seq, metric.probe, finished_s, outcome);
  if (result.started_at) *result.started_at -= from_seconds(*rc::gen::inRange(0, 30));
  if (*rc::gen::inRange(0, 6) == 0) return result;  // it brings nothing
  const auto tries = *rc::gen::inRange<std::uint64_t>(1, 50);
  switch (metric.shape) {
    case MetricShape::ratio:
      result.ratios = {{metric.metric, *rc::gen::inRange<std::uint64_t>(0, tries + 1), tries}};
      break;
    case MetricShape::value: result.values = {{metric.metric, *rc::gen::inRange(0, 5'000) / 1e3}}; break;
    case MetricShape::distribution: {
      Distribution samples;
      for (std::uint64_t i = 0; i < tries; ++i) samples.add(*rc::gen::inRange<std::int64_t>(0, 100'000'000));
      result.distributions = {{metric.metric, samples}};
      result.details = {{"error_s", *rc::gen::inRange(0, 5) / 1e4}};
      break;
    }
  }
  return result;
}

CellQuery any_query() {
  CellQuery query;
  do {
    query.metric = *rc::gen::elementOf(std::vector<Metric>{Metric::rtt, Metric::delay, Metric::loss, Metric::jitter,
                                                           Metric::throughput, Metric::connectivity});
    query.stat = static_cast<Stat>(*rc::gen::inRange<int>(0, stat_count));
  } while (!stat_applies(query.metric, query.stat) || !KeptWindow::can_keep(query.metric, query.stat));
  query.window = *rc::gen::elementOf(std::vector<nanoseconds>{1min, 5min, 1h, 2h});
  return query;
}

/// The same results in a matrix that is asked again and again and keeps, and in one that nobody ever asked before.
struct TwoMatrices {
  TwoMatrices() { kept.set_mesh(make_mesh()); }

  void tick(double at) {
    kept.on_heard(berlin_athens.from, at_s(at));
    kept.tick(at_s(at));
    ticks.push_back(at);
  }

  Cell fresh(const CellQuery& query) const {
    Matrix other;
    other.set_mesh(make_mesh());
    for (const auto& [result, before_tick] : results) other.on_result(result);
    for (const double at : ticks) {
      other.on_heard(berlin_athens.from, at_s(at));
      other.tick(at_s(at));
    }
    return other.cell(berlin_athens, query);
  }

  Matrix kept;
  std::deque<std::pair<Result, std::size_t>> results;
  std::vector<double> ticks;
};

}  // namespace

BOOST_AUTO_TEST_SUITE(kept_matrix)

BOOST_AUTO_TEST_CASE(a_kept_window_is_a_fresh_look_at_the_same_readings) {
  const bool holds = rc::check([] {
    CellQuery query = any_query();
    std::vector<Reading> readings;
    KeptWindow kept;
    double now = 10'000;
    for (std::uint64_t seq = 1; seq < 60; ++seq) {
      switch (*rc::gen::weightedElement<int>({{6, 0}, {4, 1}, {1, 2}, {1, 3}})) {
        case 0: {  // one comes: late, in time, or from a clock that is ahead; some of them twice
          const double finished = now + *rc::gen::inRange(-4'000, 30);
          const Reading fresh = reading_of(any_result(info(query.metric), seq, finished));
          for (int times = *rc::gen::inRange(1, 3); times > 0; --times) {
            readings.insert(std::ranges::upper_bound(readings, fresh.finished_at, {}, &Reading::finished_at), fresh);
            kept.on_reading(fresh, readings, query);
          }
          break;
        }
        case 1: now += *rc::gen::inRange(0, 700); break;
        case 2: now += *rc::gen::inRange(0, 8'000); break;
        default:
          if (readings.empty()) break;
          kept.on_drop(readings.front(), query);
          readings.erase(readings.begin());
      }
      query.at = at_s(now);
      kept.advance(query.at, readings, query);
      RC_ASSERT(same(kept.value(), aggregate(readings, query)));
    }
  });
  BOOST_TEST(holds);
}

BOOST_AUTO_TEST_CASE(a_matrix_that_keeps_shows_what_one_shows_that_does_not) {
  const bool holds = rc::check([] {
    CellQuery query = any_query();
    TwoMatrices two;
    double now = 10'000;
    two.tick(now);
    for (std::uint64_t seq = 1; seq < 25; ++seq) {
      if (*rc::gen::inRange(0, 3) > 0) {
        two.results.emplace_back(any_result(info(query.metric), seq, now + *rc::gen::inRange(-3'000, 30)), 0);
        two.kept.on_result(two.results.back().first);
      } else {
        now += *rc::gen::inRange(0, 2'000);
        two.tick(now);
      }
      query.at = at_s(now + *rc::gen::inRange(0, 3));
      if (*rc::gen::inRange(0, 2) == 0) continue;
      Cell shown;
      two.kept.each_cell(query, [&](std::size_t from, std::size_t to, const Cell& cell) {
        if (from == 0 && to == 1) shown = cell;
      });
      RC_ASSERT(same(shown, two.kept.cell(berlin_athens, query)));
      // The other one has forgotten what this one has, and nothing more: both go back as far.
      if (two.kept.reaches(query, at_s(now))) RC_ASSERT(same(shown, two.fresh(query)));
      CellState state = CellState::none;
      two.kept.each_state(query.metric, query.at, [&](std::size_t from, std::size_t to, CellState each) {
        if (from == 0 && to == 1) state = each;
      });
      RC_ASSERT(state == shown.state);
    }
  });
  BOOST_TEST(holds);
}

BOOST_AUTO_TEST_CASE(every_link_from_an_agent_has_a_cell_row_by_row) {
  Matrix matrix;
  matrix.set_mesh(make_mesh());
  std::vector<std::pair<std::size_t, std::size_t>> places;
  matrix.each_cell(CellQuery{.at = at_s(1)}, [&](std::size_t from, std::size_t to, const Cell& cell) {
    places.emplace_back(from, to);
    BOOST_TEST(name(cell.state) == "never");
  });
  const std::vector<std::pair<std::size_t, std::size_t>> expected{{0, 1}, {0, 2}, {0, 3}, {1, 0}, {1, 2},
                                                                  {1, 3}, {2, 0}, {2, 1}, {2, 3}};
  BOOST_TEST((places == expected));
}

BOOST_AUTO_TEST_CASE(what_is_kept_moves_with_its_sites) {
  Matrix matrix;
  matrix.set_mesh(make_mesh());
  matrix.tick(at_s(0));
  const CellQuery query{.at = at_s(20)};
  matrix.keep(query);
  matrix.on_result(latency_result(1, 10, {20}));
  matrix.on_heard(berlin_athens.from, at_s(19));
  const Cell before = matrix.cell(berlin_athens, query);
  BOOST_TEST(before.count == 1U);
  Mesh turned = make_mesh();
  std::ranges::reverse(turned.sites);
  SiteSpec newcomer;
  newcomer.site = SiteId::known("aachen");
  turned.sites.insert(turned.sites.begin(), newcomer);
  matrix.set_mesh(turned);
  BOOST_TEST(same(matrix.cell(berlin_athens, query), before));
  BOOST_TEST(name(matrix.cell(athens_berlin, query).state) == "agent_silent");
  matrix.each_cell(query, [&](std::size_t from, std::size_t to, const Cell& cell) {
    BOOST_TEST((cell.count > 0) ==
               (turned.sites[from].site.str() == "berlin" && turned.sites[to].site.str() == "athens"));
  });
}

BOOST_AUTO_TEST_CASE(a_clock_that_is_set_back_does_not_leave_the_future_in_the_cells) {
  Matrix matrix;
  matrix.set_mesh(make_mesh());
  matrix.tick(at_s(5'000));
  matrix.keep(CellQuery{.at = at_s(5'000)});
  matrix.on_result(latency_result(1, 4'990, {20}));
  matrix.on_result(latency_result(2, 1'000, {40}));
  matrix.tick(at_s(2'000));
  const Cell cell = matrix.cell(berlin_athens, CellQuery{.at = at_s(2'000)});
  BOOST_TEST(cell.count == 1U);
  BOOST_TEST(std::abs(cell.value.value() - 0.040) < 0.0005);
  BOOST_TEST(cell.age_s.value() == 1'000.0);
}

BOOST_AUTO_TEST_CASE(no_agent_s_numbers_are_too_large_for_a_window) {
  Matrix matrix;
  matrix.set_mesh(make_mesh());
  matrix.tick(at_s(0));
  for (std::uint64_t seq = 1; seq <= 5; ++seq) {
    Result result = make_result(seq, Probe::latency, 10.0 * static_cast<double>(seq));
    Distribution samples;
    samples.add(20'000'000, std::uint64_t{1} << 55U);
    result.distributions = {{Metric::rtt, samples}};
    matrix.on_result(result);
  }
  BOOST_TEST(matrix.cell(berlin_athens, CellQuery{.at = at_s(60)}).count == 0U);
  matrix.on_result(latency_result(6, 60, {20}));
  BOOST_TEST(matrix.cell(berlin_athens, CellQuery{.at = at_s(61)}).count == 1U);
}

BOOST_AUTO_TEST_SUITE_END()
