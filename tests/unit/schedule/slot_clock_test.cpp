#include "shared/schedule/slot_clock.h"

#include <boost/test/unit_test.hpp>

using namespace sonde;
using namespace std::chrono_literals;
using Kind = SlotClock::Due::Kind;

namespace {

const SiteId berlin = SiteId::known("berlin");
const SiteId athens = SiteId::known("athens");
const Link out{berlin, athens};
const Link back{athens, berlin};
constexpr SharedTime epoch{nanoseconds(1'000'000s)};

/// Cycle of 60 s, two rounds of 10 s: athens -> berlin, then berlin -> athens; connect every 30 s at 7 s.
Timetable example(std::uint64_t generation = 1, SharedTime effective_at = epoch) {
  Timetable timetable;
  timetable.generation = {generation};
  timetable.effective_at = effective_at;
  timetable.epoch = epoch;
  timetable.throughput_every = 60s;
  timetable.rounds = 2;
  timetable.cycle = 20s;
  timetable.slots = {{Round{0}, back, 0s, 10s}, {Round{1}, out, 10s, 10s}};
  timetable.phases = {{out, 1s, 7s}};
  return timetable;
}

struct Scene {
  SlotClock clock;
  Scene() { clock.set(example(), berlin); }
  std::vector<SlotClock::Due> at(nanoseconds after_epoch) { return clock.due(epoch + after_epoch); }
};

}  // namespace

BOOST_AUTO_TEST_SUITE(slot_clock)

BOOST_AUTO_TEST_CASE(without_a_timetable_nothing_is_due) {
  SlotClock clock;
  BOOST_TEST((clock.next() == SharedTime::max()));
  BOOST_TEST(clock.due(epoch).empty());
  BOOST_TEST((clock.next() == SharedTime::max()));
}

BOOST_AUTO_TEST_CASE(only_runs_that_begin_here_are_due_each_at_its_instant) {
  Scene scene;
  BOOST_TEST((scene.clock.next() == SharedTime::min()));
  BOOST_TEST(scene.at(0s).empty());
  BOOST_TEST((scene.clock.next() == epoch + 7s));
  auto due = scene.at(7s);
  BOOST_REQUIRE(due.size() == 1U);
  BOOST_TEST((due[0].kind == Kind::connect));
  BOOST_TEST((due[0].link == out));
  BOOST_TEST((due[0].scheduled_at == epoch + 7s));
  BOOST_TEST((due[0].length == 10s));
  BOOST_TEST(due[0].round.number == 0U);
  BOOST_TEST((scene.clock.next() == epoch + 10s));
  due = scene.at(10s + 3ms);
  BOOST_REQUIRE(due.size() == 1U);
  BOOST_TEST((due[0].kind == Kind::throughput));
  BOOST_TEST((due[0].scheduled_at == epoch + 10s));
  BOOST_TEST((due[0].length == 10s));
  BOOST_TEST(due[0].round.number == 1U);
  BOOST_TEST(!due[0].missed);
  BOOST_TEST(scene.at(10s + 4ms).empty());
}

BOOST_AUTO_TEST_CASE(a_slot_in_quiet_hours_is_neither_started_nor_missed) {
  SlotClock clock;
  Timetable timetable = example();
  timetable.phases.clear();
  timetable.quiet = {{athens, {13h + 40min, 10min}}};  // the epoch is 13:46:40
  BOOST_TEST(clock.set(timetable, berlin));
  BOOST_TEST(clock.due(epoch).empty());
  BOOST_TEST(clock.due(epoch + 10s).empty());
  BOOST_TEST(clock.due(epoch + 249s).empty());  // 190 s to 200 s was the last quiet one
  const auto due = clock.due(epoch + 250s);
  BOOST_REQUIRE(due.size() == 1U);
  BOOST_TEST(!due[0].missed);
  BOOST_TEST((due[0].scheduled_at == epoch + 250s));
}

BOOST_AUTO_TEST_CASE(a_link_may_have_an_interval_of_its_own) {
  SlotClock clock;
  Timetable timetable = example();
  timetable.phases.clear();
  timetable.slots[1].every = 20s;
  clock.set(timetable, berlin);
  clock.due(epoch);
  for (const nanoseconds t : {10s, 30s, 50s, 70s, 90s}) BOOST_TEST(clock.due(epoch + t).size() == 1U);
}

BOOST_AUTO_TEST_CASE(rounds_count_over_cycles) {
  Scene scene;
  scene.at(60s);
  const auto due = scene.at(70s);
  BOOST_REQUIRE(due.size() == 2U);  // connect of 67 s is missed by now
  BOOST_TEST(due[0].round.number == 3U);
  BOOST_TEST(due[1].round.number == 2U);
  BOOST_TEST(due[1].missed);
}

