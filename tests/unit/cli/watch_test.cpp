#include "coordinator/cli/watch.h"

#include <unistd.h>

#include <boost/test/unit_test.hpp>

#include <csignal>
#include <string>
#include <vector>

#include "coordinator/cli/screen.h"

using namespace sonde;
using namespace sonde::cli;
using namespace std::chrono_literals;

namespace {

/// A coordinator that gives one answer after the other and then the person presses Ctrl-C.
struct Rig {
  std::vector<Expected<std::string>> answers;
  std::optional<std::size_t> height;
  int end_with = SIGINT;
  std::size_t asked = 0;
  std::string printed{};

  Watched watched() {
    return {.ask = [this](const KeepGoing& keep_going) -> Expected<std::string> {
              BOOST_TEST(keep_going());
              if (asked < answers.size()) return answers[asked++];
              ::kill(::getpid(), end_with);
              BOOST_TEST(!keep_going());
              return fail("cut off");
            },
            .render =
                [](const std::string& answer, const Terminal& terminal) {
                  return answer + (terminal.width ? " fits " + std::to_string(*terminal.width) : "") + "\n";
                },
            .terminal = [this] { return height ? Terminal{33, false} : Terminal{}; },
            .height = [this] { return height; },
            .print =
                [this](std::string_view text) {
                  printed += text;
                  return true;
                }};
  }
};

std::size_t count_of(const std::string& text, std::string_view part) {
  std::size_t found = 0;
  for (auto at = text.find(part); at != std::string::npos; at = text.find(part, at + 1)) ++found;
  return found;
}

}  // namespace

BOOST_AUTO_TEST_SUITE(watching)

BOOST_AUTO_TEST_CASE(a_frame_overwrites_each_line_and_clears_what_is_below) {
  BOOST_TEST(screen_frame("one\ntwo\n", "status", 10) ==
             "\x1b[?2026h\x1b[Hone\x1b[K\r\ntwo\x1b[K\r\nstatus\x1b[K\x1b[J\x1b[?2026l");
}

BOOST_AUTO_TEST_CASE(a_frame_that_is_too_long_says_what_is_missing_and_never_scrolls) {
  const std::string frame = screen_frame("1\n2\n3\n4\n5\n", "status", 4);
  BOOST_TEST(count_of(frame, "\n") == 3);
  BOOST_TEST(frame.find("2\x1b[K") != std::string::npos);
  BOOST_TEST(frame.find("3\x1b[K") == std::string::npos);
  BOOST_TEST(frame.find("... 3 more lines") != std::string::npos);
}

BOOST_AUTO_TEST_CASE(without_a_screen_each_answer_is_printed_plainly_until_a_signal) {
  for (const int signal : {SIGINT, SIGTERM, SIGHUP}) {
    Rig rig{.answers = {std::string("first"), std::string("second")}, .height = std::nullopt, .end_with = signal};
    BOOST_TEST(watch(rig.watched(), 1ms).has_value());
    BOOST_TEST(rig.printed == "first\nsecond\n");
  }
}

BOOST_AUTO_TEST_CASE(a_screen_is_given_back_and_the_newest_picture_stays) {
  Rig rig{.answers = {std::string("first"), std::string("second")}, .height = 24};
  BOOST_TEST(watch(rig.watched(), 1ms).has_value());
  BOOST_TEST(rig.printed.starts_with(enter_screen));
  BOOST_TEST(rig.printed.ends_with(std::string(leave_screen) + "second fits 33\n"));
  BOOST_TEST(count_of(rig.printed, "\x1b[2J") == 1);  // cleared once: what is drawn later lies over it
}

BOOST_AUTO_TEST_CASE(what_is_known_stays_while_the_coordinator_is_away) {
  Rig rig{.answers = {std::string("first"), fail("connection refused"), std::string("third")}, .height = 24};
  BOOST_TEST(watch(rig.watched(), 1ms).has_value());
  BOOST_TEST(count_of(rig.printed, "first fits 33\x1b[K\r\nNO CONNECTION, what you see is old: connection refused") ==
             1);
  BOOST_TEST(count_of(rig.printed, "third fits 33\x1b[K\r\nasked every") == 1);
}

BOOST_AUTO_TEST_CASE(where_the_first_question_fails_there_is_nothing_to_watch) {
  Rig rig{.answers = {fail("no such metric")}, .height = 24};
  const auto ended = watch(rig.watched(), 1ms);
  BOOST_REQUIRE(!ended.has_value());
  BOOST_TEST(ended.error().what == "no such metric");
  BOOST_TEST(rig.printed == "");
}

BOOST_AUTO_TEST_CASE(another_size_is_drawn_at_once) {
  Rig rig{.answers = {std::string("first"), std::string("second")}, .height = 24};
  Watched watched = rig.watched();
  const auto ask = watched.ask;
  watched.ask = [&](const KeepGoing& keep_going) {
    ::kill(::getpid(), SIGWINCH);
    return ask(keep_going);
  };
  BOOST_TEST(watch(watched, 1ms).has_value());
  BOOST_TEST(count_of(rig.printed, "first fits 33") == 2);
}

BOOST_AUTO_TEST_SUITE_END()
