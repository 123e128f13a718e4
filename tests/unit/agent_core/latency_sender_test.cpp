// What results say of a path that a script decides on, and when probes leave.
#include "agent/core/latency_sender.h"

#include <boost/test/unit_test.hpp>

#include <cstdint>

#include "shared/wire/stamp_packet.h"
#include "tests/unit/agent_core/latency_world.h"

using namespace sonde;
using namespace sonde::test;
using namespace std::chrono_literals;

namespace {

using World = LatencyWorld;

void expect_ratio(const Result& result, Metric metric, std::uint64_t hits, std::uint64_t tries) {
  BOOST_TEST_CONTEXT(name(metric)) {
    const RatioValue* ratio = result.ratio_of(metric);
    BOOST_REQUIRE(ratio != nullptr);
    BOOST_TEST(ratio->hits == hits);
    BOOST_TEST(ratio->tries == tries);
  }
}

/// Every sample of the metric is `value`.
void expect_all(const Result& result, Metric metric, std::uint64_t count, nanoseconds value) {
  BOOST_TEST_CONTEXT(name(metric)) {
    const DistributionValue* samples = result.distribution_of(metric);
    BOOST_REQUIRE(samples != nullptr);
    BOOST_TEST(samples->samples.count() == count);
    BOOST_TEST(samples->samples.min() == value.count());
    BOOST_TEST(samples->samples.max() == value.count());
  }
}

}  // namespace

BOOST_AUTO_TEST_SUITE(latency_sender)

BOOST_AUTO_TEST_CASE(a_quiet_path_gives_a_full_result) {
  World world;
  world.start();
  world.run_until(13s);
  BOOST_REQUIRE(world.results.size() == 1);
  const Result& result = world.last();
  BOOST_CHECK(result.outcome == Outcome::ok);
  BOOST_CHECK(result.id.from == berlin && result.to == athens && result.id.seq == 0);
  BOOST_TEST(result.round.number == 0);
  BOOST_TEST(result.generation.number == 3);
  BOOST_CHECK(result.scheduled_at == world.plan.epoch);
  BOOST_CHECK(result.started_at > result.scheduled_at);
  BOOST_CHECK(result.finished_at >= world.plan.epoch + 10s);
  BOOST_CHECK(result.finished_at <= world.plan.epoch + 12s);
  BOOST_TEST(result.tags == 0);
  expect_all(result, Metric::rtt, 50, 50ms);
  expect_all(result, Metric::rtt_host, 50, 50ms + 30us);
  expect_all(result, Metric::host_queue, 50, 30us);
  expect_all(result, Metric::delay, 50, 20ms);
  expect_all(result, Metric::delay_rise, 50, 0ns);
  expect_all(result, Metric::pdv, 50, 0ns);
  BOOST_REQUIRE(result.value_of(Metric::jitter) != nullptr);
  BOOST_TEST(result.value_of(Metric::jitter)->value == 0.0);
  expect_ratio(result, Metric::loss, 0, 50);
  expect_ratio(result, Metric::loss_rtt, 0, 50);
  expect_ratio(result, Metric::reorder, 0, 50);
  expect_ratio(result, Metric::duplicate, 0, 50);
  BOOST_TEST(*result.detail("sent") == 50);
  BOOST_TEST(*result.detail("received") == 50);
  BOOST_TEST(*result.detail("ttl") == 60);
}

BOOST_AUTO_TEST_CASE(single_samples_are_handed_out_only_where_they_are_kept) {
  World forgetful;
  forgetful.start();
  forgetful.run_until(13s);
  BOOST_TEST(forgetful.closed.empty());
  World keeping;
  keeping.sender = LatencySender({true, false}, 42, true);
  keeping.start();
  keeping.run_until(13s);
  BOOST_REQUIRE(keeping.results.size() == 1);
  BOOST_REQUIRE(keeping.closed.size() == 50);
  for (const SentProbe& probe : keeping.closed) {
    const auto sample = make_sample(probe.stamps);
    BOOST_REQUIRE(sample);
    BOOST_CHECK(sample->rtt == 50ms);
  }
}

