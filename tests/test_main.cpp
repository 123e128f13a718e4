#define BOOST_TEST_MODULE sonde
#include <boost/test/unit_test.hpp>
