#include "coordinator/core/matrix.h"

#include <boost/test/unit_test.hpp>

#include <cmath>

#include "tests/unit/coordinator_core/sample_results.h"

using namespace sonde;
using namespace sonde::test;
using namespace std::chrono_literals;

namespace {

const Link berlin_athens{SiteId::known("berlin"), SiteId::known("athens")};

CellQuery query(double at, Metric metric = Metric::rtt, Stat stat = Stat::p50, nanoseconds window = 1h) {
  return {.metric = metric, .stat = stat, .window = window, .at = at_s(at)};
}

Timetable repeated_every(nanoseconds every) {
  Timetable timetable;
  timetable.throughput_every = every;
  return timetable;
}

struct Mesh3 {
  explicit Mesh3(const Mesh& mesh = make_mesh()) {
    matrix.set_mesh(mesh);
    matrix.tick(at_s(0));
    matrix.set_throughput_intervals(repeated_every(1h));
  }
  std::string state(double at, Metric metric = Metric::rtt, const Link& link = berlin_athens) {
    matrix.on_heard(link.from, at_s(at));
    return std::string(name(matrix.cell(link, query(at, metric)).state));
  }
  Matrix matrix;
};

Result lost(std::uint64_t seq, double finished_s) {
  return with_ratio(make_result(seq, Probe::latency, finished_s, Outcome::timeout), Metric::loss_rtt, 50, 50);
}

}  // namespace

BOOST_AUTO_TEST_SUITE(matrix)

BOOST_FIXTURE_TEST_CASE(a_cell_shows_value_count_and_age, Mesh3) {
  matrix.on_result(latency_result(1, 10, {20, 20, 20}));
  matrix.on_heard(berlin_athens.from, at_s(14));
  const Cell cell = matrix.cell(berlin_athens, query(14));
  BOOST_TEST(std::abs(cell.value.value() - 0.020) < 0.0002);
  BOOST_TEST(cell.count == 3);
  BOOST_TEST(cell.few());
  BOOST_TEST(cell.age_s.value() == 4.0);
  BOOST_TEST(name(cell.state) == "ok");
}

BOOST_AUTO_TEST_CASE(what_the_policy_does_not_measure_is_none) {
  Mesh mesh = make_mesh();
  mesh.sites[2].inbound = false;
  mesh.policy.throughput.reset();
  Mesh3 world(mesh);
  const Link to_router{SiteId::known("berlin"), SiteId::known("edge-router")};
  const Link to_hidden{SiteId::known("berlin"), SiteId::known("gdansk")};
  const Link from_hidden{SiteId::known("gdansk"), SiteId::known("berlin")};
  BOOST_TEST(world.state(1, Metric::rtt) == "never");
  BOOST_TEST(world.state(1, Metric::throughput) == "none");
  BOOST_TEST(world.state(1, Metric::throughput_duplex) == "none");
  BOOST_TEST(world.state(1, Metric::rtt, to_router) == "never");
  BOOST_TEST(world.state(1, Metric::connect, to_router) == "none");
  BOOST_TEST(world.state(1, Metric::rtt, to_hidden) == "none");
  BOOST_TEST(world.state(1, Metric::connect, to_hidden) == "none");
  BOOST_TEST(world.state(1, Metric::connect, from_hidden) == "never");
  BOOST_TEST(world.state(1, Metric::rtt, {to_router.to, to_router.from}) == "none");
  BOOST_TEST(world.state(1, Metric::rtt, {SiteId::known("berlin"), SiteId::known("berlin")}) == "none");
  BOOST_TEST(world.state(1, Metric::rtt, {SiteId::known("berlin"), SiteId::known("rome")}) == "none");
  mesh.sites[3].connect = ConnectTarget{"192.0.2.99", 443};
  world.matrix.set_mesh(mesh);
  BOOST_TEST(world.state(1, Metric::connect, to_router) == "never");
}