BOOST_AUTO_TEST_CASE(results_follow_each_other_without_a_hole) {
  World world;
  world.start();
  world.run_until(61s);
  BOOST_REQUIRE(world.results.size() == 5);
  for (std::uint32_t k = 0; k < 5; ++k) {
    BOOST_TEST(world.results[k].round.number == k);
    BOOST_CHECK(world.results[k].scheduled_at == world.plan.epoch + k * 10s);
    BOOST_TEST(*world.results[k].detail("sent") == 50);
    expect_ratio(world.results[k], Metric::loss, 0, 50);
  }
  for (std::size_t i = 0; i < world.sent.size(); ++i) BOOST_TEST(world.sent[i].sequence == i);
}

BOOST_AUTO_TEST_CASE(loss_on_the_way_there_is_loss_and_loss_on_the_way_back_is_not) {
  World there;
  there.network = [](std::uint32_t s) { return Path{.lost_there = s % 10 == 3}; };
  there.start();
  there.run_until(13s);
  expect_ratio(there.last(), Metric::loss, 5, 50);
  expect_ratio(there.last(), Metric::loss_rtt, 5, 50);
  BOOST_TEST(*there.last().detail("reverse_lost") == 0);

  World back;
  back.network = [](std::uint32_t s) { return Path{.lost_back = s % 10 == 3}; };
  back.start();
  back.run_until(13s);
  expect_ratio(back.last(), Metric::loss, 0, 50);
  expect_ratio(back.last(), Metric::loss_rtt, 5, 50);
  BOOST_TEST(*back.last().detail("reverse_lost") == 5);
  BOOST_TEST(*back.last().detail("reverse_tries") == 50);
}

BOOST_AUTO_TEST_CASE(a_probe_within_its_timeout_counts_nowhere) {
  World world;
  world.start();
  world.run_until(10s);
  BOOST_TEST(world.results.empty());
}

BOOST_AUTO_TEST_CASE(a_late_reply_is_lost_in_loss_rtt_and_in_no_direction) {
  World world;
  world.network = [](std::uint32_t s) { return Path{.back = s == 4 ? 2100ms : 30ms}; };
  world.start();
  world.run_until(13s);
  expect_ratio(world.last(), Metric::loss_rtt, 1, 50);
  expect_ratio(world.last(), Metric::loss, 0, 50);
  BOOST_TEST(*world.last().detail("late") == 1);
  expect_all(world.last(), Metric::rtt, 49, 50ms);
}

BOOST_AUTO_TEST_CASE(duplicates_are_told_apart_by_direction) {
  World world;
  world.network = [](std::uint32_t s) { return Path{.twice_there = s == 5 || s == 9, .twice_back = s == 20}; };
  world.start();
  world.run_until(13s);
  expect_ratio(world.last(), Metric::duplicate, 2, 50);
  expect_ratio(world.last(), Metric::loss, 0, 50);
  BOOST_TEST(*world.last().detail("duplicate_replies") == 1);
  BOOST_TEST(*world.last().detail("reverse_lost") == 0);
  expect_all(world.last(), Metric::rtt, 50, 50ms);
}

BOOST_AUTO_TEST_CASE(a_copy_whose_reply_comes_twice_is_one_copy) {
  World world;
  world.network = [](std::uint32_t s) { return Path{.twice_there = s == 5, .twice_back = s == 5}; };
  world.start();
  world.run_until(13s);
  expect_ratio(world.last(), Metric::duplicate, 1, 50);
  BOOST_TEST(*world.last().detail("duplicate_replies") == 2);
  BOOST_TEST(*world.last().detail("reverse_lost") == 0);
}

BOOST_AUTO_TEST_CASE(an_overtaken_probe_is_reordered_and_not_lost) {
  World world;
  world.network = [](std::uint32_t s) { return Path{.there = s == 7 ? 700ms : 20ms}; };
  world.start();
  world.run_until(13s);
  expect_ratio(world.last(), Metric::reorder, 1, 50);
  expect_ratio(world.last(), Metric::loss, 0, 50);
  expect_ratio(world.last(), Metric::loss_rtt, 0, 50);
  BOOST_TEST(world.last().value_of(Metric::jitter)->value > 0.0);
}

BOOST_AUTO_TEST_CASE(a_restart_of_the_reflector_is_no_loss) {
  World world;
  world.start();
  world.run_until(5s);
  world.restart_reflector();
  world.run_until(13s);
  const RatioValue* loss = world.last().ratio_of(Metric::loss);
  BOOST_REQUIRE(loss != nullptr);
  BOOST_TEST(loss->hits == 0);
  BOOST_TEST(*world.last().detail("reflector_restarts") == 1);
  BOOST_TEST(*world.last().detail("reverse_lost") == 0);
}

