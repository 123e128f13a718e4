#include "coordinator/core/link_times.h"

#include <fmt/format.h>

#include <boost/test/unit_test.hpp>

using namespace sonde;
using namespace std::chrono_literals;

namespace {

Link link_of(int from, int to) {
  return {SiteId::known(fmt::format("s{}", from)), SiteId::known(fmt::format("s{}", to))};
}

}  // namespace

BOOST_AUTO_TEST_SUITE(link_times)

BOOST_AUTO_TEST_CASE(each_link_has_its_own_time_however_many_there_get) {
  LinkTimes times;
  BOOST_TEST(times.empty());
  BOOST_TEST(!times.of(link_of(0, 1)).has_value());
  for (int from = 0; from < 40; ++from)
    for (int to = 0; to < 40; ++to)
      if (from != to && (from + to) % 3 != 0) times.set(link_of(from, to), (40 * from + to) * 1ms);
  std::size_t known = 0;
  for (int from = 0; from < 41; ++from)
    for (int to = 0; to < 41; ++to) {
      const bool has = from != to && from < 40 && to < 40 && (from + to) % 3 != 0;
      const auto expected = has ? std::optional<nanoseconds>((40 * from + to) * 1ms) : std::nullopt;
      BOOST_TEST((times.of(link_of(from, to)) == expected), from << " to " << to);
      BOOST_TEST((times.at(times.place(SiteId::known(fmt::format("s{}", from))),
                           times.place(SiteId::known(fmt::format("s{}", to)))) == expected));
      known += has ? 1U : 0U;
    }
  BOOST_TEST(times.size() == known);
}

BOOST_AUTO_TEST_CASE(a_time_can_be_zero_and_change) {
  LinkTimes times{{link_of(1, 2), 0ns}, {link_of(2, 1), 5s}};
  BOOST_TEST((times.of(link_of(1, 2)) == 0ns));
  times.set(link_of(1, 2), 3s);
  BOOST_TEST((times.of(link_of(1, 2)) == 3s));
  BOOST_TEST((times.of(link_of(2, 1)) == 5s));
  BOOST_TEST(times.size() == 2U);
}

BOOST_AUTO_TEST_SUITE_END()
