#include "coordinator/core/clock_guards.h"

#include <boost/test/unit_test.hpp>

using namespace sonde;
using namespace std::chrono_literals;

namespace {

const SiteId berlin = SiteId::known("berlin");

struct Book {
  ClockGuards guards;
  SharedTime now = shared_from_ns(1'000'000'000'000);

  /// Heartbeats once a second; how many of them changed the guard.
  int beat(int seconds, nanoseconds error) {
    int changes = 0;
    for (int i = 0; i < seconds; ++i) {
      now += 1s;
      if (guards.on_error(now, berlin, error)) ++changes;
    }
    return changes;
  }
};

}  // namespace

BOOST_AUTO_TEST_SUITE(clock_guards)

BOOST_AUTO_TEST_CASE(good_clocks_need_nothing) {
  Book book;
  BOOST_TEST(book.beat(3600, 50ms) == 0);
  BOOST_TEST(book.guards.guards().empty());
  BOOST_TEST((book.guards.guard(berlin) == 0ms));
}

BOOST_AUTO_TEST_CASE(a_bad_clock_gets_more_when_it_has_been_so_for_a_while) {
  Book book;
  BOOST_TEST(book.beat(9, 120ms) == 0);
  BOOST_TEST(book.beat(1, 10ms) == 0);  // only the first exchange of a connection
  BOOST_TEST(book.beat(60, 10ms) == 0);
  BOOST_TEST(book.beat(12, 120ms) == 1);
  BOOST_TEST((book.guards.guard(berlin) == 100ms));
  BOOST_TEST(book.beat(12, 5s) == 1);
  BOOST_TEST((book.guards.guards() == std::map<SiteId, nanoseconds>{{berlin, 700ms}}));
  BOOST_TEST(book.beat(600, 5s) == 0);
}

BOOST_AUTO_TEST_CASE(of_errors_that_change_what_all_of_them_reach_counts) {
  Book book;
  for (int i = 0; i < 12; ++i) book.beat(1, i % 2 == 0 ? 120ms : 700ms);
  BOOST_TEST((book.guards.guard(berlin) == 100ms));
}

BOOST_AUTO_TEST_CASE(a_better_clock_keeps_its_guard_for_ten_minutes) {
  Book book;
  book.beat(20, 300ms);
  BOOST_TEST((book.guards.guard(berlin) == 300ms));
  BOOST_TEST(book.beat(595, 1ms) == 0);
  BOOST_TEST(book.beat(1, 300ms) == 0);
  BOOST_TEST(book.beat(595, 1ms) == 0);
  BOOST_TEST(book.beat(10, 100ms) == 1);  // less good than it was, but good enough for the next step
  BOOST_TEST((book.guards.guard(berlin) == 100ms));
  BOOST_TEST(book.beat(602, 1ms) == 1);
  BOOST_TEST(book.guards.guards().empty());
}

BOOST_AUTO_TEST_SUITE_END()
