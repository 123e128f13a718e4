#include "coordinator/store/pieces.h"

#include <boost/test/unit_test.hpp>

#include <limits>

#include "shared/base/random.h"

using namespace sonde;
using namespace sonde::store;

namespace {

constexpr std::int64_t s = 1'000'000'000;
constexpr std::int64_t m = 60 * s;
constexpr std::int64_t h = 60 * m;
constexpr std::int64_t always = std::numeric_limits<std::int64_t>::min();
constexpr Kept everything{always, always, always};
using Pieces = std::vector<Piece>;

}  // namespace

BOOST_AUTO_TEST_SUITE(pieces)

BOOST_AUTO_TEST_CASE(whole_hours_inside_and_what_is_finer_at_the_edges) {
  BOOST_TEST((pieces_of(10 * h + 58 * m + 7 * s, 13 * h + m + s, everything, RollLevel::hour) ==
              Pieces{{RollLevel::raw, 10 * h + 58 * m + 7 * s, 10 * h + 59 * m},
                     {RollLevel::minute, 10 * h + 59 * m, 11 * h},
                     {RollLevel::hour, 11 * h, 13 * h},
                     {RollLevel::minute, 13 * h, 13 * h + m},
                     {RollLevel::raw, 13 * h + m, 13 * h + m + s}}));
  BOOST_TEST((pieces_of(10 * h, 12 * h, everything, RollLevel::hour) == Pieces{{RollLevel::hour, 10 * h, 12 * h}}));
  BOOST_TEST((pieces_of(10 * h + 5, 10 * h + 9, everything, RollLevel::hour) ==
              Pieces{{RollLevel::raw, 10 * h + 5, 10 * h + 9}}));
}

BOOST_AUTO_TEST_CASE(where_only_hours_are_kept_each_counts_in_the_window_in_which_it_ends) {
  const Kept kept{100 * h, 50 * h, always};
  BOOST_TEST((pieces_of(10 * h + 30 * m, 12 * h + 30 * m, kept, RollLevel::hour) ==
              Pieces{{RollLevel::hour, 10 * h, 12 * h}}));
  BOOST_TEST((pieces_of(12 * h + 30 * m, 14 * h + 30 * m, kept, RollLevel::hour) ==
              Pieces{{RollLevel::hour, 12 * h, 14 * h}}));
  // Inside one hour there is nothing finer to show.
  BOOST_TEST(
      (pieces_of(10 * h + 10 * m, 10 * h + 20 * m, kept, RollLevel::raw) == Pieces{{RollLevel::hour, 10 * h, 11 * h}}));
  BOOST_TEST((pieces_of(60 * h + 30 * s, 60 * h + 2 * m + 30 * s, kept, RollLevel::raw) ==
              Pieces{{RollLevel::minute, 60 * h, 60 * h + 2 * m}}));
}

BOOST_AUTO_TEST_CASE(nothing_is_left_out_or_counted_twice) {
  Random random(3);
  for (int round = 0; round < 20'000; ++round) {
    const auto any = [&](std::int64_t most) { return static_cast<std::int64_t>(random.below(most)); };
    const std::int64_t minute_kept = any(20 * h);
    const Kept kept{minute_kept + any(20 * h), minute_kept, always};
    const std::int64_t since = any(50 * h);
    const std::int64_t until = since + 1 + any(20 * h);
    const auto coarsest = static_cast<RollLevel>(random.below(3));
    const Pieces pieces = pieces_of(since, until, kept, coarsest);
    BOOST_REQUIRE(!pieces.empty());
    for (std::size_t i = 0; i < pieces.size(); ++i) {
      const Piece& piece = pieces[i];
      BOOST_REQUIRE(piece.begin < piece.end);
      if (i > 0) BOOST_REQUIRE(piece.begin == pieces[i - 1].end);
      if (piece.level != RollLevel::raw) {
        BOOST_REQUIRE(piece.begin % span_of(piece.level).count() == 0);
        BOOST_REQUIRE(piece.end % span_of(piece.level).count() == 0);
      }
      if (piece.level == RollLevel::raw) BOOST_REQUIRE(piece.begin >= kept[0]);
      if (piece.level == RollLevel::minute) BOOST_REQUIRE(piece.end > kept[1]);
    }
    if (since >= kept[0]) BOOST_REQUIRE(pieces.front().begin == since && pieces.back().end == until);
  }
}

BOOST_AUTO_TEST_SUITE_END()
