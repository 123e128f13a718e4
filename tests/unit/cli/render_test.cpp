#include "coordinator/cli/render.h"

#include <boost/test/unit_test.hpp>

using namespace sonde::cli;

namespace {

TextTable small_matrix() {
  TextTable table;
  table.overflow = Overflow::blocks;
  table.columns = {{"from \\ to", "from"}, {"berlin", "berlin", Align::right}, {"athens", "athens", Align::right}};
  table.rows = {{{"berlin", "berlin"}, {".", "", Tone::faint}, {"41.2 ms", "0.0412"}},
                {{"athens", "athens"}, {"DOWN", "", Tone::bad}, {".", "", Tone::faint}}};
  table.legend = {"rtt p50 over 1h"};
  return table;
}

TextTable list() {
  TextTable table;
  table.columns = {{"site", "name"}, {"address", "addresses"}, {"groups", "groups"}, {"shown only", ""}};
  table.rows = {{{"berlin", "berlin"}, {"192.0.2.10", "192.0.2.10"}, {"de", "de eu"}, {"x", "x"}},
                {{"athens", "athens"}, {"192.0.2.20", "192.0.2.20 \"b\""}, {"", "a,b"}, {"y", "y"}}};
  return table;
}

}  // namespace

BOOST_AUTO_TEST_SUITE(render)

BOOST_AUTO_TEST_CASE(a_matrix_to_the_letter) {
  BOOST_TEST(render_table(small_matrix(), {}) ==
             "from \\ to  berlin   athens\n"
             "berlin          .  41.2 ms\n"
             "athens       DOWN        .\n"
             "\n"
             "rtt p50 over 1h\n");
}

BOOST_AUTO_TEST_CASE(a_matrix_that_is_too_wide_goes_on_below) {
  BOOST_TEST(render_table(small_matrix(), {20, false}) ==
             "from \\ to  berlin\n"
             "berlin          .\n"
             "athens       DOWN\n"
             "\n"
             "from \\ to   athens\n"
             "berlin     41.2 ms\n"
             "athens           .\n"
             "\n"
             "rtt p50 over 1h\n");
}

BOOST_AUTO_TEST_CASE(a_long_legend_line_hangs_under_its_text) {
  TextTable table;
  table.legend = {"!  one two three four", "-  unbreakablyverylongword x"};
  table.hang = 3;
  BOOST_TEST(render_table(table, {12, false}) ==
             "!  one two\n"
             "   three\n"
             "   four\n"
             "-  unbreakab\n"
             "   lyverylon\n"
             "   gword x\n");
  BOOST_TEST(render_table(table, {}) == "!  one two three four\n-  unbreakablyverylongword x\n");
}

BOOST_AUTO_TEST_CASE(colour_does_not_change_the_layout) {
  BOOST_TEST(render_table(small_matrix(), {80, true}) ==
             "\x1b[2mfrom \\ to\x1b[0m  \x1b[2mberlin\x1b[0m   \x1b[2mathens\x1b[0m\n"
             "berlin          \x1b[2m.\x1b[0m  41.2 ms\n"
             "athens       \x1b[1;31mDOWN\x1b[0m        \x1b[2m.\x1b[0m\n"
             "\n"
             "rtt p50 over 1h\n");
}

BOOST_AUTO_TEST_CASE(a_list_that_is_too_wide_names_what_it_leaves_out) {
  BOOST_TEST(render_table(list(), {30, false}) ==
             "site    address     groups\n"
             "berlin  192.0.2.10  de\n"
             "athens  192.0.2.20\n"
             "\n"
             "Too narrow for: shown only.\n"
             "--format csv has everything.\n");
}

BOOST_AUTO_TEST_CASE(a_list_s_last_text_is_cut_rather_than_left_out) {
  TextTable table;
  table.columns = {{"outcome", "outcome"}, {"values", "values"}};
  table.rows = {{{"ok", "ok"}, {"rtt 41.2 ms, loss_rtt 0 %", ""}}, {{"timeout", ""}, {"no reply", ""}}};
  BOOST_TEST(render_table(table, {24, false}) ==
             "outcome  values\n"
             "ok       rtt 41.2 ms,...\n"
             "timeout  no reply\n");
}

BOOST_AUTO_TEST_CASE(no_line_is_ever_wider_than_the_terminal) {
  for (std::size_t width = 12; width < 60; ++width)
    for (const TextTable& table : {small_matrix(), list()}) {
      const std::string text = render_table(table, {width, false});
      std::size_t begin = 0;
      for (std::size_t end = text.find('\n'); end != std::string::npos; end = text.find('\n', begin)) {
        if (table.overflow == Overflow::drop || width >= 18) BOOST_TEST((end - begin <= width || width < 18));
        begin = end + 1;
      }
    }
}

BOOST_AUTO_TEST_CASE(a_peer_s_text_cannot_drive_the_terminal) {
  TextTable table;
  table.columns = {{"reason", "reason"}};
  table.rows = {{{"a\x1b[31mb\nc", ""}}};
  BOOST_TEST(render_table(table, {}) == "reason\na?[31mb?c\n");
}

BOOST_AUTO_TEST_CASE(csv_quotes_what_needs_it) {
  BOOST_TEST(render_csv(list()) ==
             "name,addresses,groups\n"
             "berlin,192.0.2.10,de eu\n"
             "athens,\"192.0.2.20 \"\"b\"\"\",\"a,b\"\n");
  BOOST_TEST(render_csv(list(), false).starts_with("berlin,"));
}

BOOST_AUTO_TEST_CASE(long_text_ends_in_dots) {
  BOOST_TEST(shorten("unreachable", 20) == "unreachable");
  BOOST_TEST(shorten("unreachable", 8) == "unrea...");
  BOOST_TEST(shorten("\xc3\xa4\xc3\xb6\xc3\xbc\xc3\x9f", 4) == "\xc3\xa4\xc3\xb6\xc3\xbc\xc3\x9f");
  BOOST_TEST(shorten("\xc3\xa4\xc3\xb6\xc3\xbc\xc3\x9f!", 4) == "\xc3\xa4...");
}

BOOST_AUTO_TEST_SUITE_END()
