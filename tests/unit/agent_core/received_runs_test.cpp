#include "agent/core/received_runs.h"

#include <rapidcheck.h>

#include <boost/test/unit_test.hpp>

#include <set>

using namespace sonde;

BOOST_AUTO_TEST_SUITE(received_runs)

BOOST_AUTO_TEST_CASE(nothing_came_is_known) {
  const auto count = ReceivedRuns().count(0, 49);
  BOOST_TEST(count.known);
  BOOST_TEST(count.received == 0U);
}

BOOST_AUTO_TEST_CASE(copies_count_once_and_order_does_not_matter) {
  ReceivedRuns runs;
  for (const std::uint32_t sequence : {5U, 7U, 6U, 5U, 9U, 3U, 4U, 9U}) runs.add(sequence);
  BOOST_TEST(runs.count(0, 100).received == 6U);
  BOOST_TEST(runs.count(4, 8).received == 4U);
  BOOST_TEST(runs.count(8, 8).received == 0U);
}

BOOST_AUTO_TEST_CASE(numbers_may_wrap) {
  ReceivedRuns runs;
  for (std::uint32_t i = 0; i < 10; ++i)
    if (i != 4) runs.add(0xFFFF'FFFBU + i);
  BOOST_TEST(runs.count(0xFFFF'FFF0U, 20).received == 9U);
  BOOST_TEST(runs.count(0xFFFF'FFFFU, 0).received == 1U);
}

BOOST_AUTO_TEST_CASE(what_was_dropped_is_not_known_and_the_rest_is) {
  ReceivedRuns runs;
  for (std::uint32_t sequence = 0; sequence < 200; sequence += 2) runs.add(sequence);
  BOOST_TEST(!runs.count(0, 199).known);
  BOOST_TEST(runs.count(150, 199).known);
  BOOST_TEST(runs.count(150, 199).received == 25U);
  runs.add(1);  // far too old to be remembered
  BOOST_TEST(runs.count(150, 199).received == 25U);
}

BOOST_AUTO_TEST_CASE(what_comes_late_into_the_dropped_part_does_not_make_it_known) {
  ReceivedRuns runs;
  for (std::uint32_t i = 0; i <= ReceivedRuns::capacity; ++i) runs.add(100 + 2 * i);  // 100 is dropped
  BOOST_TEST(!runs.count(100, 200).known);
  runs.add(103);  // joins 102 and 104: there is room again
  runs.add(50);
  runs.add(40);
  BOOST_TEST(!runs.count(60, 200).known);
  BOOST_TEST(runs.count(102, 200).known);
}

BOOST_AUTO_TEST_CASE(it_counts_what_a_set_would_where_it_says_so) {
  BOOST_TEST(rc::check("like a set", [] {
    const auto base = *rc::gen::arbitrary<std::uint32_t>();
    const auto offsets = *rc::gen::container<std::vector<std::uint32_t>>(rc::gen::inRange<std::uint32_t>(0, 150));
    ReceivedRuns runs;
    std::set<std::uint32_t> truth;
    for (const std::uint32_t offset : offsets) {
      runs.add(base + offset);
      truth.insert(offset);
    }
    const auto first = *rc::gen::inRange<std::uint32_t>(0, 150);
    const auto last = *rc::gen::inRange<std::uint32_t>(first, 150);
    const auto count = runs.count(base + first, base + last);
    const auto expected = static_cast<std::uint64_t>(std::distance(truth.lower_bound(first), truth.upper_bound(last)));
    RC_ASSERT(!count.known || count.received == expected);
    RC_ASSERT(count.known || truth.size() > 30U);
  }));
}

BOOST_AUTO_TEST_SUITE_END()