BOOST_FIXTURE_TEST_CASE(a_run_too_quick_for_a_rate_does_not_make_the_link_down, Mesh3) {
  for (const std::uint64_t seq : {1U, 2U}) {
    Result result = make_result(seq, Probe::throughput, 10.0 * static_cast<double>(seq));
    result.values = {{Metric::retransmits, 0}};
    matrix.on_result(result);
  }
  BOOST_TEST(state(21, Metric::throughput) == "ok");
  BOOST_TEST(!matrix.cell(berlin_athens, query(21, Metric::throughput)).value.has_value());
}

BOOST_FIXTURE_TEST_CASE(a_duplex_run_has_a_cell_of_its_own_once_somebody_asked_for_one, Mesh3) {
  BOOST_TEST(state(1, Metric::throughput_duplex) == "none");
  Result result = make_result(1, Probe::duplex, 10.0);
  result.values = {{Metric::throughput_duplex, 40e6}};
  matrix.on_result(result);
  BOOST_TEST(matrix.cell(berlin_athens, query(11, Metric::throughput_duplex)).value.value() == 40e6);
  BOOST_TEST(state(7000, Metric::throughput_duplex) == "ok");  // never stale: nobody promised another
  BOOST_TEST(state(11, Metric::throughput) == "never");
}

BOOST_AUTO_TEST_CASE(a_site_that_nobody_can_reach_has_throughput_both_ways) {
  Mesh mesh = make_mesh();
  mesh.sites[2].inbound = false;
  const Link to_hidden{SiteId::known("berlin"), SiteId::known("gdansk")};
  BOOST_TEST(is_measured(mesh, to_hidden, Metric::throughput));
  BOOST_TEST(is_measured(mesh, {to_hidden.to, to_hidden.from}, Metric::throughput));
  BOOST_TEST(!is_measured(mesh, to_hidden, Metric::rtt));
  mesh.sites[0].inbound = false;
  BOOST_TEST(!is_measured(mesh, to_hidden, Metric::throughput));
}

BOOST_FIXTURE_TEST_CASE(a_run_over_several_results_is_no_failure_of_the_idle_path, Mesh3) {
  const auto loaded = [](std::uint64_t seq, double finished_s) {
    Result result = with_ratio(latency_result(seq, finished_s, std::vector<double>(50, 110), Metric::rtt_loaded),
                               Metric::loss_rtt_loaded, 0, 50);
    result.set(Tag::loaded);
    return result;
  };
  matrix.on_result(loaded(1, 10));
  BOOST_TEST(state(11) == "never");
  BOOST_TEST(state(11, Metric::rtt_loaded) == "ok");
  matrix.on_result(latency_result(2, 20, {20}));
  for (std::uint64_t seq = 3; seq < 9; ++seq) matrix.on_result(loaded(seq, 10.0 * static_cast<double>(seq)));
  BOOST_TEST(state(81) == "ok");
  BOOST_TEST(state(81, Metric::delay) == "never");
  // Runs come once an hour by default: what they brought stays good until then.
  matrix.on_result(latency_result(9, 90, {20}));
  matrix.on_result(latency_result(10, 100, {20}));
  matrix.on_result(latency_result(11, 500, {20}));
  BOOST_TEST(state(501, Metric::rtt_loaded) == "ok");
  BOOST_TEST(state(501, Metric::rtt_loaded_ratio) == "ok");
  BOOST_TEST(matrix.cell(berlin_athens, query(101, Metric::rtt_loaded_ratio)).age_s.value() == 21.0);
}

