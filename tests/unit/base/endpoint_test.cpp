#include "shared/base/endpoint.h"

#include <boost/test/unit_test.hpp>

using namespace sonde;

BOOST_AUTO_TEST_SUITE(endpoint)

BOOST_AUTO_TEST_CASE(addresses_are_written_in_their_canonical_form) {
  const std::pair<const char*, const char*> cases[] = {
      {"192.0.2.1", "192.0.2.1"},
      {"::", "::"},
      {"::1", "::1"},
      {"2001:DB8::1", "2001:db8::1"},
      {"2001:db8:0:0:1:0:0:1", "2001:db8::1:0:0:1"},
      {"1:0:3:4:5:6:7:8", "1:0:3:4:5:6:7:8"},
      {"::ffff:192.0.2.1", "::ffff:c000:201"},
      {"1::", "1::"},
  };
  for (const auto& [text, canonical] : cases) {
    const auto address = IpAddress::parse(text);
    BOOST_TEST_REQUIRE(address.has_value(), text);
    BOOST_TEST(address->str() == canonical);
    BOOST_TEST((IpAddress::parse(address->str()) == address));
  }
}

BOOST_AUTO_TEST_CASE(what_is_no_address_is_refused) {
  for (const char* text :
       {"", "1.2.3", "1.2.3.4.5", "256.1.1.1", "01.2.3.4", "1.2.3.4 ", "1:2:3:4:5:6:7", "1:2:3:4:5:6:7:8:9", "1::2::3",
        "12345::", ":1", "1:", "host", "::1%eth0", "1:2:3:4:5:6:7::8"})
    BOOST_TEST(!IpAddress::parse(text).has_value(), text);
}

BOOST_AUTO_TEST_CASE(an_endpoint_brackets_ipv6) {
  BOOST_TEST((Endpoint{*IpAddress::parse("192.0.2.1"), 7101}.str() == "192.0.2.1:7101"));
  BOOST_TEST((Endpoint{*IpAddress::parse("2001:db8::1"), 7101}.str() == "[2001:db8::1]:7101"));
}

BOOST_AUTO_TEST_SUITE_END()
