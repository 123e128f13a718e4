#include "coordinator/core/detour.h"

#include <boost/test/unit_test.hpp>

using namespace sonde;

namespace {

/// Three sites; 0 -> 1 takes `direct`, each leg through 2 takes `leg`.
DelayTable table(std::optional<double> direct, std::optional<double> leg) {
  DelayTable delays(3);
  delays.at(0, 1) = direct;
  delays.at(0, 2) = leg;
  delays.at(2, 1) = leg;
  return delays;
}

}  // namespace

BOOST_AUTO_TEST_SUITE(detour)

BOOST_AUTO_TEST_CASE(the_shorter_way_is_found_with_its_gain_and_how_often_it_held) {
  const std::vector<DelayTable> hours{table(0.1, 0.02), table(0.1, 0.06), table(0.1, {}), table({}, 0.02),
                                      table(0.1, 0.049)};
  const auto found = best_detours(table(0.1, 0.03), hours);
  BOOST_REQUIRE(found.size() == 1U);
  BOOST_TEST(found[0].from == 0U);
  BOOST_TEST(found[0].to == 1U);
  BOOST_TEST(found[0].via == 2U);
  BOOST_TEST(found[0].gain_s() == 0.04, boost::test_tools::tolerance(1e-12));
  BOOST_TEST(found[0].comparable == 3U);
  BOOST_TEST(found[0].held == 2U);
}

BOOST_AUTO_TEST_CASE(no_way_is_better_than_the_direct_one_unless_it_is_shorter) {
  BOOST_TEST(best_detours(table(0.1, 0.05), {}).empty());
  BOOST_TEST(best_detours(table({}, 0.05), {}).empty());
  BOOST_TEST(best_detours(table(0.1, {}), {}).empty());
}

BOOST_AUTO_TEST_CASE(of_several_third_sites_the_best_counts) {
  DelayTable delays(4);
  delays.at(0, 1) = 0.1;
  delays.at(0, 2) = 0.04;
  delays.at(2, 1) = 0.04;
  delays.at(0, 3) = 0.01;
  delays.at(3, 1) = 0.05;
  const auto found = best_detours(delays, {});
  BOOST_REQUIRE(found.size() == 1U);
  BOOST_TEST(found[0].via == 3U);
  BOOST_TEST(found[0].comparable == 0U);
}

BOOST_AUTO_TEST_SUITE_END()
