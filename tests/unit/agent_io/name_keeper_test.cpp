// The addresses of members that are known by name.
#include "agent/io/name_keeper.h"

#include <boost/test/unit_test.hpp>

#include <string>
#include <vector>

#include "tests/unit/agent_io/tcp_rig.h"

using namespace sonde;
using namespace sonde::test;
using namespace std::chrono_literals;

namespace {

Member member(const char* site, const char* address) {
  Member out;
  out.site = SiteId::known(site);
  out.addresses = {address};
  return out;
}

}  // namespace

BOOST_AUTO_TEST_SUITE(name_keeper)

BOOST_AUTO_TEST_CASE(names_are_looked_up_once_in_a_while_and_what_changes_is_told) {
  boost::asio::io_context loop;
  io::Resolver resolver(loop);
  int changes = 0;
  std::vector<std::string> missing;
  io::NameKeeper names(resolver, {.changed = [&] { ++changes; },
                                  .event =
                                      [&](const Event& event) {
                                        BOOST_TEST(event.code == "name_not_found");
                                        missing.push_back(event.fields.at(0).second);
                                      }});
  names.set_members({member("berlin", "localhost"), member("athens", "192.0.2.20"), member("gdansk", "a..b")});
  names.tick(MonoTime(1s));
  BOOST_TEST_REQUIRE(run_until(loop, [&] { return changes == 1 && missing.size() == 1; }));
  BOOST_TEST(missing[0] == "a..b");
  BOOST_TEST_REQUIRE(names.book().contains("localhost"));
  BOOST_TEST(!names.book().at("localhost").empty());
  BOOST_TEST(!names.book().contains("192.0.2.20"));  // needs no look-up
  BOOST_TEST(!names.book().contains("a..b"));
  // The same again is no change, and what is known stays.
  names.set_members({member("berlin", "localhost"), member("gdansk", "a..b")});
  names.tick(MonoTime(2s));
  BOOST_TEST_REQUIRE(run_until(loop, [&] { return missing.size() == 2; }));
  BOOST_TEST(changes == 1);
  BOOST_TEST(names.book().contains("localhost"));
}

BOOST_AUTO_TEST_SUITE_END()
