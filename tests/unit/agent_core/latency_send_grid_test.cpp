#include <boost/test/unit_test.hpp>

#include <set>

#include "agent/core/send_grid.h"

using namespace sonde;
using namespace std::chrono_literals;

BOOST_AUTO_TEST_SUITE(send_grid)

BOOST_AUTO_TEST_CASE(one_instant_in_each_period_on_whole_milliseconds) {
  SendGrid grid(SharedTime(0s), 200ms, 7);
  std::set<std::int64_t> offsets;
  for (int period = 0; period < 1000; ++period) {
    const auto instant = grid.pop_due(SharedTime(1h));
    BOOST_REQUIRE(instant);
    const auto within = *instant - SharedTime(period * 200ms);
    BOOST_TEST((within >= 0ns && within < 200ms));
    BOOST_TEST((instant->time_since_epoch() % 1ms).count() == 0);
    offsets.insert(within.count());
  }
  // Uniform: of 200 possible offsets 1,000 draws miss about 200 e^-5, one or two.
  BOOST_TEST(offsets.size() > 180);
}

BOOST_AUTO_TEST_CASE(streams_are_independent) {
  SendGrid a(SharedTime(0s), 200ms, 1);
  SendGrid b(SharedTime(0s), 200ms, 2);
  int equal = 0;
  for (int i = 0; i < 500; ++i) equal += a.pop_due(SharedTime(1h)) == b.pop_due(SharedTime(1h));
  BOOST_TEST(equal < 20);
}

BOOST_AUTO_TEST_CASE(it_starts_with_the_first_whole_period) {
  SendGrid grid(SharedTime(0s), 200ms, 7);
  grid.start(SharedTime(1001ms));
  BOOST_TEST((grid.next() >= SharedTime(1200ms)));
  BOOST_TEST((grid.next() < SharedTime(1400ms)));
}

BOOST_AUTO_TEST_SUITE_END()