BOOST_AUTO_TEST_CASE(a_cut_is_a_timeout_with_a_reason_and_no_direction_is_claimed) {
  World world;
  world.network = [](std::uint32_t s) { return Path{.lost_there = s >= 50}; };
  world.start();
  world.run_until(23s);
  const Result& result = world.last();
  BOOST_CHECK(result.outcome == Outcome::timeout);
  BOOST_TEST(result.reason == "no reply to 50 probes within 2s");
  expect_ratio(result, Metric::loss_rtt, 50, 50);
  BOOST_CHECK(result.ratio_of(Metric::loss) == nullptr);
  BOOST_TEST(*result.detail("unattributed") == 50);
  BOOST_TEST(result.distributions.empty());
}

BOOST_AUTO_TEST_CASE(what_the_reflector_says_of_itself_is_in_the_details_where_it_was_asked) {
  World world;
  world.plan.streams[0].format.timestamp_information = true;
  world.plan.streams[0].format.direct_measurement = true;
  world.network = [](std::uint32_t s) { return Path{.lost_there = s == 3}; };
  world.start();
  world.run_until(13s);
  const Result& result = world.last();
  BOOST_TEST(result.detail("sync_there").value_or(0) == static_cast<double>(wire::SyncSource::free_running));
  BOOST_TEST(result.detail("stamps_there").value_or(0) == static_cast<double>(wire::StampMethod::software));
  BOOST_TEST(result.detail("session_sent").value_or(0) == 50);
  BOOST_TEST(result.detail("session_received_there").value_or(0) == 49);
  BOOST_TEST(result.detail("session_sent_there").value_or(0) == 49);
}

BOOST_AUTO_TEST_CASE(icmp_makes_it_unreachable) {
  World world;
  world.network = [](std::uint32_t) { return Path{.lost_there = true}; };
  world.start();
  world.run_until(5s);
  world.sender.on_unreachable(far, "port unreachable, nothing listens there");
  world.run_until(13s);
  BOOST_CHECK(world.last().outcome == Outcome::unreachable);
  BOOST_TEST(world.last().reason == "no reply to 50 probes: port unreachable, nothing listens there");
}

BOOST_AUTO_TEST_CASE(what_our_own_host_loses_is_not_the_networks) {
  World world;
  world.stuck = [](std::uint32_t s) { return s % 10 == 0; };
  world.start();
  world.run_until(13s);
  expect_ratio(world.last(), Metric::loss, 0, 45);
  expect_ratio(world.last(), Metric::loss_rtt, 0, 45);
  BOOST_TEST(*world.last().detail("lost_here") == 5);
}

BOOST_AUTO_TEST_CASE(a_lost_stamp_is_not_a_lost_probe) {
  World world;
  world.kernel_stamps = [](std::uint32_t s) { return s % 10 != 0; };
  world.start();
  world.run_until(13s);
  BOOST_TEST(!world.last().has(Tag::user_clock));
  expect_all(world.last(), Metric::rtt, 45, 50ms);
  expect_ratio(world.last(), Metric::loss_rtt, 0, 50);
  BOOST_TEST(*world.last().detail("lost_stamps") == 5);
}

BOOST_AUTO_TEST_CASE(without_any_kernel_stamp_the_result_says_so) {
  World world;
  world.kernel_stamps = [](std::uint32_t) { return false; };
  world.start();
  world.run_until(13s);
  BOOST_TEST(world.last().has(Tag::user_clock));
  expect_all(world.last(), Metric::rtt, 50, 50ms + 40us);
  BOOST_CHECK(world.last().distribution_of(Metric::host_queue) == nullptr);
}

BOOST_AUTO_TEST_CASE(a_rise_on_the_way_there_is_seen_without_synchronised_clocks) {
  World world;
  world.plan.streams[0].shares_clock = false;
  world.far_ahead = -40min;
  world.network = [](std::uint32_t s) { return Path{.there = s >= 50 ? 35ms : 20ms}; };
  world.start();
  world.run_until(23s);
  expect_all(world.last(), Metric::delay_rise, 50, 15ms);
}

