// Probes that meet a throughput run stand apart from those that do not, whoever ran it.
#include <boost/test/unit_test.hpp>

#include "agent/core/load_book.h"
#include "tests/unit/agent_core/latency_world.h"

using namespace sonde;
using namespace sonde::test;
using namespace std::chrono_literals;

namespace {

using World = LatencyWorld;

std::uint64_t count_of(const Result& result, Metric metric) {
  const DistributionValue* found = result.distribution_of(metric);
  return found == nullptr ? 0 : found->samples.count();
}

std::uint64_t tries_of(const Result& result, Metric metric) {
  const RatioValue* found = result.ratio_of(metric);
  return found == nullptr ? 0 : found->tries;
}

/// A queue of 100 ms on the way there from second 3 to 6, in which a run goes on.
void fill_queue(World& world) {
  world.network = [&world](std::uint32_t) {
    return Path{.there = world.now >= MonoTime(3s) && world.now < MonoTime(6s) ? 120ms : 20ms};
  };
}

constexpr nanoseconds away = 50ms;

/// One that took 5 ms.
Result connect_to(const char* site, SharedTime at) {
  Result connect;
  connect.id.from = berlin;
  connect.to = SiteId::known(site);
  connect.probe = Probe::connect;
  connect.values = {{Metric::connect, 0.1}};
  connect.started_at = at;
  connect.finished_at = at + 5ms;
  return connect;
}

bool loaded(LoadBook& book, Result connect, const ClockMap& clock) {
  book.hold(MonoTime(), std::move(connect), std::nullopt);
  return book.judged(MonoTime(), clock).front().has(Tag::loaded);
}

}  // namespace

BOOST_AUTO_TEST_SUITE(path_load)

BOOST_AUTO_TEST_CASE(our_own_run_to_the_same_site_is_the_loaded_round_trip) {
  World world;
  fill_queue(world);
  world.start();
  world.sender.tell_load({.link = {berlin, athens}, .start = world.wall(MonoTime(3s)), .end = {}});
  world.sender.tell_load({.link = {berlin, athens},
                          .start = world.wall(MonoTime(3s)),
                          .end = world.wall(MonoTime(6s)),
                          .tcpi_rtt_s = 0.15});
  world.run_until(13s);
  const Result& result = world.last();
  BOOST_TEST(result.has(Tag::loaded));
  const std::uint64_t loaded = count_of(result, Metric::rtt_loaded);
  BOOST_TEST((loaded >= 15U && loaded <= 16U));
  BOOST_TEST(count_of(result, Metric::rtt) == 50 - loaded);
  BOOST_TEST(result.distribution_of(Metric::rtt)->samples.max() == away.count());
  BOOST_TEST(result.distribution_of(Metric::rtt_loaded)->samples.max() == 150'000'000);
  BOOST_TEST(result.distribution_of(Metric::delay)->samples.max() == 20'000'000);
  BOOST_TEST(result.distribution_of(Metric::delay_loaded)->samples.max() == 120'000'000);
  BOOST_TEST(result.distribution_of(Metric::delay_rise)->samples.max() == 0);
  BOOST_TEST(result.distribution_of(Metric::pdv)->samples.max() == 0);
  BOOST_TEST(count_of(result, Metric::delay_rise_loaded) == loaded);
  BOOST_TEST(result.value_of(Metric::jitter)->value == 0.0);
  BOOST_TEST((result.value_of(Metric::jitter_loaded) != nullptr));
  for (const Metric idle : {Metric::loss, Metric::loss_rtt, Metric::reorder})
    BOOST_TEST(tries_of(result, idle) == 50 - loaded);
  for (const Metric twin : {Metric::loss_loaded, Metric::loss_rtt_loaded, Metric::reorder_loaded})
    BOOST_TEST(tries_of(result, twin) == loaded);
  BOOST_TEST(*result.detail("loaded") == static_cast<double>(loaded));
  BOOST_TEST(*result.detail("loaded_sending") == static_cast<double>(loaded));
  BOOST_TEST(*result.detail("loaded_tcpi_rtt_s") == 0.15);
}

