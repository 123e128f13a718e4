#include "shared/config/fields.h"

#include <fmt/format.h>

#include <boost/test/unit_test.hpp>

#include <functional>
#include <string>

using namespace sonde;
using namespace sonde::config;
using namespace std::chrono_literals;

namespace {

/// Reads `key: TEXT` with `read` and gives the diagnostics.
std::string complaint(const std::string& text, const std::function<void(const Value&)>& read) {
  const auto parsed = parse_document<int>("key: " + text, "dir/f.yaml", [&](const Value& root) {
    Fields fields(root);
    if (auto value = fields.get("key")) read(*value);
    fields.finish();
    return 0;
  });
  BOOST_TEST(parsed.value.has_value() == parsed.diagnostics.empty());
  return to_text(parsed.diagnostics);
}

template <typename T>
std::optional<T> reading(const std::string& text, const std::function<std::optional<T>(const Value&)>& read) {
  std::optional<T> out;
  complaint(text, [&](const Value& value) { out = read(value); });
  return out;
}

}  // namespace

BOOST_AUTO_TEST_SUITE(fields)

BOOST_AUTO_TEST_CASE(good_values_are_read) {
  BOOST_TEST(*reading<std::string>("'x y'", [](const Value& v) { return v.text(); }) == "x y");
  BOOST_TEST(*reading<bool>("no", [](const Value& v) { return v.boolean(); }) == false);
  BOOST_TEST(*reading<bool>("true", [](const Value& v) { return v.boolean(); }) == true);
  BOOST_TEST(*reading<std::int64_t>("-3", [](const Value& v) { return v.integer(-5, 5); }) == -3);
  BOOST_TEST(*reading<double>("13.40", [](const Value& v) { return v.number(-180, 180); }) == 13.4);
  BOOST_TEST((*reading<nanoseconds>("5y", [](const Value& v) { return v.duration(1s, 24h * 3650); }) == 24h * 1825));
  BOOST_TEST(
      (*reading<Bytes>("256MiB", [](const Value& v) { return v.size({1}, {1U << 30U}); }) == Bytes{268'435'456}));
  BOOST_TEST((*reading<ProbeRate>("5/s", [](const Value& v) { return v.probe_rate(1, 10); }) == ProbeRate{5}));
  BOOST_TEST((*reading<BitsPerSecond>("10Gbit/s", [](const Value& v) { return v.bit_rate(); }) == BitsPerSecond{1e10}));
  BOOST_TEST(*reading<std::filesystem::path>("keys/../k", [](const Value& v) { return v.file_path(); }) == "dir/k");
  BOOST_TEST(*reading<std::filesystem::path>("/abs", [](const Value& v) { return v.file_path(); }) == "/abs");
  BOOST_TEST(reading<Endpoint>("127.0.0.1:80", [](const Value& v) { return v.endpoint(); })->str() == "127.0.0.1:80");
  BOOST_TEST(reading<Endpoint>("'[::1]:80'", [](const Value& v) { return v.endpoint(); })->str() == "[::1]:80");
  for (const char* host : {"192.0.2.1", "2001:db8::1", "a", "probe-1.example.net", "1.example", "example.net."})
    BOOST_TEST(*reading<std::string>(host, [](const Value& v) { return v.host(); }) == host);
  for (const char* endpoint : {"tcp://192.0.2.1:7100", "tcp://[::1]:7100", "tcp://localhost:7100", "tcp://*:7100"})
    BOOST_TEST(*reading<std::string>(endpoint, [](const Value& v) { return v.zmq_endpoint(true); }) == endpoint);
}