BOOST_AUTO_TEST_CASE(a_step_of_our_clock_drops_what_is_under_way) {
  World world;
  world.network = [](std::uint32_t) { return Path{.there = 400ms, .back = 400ms}; };
  world.start();
  world.run_until(5s);
  world.stepped = -90s;
  // Shared time goes on: the next clock exchange finds the new offset.
  world.clock.offset += 90s;
  world.sender.set_clock(world.clock);
  world.run_until(13s);
  BOOST_TEST(world.last().has(Tag::clock_stepped));
  BOOST_TEST(world.sender.counters().clock_steps == 1);
  const DistributionValue* rtt = world.last().distribution_of(Metric::rtt);
  BOOST_REQUIRE(rtt != nullptr);
  BOOST_TEST(rtt->samples.min() == 800'000'000);
  BOOST_TEST(rtt->samples.max() == 800'000'000);
  BOOST_TEST(rtt->samples.count() < 50);
  expect_ratio(world.last(), Metric::loss_rtt, 0, 50);
}

BOOST_AUTO_TEST_CASE(a_step_of_the_far_clock_is_marked_and_not_measured) {
  World world;
  world.plan.streams[0].shares_clock = false;
  world.start();
  world.run_until(25s);
  world.far_ahead = 70s;
  world.run_until(33s);
  const Result& result = world.last();
  BOOST_TEST(result.has(Tag::clock_stepped));
  BOOST_TEST(result.distribution_of(Metric::delay_rise)->samples.max() == 0);
  BOOST_TEST(result.distribution_of(Metric::pdv)->samples.max() == 0);
  BOOST_TEST(result.value_of(Metric::jitter)->value == 0.0);
  expect_all(result, Metric::rtt, 50, 50ms);
}

BOOST_AUTO_TEST_CASE(missed_instants_are_skipped_and_never_bunched) {
  World world;
  world.start();
  world.run_until(4s);
  world.delay_of_wakes = 1s;
  world.run_until(5s);
  world.delay_of_wakes = 0s;
  world.run_until(13s);
  for (std::size_t i = 1; i < world.sent_at.size(); ++i) BOOST_TEST((world.sent_at[i] > world.sent_at[i - 1]));
  const double sent = *world.last().detail("sent");
  BOOST_TEST(sent < 50);
  BOOST_TEST(sent + *world.last().detail("missed") == 50);
  expect_ratio(world.last(), Metric::loss_rtt, 0, static_cast<std::uint64_t>(sent));
}

BOOST_AUTO_TEST_CASE(an_interval_in_which_nothing_could_be_sent_is_skipped) {
  World world;
  world.plan.streams[0].addresses = {{*IpAddress::parse("2001:db8::2"), 7101}};
  world.start();
  world.run_until(13s);
  BOOST_CHECK(world.last().outcome == Outcome::skipped);
  BOOST_CHECK(!world.last().started_at);
  BOOST_TEST(!world.last().reason.empty());
  BOOST_TEST(world.last().ratios.empty());
  BOOST_REQUIRE(world.events.size() == 1);
  BOOST_TEST(world.events[0].code == "latency_no_address");
}

BOOST_AUTO_TEST_CASE(after_a_long_sleep_it_goes_on_from_the_present) {
  World world;
  world.start();
  world.run_until(5s);
  world.now = MonoTime(1h);
  world.run_until(1h + 13s);
  BOOST_TEST(world.results.size() <= 4);
  BOOST_TEST(world.last().round.number == 360);
  BOOST_CHECK(world.last().outcome == Outcome::ok);
}

BOOST_AUTO_TEST_CASE(nothing_leaves_before_the_clock_is_known_and_the_plan_in_force) {
  World world;
  world.plan.effective_at += 3s;
  world.sender.configure(world.plan);
  world.run_until(2s);
  BOOST_CHECK(!world.sender.next_deadline(world.present()));
  world.sender.set_clock(world.clock);
  world.run_until(3s);
  BOOST_TEST(world.sent.empty());
  world.run_until(12500ms);
  BOOST_TEST(world.sent.size() >= 35);
  BOOST_CHECK(world.last().scheduled_at == world.plan.effective_at);
  BOOST_TEST(*world.last().detail("sent") == 35);
}

BOOST_AUTO_TEST_CASE(a_new_generation_leaves_an_unchanged_stream_alone) {
  World world;
  world.start();
  world.run_until(5s);
  const std::uint16_t ssid = world.sent.back().ssid;
  world.plan.generation = {4};
  world.plan.effective_at = world.plan.epoch + 6s;
  world.plan.streams[0].shares_clock = false;
  world.sender.configure(world.plan);
  world.run_until(13s);
  BOOST_TEST(*world.last().detail("sent") == 50);
  BOOST_TEST(world.sent.back().ssid == ssid);
  BOOST_TEST(world.last().generation.number == 4);
  BOOST_CHECK(world.last().distribution_of(Metric::delay) == nullptr);
}