BOOST_AUTO_TEST_CASE(any_other_run_of_ours_keeps_probes_out_but_is_not_the_loaded_round_trip) {
  World world;
  fill_queue(world);
  world.start();
  world.sender.tell_load(
      {.link = {athens, berlin}, .start = world.wall(MonoTime(3s)), .end = world.wall(MonoTime(6s))});
  world.run_until(13s);
  BOOST_TEST(count_of(world.last(), Metric::rtt_loaded) == 0U);
  BOOST_TEST(world.last().distribution_of(Metric::rtt)->samples.max() == away.count());
  BOOST_TEST(count_of(world.last(), Metric::delay_loaded) >= 15U);
  world.run_until(23s);
  BOOST_TEST(!world.last().has(Tag::loaded));
  BOOST_TEST(count_of(world.last(), Metric::rtt) == 50U);
}

BOOST_AUTO_TEST_CASE(a_run_of_the_far_site_is_told_by_its_replies_on_its_own_clock) {
  World world;
  world.plan.streams[0].shares_clock = false;
  world.far_ahead = -5h;
  fill_queue(world);
  // Nothing comes back from second 4 on for a while: the next reply tells when the run ended.
  const auto queue = world.network;
  world.network = [&world, queue](std::uint32_t sequence) {
    Path path = queue(sequence);
    path.lost_back = world.now >= MonoTime(4s) && world.now < MonoTime(7s);
    return path;
  };
  world.start();
  world.run_until(3s);
  const WallTime start = world.wall(world.now) + world.far_ahead;
  world.reflector.set_load(SiteLoad{LoadRole::sends, start, std::nullopt});
  world.run_until(6s);
  world.reflector.set_load(SiteLoad{LoadRole::sends, start, start + 3s});
  world.run_until(13s);
  const Result& result = world.last();
  BOOST_TEST(result.has(Tag::loaded));
  const std::uint64_t loaded = tries_of(result, Metric::loss_rtt_loaded);
  BOOST_TEST((loaded >= 15U && loaded <= 17U));
  BOOST_TEST(tries_of(result, Metric::loss_rtt) == 50 - loaded);
  BOOST_TEST(result.distribution_of(Metric::rtt)->samples.max() == away.count());
  BOOST_TEST(result.ratio_of(Metric::loss_rtt_loaded)->hits >= 9U);
  BOOST_TEST(result.ratio_of(Metric::loss_loaded)->hits == 0U);
  BOOST_TEST(count_of(result, Metric::rtt_loaded) == 0U);
}

BOOST_AUTO_TEST_CASE(a_far_run_without_an_end_is_over_when_the_next_begins) {
  FarLoads loads;
  const WallTime t = wall_from_ns(1'000'000'000'000);
  loads.tell({LoadRole::sends, t, std::nullopt});
  BOOST_TEST(loads.met_by({t + 1min, t + 1min}));
  BOOST_TEST(!loads.met_by({t + FarLoads::longest + 1s, t + FarLoads::longest + 1s}));
  loads.tell({LoadRole::receives, t + 10s, t + 12s});
  BOOST_TEST(loads.met_by({t + 9s, t + 9s}));
  BOOST_TEST(!loads.met_by({t + 13s, t + 13s}));
  loads.tell({});
  BOOST_TEST(!loads.met_by({WallTime(), WallTime()}));
}

BOOST_AUTO_TEST_CASE(a_connect_that_met_a_run_has_no_idle_time) {
  Result result;
  result.probe = Probe::connect;
  result.values = {
      {Metric::resolve, 0.001}, {Metric::connect, 0.2}, {Metric::connect_clean, 0.2}, {Metric::handshake_rtt, 0.2}};
  keep_apart_as_loaded(result);
  BOOST_TEST(result.has(Tag::loaded));
  BOOST_TEST(result.value_of(Metric::connect_loaded)->value == 0.2);
  BOOST_TEST((result.value_of(Metric::connect) == nullptr));
  BOOST_TEST((result.value_of(Metric::connect_clean) == nullptr));
  BOOST_TEST((result.value_of(Metric::handshake_rtt) == nullptr));
  BOOST_TEST((result.value_of(Metric::resolve) != nullptr));
}

