#include "coordinator/store/chunk.h"

#include <fmt/format.h>

#include <boost/test/unit_test.hpp>

#include <cmath>
#include <limits>

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

void check_same(const std::vector<SeriesResult>& rows, const std::vector<SeriesResult>& decoded) {
  BOOST_REQUIRE(rows.size() == decoded.size());
  for (std::size_t i = 0; i < rows.size(); ++i) {
    BOOST_REQUIRE(rows[i].series == decoded[i].series);
    BOOST_REQUIRE((as_kept(rows[i].result) == decoded[i].result));
  }
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
  BOOST_TEST(octets_each(true, 0) <= 16.0);
  BOOST_TEST(octets_each(true, 1) <= 48.0);
  BOOST_TEST(octets_each(true, 5) <= 170.0);
  BOOST_TEST(octets_each(false, 0) <= 16.0);
}

BOOST_AUTO_TEST_SUITE_END()
