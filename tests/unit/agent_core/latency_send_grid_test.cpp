#include <boost/test/unit_test.hpp>

#include <set>

#include "agent/core/send_grid.h"

using namespace sonde;
using namespace std::chrono_literals;

BOOST_AUTO_TEST_SUITE(send_grid)

BOOST_AUTO_TEST_CASE(one_instant_in_each_period_on_whole_milliseconds) {
  SendGrid grid(SharedTime(0s), 200ms, 1ms, 7);
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
  SendGrid a(SharedTime(0s), 200ms, 1ms, 1);
  SendGrid b(SharedTime(0s), 200ms, 1ms, 2);
  int equal = 0;
  for (int i = 0; i < 500; ++i) equal += a.pop_due(SharedTime(1h)) == b.pop_due(SharedTime(1h));
  BOOST_TEST(equal < 20);
}

BOOST_AUTO_TEST_CASE(it_starts_with_the_first_whole_period) {
  SendGrid grid(SharedTime(0s), 200ms, 1ms, 7);
  grid.start(SharedTime(1001ms));
  BOOST_TEST((grid.next() >= SharedTime(1200ms)));
  BOOST_TEST((grid.next() < SharedTime(1400ms)));
}

BOOST_AUTO_TEST_CASE(a_busy_agents_probes_share_wakes_and_one_of_few_or_very_many_keeps_milliseconds) {
  BOOST_TEST((wake_slot(0) == 1ms));
  BOOST_TEST((wake_slot(99) == 1ms));
  BOOST_TEST((wake_slot(100) == 4ms));
  BOOST_TEST((wake_slot(245) == 4ms));
  BOOST_TEST((wake_slot(400) == 2ms));
  BOOST_TEST((wake_slot(1001) == 1ms));
  BOOST_TEST((wake_slot(200'000) == 1ms));
  std::set<std::int64_t> wakes;
  for (std::uint64_t stream = 0; stream < 49; ++stream) {
    SendGrid grid(SharedTime(stream * 7ms), 200ms, 4ms, stream);
    for (int i = 0; i < 50; ++i) wakes.insert(grid.pop_due(SharedTime(1h))->time_since_epoch().count());
  }
  // 2,450 probes on 2,500 slots: about 1 - 1/e of these are used.
  BOOST_TEST(wakes.size() < 1800);
}

BOOST_AUTO_TEST_CASE(a_short_period_keeps_its_many_instants) {
  SendGrid grid(SharedTime(0s), 20ms, 4ms, 7);
  std::set<std::int64_t> offsets;
  for (int period = 0; period < 1000; ++period)
    offsets.insert((*grid.pop_due(SharedTime(1h)) - SharedTime(period * 20ms)).count());
  BOOST_TEST(offsets.size() == 20U);
}

BOOST_AUTO_TEST_SUITE_END()
