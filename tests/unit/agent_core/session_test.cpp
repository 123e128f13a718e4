// Scripts of a conversation between an agent and its coordinator, in virtual time.
#include "agent/core/session.h"

#include <boost/test/unit_test.hpp>

#include <string>

#include "shared/base/limits.h"

using namespace sonde;
using namespace std::chrono_literals;

namespace {

struct Script {
  Session session{{SiteId::known("berlin"), "0.1.0", "boot", 7101}, Generation{3}};
  Now now{mono_from_ns(1'000'000'000'000), wall_from_ns(2'000'000'000'000)};
  Session::Out out;

  Script() { session.on_spool({77, 5, 3}); }  // 3, 4 and 5 are on disk

  void pass(nanoseconds time) {
    now.mono += time;
    now.wall += time;
  }
  void tick() {
    out = {};
    session.tick(now, out);
  }
  void hear(const wire::Message& message) {
    out = {};
    session.on_message(now, message, out);
  }
  void fetched(std::uint64_t first, std::uint64_t last) {
    std::vector<Result> results(last - first + 1);
    for (std::uint64_t seq = first; seq <= last; ++seq) results[seq - first].id = {SiteId::known("berlin"), 77, seq};
    out = {};
    session.on_fetched(now, std::move(results), out);
  }
  template <typename T>
  const T* said() const {
    for (const auto& message : out.messages)
      if (const auto* found = std::get_if<T>(&message)) return found;
    return nullptr;
  }
  bool event(std::string_view code) const {
    return std::ranges::any_of(out.events, [&](const Event& e) { return e.code == code; });
  }
};

}  // namespace

BOOST_AUTO_TEST_SUITE(session)

BOOST_AUTO_TEST_CASE(it_says_hello_each_second_until_it_is_welcome) {
  Script s;
  s.tick();
  BOOST_TEST_REQUIRE(s.said<wire::Hello>() != nullptr);
  BOOST_TEST(s.said<wire::Hello>()->last_seq == 5U);
  BOOST_TEST(s.said<wire::Hello>()->spool == 77U);
  s.pass(500ms);
  s.tick();
  BOOST_TEST(s.out.messages.empty());
  s.pass(500ms);
  s.tick();
  BOOST_TEST(s.said<wire::Hello>() != nullptr);
  s.hear(wire::Welcome{"europe", 2});
  BOOST_TEST(s.event("coordinator_connected"));
  BOOST_TEST((s.out.welcome_last_seq == std::optional<std::uint64_t>(2)));
  s.pass(1s);
  s.tick();
  BOOST_TEST(s.said<wire::Hello>() == nullptr);
  BOOST_TEST(s.said<wire::Heartbeat>() != nullptr);
  BOOST_TEST(s.said<wire::Heartbeat>()->spooled == 3U);
}

BOOST_AUTO_TEST_CASE(results_are_sent_from_the_lowest_that_is_on_disk_and_forgotten_when_acknowledged) {
  Script s;
  s.hear(wire::Welcome{"europe", 2});
  s.tick();
  BOOST_TEST_REQUIRE((s.out.fetch_after == std::optional<std::uint64_t>(2)));
  s.tick();
  BOOST_TEST(!s.out.fetch_after.has_value());  // one read at a time
  s.fetched(3, 5);
  BOOST_TEST_REQUIRE(s.said<wire::ResultBatch>() != nullptr);
  BOOST_TEST(s.said<wire::ResultBatch>()->results.size() == 3U);
  s.hear(wire::Acknowledge{99, 5});  // another spool's
  BOOST_TEST(!s.out.acknowledged.has_value());
  s.hear(wire::Acknowledge{77, 9});  // more than there ever was
  BOOST_TEST(!s.out.acknowledged.has_value());
  BOOST_TEST(s.event("acknowledged_unsent"));
  s.hear(wire::Acknowledge{77, 4});
  BOOST_TEST((s.out.acknowledged == std::optional<std::uint64_t>(4)));
  s.hear(wire::Acknowledge{77, 3});  // late and out of order
  BOOST_TEST(!s.out.acknowledged.has_value());
}

BOOST_AUTO_TEST_CASE(what_is_not_acknowledged_is_sent_again_after_a_while_and_after_a_break) {
  Script s;
  s.hear(wire::Welcome{"europe", 2});
  s.tick();
  s.fetched(3, 5);
  for (int i = 0; i < 10; ++i) {
    s.pass(1s);
    s.hear(wire::HeartbeatReply{});
  }
  s.tick();
  BOOST_TEST(s.event("results_sent_again"));
  BOOST_TEST((s.out.fetch_after == std::optional<std::uint64_t>(2)));
  s.fetched(3, 5);

  s.session.on_connection_broken();
  s.tick();
  BOOST_TEST(s.said<wire::Hello>() != nullptr);
  s.hear(wire::Welcome{"europe", 2});
  s.tick();
  BOOST_TEST((s.out.fetch_after == std::optional<std::uint64_t>(2)));
}

BOOST_AUTO_TEST_CASE(no_more_are_in_flight_than_the_limit) {
  Script s;
  const std::uint64_t many = 3 * limits::results_in_flight;
  s.session.on_spool({77, many, 1});
  s.hear(wire::Welcome{"europe", 0});
  s.tick();
  std::uint64_t sent = 0;
  while (s.out.fetch_after) {
    BOOST_TEST_REQUIRE(*s.out.fetch_after == sent);
    sent += limits::results_per_message;
    s.fetched(sent - limits::results_per_message + 1, sent);
  }
  BOOST_TEST(sent == limits::results_in_flight);
}

