#include "agent/core/arrival_count.h"

#include <boost/test/unit_test.hpp>

#include <vector>

using namespace sonde;

namespace {

constexpr std::uint32_t mss = 1448;

/// A receiving kernel: segments by number, in any order, some twice.
struct Kernel {
  ArrivalFacts facts{20, 1, 0, mss};  // the header has come before
  ArrivalCount count{facts};
  std::uint64_t next = 0;
  std::vector<bool> held = std::vector<bool>(100);

  std::uint64_t gets(std::uint64_t number) {
    ++facts.segments;
    if (number > next) {
      ++facts.out_of_order;
      held[number] = true;
    } else if (number == next) {
      do {
        ++next;
        facts.in_order += mss;
      } while (held[next]);
    }
    return count.add(facts);
  }
};

}  // namespace

BOOST_AUTO_TEST_SUITE(arrival_count)

BOOST_AUTO_TEST_CASE(what_came_before_does_not_count) {
  Kernel kernel;
  BOOST_TEST(kernel.count.add(kernel.facts) == 0U);
  BOOST_TEST(kernel.gets(0) == mss);
}

BOOST_AUTO_TEST_CASE(data_behind_a_hole_count_when_they_come_and_not_again_when_it_is_filled) {
  Kernel kernel;
  for (const std::uint64_t number : {0U, 2U, 3U, 4U, 1U, 5U}) BOOST_TEST(kernel.gets(number) == mss, number);
  BOOST_TEST(!kernel.count.has_hole());
}

BOOST_AUTO_TEST_CASE(a_segment_that_came_before_is_nothing_new) {
  Kernel kernel;
  kernel.gets(0);
  kernel.gets(1);
  BOOST_TEST(kernel.count.repeated() == 0U);
  BOOST_TEST(kernel.gets(0) == 0U);
  BOOST_TEST(kernel.count.repeated() == 1U);
  BOOST_TEST(kernel.gets(2) == mss);
  BOOST_TEST(kernel.gets(4) == mss);
  BOOST_TEST(kernel.gets(3) == mss);
  BOOST_TEST(kernel.count.repeated() == 1U);
}

BOOST_AUTO_TEST_CASE(what_came_twice_behind_a_hole_is_taken_off_what_comes_next) {
  Kernel kernel;
  for (const std::uint64_t number : {0U, 2U, 3U}) BOOST_TEST(kernel.gets(number) == mss, number);
  BOOST_TEST(kernel.gets(3) == mss);  // sent again without need: the kernel counts it like a new one
  BOOST_TEST(kernel.gets(1) == mss);
  BOOST_TEST(kernel.count.has_hole());
  kernel.count.settle();
  BOOST_TEST(!kernel.count.has_hole());
  BOOST_TEST(kernel.gets(4) == 0U);
  for (const std::uint64_t number : {5U, 6U, 7U}) BOOST_TEST(kernel.gets(number) == mss, number);
}

BOOST_AUTO_TEST_CASE(several_segments_between_two_looks) {
  ArrivalCount count({20, 1, 0, mss});
  BOOST_TEST(count.add({20 + 5 * mss, 6, 0, mss}) == 5U * mss);
  BOOST_TEST(count.add({20 + 6 * mss, 10, 3, mss}) == 4U * mss);  // one in order, three behind a hole
  BOOST_TEST(count.has_hole());
  BOOST_TEST(count.add({20 + 10 * mss, 11, 3, mss}) == 1U * mss);
  BOOST_TEST(!count.has_hole());
}

BOOST_AUTO_TEST_CASE(less_than_the_data_in_order_is_impossible) {
  ArrivalCount count({20, 1, 0, mss});
  BOOST_TEST(count.add({20 + 9'000, 1, 0, mss}) == 9'000U);  // a kernel that counts no segments
}

BOOST_AUTO_TEST_CASE(counts_of_32_bits_may_wrap) {
  ArrivalCount count({1'000, 0xffff'fffeU, 0xffff'ffffU, mss});
  BOOST_TEST(count.add({1'000 + mss, 1, 1, mss}) == 3U * mss);
}

BOOST_AUTO_TEST_SUITE_END()