BOOST_FIXTURE_TEST_CASE(states_come_in_their_order, Mesh3) {
  BOOST_TEST(state(1) == "never");
  matrix.on_result(latency_result(1, 10, {20}));
  BOOST_TEST(state(11) == "ok");
  BOOST_TEST(state(42) == "ok");
  BOOST_TEST(state(43) == "stale");
  matrix.on_result(lost(2, 44));
  BOOST_TEST(state(44) == "stale");
  matrix.on_result(lost(3, 54));
  BOOST_TEST(state(54) == "down");
  BOOST_TEST(name(matrix.cell(berlin_athens, query(54 + 14.9)).state) == "down");
  BOOST_TEST(name(matrix.cell(berlin_athens, query(54 + 15)).state) == "agent_silent");
  matrix.set_paused({berlin_athens});
  BOOST_TEST(state(60) == "paused");
  matrix.set_paused({});
  matrix.on_result(latency_result(4, 64, {20}));
  BOOST_TEST(state(64) == "ok");
}

BOOST_FIXTURE_TEST_CASE(a_link_is_down_for_one_metric_and_well_for_another, Mesh3) {
  matrix.on_result(lost(1, 10));
  BOOST_TEST(state(20, Metric::rtt) == "never");
  matrix.on_result(latency_result(2, 20, {3}));
  matrix.on_result(lost(3, 30));
  BOOST_TEST(state(30, Metric::rtt) == "ok");
  matrix.on_result(lost(4, 40));
  BOOST_TEST(state(40, Metric::rtt) == "down");
  BOOST_TEST(state(40, Metric::loss_rtt) == "ok");
  BOOST_TEST(matrix.cell(berlin_athens, query(40, Metric::loss_rtt, Stat::last)).value.value() == 1.0);
}

BOOST_FIXTURE_TEST_CASE(runs_that_were_not_tried_are_neither_success_nor_failure, Mesh3) {
  matrix.on_result(with_value(make_result(1, Probe::connect, 10), Metric::connect, 0.01));
  for (std::uint64_t seq = 2; seq < 6; ++seq)
    matrix.on_result(make_result(seq, Probe::connect, 10.0 + static_cast<double>(seq), Outcome::dns_failed));
  BOOST_TEST(state(20, Metric::connect) == "ok");
  BOOST_TEST(state(111, Metric::connect) == "stale");
}

BOOST_FIXTURE_TEST_CASE(a_delay_that_the_clocks_hide_is_unsynced_and_not_down, Mesh3) {
  for (std::uint64_t seq = 1; seq < 4; ++seq) {
    Result result = latency_result(seq, 10.0 * static_cast<double>(seq), {20});
    result.set(Tag::unsynced);
    matrix.on_result(result);
  }
  BOOST_TEST(state(30, Metric::delay) == "unsynced");
  BOOST_TEST(state(30, Metric::rtt) == "ok");
  BOOST_TEST(!matrix.cell(berlin_athens, query(30, Metric::delay)).age_s.has_value());
  BOOST_TEST(state(100, Metric::delay) == "stale");
  matrix.on_result(latency_result(4, 110, {9}, Metric::delay));
  BOOST_TEST(state(110, Metric::delay) == "ok");
  BOOST_TEST(state(30, Metric::delay) == "unsynced");
}

BOOST_FIXTURE_TEST_CASE(throughput_is_not_forgotten_between_its_rare_runs, Mesh3) {
  matrix.on_result(with_value(make_result(1, Probe::throughput, 10), Metric::throughput, 5e6));
  matrix.tick(at_s(3 * 3600));
  BOOST_TEST(state(3 * 3600, Metric::throughput) == "ok");
  BOOST_TEST(!matrix.cell(berlin_athens, query(3 * 3600, Metric::throughput)).value.has_value());
  BOOST_TEST(matrix.cell(berlin_athens, query(3 * 3600, Metric::throughput)).age_s.value() == 3 * 3600 - 10.0);
  BOOST_TEST(state(10 + 3 * 3600 + 61, Metric::throughput) == "stale");
  matrix.set_throughput_intervals(repeated_every(2h));
  BOOST_TEST(state(10 + 3 * 3600 + 61, Metric::throughput) == "ok");
}

