// How near the packings come to what is possible: the lower bound, and for few sites the optimum that an exhaustive
// search proves.
#include "coordinator/core/packing.h"

#include <boost/test/unit_test.hpp>

#include <algorithm>
#include <cmath>
#include <map>
#include <span>
#include <tuple>
#include <utility>
#include <vector>

#include "shared/base/random.h"

using namespace sonde;
using namespace std::chrono_literals;

namespace {

using Shape = nanoseconds (*)(Random&);

nanoseconds anything(Random& random) { return 5200ms + random.below(30'000) * 1ms; }
nanoseconds mostly_short(Random& random) { return random.below(5) == 0 ? 60'200ms : 5200ms; }
nanoseconds steps(Random& random) {
  return nanoseconds(static_cast<std::int64_t>(5.2e9 * std::pow(1.25, static_cast<double>(random.below(8)))));
}

std::vector<Job> mesh_jobs(std::uint32_t sites, Shape shape, std::uint64_t seed) {
  Random random(seed);
  std::vector<Job> jobs;
  for (std::uint32_t a = 0; a < sites; ++a)
    for (std::uint32_t b = 0; b < sites; ++b)
      if (a != b) jobs.push_back({a, b, shape(random)});
  return jobs;
}

/// Each site out and in at one time: units 0..n-1 send, n..2n-1 receive.
std::vector<Job> duplex(std::vector<Job> jobs, std::uint32_t sites) {
  for (Job& job : jobs) job.b += sites;
  return jobs;
}

bool no_unit_twice(std::span<const Job> jobs, const Packing& packing) {
  std::map<std::uint32_t, std::vector<std::pair<nanoseconds, nanoseconds>>> busy;
  for (std::size_t i = 0; i < jobs.size(); ++i)
    for (const std::uint32_t unit : {jobs[i].a, jobs[i].b}) {
      busy[unit].emplace_back(packing.places[i].start, packing.places[i].start + jobs[i].length);
      if (jobs[i].a == jobs[i].b) break;
    }
  for (auto& [unit, spans] : busy) {
    std::ranges::sort(spans);
    for (std::size_t i = 1; i < spans.size(); ++i)
      if (spans[i].first < spans[i - 1].second) return false;
  }
  return true;
}

/// Some units are uplinks of several sites, whose runs with each other keep the uplink busy once.
std::vector<Job> behind_uplinks(std::vector<Job> jobs, std::uint32_t sites_each) {
  for (Job& job : jobs) {
    job.a /= sites_each;
    job.b /= sites_each;
  }
  return jobs;
}

/// Is there any packing shorter than `target`? Tries all orders of starts, and leaves out what cannot end in time.
class Exhaustive {
 public:
  Exhaustive(std::span<const Job> jobs, std::uint32_t units, nanoseconds target)
      : jobs_(jobs), target_(target.count()), free_at_(units, 0), left_(units, 0), started_(jobs.size(), false) {
    for (const Job& job : jobs) {
      left_[job.a] += job.length.count();
      if (job.b != job.a) left_[job.b] += job.length.count();
    }
  }
  bool any() { return go(0, jobs_.size()); }
  bool gave_up() const { return steps_ == 0; }

 private:
  bool hopeless(std::int64_t now) const {
    for (std::size_t unit = 0; unit < left_.size(); ++unit)
      if (left_[unit] > 0 && std::max(free_at_[unit], now) + left_[unit] >= target_) return true;
    return false;
  }

  bool go(std::int64_t now, std::size_t remaining) {
    if (remaining == 0) return true;
    if (steps_ == 0 || hopeless(now)) return false;
    --steps_;
    for (std::size_t i = 0; i < jobs_.size(); ++i) {
      if (started_[i]) continue;
      const Job& job = jobs_[i];
      const std::int64_t at = std::max({free_at_[job.a], free_at_[job.b], now});
      const auto before = std::pair(free_at_[job.a], free_at_[job.b]);
      free_at_[job.a] = free_at_[job.b] = at + job.length.count();
      left_[job.a] -= job.length.count();
      if (job.b != job.a) left_[job.b] -= job.length.count();
      started_[i] = true;
      const bool found = go(at, remaining - 1);
      started_[i] = false;
      left_[job.a] += job.length.count();
      if (job.b != job.a) left_[job.b] += job.length.count();
      std::tie(free_at_[job.a], free_at_[job.b]) = before;
      if (found) return true;
    }
    return false;
  }

  std::span<const Job> jobs_;
  std::int64_t target_;
  std::vector<std::int64_t> free_at_;
  std::vector<std::int64_t> left_;
  std::vector<bool> started_;
  std::uint64_t steps_ = 3'000'000;
};

/// How many times the bound the packing takes.
double ratio(std::span<const Job> jobs, std::uint32_t units) {
  const Packing packing = pack(jobs, units);
  BOOST_TEST(no_unit_twice(jobs, packing));
  return to_seconds(packing.length) / to_seconds(packing_bound(jobs, units));
}

/// Checks that; true where it took the search, false where the bound says it.
bool nothing_is_2_percent_shorter(const std::vector<Job>& jobs, std::uint32_t units) {
  const Packing packing = pack(jobs, units);
  const nanoseconds target = packing.length * 100 / 102;
  BOOST_TEST(no_unit_twice(jobs, packing));
  if (packing_bound(jobs, units) >= target) return false;
  Exhaustive search(jobs, units, target);
  BOOST_TEST(!search.any());
  BOOST_TEST(!search.gave_up(), "the search was too long");
  return true;
}

}  // namespace

BOOST_AUTO_TEST_SUITE(packing)

BOOST_AUTO_TEST_CASE(up_to_six_sites_nothing_is_2_percent_shorter) {
  int proven_by_search = 0;
  for (const Shape shape : {Shape(anything), Shape(mostly_short), Shape(steps)})
    for (std::uint32_t sites = 2; sites <= 6; ++sites)
      for (std::uint64_t seed = 1; seed <= 10; ++seed) {
        BOOST_TEST_CONTEXT(sites << " sites, seed " << seed)
        proven_by_search += nothing_is_2_percent_shorter(mesh_jobs(sites, shape, seed), sites) ? 1 : 0;
      }
  BOOST_TEST_MESSAGE(proven_by_search << " proven by search, the others by the bound");
}

BOOST_AUTO_TEST_CASE(the_search_finds_what_a_bad_packing_misses) {
  const auto jobs = mesh_jobs(4, anything, 3);
  nanoseconds one_by_one{0};
  for (const Job& job : jobs) one_by_one += job.length;
  BOOST_TEST(Exhaustive(jobs, 4, one_by_one).any());
  BOOST_TEST(!Exhaustive(jobs, 4, packing_bound(jobs, 4)).any());
}

BOOST_AUTO_TEST_CASE(different_lengths_stay_within_3_percent_of_the_bound) {
  for (const Shape shape : {Shape(anything), Shape(mostly_short), Shape(steps)})
    for (const std::uint32_t sites : {8U, 13U, 20U, 21U, 50U, 100U})
      BOOST_TEST(ratio(mesh_jobs(sites, shape, sites), sites) <= 1.03, sites << " sites");
}

BOOST_AUTO_TEST_CASE(three_hundred_sites_of_different_lengths_stay_within_3_percent_of_the_bound) {
  for (const Shape shape : {Shape(anything), Shape(mostly_short), Shape(steps)})
    BOOST_TEST(ratio(mesh_jobs(300, shape, 300), 300) <= 1.03);
  BOOST_TEST(ratio(duplex(mesh_jobs(300, anything, 300), 300), 600) <= 1.03);
}

BOOST_AUTO_TEST_CASE(sites_behind_uplinks_stay_within_3_percent_of_the_bound) {
  for (const std::uint32_t each : {2U, 3U})
    for (const std::uint32_t sites : {24U, 60U, 150U})
      BOOST_TEST(ratio(behind_uplinks(mesh_jobs(sites, anything, sites), each), sites / each) <= 1.03,
                 sites << " sites, " << each << " behind each uplink");
}

BOOST_AUTO_TEST_CASE(up_to_six_uplinks_and_sites_nothing_is_2_percent_shorter) {
  for (std::uint32_t sites = 3; sites <= 5; ++sites)
    for (std::uint64_t seed = 1; seed <= 10; ++seed) {
      auto jobs = mesh_jobs(sites, anything, seed);
      for (Job& job : jobs)  // the first two share an uplink
        for (std::uint32_t* unit : {&job.a, &job.b})
          if (*unit == 1) *unit = 0;
      BOOST_TEST_CONTEXT(sites << " sites, seed " << seed) nothing_is_2_percent_shorter(jobs, sites);
    }
}

BOOST_AUTO_TEST_CASE(with_duplex_a_plain_mesh_takes_one_round_for_each_other_site) {
  for (const std::uint32_t sites : {2U, 3U, 10U, 21U, 50U}) {
    const auto equal = [](Random&) { return nanoseconds(5200ms); };
    const Packing packing = pack(duplex(mesh_jobs(sites, equal, 1), sites), 2 * sites);
    BOOST_TEST(packing.rounds == sites - 1);
  }
  for (const std::uint32_t sites : {10U, 21U, 50U})
    BOOST_TEST(ratio(duplex(mesh_jobs(sites, anything, 7), sites), 2 * sites) <= 1.03, sites << " sites");
}

BOOST_AUTO_TEST_SUITE_END()
