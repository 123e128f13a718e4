// A distribution's quantiles are within 1 % of the samples' own, and merging is exact.
#include <rapidcheck.h>

#include <boost/test/unit_test.hpp>

#include <algorithm>
#include <cmath>
#include <vector>

#include "shared/measure/distribution.h"

using namespace sonde;

namespace {

/// From single nanoseconds to an hour, every size as likely as any other.
rc::Gen<std::int64_t> any_sample() {
  return rc::gen::map(rc::gen::pair(rc::gen::inRange(0, 42), rc::gen::arbitrary<std::uint64_t>()),
                      [](const std::pair<int, std::uint64_t>& of) {
                        return static_cast<std::int64_t>(of.second & ((std::uint64_t{1} << of.first) - 1));
                      });
}

rc::Gen<std::vector<std::int64_t>> some_samples() {
  return rc::gen::nonEmpty(rc::gen::container<std::vector<std::int64_t>>(any_sample()));
}

Distribution of(const std::vector<std::int64_t>& samples) {
  Distribution distribution;
  for (const std::int64_t sample : samples) distribution.add(sample);
  return distribution;
}

}  // namespace

BOOST_AUTO_TEST_SUITE(distribution_properties)

BOOST_AUTO_TEST_CASE(quantiles_are_within_one_per_cent) {
  BOOST_TEST(rc::check("of the sample of that rank", [] {
    auto samples = *some_samples();
    const double q = *rc::gen::inRange(0, 1001) / 1000.0;
    const double estimate = *of(samples).quantile(q);
    std::ranges::sort(samples);
    const auto rank = static_cast<std::size_t>(std::floor(q * static_cast<double>(samples.size() - 1)));
    const auto truth = static_cast<double>(samples[rank]);
    RC_ASSERT(std::abs(estimate - truth) <= truth * (Distribution::alpha + 1e-9));
  }));
}

BOOST_AUTO_TEST_CASE(any_split_and_order_merges_to_the_same) {
  BOOST_TEST(rc::check("as adding them all to one", [] {
    const auto samples = *some_samples();
    const auto parts = *rc::gen::container<std::vector<int>>(samples.size(), rc::gen::inRange(0, 4));
    std::vector<Distribution> split(4);
    for (std::size_t i = 0; i < samples.size(); ++i) split[static_cast<std::size_t>(parts[i])].add(samples[i]);
    Distribution merged;
    for (const std::size_t part : {2U, 0U, 3U, 1U}) merged.merge(split[part]);
    const Distribution whole = of(samples);
    const auto a = merged.parts();
    const auto b = whole.parts();
    RC_ASSERT(a.buckets == b.buckets);
    RC_ASSERT(a.zeros == b.zeros);
    RC_ASSERT(a.min == b.min);
    RC_ASSERT(a.max == b.max);
    RC_ASSERT(a.sum == b.sum);
    RC_ASSERT(a.squares == b.squares);
    // The sum of inverses is a floating-point sum, the one thing that depends on the order.
    RC_ASSERT(std::abs(a.inverses - b.inverses) <= 1e-9 * b.inverses);
  }));
}

BOOST_AUTO_TEST_CASE(parts_restore_the_same_distribution) {
  BOOST_TEST(rc::check("through parts and back", [] {
    const Distribution distribution = of(*some_samples());
    RC_ASSERT(Distribution::restore(distribution.parts()) == distribution);
  }));
}

BOOST_AUTO_TEST_CASE(moments_are_those_of_the_samples) {
  BOOST_TEST(rc::check("mean and standard deviation", [] {
    const auto samples =
        *rc::gen::nonEmpty(rc::gen::container<std::vector<std::int64_t>>(rc::gen::inRange<std::int64_t>(0, 1'000'000)));
    double mean = 0;
    for (const auto sample : samples) mean += static_cast<double>(sample) / static_cast<double>(samples.size());
    double variance = 0;
    for (const auto sample : samples)
      variance += std::pow(static_cast<double>(sample) - mean, 2) / static_cast<double>(samples.size());
    const Distribution distribution = of(samples);
    RC_ASSERT(std::abs(*distribution.mean() - mean) <= 1e-6 * (1 + mean));
    RC_ASSERT(std::abs(*distribution.stddev() - std::sqrt(variance)) <= 1e-3 * (1 + mean));
  }));
}

BOOST_AUTO_TEST_SUITE_END()