BOOST_AUTO_TEST_CASE(the_book_tells_each_run_to_probes_and_reflector) {
  LoadBook book;
  const ClockMap clock{1h, 1ms, true};
  const WallTime t = wall_from_ns(1'000'000'000'000);
  const auto begun = book.on_activity({{berlin, athens}, TransferRole::sends, t, std::nullopt});
  BOOST_TEST_REQUIRE(begun.loads.size() == 1U);
  BOOST_TEST((*begun.for_others == SiteLoad{LoadRole::sends, t, std::nullopt}));
  // A neighbour's slot does not hide our own run from others.
  const Prober::Neighbour neighbour{{athens, SiteId::known("rome")}, clock.shared(t) + 1s, clock.shared(t) + 6s};
  const auto beside = book.on_neighbours({neighbour}, clock);
  BOOST_TEST_REQUIRE(beside.loads.size() == 1U);
  BOOST_TEST((*beside.loads[0].end == t + 6s));
  BOOST_TEST(!beside.for_others.has_value());
  BOOST_TEST(book.on_neighbours({neighbour}, clock).loads.empty());
  const auto ended = book.on_activity({{berlin, athens}, TransferRole::sends, t, t + 3s});
  BOOST_TEST((*ended.for_others == SiteLoad{LoadRole::sends, t, t + 3s}));
  Result run;
  run.id.from = berlin;
  run.to = athens;
  run.started_at = clock.shared(t);
  run.details = {{"tcpi_rtt_s", 0.08}};
  const auto more = book.on_result(run);
  BOOST_TEST_REQUIRE(more.loads.size() == 1U);
  BOOST_TEST(*more.loads[0].tcpi_rtt_s == 0.08);
  BOOST_TEST((*more.loads[0].end == t + 3s));

  BOOST_TEST(!loaded(book, connect_to("rome", clock.shared(t) + 7s), clock));
  BOOST_TEST(loaded(book, connect_to("rome", clock.shared(t) + 2900ms), clock));
}

BOOST_AUTO_TEST_CASE(two_runs_of_ours_at_once_are_told_as_one_until_both_have_ended) {
  LoadBook book;
  const ClockMap clock{1h, 1ms, true};
  const WallTime t = wall_from_ns(1'000'000'000'000);
  const Link out{berlin, athens};
  const Link in{SiteId::known("rome"), berlin};
  book.on_activity({out, TransferRole::sends, t, std::nullopt});
  const auto both = book.on_activity({in, TransferRole::receives, t + 1s, std::nullopt});
  BOOST_TEST((*both.for_others == SiteLoad{LoadRole::both, t, std::nullopt}));
  const auto one_ended = book.on_activity({out, TransferRole::sends, t, t + 2s});
  BOOST_TEST((*one_ended.for_others == SiteLoad{LoadRole::both, t, std::nullopt}));
  const auto ended = book.on_activity({in, TransferRole::receives, t + 1s, t + 3s});
  BOOST_TEST((*ended.for_others == SiteLoad{LoadRole::both, t, t + 3s}));
  const auto later = book.on_activity({out, TransferRole::sends, t + 5s, std::nullopt});
  BOOST_TEST((*later.for_others == SiteLoad{LoadRole::sends, t + 5s, std::nullopt}));
  // Each of them is known to our own probes by itself.
  BOOST_TEST(loaded(book, connect_to("oslo", clock.shared(t) + 2500ms), clock));
  BOOST_TEST(!loaded(book, connect_to("oslo", clock.shared(t) + 3500ms), clock));
}

