// What several threads read of a real store is what one reads.
#include "coordinator/io/history.h"

#include <boost/test/unit_test.hpp>

#include "coordinator/store/reader.h"
#include "coordinator/store/writer.h"
#include "shared/base/random.h"
#include "tests/bench/mesh_results.h"
#include "tests/unit/coordinator_store/scratch.h"

using namespace sonde;
using namespace sonde::test;
using namespace std::chrono_literals;

namespace {

constexpr std::size_t sites = 7;
constexpr std::uint64_t results_each = 200;
const SharedTime begin = shared_from_ns(1'795'176'000'000'000'000);

/// Three hours of each site, partly sealed and rolled up.
void store_mesh(const std::filesystem::path& file) {
  bench::MeshResults mesh(sites, 3);
  store::Writer writer(file);
  for (std::size_t from = 0; from < sites; ++from) {
    StoreBatch batch{.site = mesh.site(from), .spool = 9, .after = 0, .up_to = results_each, .results = {}};
    for (std::uint64_t seq = 1; seq <= results_each; ++seq) {
      const std::size_t to = (from + 1 + seq % (sites - 1)) % sites;
      Result result = mesh.latency(from, to, seq, begin + static_cast<std::int64_t>(seq) * 54s, 1);
      result.id = {mesh.site(from), 9, seq};
      batch.results.push_back(std::move(result));
    }
    BOOST_REQUIRE(writer.append({&batch, 1})->front().stored);
  }
  while (*writer.seal(50)) {
  }
  while (*writer.roll(begin + 2h)) {
  }
}

}  // namespace

BOOST_FIXTURE_TEST_SUITE(history, Scratch)

BOOST_AUTO_TEST_CASE(windows_of_many_sites_at_once_are_those_of_one_after_the_other) {
  store_mesh(file());
  const auto history = io::make_history(file());
  store::Reader alone(file());
  Random random(4);
  const bench::MeshResults mesh(sites, 3);
  for (int i = 0; i < 20; ++i) {
    std::vector<RollQuery> queries;
    const SharedTime until = begin + std::chrono::seconds(600 + random.below(3 * 3600));
    const std::size_t asked = i == 0 ? 0 : 1 + random.below(sites);
    for (std::size_t from = 0; from < asked; ++from)
      queries.push_back({.from = mesh.site(from), .since = until - 1h, .until = until});
    const auto together = history->windows(queries);
    BOOST_TEST_REQUIRE(together.size() == queries.size());
    for (std::size_t from = 0; from < asked; ++from) {
      const auto one = alone.windows(queries[from]);
      BOOST_REQUIRE(one.has_value());
      BOOST_TEST((together[from] == *one));
      BOOST_TEST(!one->empty());
    }
  }
}

BOOST_AUTO_TEST_CASE(a_store_that_cannot_be_read_is_an_error_and_not_an_empty_answer) {
  const auto history = io::make_history(folder() / "there-is-none.db");
  const std::vector<RollQuery> queries(3, {.from = SiteId::known("berlin"), .since = begin, .until = begin + 1h});
  BOOST_CHECK_THROW(history->windows(queries), std::exception);
}

BOOST_AUTO_TEST_SUITE_END()
