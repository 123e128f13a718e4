#include "coordinator/core/reading.h"

#include <algorithm>
#include <array>
#include <bit>
#include <cmath>
#include <string_view>
#include <utility>

#include "shared/base/error.h"

namespace sonde {
namespace {

// Packed: for each metric one octet with its number, the length of what follows, then its numbers as base-128 varints.

void put(std::string& out, std::uint64_t number) {
  if (number < 0x80) return out.push_back(static_cast<char>(number));
  std::array<char, 10> octets{};
  std::size_t size = 0;
  for (; number >= 0x80; number >>= 7U) octets[size++] = static_cast<char>(number | 0x80U);
  octets[size++] = static_cast<char>(number);
  out.append(octets.data(), size);
}

std::uint64_t take(std::string_view& in) {
  std::uint64_t number = 0;
  for (unsigned shift = 0;; shift += 7) {
    SONDE_ASSERT(!in.empty() && shift < 64);
    const auto octet = static_cast<unsigned char>(in.front());
    in.remove_prefix(1);
    number |= static_cast<std::uint64_t>(octet & 0x7FU) << shift;
    if (octet < 0x80) return number;
  }
}

void put(std::string& out, const Distribution& samples) {
  const Wide sum = samples.sum();
  const Wide squares = samples.sum_of_squares();
  const Wide inverses = samples.sum_of_inverses();
  for (const std::uint64_t number :
       {samples.zeros(), static_cast<std::uint64_t>(samples.min()), static_cast<std::uint64_t>(samples.max()), sum.high,
        sum.low, squares.high, squares.low, inverses.high, inverses.low})
    put(out, number);
  std::int32_t before = 0;
  for (const auto& [index, times] : samples.buckets()) {
    put(out, static_cast<std::uint64_t>(index - before));
    put(out, times);
    before = index;
  }
}

/// Everything but the buckets; `in` is left at the first of them.
Distribution::Parts take_moments(std::string_view& in) {
  Distribution::Parts parts;
  parts.zeros = take(in);
  parts.min = static_cast<std::int64_t>(take(in));
  parts.max = static_cast<std::int64_t>(take(in));
  parts.sum.high = take(in);
  parts.sum.low = take(in);
  parts.squares.high = take(in);
  parts.squares.low = take(in);
  parts.inverses.high = take(in);
  parts.inverses.low = take(in);
  return parts;
}

/// Calls each(index, times) for every bucket.
template <typename Each>
void take_buckets(std::string_view& in, Each each) {
  std::int32_t index = 0;
  while (!in.empty()) {
    index += static_cast<std::int32_t>(take(in));
    each(index, take(in));
  }
}

Distribution restored(Distribution::Parts parts) {
  auto samples = Distribution::restore(std::move(parts));
  SONDE_ASSERT(samples.has_value());
  return *std::move(samples);
}

void add_wide(Wide& sum, Wide more) {
  sum.low += more.low;
  sum.high += more.high + (sum.low < more.low ? 1 : 0);
}

/// What a reading is packed in before its size is known; used again and again.
struct Scratch {
  std::string packed;
  std::string numbers;
};

/// Each metric once.
template <typename... Numbers>
void keep(Reading& reading, Scratch& scratch, Metric metric, const Numbers&... numbers) {
  if (reading.has(mask_of(metric))) return;
  scratch.numbers.clear();
  (put(scratch.numbers, numbers), ...);
  scratch.packed.push_back(static_cast<char>(metric));
  put(scratch.packed, scratch.numbers.size());
  scratch.packed.append(scratch.numbers);
  reading.brings |= mask_of(metric);
}

std::optional<std::string_view> find(const Reading& reading, Metric metric, MetricShape shape) {
  if (!reading.has(mask_of(metric)) || info(metric).shape != shape) return std::nullopt;
  std::string_view in = reading.packed;
  while (!in.empty()) {
    const auto found = static_cast<Metric>(in.front());
    in.remove_prefix(1);
    const std::size_t length = take(in);
    if (found == metric) return in.substr(0, length);
    in.remove_prefix(length);
  }
  return std::nullopt;
}

std::optional<std::int64_t> raw_value(const SingleValue& single) {
  const double raw = single.value * raw_per_unit(single.metric);
  if (!std::isfinite(raw) || raw < 0 || raw > 9e18) return std::nullopt;
  return std::llround(raw);
}

bool belongs(const Result& result, Metric metric, MetricShape shape) {
  return info(metric).probe == result.probe && info(metric).shape == shape;
}

void keep_ratios(Reading& reading, Scratch& scratch, const Result& result) {
  for (const RatioValue& ratio : result.ratios)
    if (belongs(result, ratio.metric, MetricShape::ratio) && ratio.tries > 0)
      keep(reading, scratch, ratio.metric, ratio.hits, ratio.tries);
  // Follows from the outcome alone, so a run whose agent did not spell it out counts as well.
  if (result.probe == Probe::connect && !reading.has(mask_of(Metric::connectivity)))
    keep(reading, scratch, Metric::connectivity, std::uint64_t{result.outcome == Outcome::ok ? 1U : 0U},
         std::uint64_t{1});
}

void keep_samples(Reading& reading, Scratch& scratch, const Result& result) {
  for (const DistributionValue& value : result.distributions)
    if (belongs(result, value.metric, MetricShape::distribution) && !value.samples.empty())
      keep(reading, scratch, value.metric, value.samples);
  for (const SingleValue& single : result.values) {
    const auto raw = raw_value(single);
    if (!raw || !belongs(result, single.metric, MetricShape::value)) continue;
    keep(reading, scratch, single.metric, static_cast<std::uint64_t>(*raw));
  }
  if (!reading.has(mask_of(Metric::delay)) && result.probe == Probe::latency && result.has(Tag::unsynced))
    reading.brings |= delay_hidden;
  if (result.has(Tag::loaded) && !reading.has(mask_of(Metric::rtt) | mask_of(Metric::connect)))
    reading.brings |= only_loaded;
  const bool moves_data = result.probe == Probe::throughput || result.probe == Probe::duplex;
  if (moves_data && !reading.has(mask_of(Metric::throughput) | mask_of(Metric::throughput_duplex)))
    reading.brings |= rate_hidden;
  reading.error_s = static_cast<float>(result.detail("error_s").value_or(0));
}

}  // namespace

double raw_per_unit(Metric metric) {
  if (metric == Metric::rtt_loaded_ratio) return 1e6;
  const std::string_view unit = info(metric).unit;
  if (unit == "s") return 1e9;
  return unit == "ratio" ? 1e6 : 1.0;
}

Reading reading_of(const Result& result) {
  Reading reading;
  reading.started_at = result.started_at.value_or(result.scheduled_at);
  reading.finished_at = result.finished_at;
  reading.outcome = result.outcome;
  thread_local Scratch scratch;
  scratch.packed.clear();
  if (was_tried(result.outcome)) keep_ratios(reading, scratch, result);
  if (result.outcome == Outcome::ok) keep_samples(reading, scratch, result);
  reading.packed = scratch.packed;
  return reading;
}

void SampleSum::add(const Reading& reading, Metric metric) {
  auto numbers = find(reading, metric, MetricShape::distribution);
  if (!numbers) return;
  const Distribution::Parts more = take_moments(*numbers);
  parts_.min = empty_ ? more.min : std::min(parts_.min, more.min);
  parts_.max = std::max(parts_.max, more.max);
  parts_.zeros += more.zeros;
  parts_.inverses = saturated_sum(parts_.inverses, more.inverses);
  add_wide(parts_.sum, more.sum);
  add_wide(parts_.squares, more.squares);
  empty_ = false;
  take_buckets(*numbers, [this](std::int32_t index, std::uint64_t times) {
    const auto place = static_cast<std::size_t>(index);
    if (place >= counts_.size()) counts_.resize(place + 1);
    counts_[place] += times;
  });
}

Distribution SampleSum::total() const {
  Distribution::Parts parts = parts_;
  for (std::size_t index = 0; index < counts_.size(); ++index)
    if (counts_[index] > 0) parts.buckets.emplace_back(static_cast<std::int32_t>(index), counts_[index]);
  return restored(std::move(parts));
}

std::optional<Distribution> distribution_in(const Reading& reading, Metric metric) {
  auto numbers = find(reading, metric, MetricShape::distribution);
  if (!numbers) return std::nullopt;
  Distribution::Parts parts = take_moments(*numbers);
  take_buckets(*numbers, [&](std::int32_t index, std::uint64_t times) { parts.buckets.emplace_back(index, times); });
  return restored(std::move(parts));
}

std::optional<std::int64_t> value_in(const Reading& reading, Metric metric) {
  auto numbers = find(reading, metric, MetricShape::value);
  if (!numbers) return std::nullopt;
  return static_cast<std::int64_t>(take(*numbers));
}

std::optional<RatioValue> ratio_in(const Reading& reading, Metric metric) {
  auto numbers = find(reading, metric, MetricShape::ratio);
  if (!numbers) return std::nullopt;
  const std::uint64_t hits = take(*numbers);
  return RatioValue{metric, hits, take(*numbers)};
}

}  // namespace sonde
