// Seeded faults through the production rules and causes; `./dev bench incidents` plays many more.
#include <boost/test/unit_test.hpp>

#include "tests/sim/mesh/incident_scenario.h"

using sonde::sim::play;
using sonde::sim::ScenarioOutcome;
using sonde::sim::ScenarioPlan;

namespace {

struct Sum {
  std::size_t injected = 0;
  std::size_t right = 0;
  std::size_t incidents = 0;
  std::size_t wrong = 0;
  std::string stories;
};

Sum play_many(ScenarioPlan plan, int count) {
  Sum sum;
  for (int i = 0; i < count; ++i) {
    plan.seed = 7000 + static_cast<std::uint64_t>(i);
    const ScenarioOutcome one = play(plan);
    sum.injected += one.faults.size();
    sum.right += one.right;
    sum.incidents += one.incidents;
    sum.wrong += one.wrong;
    if (one.right < one.faults.size() || one.wrong > 0) sum.stories += one.story;
  }
  return sum;
}

}  // namespace

BOOST_AUTO_TEST_SUITE(incident_scenarios)

BOOST_AUTO_TEST_CASE(noise_alone_opens_nothing) {
  const Sum sum = play_many({.sites = 6, .faults = 0}, 30);
  BOOST_TEST(sum.incidents == 0U, sum.stories);
}

BOOST_AUTO_TEST_CASE(three_sites) {
  const Sum sum = play_many({.sites = 3, .faults = 1}, 100);
  BOOST_TEST(static_cast<double>(sum.right) >= 0.95 * static_cast<double>(sum.injected), sum.stories);
}

BOOST_AUTO_TEST_CASE(six_sites_whole_and_partial) {
  for (const bool partial : {false, true}) {
    const Sum sum = play_many({.sites = 6, .faults = 1, .partial = partial}, 50);
    BOOST_TEST(static_cast<double>(sum.right) >= 0.98 * static_cast<double>(sum.injected), sum.stories);
    BOOST_TEST(sum.incidents <= sum.injected + 1, sum.stories);
  }
}

BOOST_AUTO_TEST_CASE(what_is_wrong_with_the_measuring_is_not_blamed_on_the_network) {
  for (const std::size_t sites : {3U, 6U}) {
    const Sum sum = play_many({.sites = sites, .faults = 1, .measuring = true}, 40);
    BOOST_TEST(sum.right == sum.injected, sum.stories);
    BOOST_TEST(sum.wrong == 0U, sum.stories);
  }
}

BOOST_AUTO_TEST_CASE(the_same_seed_tells_the_same_story) {
  const ScenarioPlan plan{.seed = 42, .sites = 10, .faults = 1};
  const ScenarioOutcome once = play(plan);
  BOOST_TEST(once.story == play(plan).story);
  BOOST_TEST(!once.story.empty());
}

BOOST_AUTO_TEST_SUITE_END()