BOOST_AUTO_TEST_CASE(a_result_belongs_to_every_iteration_of_its_run_and_to_none_before) {
  LoadBook book;
  const WallTime t = wall_from_ns(1'000'000'000'000);
  const Link out{berlin, athens};
  Result run;
  run.id.from = berlin;
  run.to = athens;
  run.outcome = Outcome::reset;
  book.on_activity({out, TransferRole::sends, t, t + 1s});
  BOOST_TEST(book.on_result(run).loads.empty());
  run.outcome = Outcome::ok;
  run.started_at = shared_from_ns(to_ns(t) + 10'000'000'000);
  book.on_activity({out, TransferRole::sends, t + 10s, t + 11s});
  book.on_activity({out, TransferRole::sends, t + 12s, t + 13s});
  const auto news = book.on_result(run);
  BOOST_TEST_REQUIRE(news.loads.size() == 2U);
  BOOST_TEST((news.loads[0].start == t + 10s && news.loads[1].start == t + 12s));
  BOOST_TEST((*news.loads[1].started_at == *run.started_at));
}

BOOST_AUTO_TEST_CASE(a_connect_waits_until_probes_may_have_told_of_the_far_sites_runs) {
  LoadBook book;
  const ClockMap clock{1h, 1ms, true};
  const WallTime t = wall_from_ns(1'000'000'000'000);
  const MonoTime now{5s};
  book.hold(now, connect_to("athens", clock.shared(t)), LatencyPolicy{});
  book.hold(now, connect_to("rome", clock.shared(t)), LatencyPolicy{});
  BOOST_TEST(book.judged(now + 500ms, clock).empty());
  // The far clock is a day ahead; the run began within the flight, and is told while the result waits.
  book.on_far_run(*far_run(athens, {LoadRole::receives, t + 24h + 2ms, {}}, t + 100ms, t + 24h + 110ms, t + 24h + 111ms,
                           t + 121ms));
  const auto judged = book.judged(now + 600ms, clock);
  BOOST_TEST_REQUIRE(judged.size() == 2U);
  BOOST_TEST(judged[0].has(Tag::loaded));
  BOOST_TEST(judged[0].value_of(Metric::connect_loaded)->value == 0.1);
  BOOST_TEST(!judged[1].has(Tag::loaded));  // rome has no run
  // Where no probe comes in time, nothing is waited for.
  book.hold(now, connect_to("oslo", clock.shared(t)), std::nullopt);
  book.hold(now, connect_to("oslo", clock.shared(t)), LatencyPolicy{.rate = {0.5}});
  BOOST_TEST(book.judged(now, clock).size() == 2U);
}

BOOST_AUTO_TEST_CASE(a_far_run_covers_its_true_time_on_our_clock_and_hardly_more) {
  // Our clock is 3 h ahead; the probe took 20 ms there and 40 ms back.
  const WallTime t = wall_from_ns(1'000'000'000'000);
  const auto far_clock = [](WallTime ours) { return ours - 3h; };
  FarRuns runs;
  const auto tell = [&](const SiteLoad& load) {
    const auto run = far_run(athens, load, t + 6s, far_clock(t + 6s + 20ms), far_clock(t + 6s + 21ms), t + 6s + 61ms);
    if (run) runs.tell(*run);
  };
  tell({LoadRole::none, {}, {}});
  BOOST_TEST(!runs.met_by({t, t + 10s}, athens));
  tell({LoadRole::sends, far_clock(t + 1s), {}});
  BOOST_TEST(runs.met_by({t + 8s, t + 8s}, athens));
  tell({LoadRole::sends, far_clock(t + 1s), far_clock(t + 5s)});
  BOOST_TEST(runs.met_by({t + 1s, t + 1s}, athens));
  BOOST_TEST(runs.met_by({t + 5s, t + 5s}, athens));
  BOOST_TEST(!runs.met_by({t + 900ms, t + 900ms}, athens));
  BOOST_TEST(!runs.met_by({t + 5100ms, t + 5100ms}, athens));
  BOOST_TEST(!runs.met_by({t + 1s, t + 5s}, SiteId::known("rome")));
}

BOOST_AUTO_TEST_CASE(replies_bring_news_of_the_far_sites_runs_once_each) {
  World world;
  world.far_ahead = 1h;
  world.start();
  world.run_until(2s);
  BOOST_TEST(world.far_runs.empty());
  const WallTime began = world.wall(MonoTime(2s));
  world.reflector.set_load(SiteLoad{LoadRole::receives, began + 1h, {}});
  world.run_until(4s);
  world.reflector.set_load(SiteLoad{LoadRole::receives, began + 1h, began + 1h + 2s});
  world.run_until(6s);
  const auto& heard = world.far_runs;
  BOOST_TEST_REQUIRE(heard.size() == 2U);
  BOOST_TEST((heard[0].site == athens && !heard[0].end));
  BOOST_TEST((heard[0].start <= began && began <= heard[0].start + 30ms));
  BOOST_TEST((*heard[1].end >= began + 2s && *heard[1].end <= began + 2040ms));
}

BOOST_AUTO_TEST_SUITE_END()
