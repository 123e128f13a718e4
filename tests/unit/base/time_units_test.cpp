#include <boost/test/unit_test.hpp>

#include "shared/base/ids.h"
#include "shared/base/time.h"
#include "shared/base/units.h"

using namespace sonde;
using namespace std::chrono_literals;

BOOST_AUTO_TEST_SUITE(time_and_units)

BOOST_AUTO_TEST_CASE(times_are_read_in_every_rfc3339_form_and_written_in_one) {
  const SharedTime expected = shared_from_ns(1'795'177'556'250'000'000);
  for (const char* text : {"2026-11-20T12:25:56.25Z", "2026-11-20T12:25:56.250000000Z", "2026-11-20t12:25:56.25z",
                           "2026-11-20T13:25:56.25+01:00", "2026-11-20T06:55:56.25-05:30", "1795177556.25"}) {
    const auto time = parse_time(text);
    BOOST_TEST_REQUIRE(time.has_value(), text);
    BOOST_TEST(to_ns(*time) == to_ns(expected), text);
  }
  BOOST_TEST(format_rfc3339(expected) == "2026-11-20T12:25:56.250000Z");
}

BOOST_AUTO_TEST_CASE(what_is_no_time_is_refused) {
  for (const char* text :
       {"", "yesterday", "2026-11-20", "2026-13-20T12:00:00Z", "2026-02-30T12:00:00Z", "2026-11-20T25:00:00Z",
        "2026-11-20T12:00:00", "2026-11-20T12:00:00.Z", "-5", "1e9", "99999999999999999999"})
    BOOST_TEST(!parse_time(text).has_value(), text);
}

BOOST_AUTO_TEST_CASE(durations_sizes_and_rates) {
  BOOST_TEST(parse_duration("500ms")->count() == 500'000'000);
  BOOST_TEST(parse_duration("1.5s")->count() == 1'500'000'000);
  BOOST_TEST((*parse_duration("7d") == 168h));
  BOOST_TEST(parse_size("64MB")->count == 64'000'000U);
  BOOST_TEST(parse_size("256MiB")->count == 268'435'456U);
  BOOST_TEST(parse_bit_rate("10Gbit/s")->value == 1e10);
  BOOST_TEST(parse_probe_rate("5/s")->per_second == 5.0);
  for (const char* text : {"", "10", "s", "-1s", "10 parsecs", "1e400s", "nan s", "10s10s"})
    BOOST_TEST(!parse_duration(text).has_value(), text);
  BOOST_TEST(format_duration(90s) == "90s");
  BOOST_TEST(format_duration(2h) == "2h");
  BOOST_TEST(format_size(Bytes{128'000'000}) == "128MB");
}

BOOST_AUTO_TEST_CASE(a_site_name_is_a_dns_label) {
  BOOST_TEST(SiteId::parse("edge-router1").has_value());
  for (const char* text : {"", "-a", "a-", "Berlin", "a.b", "a b"}) BOOST_TEST(!SiteId::parse(text).has_value(), text);
  BOOST_TEST(!SiteId::parse(std::string(64, 'a')).has_value());
  BOOST_TEST((RunId{SiteId::known("berlin"), 0xabc, 42}.str() == "berlin-0000000000000abc-42"));
}

BOOST_AUTO_TEST_SUITE_END()