BOOST_AUTO_TEST_CASE(a_silent_coordinator_is_greeted_anew) {
  Script s;
  s.hear(wire::Welcome{"europe", 2});
  s.pass(Session::lost_after);
  s.tick();
  BOOST_TEST(s.event("coordinator_silent"));
  BOOST_TEST(s.said<wire::Hello>() != nullptr);
  s.hear(wire::WhoAreYou{});
  BOOST_TEST(s.said<wire::Hello>() != nullptr);
}

BOOST_AUTO_TEST_CASE(an_older_timetable_is_not_taken) {
  Script s;
  Timetable older;
  older.generation = {2};
  s.hear(wire::NewTimetable{older});
  BOOST_TEST(!s.out.timetable.has_value());
  BOOST_TEST(s.event("timetable_outdated"));
  Timetable newer;
  newer.generation = {4};
  s.hear(wire::NewTimetable{newer});
  BOOST_TEST(s.out.timetable.has_value());
  BOOST_TEST(s.session.generation().number == 4U);
}

BOOST_AUTO_TEST_CASE(a_message_that_is_not_for_agents_is_counted) {
  Script s;
  s.hear(wire::Goodbye{});
  BOOST_TEST(s.event("message_unexpected"));
}

BOOST_AUTO_TEST_SUITE_END()

BOOST_AUTO_TEST_SUITE(clock_estimator)

namespace {

struct World {
  nanoseconds offset = 3h;  // the agent's clock is three hours slow
  MonoTime mono = mono_from_ns(0);
  WallTime wall = wall_from_ns(1'000'000'000'000);
  ClockEstimator estimator;

  bool exchange(nanoseconds there, nanoseconds back) {
    const WallTime sent = wall;
    const SharedTime received(sent.time_since_epoch() + there + offset);
    const WallTime returned = sent + there + back;
    mono += there + back;
    wall = returned;
    return estimator.add(mono, {sent, received, received, returned});
  }
  void pass(nanoseconds time) {
    mono += time;
    wall += time;
  }
};

}  // namespace

// Found by the simulation (seed 3): between a step and the next exchange runs began by the old offset.
BOOST_AUTO_TEST_CASE(a_clock_that_was_set_is_not_believed_until_the_next_exchange) {
  World w;
  w.exchange(10ms, 10ms);
  const auto look = [&] {
    w.estimator.watch({w.mono, w.wall});
    return w.estimator.at(w.mono).known;
  };
  BOOST_TEST(look());
  w.pass(1s);
  w.wall += 1ms;  // slewed
  BOOST_TEST(look());
  w.pass(100ms);
  w.wall += 20ms;
  BOOST_TEST(!look());
  BOOST_TEST(w.estimator.steps() == 1U);
  w.exchange(10ms, 10ms);
  BOOST_TEST(look());
  w.wall += 30s;  // slept: the monotonic clock stood still
  BOOST_TEST(!look());
}

BOOST_AUTO_TEST_CASE(the_error_bounds_the_truth_however_lopsided_the_way) {
  World w;
  BOOST_TEST(!w.estimator.at(w.mono).known);
  for (const auto& [there, back] : {std::pair{10ms, 90ms}, {80ms, 5ms}, {1ms, 40ms}, {200ms, 0ms}}) {
    BOOST_TEST(w.exchange(there, back));
    const ClockMap map = w.estimator.at(w.mono);
    BOOST_TEST(map.known);
    BOOST_TEST(std::chrono::abs(map.offset - w.offset).count() <= map.error.count());
    w.pass(1s);
  }
  BOOST_TEST(w.estimator.at(w.mono).error.count() < (21ms).count() * 1'000'000);
}

BOOST_AUTO_TEST_CASE(the_error_grows_while_nothing_is_heard) {
  World w;
  w.exchange(1ms, 1ms);
  const auto before = w.estimator.at(w.mono).error;
  w.pass(1000s);
  BOOST_TEST((w.estimator.at(w.mono).error - before).count() == 200'000'000);
}

BOOST_AUTO_TEST_CASE(a_stepped_clock_starts_it_again) {
  World w;
  for (int i = 0; i < 10; ++i) w.exchange(1ms, 1ms);
  w.offset += 1min;
  w.exchange(1ms, 1ms);
  BOOST_TEST(w.estimator.steps() == 1U);
  BOOST_TEST((w.estimator.at(w.mono).offset == w.offset));
}

BOOST_AUTO_TEST_CASE(impossible_exchanges_are_refused) {
  ClockEstimator estimator;
  const auto wall = [](std::int64_t ms) { return wall_from_ns(ms * 1'000'000); };
  const auto shared = [](std::int64_t ms) { return shared_from_ns(ms * 1'000'000); };
  BOOST_TEST(
      !estimator.add(mono_from_ns(0), {wall(10), shared(20), shared(19), wall(30)}));  // replied before it was asked
  BOOST_TEST(
      !estimator.add(mono_from_ns(0), {wall(30), shared(20), shared(20), wall(10)}));  // returned before it was sent
  BOOST_TEST(
      !estimator.add(mono_from_ns(0), {wall(10), shared(20), shared(40), wall(20)}));  // held longer than it was away
}

BOOST_AUTO_TEST_SUITE_END()
