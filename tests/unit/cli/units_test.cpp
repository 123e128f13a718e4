#include "coordinator/cli/units.h"

#include <boost/test/unit_test.hpp>

using namespace sonde::cli;

BOOST_AUTO_TEST_SUITE(units)

BOOST_AUTO_TEST_CASE(numbers_have_three_digits_and_the_prefix_that_suits) {
  BOOST_TEST(human(0.0412, "s") == "41.2 ms");
  BOOST_TEST(human(0.000043, "s") == "43.0 us");
  BOOST_TEST(human(0.00099949, "s") == "999 us");
  BOOST_TEST(human(0.0009996, "s") == "1.00 ms");
  BOOST_TEST(human(0.9999, "s") == "1.00 s");
  BOOST_TEST(human(3e-10, "s") == "0.30 ns");
  BOOST_TEST(human(13.04, "s") == "13.0 s");
  BOOST_TEST(human(0, "s") == "0 s");
  BOOST_TEST(human(94.1e6, "bit/s") == "94.1 Mbit/s");
  BOOST_TEST(human(8900, "bit/s") == "8.90 kbit/s");
  BOOST_TEST(human(0, "bit/s") == "0 bit/s");
  BOOST_TEST(human(0.05, "ratio") == "5.00 %");
  BOOST_TEST(human(1, "ratio") == "100 %");
  BOOST_TEST(human(0, "ratio") == "0 %");
  BOOST_TEST(human(17, "1") == "17.0");
  BOOST_TEST(human_bytes(1.25e9) == "1.25 GB");
  BOOST_TEST(human_bytes(0) == "0 B");
}

BOOST_AUTO_TEST_CASE(ages_show_their_two_largest_parts) {
  BOOST_TEST(human_age(0.4) == "0 s");
  BOOST_TEST(human_age(3.2) == "3 s");
  BOOST_TEST(human_age(59.6) == "1 min");
  BOOST_TEST(human_age(245) == "4 min 5 s");
  BOOST_TEST(human_age(7800) == "2 h 10 min");
  BOOST_TEST(human_age(7201) == "2 h");
  BOOST_TEST(human_age(4 * 86400 + 3 * 3600 + 59) == "4 d 3 h");
  BOOST_TEST(human_age(-5) == "-5 s");
  BOOST_TEST(human_age(1e300) == "?");
  BOOST_TEST(human_stretch(0.2) == "0.2 s");
  BOOST_TEST(human_stretch(12.4) == "12.4 s");
  BOOST_TEST(human_stretch(3600) == "1 h");
}

BOOST_AUTO_TEST_SUITE_END()