BOOST_AUTO_TEST_CASE(bad_values_say_what_would_be_right) {
  const auto text = [](const Value& v) { v.text(10); };
  BOOST_TEST(complaint("", text) == "dir/f.yaml:1:1: key: empty; give a value, or leave the key out\n");
  BOOST_TEST(complaint("[1]", text) ==
             "dir/f.yaml:1:6: key: a single value is needed here; write one value, without [] or {}\n");
  BOOST_TEST(complaint("aaaaaaaaaaa", text) ==
             "dir/f.yaml:1:6: key: 'aaaaaaaaaaa' is too long; give at most 10 characters\n");
  BOOST_TEST(complaint("\"a\\tb\"", text) ==
             "dir/f.yaml:1:6: key: 'a\\x09b' holds a control character; leave it out\n");
  BOOST_TEST(complaint("'true'", [](const Value& v) { v.boolean(); }) ==
             "dir/f.yaml:1:6: key: 'true' is neither true nor false; write true or false\n");
  const auto integer = [](const Value& v) { v.integer(1, 65535); };
  BOOST_TEST(complaint("7101.5", integer) ==
             "dir/f.yaml:1:6: key: '7101.5' is not a whole number; give a whole number from 1 to 65535\n");
  BOOST_TEST(complaint("65536", integer) ==
             "dir/f.yaml:1:6: key: 65536 is out of range; give a whole number from 1 to 65535\n");
  BOOST_TEST(complaint("nan", [](const Value& v) { v.number(-90, 90); }) ==
             "dir/f.yaml:1:6: key: nan is out of range; give a number from -90 to 90\n");
  const auto duration = [](const Value& v) { v.duration(100ms, 1h); };
  BOOST_TEST(complaint("10", duration) ==
             "dir/f.yaml:1:6: key: '10' has no unit; write it like 500ms, 10s, 15m, 6h or 7d\n");
  BOOST_TEST(complaint("1.5h", duration) == "dir/f.yaml:1:6: key: '1.5h' is out of range; give 100ms to 1h\n");
  BOOST_TEST(complaint("64mb", [](const Value& v) { v.size({1000}, {1'000'000}); }) ==
             "dir/f.yaml:1:6: key: '64mb' has an unknown unit 'mb'; write it like 64MB or 256MiB\n");
  BOOST_TEST(complaint("5", [](const Value& v) { v.probe_rate(1, 10); }) ==
             "dir/f.yaml:1:6: key: '5' has no unit; write it like 5/s\n");
  BOOST_TEST(
      complaint("fast", [](const Value& v) { v.bit_rate(); }) ==
      "dir/f.yaml:1:6: key: 'fast' does not start with a number; write it like 100kbit/s, 50Mbit/s or 10Gbit/s\n");
  BOOST_TEST(complaint("Berlin", [](const Value& v) { v.site(); }) ==
             "dir/f.yaml:1:6: key: 'Berlin' is not a site name; use 1 to 63 characters of a-z, 0-9 and '-', not '-' at "
             "an end\n");
  BOOST_TEST(complaint("ftp://x", [](const Value& v) { v.url(); }) ==
             "dir/f.yaml:1:6: key: 'ftp://x' is not a URL; write it like http://127.0.0.1:9093\n");
  BOOST_TEST(complaint("a", [](const Value& v) { v.list(3); }) ==
             "dir/f.yaml:1:6: key: not a list; write [a, b], or one item in each line with '- ' before it\n");
  BOOST_TEST(complaint("[1, 2]", [](const Value& v) { v.list(1); }) ==
             "dir/f.yaml:1:6: key: 2 items are too many; give at most 1\n");
  BOOST_TEST(complaint("a", [](const Value& v) { v.expect_map(); }) ==
             "dir/f.yaml:1:6: key: not a mapping; write {key: value}, or one 'key: value' in each line\n");
}

BOOST_AUTO_TEST_CASE(bad_addresses_say_what_would_be_right) {
  const auto host = [](const Value& v) { v.host(); };
  for (const char* bad : {"999.1.1.1", "192.0.2", "-a.example", "a..b", "exa_mple", "a b", "2001:db8::1::2"})
    BOOST_TEST(complaint(bad, host) ==
               fmt::format("dir/f.yaml:1:6: key: '{}' is neither an address nor a DNS name; write it like 192.0.2.10, "
                           "2001:db8::10 or probe.example.net\n",
                           bad));
  BOOST_TEST(complaint("192.0.2.1:7101", host) ==
             "dir/f.yaml:1:6: key: '192.0.2.1:7101' names a port; give the address alone, and the port as 'port'\n");
  for (const char* bad : {"0.0.0.0", "224.0.0.1", "'::'", "ff02::1"})
    BOOST_TEST(complaint(bad, host).ends_with("is no address that a packet can be sent to; give a unicast address\n"));
  const auto endpoint = [](const Value& v) { v.endpoint(); };
  for (const char* bad : {"127.0.0.1", "localhost:80", "127.0.0.1:0", "127.0.0.1:65536", "::1:80", "[127.0.0.1]:80"})
    BOOST_TEST(complaint(fmt::format("'{}'", bad), endpoint) ==
               fmt::format("dir/f.yaml:1:6: key: '{}' is not an address with a port; write it like 127.0.0.1:8080 or "
                           "[::1]:8080\n",
                           bad));
  for (const char* bad :
       {"192.0.2.1:7100", "tcp://192.0.2.1", "tcp://*:7100", "ipc:///x", "tcp://[x]:1", "tcp://:7100"})
    BOOST_TEST(complaint(fmt::format("'{}'", bad), [](const Value& v) { v.zmq_endpoint(false); }) ==
               fmt::format("dir/f.yaml:1:6: key: '{}' is not an endpoint; write it like tcp://192.0.2.1:7100\n", bad));
}

BOOST_AUTO_TEST_CASE(unknown_keys_are_told_with_the_nearest_known_one) {
  const auto parsed = parse_document<int>("adress: 1\nroute: 2\naddress: 3\n", "f.yaml", [](const Value& root) {
    Fields some(root);
    some.get("address");
    some.get("port");
    some.need("name", "name the site");
    some.finish();
    return 0;
  });
  BOOST_TEST(to_text(parsed.diagnostics) ==
             "f.yaml:1:1: name: missing; name the site\n"
             "f.yaml:1:1: adress: unknown key; did you mean 'address'?\n"
             "f.yaml:2:1: route: unknown key; known here: address, port, name\n");
}

BOOST_AUTO_TEST_CASE(a_thousand_mistakes_are_told_and_the_rest_counted) {
  std::string text;
  for (int i = 0; i < 1500; ++i) text += fmt::format("unknown-key-{}: 1\n", i);
  const auto parsed = parse_document<int>(text, "f.yaml", [](const Value& root) {
    Fields(root).finish();
    return 0;
  });
  BOOST_REQUIRE(parsed.diagnostics.size() == max_diagnostics + 1);
  BOOST_TEST(parsed.diagnostics.back().str() ==
             "f.yaml:1000:1: 500 more mistakes are left out; correct those above first");
}

BOOST_AUTO_TEST_SUITE_END()