BOOST_FIXTURE_TEST_CASE(a_link_with_an_interval_of_its_own_is_stale_by_that, Mesh3) {
  Timetable timetable = repeated_every(24h);
  timetable.slots = {{{0}, berlin_athens, {}, 5s, 1h}};
  matrix.set_throughput_intervals(timetable);
  matrix.on_result(with_value(make_result(1, Probe::throughput, 10), Metric::throughput, 5e6));
  BOOST_TEST(state(10 + 3 * 3600 + 59, Metric::throughput) == "ok");
  BOOST_TEST(state(10 + 3 * 3600 + 61, Metric::throughput) == "stale");
}

BOOST_FIXTURE_TEST_CASE(the_past_is_shown_as_it_was, Mesh3) {
  matrix.on_result(latency_result(1, 10, {1}));
  matrix.on_result(latency_result(2, 20, {2}));
  matrix.on_result(lost(3, 30));
  matrix.on_result(lost(4, 40));
  matrix.on_heard(berlin_athens.from, at_s(1000));
  const Cell then = matrix.cell(berlin_athens, query(25, Metric::rtt, Stat::last));
  BOOST_TEST(name(then.state) == "ok");
  BOOST_TEST(then.age_s.value() == 5.0);
  BOOST_TEST(std::abs(then.value.value() - 0.002) < 1e-9);
  BOOST_TEST(name(matrix.cell(berlin_athens, query(9)).state) == "never");
}

BOOST_FIXTURE_TEST_CASE(results_may_come_late_and_out_of_order, Mesh3) {
  for (const int seq : {3, 1, 2})
    matrix.on_result(latency_result(static_cast<std::uint64_t>(seq), 10 * seq, {1.0 * seq}));
  BOOST_TEST(std::abs(matrix.cell(berlin_athens, query(30, Metric::rtt, Stat::last)).value.value() - 0.003) < 1e-9);
  BOOST_TEST(matrix.cell(berlin_athens, query(20, Metric::rtt, Stat::mean)).count == 2);
}

BOOST_FIXTURE_TEST_CASE(history_gives_the_same_cell_as_the_live_matrix, Mesh3) {
  std::vector<Result> results;
  for (std::uint64_t seq = 1; seq <= 30; ++seq) {
    results.push_back(seq % 7 == 0
                          ? lost(seq, 10.0 * static_cast<double>(seq))
                          : latency_result(seq, 10.0 * static_cast<double>(seq), {1.0, static_cast<double>(seq)}));
    matrix.on_result(results.back());
  }
  matrix.on_heard(berlin_athens.from, at_s(301));
  for (const MetricInfo& metric : all_metrics())
    for (int stat = 0; stat < static_cast<int>(stat_count); ++stat) {
      const CellQuery asked = query(301, metric.metric, static_cast<Stat>(stat), 200s);
      const Cell live = matrix.cell(berlin_athens, asked);
      const Cell stored = matrix.cell_of(berlin_athens, asked, pointers(results));
      BOOST_TEST((live.value == stored.value && live.count == stored.count && live.age_s == stored.age_s));
      BOOST_TEST(name(live.state) == name(stored.state));
    }
}

BOOST_FIXTURE_TEST_CASE(memory_is_bounded_and_the_matrix_knows_what_it_lost, Mesh3) {
  BOOST_TEST(matrix.reaches(query(7200), at_s(7200)));
  const auto limit = Matrix::readings_per_series;
  for (std::uint64_t seq = 1; seq <= limit + 10; ++seq)
    matrix.on_result(latency_result(seq, 3600 + static_cast<double>(seq) / 10, {1}));
  BOOST_TEST(matrix.readings() == limit);
  BOOST_TEST(matrix.over_limit() == 10U);
  BOOST_TEST(!matrix.reaches(query(4400, Metric::rtt, Stat::p50, 801s), at_s(4400)));
  BOOST_TEST(matrix.reaches(query(4400, Metric::rtt, Stat::p50, 799s), at_s(4400)));
  matrix.tick(at_s(24 * 3600));
  BOOST_TEST(matrix.readings() == 2U);
}

