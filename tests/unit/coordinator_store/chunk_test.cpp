#include "coordinator/store/chunk.h"

#include <fmt/format.h>

#include <boost/test/unit_test.hpp>

#include <algorithm>
#include <cmath>
#include <limits>
#include <span>

#include "coordinator/store/bucket_bounds.h"
#include "coordinator/store/compress.h"
#include "shared/base/random.h"
#include "tests/bench/mesh_results.h"
#include "tests/unit/coordinator_store/scratch.h"

using namespace sonde;
using namespace sonde::store;
using namespace sonde::test;

namespace {

double any_double(Random& random) {
  switch (random.below(6)) {
    case 0: return static_cast<double>(random.below(1000));
    case 1: return static_cast<double>(random.below(10'000'000'000)) / 1e9;
    case 2: return -static_cast<double>(random.below(1000)) / 1e9;
    case 3: return random.unit() * 1e18;
    case 4: return std::numeric_limits<double>::denorm_min() * static_cast<double>(random.below(9));
    default: return random.below(2) == 0 ? -0.0 : std::numeric_limits<double>::max();
  }
}

std::int64_t any_sample(Random& random) {
  const auto bits = random.below(63);
  return static_cast<std::int64_t>(random.next() >> (1 + bits));
}

/// Everything that a peer may send, likely or not.
Result any_result(Random& random) {
  Result result;
  result.id.spool = random.next();
  result.id.seq = random.next();
  result.generation = {random.next()};
  result.round = {static_cast<std::uint32_t>(random.next())};
  result.scheduled_at = shared_from_ns(static_cast<std::int64_t>(random.next()));
  if (random.below(3) > 0) result.started_at = shared_from_ns(static_cast<std::int64_t>(random.next()));
  result.finished_at = shared_from_ns(static_cast<std::int64_t>(random.next()));
  result.outcome = static_cast<Outcome>(random.below(outcome_count));
  result.tags = static_cast<std::uint32_t>(random.next());
  if (random.below(2) == 0) result.reason = std::string(random.below(30), '\0') + "\xFF why";
  const auto metric = [&random] { return static_cast<Metric>(random.below(metric_count)); };
  for (auto n = random.below(4); n > 0; --n) result.values.push_back({metric(), any_double(random)});
  for (auto n = random.below(4); n > 0; --n) result.ratios.push_back({metric(), random.next(), random.next()});
  for (auto n = random.below(4); n > 0; --n) {
    Distribution samples;
    for (auto k = random.below(30); k > 0; --k) samples.add(any_sample(random), 1 + random.below(3));
    if (random.below(4) == 0) samples.add(0);
    result.distributions.push_back({metric(), samples});
  }
  for (auto n = random.below(5); n > 0; --n)
    result.details.push_back(
        {std::string(random.below(3), '\0') + std::to_string(random.below(5)), any_double(random)});
  return result;
}

std::vector<SeriesResult> any_rows(Random& random, std::size_t most) {
  std::vector<SeriesResult> rows;
  for (auto n = random.below(most); n > 0; --n)
    rows.push_back({static_cast<SeriesId>(random.below(9)), any_result(random)});
  return rows;
}

Octets encoded(const std::vector<SeriesResult>& rows, Packing packing) {
  std::vector<ChunkRow> list;
  for (const SeriesResult& row : rows) list.push_back({row.series, &row.result});
  return encode_chunk(list, packing);
}

/// The checksum of a block that was changed (docs/storage.md).
void seal_again(Octets& block) {
  const std::span<const std::uint8_t> octets = std::span(block).first(block.size() - 4);
  std::uint64_t hash = 0xcbf29ce484222325U ^ octets.size();
  for (std::size_t at = 0; at < octets.size(); at += 8) {
    std::uint64_t word = 0;
    for (std::size_t i = at; i < std::min(at + 8, octets.size()); ++i)
      word |= static_cast<std::uint64_t>(octets[i]) << (8 * (i - at));
    hash = (hash ^ word) * 0x100000001b3U;
    hash ^= hash >> 29U;
  }
  const auto sum = static_cast<std::uint32_t>(hash ^ (hash >> 32U));
  for (unsigned i = 0; i < 4; ++i) block[block.size() - 4 + i] = static_cast<std::uint8_t>(sum >> (8 * i));
}

void check_same(const std::vector<SeriesResult>& rows, const std::vector<SeriesResult>& decoded) {
  BOOST_REQUIRE(rows.size() == decoded.size());
  for (std::size_t i = 0; i < rows.size(); ++i) {
    BOOST_REQUIRE(rows[i].series == decoded[i].series);
    BOOST_REQUIRE((as_kept(rows[i].result) == decoded[i].result));
  }
}

/// What an agent reports of one stream, or nearly: distributions that are told by each other, some of them changed so
/// that they are not what they are expected to be.
Result related_result(Random& random) {
  Distribution rtt, host, queue, rise, pdv, delay, delay_loaded, rise_loaded;
  const auto scale = static_cast<double>(std::uint64_t{1} << random.below(40));
  const auto sample = [&] { return static_cast<std::int64_t>(-std::log(1 - random.unit()) * scale); };
  const std::int64_t floor = sample();
  const std::int64_t least = random.below(2) == 0 ? floor : 0;
  for (auto n = random.below(300); n > 0; --n) {
    const std::int64_t there = sample() + floor;
    const std::int64_t own = static_cast<std::int64_t>(random.below(5000));
    rtt.add(there + floor);
    host.add(there + floor + own);
    queue.add(own);
    rise.add(there);
    rise_loaded.add(there);
    pdv.add(there - least + static_cast<std::int64_t>(random.below(2)));
    delay.add(there + 12'345'678);
    delay_loaded.add(there + floor);
  }
  Result result;
  const auto put = [&](Metric metric, Distribution samples) {
    if (random.below(8) == 0) samples.add(any_sample(random));
    if (random.below(8) > 0) result.distributions.push_back({metric, std::move(samples)});
  };
  put(Metric::rtt_host, host);
  put(Metric::rtt, rtt);
  put(Metric::pdv, pdv);
  put(Metric::host_queue, queue);
  put(Metric::delay_rise, rise);
  put(Metric::delay, delay);
  put(Metric::delay_loaded, delay_loaded);
  put(Metric::delay_rise_loaded, rise_loaded);
  return result;
}

}  // namespace

BOOST_AUTO_TEST_SUITE(chunk)

BOOST_AUTO_TEST_CASE(everything_comes_back_in_its_order) {
  Random random(1);
  for (int round = 0; round < 300; ++round) {
    const auto rows = any_rows(random, 40);
    for (const Packing packing : {Packing::quick, Packing::small}) {
      const auto decoded = decode_chunk(encoded(rows, packing), {});
      BOOST_REQUIRE(decoded.has_value());
      check_same(rows, *decoded);
    }
  }
}

BOOST_AUTO_TEST_CASE(a_part_is_the_same_part_of_the_whole) {
  Random random(2);
  for (int round = 0; round < 200; ++round) {
    const auto rows = any_rows(random, 40);
    const Octets block = encoded(rows, Packing::small);
    const auto metric = static_cast<Metric>(random.below(metric_count));
    std::vector<SeriesResult> expected;
    for (const SeriesResult& row : rows) {
      if (row.series != 3) continue;
      SeriesResult& part = expected.emplace_back(row);
      const auto other = [metric](const auto& value) { return value.metric != metric; };
      std::erase_if(part.result.values, other);
      std::erase_if(part.result.ratios, other);
      std::erase_if(part.result.distributions, other);
      part.result.details.clear();
      part.result.reason.clear();
    }
    const auto only_three = [](SeriesId series) { return series == 3; };
    const auto decoded = decode_chunk(block, {.series = only_three, .metric = metric});
    BOOST_REQUIRE(decoded.has_value());
    check_same(expected, *decoded);
    const auto heads = decode_chunk(block, {.heads = true});
    BOOST_REQUIRE(heads.has_value());
    BOOST_REQUIRE(heads->size() == rows.size());
    for (std::size_t i = 0; i < rows.size(); ++i) {
      BOOST_REQUIRE(((*heads)[i].result.finished_at == rows[i].result.finished_at));
      BOOST_REQUIRE(((*heads)[i].result.outcome == rows[i].result.outcome));
    }
  }
}

BOOST_AUTO_TEST_CASE(distributions_that_tell_each_other_come_back_exactly_alone_and_together) {
  Random random(4);
  for (int round = 0; round < 200; ++round) {
    std::vector<SeriesResult> rows;
    for (auto n = 1 + random.below(6); n > 0; --n) rows.push_back({1, related_result(random)});
    const Octets block = encoded(rows, Packing::small);
    const auto decoded = decode_chunk(block, {});
    BOOST_REQUIRE(decoded.has_value());
    check_same(rows, *decoded);
    for (const Metric metric : {Metric::rtt_host, Metric::pdv, Metric::delay_rise, Metric::delay_loaded}) {
      const auto part = decode_chunk(block, {.metric = metric});
      BOOST_REQUIRE(part.has_value());
      for (std::size_t i = 0; i < rows.size(); ++i) {
        const Result whole = as_kept(rows[i].result);
        const DistributionValue* expected = whole.distribution_of(metric);
        const DistributionValue* found = (*part)[i].result.distribution_of(metric);
        BOOST_REQUIRE((found == nullptr) == (expected == nullptr));
        if (found != nullptr) BOOST_REQUIRE((*found == *expected));
      }
    }
  }
}

BOOST_AUTO_TEST_CASE(sums_and_ends_that_no_samples_have_come_back_too) {
  Random random(5);
  std::vector<SeriesResult> rows;
  for (int i = 0; i < 300; ++i) {
    Result result = related_result(random);
    for (DistributionValue& value : result.distributions) {
      auto parts = value.samples.parts();
      if (value.samples.empty()) continue;
      // restore() cannot tell these from true ones, so a peer may send them.
      if (random.below(2) == 0) parts.sum = {random.next() >> random.below(64), random.next()};
      if (random.below(2) == 0) parts.squares = {random.next() >> random.below(64), random.next()};
      value.samples = Distribution::restore(std::move(parts)).value();
    }
    rows.push_back({static_cast<SeriesId>(i), std::move(result)});
  }
  const auto decoded = decode_chunk(encoded(rows, Packing::small), {});
  BOOST_REQUIRE(decoded.has_value());
  check_same(rows, *decoded);
}

BOOST_AUTO_TEST_CASE(a_block_made_up_with_a_right_checksum_does_no_harm) {
  // The decoder must stand whatever the columns hold: real ones, changed and sealed again.
  Random random(6);
  int refused = 0;
  for (int round = 0; round < 2000; ++round) {
    std::vector<SeriesResult> rows;
    for (int i = 0; i < 3; ++i) rows.push_back({1, related_result(random)});
    Octets block = encoded(rows, Packing::small);
    for (auto n = 1 + random.below(4); n > 0; --n)
      block[1 + random.below(block.size() - 5)] = static_cast<std::uint8_t>(random.next());
    seal_again(block);
    if (!decode_chunk(block, {})) ++refused;
  }
  BOOST_TEST(refused > 0);
}

BOOST_AUTO_TEST_CASE(numbers_taken_apart_are_put_together_again) {
  Random random(7);
  for (int round = 0; round < 2000; ++round) {
    ColumnOut column;
    const auto bits = 1 + random.below(61);
    for (auto n = 1 + random.below(400); n > 0; --n) column.put(random.next() >> (64 - 1 - random.below(bits)));
    if (random.below(10) == 0) column.put_octets(std::vector<std::uint8_t>{0x80, 0x00});  // not the shortest form
    const Octets apart = split_numbers(column.octets());
    if (apart.empty()) continue;
    BOOST_REQUIRE(apart.size() < column.octets().size());
    Octets together(column.octets().size());
    BOOST_REQUIRE(join_numbers(apart, together));
    BOOST_REQUIRE((together == column.octets()));
    Octets longer(column.octets().size() + 1);
    BOOST_REQUIRE(!join_numbers(apart, longer));
    BOOST_REQUIRE(!join_numbers(std::span(apart).first(apart.size() - 1), together));
  }
}

BOOST_AUTO_TEST_CASE(bounds_of_buckets_are_those_of_distributions) {
  Random random(8);
  for (int round = 0; round < 20'000; ++round) {
    const std::int64_t sample = any_sample(random);
    Distribution one;
    one.add(sample);
    if (one.buckets().empty()) continue;
    const std::int64_t index = one.buckets().front().first;
    const auto found = bucket_with(static_cast<std::uint64_t>(sample), 0);
    BOOST_REQUIRE(found >= index - 1);
    BOOST_REQUIRE(found <= index + 1);
    BOOST_REQUIRE(bound_of(found) >= static_cast<std::uint64_t>(sample));
    BOOST_REQUIRE((found == 0 || bound_of(found - 1) < static_cast<std::uint64_t>(sample)));
  }
}

BOOST_AUTO_TEST_CASE(more_names_of_details_than_there_is_room_for_are_kept_too) {
  std::vector<SeriesResult> rows(100);
  for (std::size_t i = 0; i < rows.size(); ++i)
    for (int k = 0; k < 60; ++k) rows[i].result.details.push_back({fmt::format("{}-{}", i, k), 0.5 * k});
  const auto decoded = decode_chunk(encoded(rows, Packing::small), {});
  BOOST_REQUIRE(decoded.has_value());
  check_same(rows, *decoded);
}

BOOST_AUTO_TEST_CASE(a_changed_octet_is_noticed) {
  Random random(3);
  const Octets block = encoded(any_rows(random, 60), Packing::small);
  for (std::size_t at = 0; at < block.size(); at += 1 + random.below(8)) {
    Octets changed = block;
    changed[at] ^= static_cast<std::uint8_t>(1 + random.below(255));
    BOOST_REQUIRE(!decode_chunk(changed, {}).has_value());
    BOOST_REQUIRE(!decode_chunk(std::span(block).first(at), {}).has_value());
  }
}

/// Octets for each of some 1,000 results of one of 50 sites, of which only so many distributions are kept.
double octets_each(bool latency, std::size_t distributions) {
  bench::MeshResults mesh(50);
  std::vector<SeriesResult> rows;
  for (std::size_t to = 1; to < 50; ++to) {
    for (std::uint32_t round = 0; round < 21; ++round) {
      const std::uint64_t seq = 49 * round + to;
      const SharedTime at = at_s(10.0 * round + 0.123 * static_cast<double>(to));
      Result result = latency ? mesh.latency(0, to, seq, at, round) : mesh.connect(0, to, seq, at, round);
      if (result.distributions.size() > distributions)
        result.distributions.erase(result.distributions.begin() + static_cast<std::ptrdiff_t>(distributions),
                                   result.distributions.end());
      rows.push_back({static_cast<SeriesId>(to), std::move(result)});
    }
  }
  return static_cast<double>(encoded(rows, Packing::small).size()) / static_cast<double>(rows.size());
}

BOOST_AUTO_TEST_CASE(real_results_take_little_room) {
  BOOST_TEST(octets_each(true, 0) <= 10.0);
  BOOST_TEST(octets_each(true, 1) <= 27.0);
  BOOST_TEST(octets_each(true, 5) <= 102.0);
  BOOST_TEST(octets_each(false, 0) <= 16.0);
}

BOOST_AUTO_TEST_SUITE_END()