BOOST_AUTO_TEST_CASE(a_changed_stream_starts_anew) {
  World world;
  world.start();
  world.run_until(5s);
  const std::uint16_t before = world.sent.back().ssid;
  world.plan.streams[0].rate = {10};
  world.sender.configure(world.plan);
  world.run_until(6s);
  BOOST_TEST(world.sent.back().ssid != before);
  BOOST_TEST(world.sent.back().ssid != 0);
  BOOST_TEST(world.sent.back().sequence < 15);
  world.plan.streams.clear();
  world.sender.configure(world.plan);
  world.run_until(7s);
  BOOST_TEST(world.sender.streams() == 0);
}

BOOST_AUTO_TEST_CASE(a_follow_up_takes_the_far_hosts_own_queue_out_of_the_round_trip) {
  World told;
  told.far_queue = 300us;
  told.start();
  told.run_until(13s);
  expect_all(told.last(), Metric::rtt, 50, 50ms);

  World silent;
  silent.far_queue = 300us;
  silent.far_stamps = false;
  silent.start();
  silent.run_until(13s);
  expect_all(silent.last(), Metric::rtt, 50, 50ms + 300us);

  World base;
  base.far_queue = 300us;
  base.plan.streams[0].format = wire::ProbeFormat::base();
  base.start();
  base.run_until(13s);
  expect_all(base.last(), Metric::rtt, 50, 50ms + 300us);
}

BOOST_AUTO_TEST_CASE(follow_ups_find_their_probe_across_losses_on_the_way_there) {
  World world;
  world.far_queue = 300us;
  world.network = [](std::uint32_t s) { return Path{.there = s % 11 == 5 ? 500ms : 20ms, .lost_there = s % 7 == 3}; };
  world.start();
  world.run_until(13s);
  // By the sender's numbers each loss would shift all that follow, and the overtaken ones would be swapped.
  const DistributionValue* rtt = world.last().distribution_of(Metric::rtt);
  BOOST_REQUIRE(rtt != nullptr);
  BOOST_TEST(rtt->samples.min() == nanoseconds(50ms).count());
  BOOST_TEST(rtt->samples.max() == nanoseconds(530ms).count());
}

BOOST_AUTO_TEST_CASE(a_lost_reply_takes_the_follow_up_of_the_one_before_it_along) {
  World world;
  world.far_queue = 300us;
  world.network = [](std::uint32_t s) { return Path{.lost_back = s == 20}; };
  world.start();
  world.run_until(13s);
  const DistributionValue* rtt = world.last().distribution_of(Metric::rtt);
  BOOST_REQUIRE(rtt != nullptr);
  BOOST_TEST(rtt->samples.count() == 49);
  BOOST_TEST(rtt->samples.min() == nanoseconds(50ms).count());
  BOOST_TEST(rtt->samples.max() == nanoseconds(50ms + 300us).count());
  BOOST_TEST(rtt->samples.sum().low == static_cast<std::uint64_t>(nanoseconds(49 * 50ms + 300us).count()));
}

BOOST_AUTO_TEST_CASE(probes_between_agents_have_one_length_and_leave_nothing_to_guess) {
  World world;
  world.start();
  world.run_until(2s);
  for (const OutgoingProbe& probe : world.sent) BOOST_TEST(probe.octets.size() == 100);
  BOOST_TEST(world.reflector.counters().follow_ups == world.reflector.counters().replies - 1);
}

BOOST_AUTO_TEST_CASE(replies_of_others_are_foreign) {
  World world;
  world.start();
  world.run_until(2s);
  const auto in_time = world.sender.counters().replies;
  wire::ReflectorPacket packet;
  packet.ssid = world.sent.back().ssid;
  packet.sender_sequence = world.sent.back().sequence;
  const auto forged = wire::encode(packet);
  world.sender.on_packet(world.now, {far, forged, world.wall(world.now), true});
  world.sender.on_packet(world.now, {own, forged, world.wall(world.now), true});
  world.sender.on_packet(world.now, {far, {}, world.wall(world.now), true});
  BOOST_TEST(world.sender.counters().foreign == 3);
  BOOST_TEST(world.sender.counters().replies == in_time);
}

BOOST_AUTO_TEST_SUITE_END()