BOOST_FIXTURE_TEST_CASE(beyond_its_reach_the_store_has_to_be_asked, Mesh3) {
  BOOST_TEST(matrix.reaches(query(10'000, Metric::rtt, Stat::p50, 2h), at_s(10'000)));
  BOOST_TEST(!matrix.reaches(query(10'000, Metric::rtt, Stat::p50, 3h), at_s(10'000)));
  BOOST_TEST(!matrix.reaches(query(5'000, Metric::rtt, Stat::p50, 1h), at_s(10'000)));
}

BOOST_FIXTURE_TEST_CASE(a_raised_rule_degrades_its_metrics_on_its_link, Mesh3) {
  matrix.on_heard(SiteId::known("berlin"), at_s(20));
  matrix.on_result(with_ratio(latency_result(1, 20, {1}), Metric::loss, 5, 50));
  matrix.take_changed();
  matrix.set_degraded({{berlin_athens, {Metric::loss}}});
  BOOST_TEST((matrix.take_changed() == std::vector<Link>{berlin_athens}));
  matrix.set_degraded({{berlin_athens, {Metric::loss}}});
  BOOST_TEST(matrix.take_changed().empty());
  BOOST_TEST(name(matrix.cell(berlin_athens, query(21, Metric::loss)).state) == "degraded");
  BOOST_TEST(name(matrix.cell(berlin_athens, query(21)).state) == "ok");
  matrix.set_degraded({});
  BOOST_TEST((matrix.take_changed() == std::vector<Link>{berlin_athens}));
  BOOST_TEST(name(matrix.cell(berlin_athens, query(21, Metric::loss)).state) == "ok");
}

BOOST_FIXTURE_TEST_CASE(changes_are_told_once, Mesh3) {
  matrix.take_changed();
  matrix.on_result(latency_result(1, 10, {1}));
  matrix.on_result(latency_result(2, 20, {1}));
  BOOST_TEST((matrix.take_changed() == std::vector<Link>{berlin_athens}));
  BOOST_TEST(matrix.take_changed().empty());
}

BOOST_FIXTURE_TEST_CASE(who_falls_silent_changes_its_row, Mesh3) {
  for (const char* site : {"berlin", "athens", "gdansk"}) matrix.on_heard(SiteId::known(site), at_s(1));
  matrix.tick(at_s(2));
  matrix.take_changed();
  for (const char* site : {"athens", "gdansk"}) matrix.on_heard(SiteId::known(site), at_s(16));
  matrix.tick(at_s(17));
  const auto changed = matrix.take_changed();
  BOOST_TEST(changed.size() == 3U);
  for (const Link& link : changed) BOOST_TEST(link.from.str() == "berlin");
  matrix.tick(at_s(18));
  BOOST_TEST(matrix.take_changed().empty());
}

BOOST_AUTO_TEST_CASE(an_agent_that_was_never_heard_is_silent_only_after_15_s) {
  Matrix matrix;
  matrix.set_mesh(make_mesh());
  matrix.tick(at_s(100));
  BOOST_TEST(name(matrix.cell(berlin_athens, query(114)).state) == "never");
  BOOST_TEST(name(matrix.cell(berlin_athens, query(115)).state) == "agent_silent");
}

BOOST_FIXTURE_TEST_CASE(sites_that_are_gone_take_their_links_with_them, Mesh3) {
  matrix.on_result(latency_result(1, 10, {1}));
  matrix.on_result(make_result(1, Probe::latency, 10, Outcome::ok, "gdansk", "berlin"));
  Mesh smaller = make_mesh();
  smaller.sites.erase(smaller.sites.begin() + 1);
  matrix.set_mesh(smaller);
  BOOST_TEST(matrix.readings() == 1U);
  matrix.on_result(latency_result(2, 20, {1}));
  BOOST_TEST(matrix.readings() == 1U);
}

BOOST_AUTO_TEST_SUITE_END()
