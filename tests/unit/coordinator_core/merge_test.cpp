#include "coordinator/core/merge.h"

#include <boost/test/unit_test.hpp>

#include <algorithm>
#include <functional>
#include <iterator>
#include <string>
#include <vector>

#include "shared/base/random.h"

using namespace sonde;

namespace {

using Words = std::vector<std::string>;

Words random_words(Random& random, std::size_t most) {
  Words words;
  for (std::size_t n = random.below(most + 1); n > 0; --n) words.push_back(std::to_string(random.below(50)));
  std::ranges::sort(words);
  return words;
}

}  // namespace

BOOST_AUTO_TEST_SUITE(merge_in_place_test)

BOOST_AUTO_TEST_CASE(is_what_erasing_and_merging_gives) {
  Random random(1);
  for (int turn = 0; turn < 3000; ++turn) {
    Words items = random_words(random, 12);
    const Words fresh = random_words(random, 12);
    const std::uint64_t share = random.below(4);
    std::vector<std::uint32_t> dropped;
    Words kept;
    for (std::uint32_t i = 0; i < items.size(); ++i)
      if (random.below(3) < share)
        dropped.push_back(i);
      else
        kept.push_back(items[i]);
    Words wanted;
    std::ranges::merge(kept, fresh, std::back_inserter(wanted));
    merge_in_place(items, dropped, fresh, std::less<>());
    BOOST_REQUIRE_EQUAL_COLLECTIONS(items.begin(), items.end(), wanted.begin(), wanted.end());
  }
}

BOOST_AUTO_TEST_SUITE_END()
