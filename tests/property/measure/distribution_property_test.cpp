// A distribution's quantiles are within 1 % of the samples' own, and merging is exact.
#include <rapidcheck.h>

#include <boost/test/unit_test.hpp>

#include <algorithm>
#include <cmath>
#include <vector>

#include "shared/measure/distribution.h"
#include "shared/measure/result.h"
#include "shared/wire/codec.h"

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

std::vector<std::uint8_t> octets_of(const Distribution& samples) {
  Result result;
  result.id.from = SiteId::known("athens");
  result.to = SiteId::known("berlin");
  result.distributions.push_back({Metric::rtt, samples});
  return wire::encode(wire::ResultBatch{{result}});
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
    RC_ASSERT(merged == of(samples));
  }));
}

BOOST_AUTO_TEST_CASE(any_split_order_and_repetition_gives_the_same_octets) {
  BOOST_TEST(rc::check("on the wire", [] {
    const auto samples = *some_samples();
    const auto repeated = *rc::gen::inRange<std::uint64_t>(1, 5);
    Distribution at_once;
    for (const std::int64_t sample : samples) at_once.add(sample, repeated);
    // The same in a random order, into a random number of parts, which are merged in a random order.
    std::vector<std::int64_t> each;
    for (std::uint64_t i = 0; i < repeated; ++i) each.insert(each.end(), samples.begin(), samples.end());
    const auto shuffle = [](auto& items) {
      for (std::size_t i = items.size(); i-- > 1;) std::swap(items[i], items[*rc::gen::inRange<std::size_t>(0, i + 1)]);
    };
    shuffle(each);
    std::vector<Distribution> parts(*rc::gen::inRange<std::size_t>(1, 6));
    for (const std::int64_t sample : each) parts[*rc::gen::inRange<std::size_t>(0, parts.size())].add(sample);
    shuffle(parts);
    Distribution merged;
    for (const Distribution& part : parts) merged.merge(part);
    RC_ASSERT(octets_of(merged) == octets_of(at_once));
  }));
}

BOOST_AUTO_TEST_CASE(the_harmonic_mean_is_that_of_the_samples) {
  BOOST_TEST(rc::check("of rates from 1 bit/s to 4 Tbit/s", [] {
    const auto samples =
        *rc::gen::nonEmpty(rc::gen::container<std::vector<std::int64_t>>(rc::gen::inRange<std::int64_t>(1, 1LL << 42)));
    long double inverses = 0;
    for (const auto sample : samples) inverses += 1.0L / static_cast<long double>(sample);
    const auto truth = static_cast<double>(static_cast<long double>(samples.size()) / inverses);
    RC_ASSERT(std::abs(*of(samples).harmonic_mean() - truth) <= 1e-12 * truth);
  }));
}

BOOST_AUTO_TEST_CASE(sums_of_inverses_end_at_the_greatest_number_in_any_order) {
  BOOST_TEST(rc::check("saturated", [] {
    std::vector<std::uint64_t> times =
        *rc::gen::container<std::vector<std::uint64_t>>(6, rc::gen::inRange<std::uint64_t>(0, std::uint64_t{1} << 32U));
    Distribution forward;
    for (const std::uint64_t many : times) forward.add(1, many);
    Distribution backward;
    for (std::size_t i = times.size(); i-- > 0;) {
      Distribution part;
      part.add(1, times[i]);
      part.merge(backward);
      backward = part;
    }
    RC_ASSERT(forward == backward);
    std::uint64_t total = 0;
    for (const std::uint64_t many : times) total += many;
    const bool full = total >= std::uint64_t{1} << 32U;
    RC_ASSERT((forward.sum_of_inverses() == Wide{~std::uint64_t{0}, ~std::uint64_t{0}}) == full);
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