BOOST_AUTO_TEST_CASE(nothing_from_before_the_first_question_is_due) {
  Scene scene;
  BOOST_TEST(scene.at(10'009s).empty());
  BOOST_TEST((scene.clock.next() == epoch + 10'027s));
}

BOOST_AUTO_TEST_CASE(what_was_asked_before_the_first_timetable_does_not_count) {
  SlotClock clock;
  clock.due(epoch);
  clock.set(example(), berlin);
  BOOST_TEST(clock.due(epoch + 300s).empty());
}

BOOST_AUTO_TEST_CASE(a_late_slot_is_missed_and_not_started) {
  Scene scene;
  scene.at(9s);
  const auto due = scene.at(10s + SlotClock::tolerance + 1ns);
  BOOST_REQUIRE(due.size() == 1U);
  BOOST_TEST(due[0].missed);
  BOOST_TEST(due[0].count == 1U);
  BOOST_TEST((due[0].scheduled_at == epoch + 10s));
}

BOOST_AUTO_TEST_CASE(a_jump_forwards_tells_each_link_once_and_starts_no_burst) {
  Scene scene;
  scene.at(0s);
  const auto due = scene.at(24h + 7s);
  BOOST_REQUIRE(due.size() == 3U);
  BOOST_TEST(!due[0].missed);
  BOOST_TEST((due[0].scheduled_at == epoch + 24h + 7s));
  BOOST_TEST((due[1].kind == Kind::throughput));
  BOOST_TEST(due[1].missed);
  BOOST_TEST(due[1].count == 1440U);
  BOOST_TEST((due[2].kind == Kind::connect));
  BOOST_TEST(due[2].missed);
  BOOST_TEST(due[2].count == 2880U);
}

BOOST_AUTO_TEST_CASE(a_jump_backwards_repeats_nothing) {
  Scene scene;
  scene.at(0s);
  BOOST_TEST(scene.at(7s).size() == 1U);
  BOOST_TEST(scene.at(10s).size() == 1U);
  BOOST_TEST(scene.at(1s).empty());
  BOOST_TEST(scene.at(7s).empty());
  BOOST_TEST(scene.at(10s).empty());
  BOOST_TEST(scene.at(37s).size() == 1U);
}

BOOST_AUTO_TEST_CASE(what_a_wrong_clock_missed_is_measured_when_it_is_right_again) {
  Scene scene;
  scene.at(0s);
  scene.at(24h);  // the clock was a day ahead
  BOOST_TEST(scene.at(1s).empty());
  const auto due = scene.at(7s);
  BOOST_REQUIRE(due.size() == 1U);
  BOOST_TEST(!due[0].missed);
}

BOOST_AUTO_TEST_CASE(a_small_step_backwards_is_waited_for) {
  Scene scene;
  scene.at(0s);
  BOOST_TEST(scene.at(7s + 600ms).size() == 1U);  // missed
  BOOST_TEST(scene.at(7s).empty());
  BOOST_TEST(scene.at(7s + 700ms).empty());
}

BOOST_AUTO_TEST_CASE(an_older_or_equal_generation_is_refused) {
  Scene scene;
  BOOST_TEST(!scene.clock.set(example(1), berlin));
  BOOST_TEST(scene.clock.set(example(2), berlin));
  BOOST_TEST(!scene.clock.set(example(2), berlin));
  BOOST_TEST(scene.clock.set(example(3), berlin));
}

BOOST_AUTO_TEST_CASE(a_new_generation_takes_over_at_its_instant) {
  Scene scene;
  scene.at(0s);
  Timetable next = example(2, epoch + 40s);
  next.slots = {{Round{0}, out, 45s, 10s}};
  scene.clock.set(next, berlin);
  BOOST_TEST(scene.at(7s).size() == 1U);
  BOOST_TEST(scene.at(10s).size() == 1U);
  BOOST_TEST(scene.at(37s).size() == 1U);
  BOOST_TEST((scene.clock.next() == epoch + 40s));
  BOOST_TEST(scene.clock.generation().number == 1U);
  BOOST_TEST(scene.at(40s).empty());
  BOOST_TEST(scene.clock.generation().number == 2U);
  const auto due = scene.at(45s);
  BOOST_REQUIRE(due.size() == 1U);
  BOOST_TEST(due[0].generation.number == 2U);
}

BOOST_AUTO_TEST_CASE(a_slot_that_reaches_into_the_next_generation_is_missed) {
  Scene scene;
  scene.at(9s);
  scene.clock.set(example(2, epoch + 15s), berlin);
  const auto due = scene.at(10s);
  BOOST_REQUIRE(due.size() == 1U);
  BOOST_TEST(due[0].missed);
}

BOOST_AUTO_TEST_CASE(a_slot_of_the_new_generation_waits_for_the_old_run) {
  Scene scene;
  scene.at(9s);
  BOOST_TEST(scene.at(10s).size() == 1U);  // until 20 s
  Timetable late = example(2, epoch + 12s);
  late.slots = {{Round{0}, out, 15s, 10s}};
  scene.clock.set(late, berlin);
  const auto due = scene.at(15s);
  BOOST_REQUIRE(due.size() == 1U);
  BOOST_TEST(due[0].missed);
}

BOOST_AUTO_TEST_CASE(a_generation_that_came_late_takes_over_at_once) {
  Scene scene;
  scene.at(36s);
  scene.clock.set(example(2, epoch + 20s), berlin);
  const auto due = scene.at(37s);
  BOOST_REQUIRE(due.size() == 1U);
  BOOST_TEST(due[0].generation.number == 2U);
  BOOST_TEST(!due[0].missed);
}

BOOST_AUTO_TEST_CASE(the_same_instant_in_two_generations_is_started_once) {
  Scene scene;
  scene.at(0s);
  BOOST_TEST(scene.at(7s).size() == 1U);
  scene.clock.set(example(2, epoch + 1s), berlin);
  scene.at(8s);
  BOOST_TEST(scene.clock.generation().number == 2U);
  BOOST_TEST(scene.at(2s).empty());
  BOOST_TEST(scene.at(7s).empty());
}

BOOST_AUTO_TEST_CASE(nonsense_from_the_network_is_never_due) {
  SlotClock clock;
  Timetable timetable = example();
  timetable.throughput_every = 0s;
  timetable.policy.connect->every = -5s;
  clock.set(timetable, berlin);
  BOOST_TEST(clock.due(epoch).empty());
  BOOST_TEST((clock.next() == SharedTime::max()));
}

BOOST_AUTO_TEST_SUITE_END()
