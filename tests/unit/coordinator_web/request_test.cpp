#include "coordinator/web/request.h"

#include <rapidcheck.h>

#include <boost/test/unit_test.hpp>

#include <string>

using sonde::web::parse_target;

BOOST_AUTO_TEST_SUITE(request)

BOOST_AUTO_TEST_CASE(a_target_is_taken_apart_and_decoded) {
  const auto target = parse_target("/api/v1/links/a%2Db/c?at=2026-01-02T03%3A04%3A05%2B01:00&x=a+b&flag&&empty=");
  BOOST_REQUIRE(target);
  BOOST_TEST(target->path == "/api/v1/links/a-b/c");
  BOOST_REQUIRE(target->parameters.size() == 4U);
  BOOST_TEST(*target->parameter("at") == "2026-01-02T03:04:05+01:00");
  BOOST_TEST(*target->parameter("x") == "a b");
  BOOST_TEST(*target->parameter("flag") == "");
  BOOST_TEST(*target->parameter("empty") == "");
  BOOST_TEST(target->parameter("y") == nullptr);
}

BOOST_AUTO_TEST_CASE(an_absolute_form_loses_its_authority) {
  BOOST_TEST(parse_target("http://host:8080/metrics?a=1")->path == "/metrics");
  BOOST_TEST(parse_target("http://host")->path == "/");
  BOOST_TEST(!parse_target("http://host?x=1").has_value());
}

BOOST_AUTO_TEST_CASE(what_is_malformed_is_refused_with_a_reason) {
  const auto what = [](std::string_view text) { return parse_target(text).error().what; };
  BOOST_TEST(what("") == "the address does not begin with a slash");
  BOOST_TEST(what("*") == "the address does not begin with a slash");
  BOOST_TEST(what("/a%2") == "a '%' in the address is not followed by two hexadecimal digits");
  BOOST_TEST(what("/a%zz") == "a '%' in the address is not followed by two hexadecimal digits");
  BOOST_TEST(what("/a%00b") == "the address holds a control character");
  BOOST_TEST(what("/?a=%0a") == "the address holds a control character");
  BOOST_TEST(what("/?a=1&b=2&a=3") == "parameter 'a' is given twice; give it once");
  BOOST_TEST(what("/" + std::string(sonde::web::target_length_limit, 'a')) ==
             "the address is longer than 4096 characters");
  std::string many = "/?";
  for (int i = 0; i <= 32; ++i) many += "p" + std::to_string(i) + "=1&";
  BOOST_TEST(what(many) == "more than 32 parameters");
}

BOOST_AUTO_TEST_CASE(every_sequence_of_bytes_has_an_answer) {
  BOOST_TEST(rc::check("parse_target is total", [](const std::string& bytes) {
    const auto target = parse_target("/" + bytes);
    if (target) RC_ASSERT(target->path.front() == '/');
  }));
}

BOOST_AUTO_TEST_SUITE_END()
