#include "coordinator/cli/sketch.h"

#include <boost/test/unit_test.hpp>
#include <nlohmann/json.hpp>

#include "coordinator/cli/views.h"

using namespace sonde::cli;

namespace {

using Values = std::vector<std::optional<double>>;

Json series(const char* from, const char* to, const char* unit, const char* points) {
  return {{"from", from}, {"to", to},     {"metric", "rtt"},
          {"unit", unit}, {"step_s", 60}, {"points", Json::parse(points)}};
}

}  // namespace

BOOST_AUTO_TEST_SUITE(sketch)

BOOST_AUTO_TEST_CASE(bars_from_the_lowest_to_the_highest_and_blanks_for_nothing) {
  BOOST_TEST(sparkline(Values{0, std::nullopt, 0.5, 1}, 0, 1, Ink::ascii) == "_ =#");
  BOOST_TEST(sparkline(Values{0, 1}, 0, 1, Ink::blocks) == "\u2581\u2588");
  BOOST_TEST(sparkline(Values{-5, 9}, 0, 1, Ink::ascii) == "_#");
  BOOST_TEST(sparkline(Values{3, 3}, 3, 3, Ink::ascii) == "__");
}

BOOST_AUTO_TEST_CASE(the_bulk_leaves_a_hundredth_out_at_either_end) {
  BOOST_TEST(!bulk_of({}).has_value());
  const std::vector<Bucket> none{{1, 2, 0}};
  BOOST_TEST(!bulk_of(none).has_value());
  const std::vector<Bucket> buckets{{1, 2, 1}, {2, 3, 100}, {3, 4, 98}, {90, 91, 1}};
  const auto bulk = bulk_of(buckets);
  BOOST_REQUIRE(bulk.has_value());
  BOOST_TEST(bulk->low == 2);
  BOOST_TEST(bulk->high == 4);
  const std::vector<Bucket> one{{5, 6, 1}};
  BOOST_TEST(bulk_of(one)->low == 5);
  BOOST_TEST(bulk_of(one)->high == 6);
}

BOOST_AUTO_TEST_CASE(samples_are_spread_and_none_is_lost_or_doubled) {
  const std::vector<Bucket> buckets{{0, 2, 8}, {3, 4, 4}};
  const auto counts = spread_over(buckets, {0, 4}, 4);
  BOOST_TEST(counts == (std::vector<double>{4, 4, 0, 4}), boost::test_tools::per_element());
}

BOOST_AUTO_TEST_CASE(courses_of_both_directions_share_a_scale) {
  const TextTable table = courses_view({{series("a", "b", "s", R"([{"p50":0.01},{"p50":null},{"p50":0.02}])"),
                                         series("b", "a", "s", R"([{"p50":0.03},{"p50":0.03},{"p50":0.03}])")}},
                                       Ink::ascii);
  BOOST_TEST(render_table(table, {}) ==
             "course          oldest to newest    least     most\n"
             "rtt     a -> b  _ =               10.0 ms  20.0 ms\n"
             "        b -> a  ###               30.0 ms  30.0 ms\n"
             "\n"
             "a column is 1 min: its median (of ratios the mean); both directions of a metric have one scale\n");
}

BOOST_AUTO_TEST_CASE(ratios_are_drawn_from_zero_by_their_mean) {
  const TextTable table =
      courses_view({{series("a", "b", "ratio", R"([{"p50":0,"mean":0.01},{"p50":0,"mean":0.02}])")}}, Ink::ascii);
  BOOST_REQUIRE(table.rows.size() == 1);
  BOOST_TEST(table.rows[0][2].text == "=#");
}

BOOST_AUTO_TEST_CASE(without_a_value_there_is_no_picture) {
  BOOST_TEST(courses_view({{series("a", "b", "s", R"([{"p50":null}])")}, {}}, Ink::ascii).rows.empty());
  BOOST_TEST(distributions_view({}, 20, Ink::ascii).rows.empty());
  BOOST_TEST(distributions_view({Json::parse(R"({"buckets":[]})"), Json(nullptr)}, 20, Ink::ascii).rows.empty());
}

BOOST_AUTO_TEST_CASE(two_distributions_on_one_axis) {
  const Json there = Json::parse(
      R"({"from":"a","to":"b","metric":"rtt","unit":"s","count":30,"buckets":[{"low":0.01,"high":0.02,"count":10},{"low":0.02,"high":0.03,"count":20}]})");
  const Json back = Json::parse(
      R"({"from":"b","to":"a","metric":"rtt","unit":"s","count":5,"buckets":[{"low":0.03,"high":0.05,"count":5}]})");
  const TextTable table = distributions_view({there, back}, 4, Ink::ascii);
  BOOST_REQUIRE(table.rows.size() == 2);
  BOOST_TEST(table.columns[2].title == "10.0 ms to 50.0 ms");
  BOOST_TEST(table.rows[0][2].text == "=#  ");
  BOOST_TEST(table.rows[1][2].text == "  ##");
}

BOOST_AUTO_TEST_CASE(ways_that_take_turns_are_two_columns_in_time) {
  const Json histogram = Json::parse(
      R"({"from":"a","to":"b","metric":"rtt","unit":"s","count":40,"step_s":60,
          "buckets":[{"low":0.01,"high":0.02,"count":20},{"low":0.04,"high":0.05,"count":20}],
          "steps":[{"start":"2026-01-02T03:04:00Z","count":20,"places":[[0,20]]},
                   {"start":"2026-01-02T03:05:00Z","count":0,"places":[]},
                   {"start":"2026-01-02T03:06:00Z","count":20,"places":[[1,20],[7,3],[-1,2],"x",[0]]}]})");
  const TextTable table = histogram_steps_view(histogram, 4, Ink::ascii);
  BOOST_REQUIRE(table.rows.size() == 3);
  BOOST_TEST(table.columns[1].title == "10.0 ms to 50.0 ms");
  BOOST_TEST(table.rows[0][1].text == "#   ");
  BOOST_TEST(table.rows[1][1].text == "    ");
  BOOST_TEST(table.rows[2][1].text == "   #");
  const TextTable rows = histogram_steps_rows(histogram);
  BOOST_REQUIRE(rows.rows.size() == 2);
  BOOST_TEST(rows.rows[1][0].raw == "2026-01-02T03:06:00Z");
  BOOST_TEST(rows.rows[1][1].raw == "0.04");
  BOOST_TEST(rows.rows[1][3].raw == "20");
}

BOOST_AUTO_TEST_SUITE_END()
