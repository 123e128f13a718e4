#include "shared/base/prefix.h"

#include <boost/test/unit_test.hpp>

using namespace sonde;

namespace {

IpAddress ip(std::string_view text) { return *IpAddress::parse(text); }

}  // namespace

BOOST_AUTO_TEST_SUITE(prefix)

BOOST_AUTO_TEST_CASE(a_prefix_holds_what_begins_like_it) {
  const auto v4 = AddressPrefix::parse("192.0.2.128/26");
  BOOST_REQUIRE(v4.has_value());
  BOOST_TEST(v4->contains(ip("192.0.2.128")));
  BOOST_TEST(v4->contains(ip("192.0.2.191")));
  BOOST_TEST(!v4->contains(ip("192.0.2.127")));
  BOOST_TEST(!v4->contains(ip("192.0.2.192")));
  BOOST_TEST(!v4->contains(ip("::")));
  const auto v6 = AddressPrefix::parse("2001:db8::/33");
  BOOST_REQUIRE(v6.has_value());
  BOOST_TEST(v6->contains(ip("2001:db8:7fff::1")));
  BOOST_TEST(!v6->contains(ip("2001:db8:8000::1")));
  BOOST_TEST(AddressPrefix::parse("0.0.0.0/0")->contains(ip("203.0.113.9")));
}

BOOST_AUTO_TEST_CASE(one_address_is_a_prefix_of_all_its_bits) {
  const auto one = AddressPrefix::parse("192.0.2.99");
  BOOST_REQUIRE(one.has_value());
  BOOST_TEST(one->str() == "192.0.2.99/32");
  BOOST_TEST(one->contains(ip("192.0.2.99")));
  BOOST_TEST(!one->contains(ip("192.0.2.98")));
  BOOST_TEST(AddressPrefix::parse("::1")->str() == "::1/128");
}

BOOST_AUTO_TEST_CASE(mistakes_are_refused) {
  for (const std::string_view text : {"", "x", "192.0.2.0/", "192.0.2.0/33", "192.0.2.0/-1", "192.0.2.0/2x",
                                      "192.0.2.1/24", "2001:db8::1/64", "2001:db8::/129"})
    BOOST_TEST(!AddressPrefix::parse(text).has_value(), text);
}

BOOST_AUTO_TEST_SUITE_END()
