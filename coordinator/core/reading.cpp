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

/// Without the sum of inverses: distributions are of times, and harmonic means of rates.
void put(std::string& out, const Distribution& samples) {
  const Wide sum = samples.sum();
  const Wide squares = samples.sum_of_squares();
  for (const std::uint64_t number :
       {samples.zeros(), static_cast<std::uint64_t>(samples.min()), static_cast<std::uint64_t>(samples.max()), sum.high,
        sum.low, squares.high, squares.low})
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

void take_wide(Wide& sum, Wide less) {
  sum.high -= less.high + (sum.low < less.low ? 1 : 0);
  sum.low -= less.low;
}

Distribution only(std::int64_t sample) {
  Distribution one;
  one.add(sample);
  return one;
}

constexpr unsigned times_bits = 52;
constexpr std::uint64_t times_mask = (std::uint64_t{1} << times_bits) - 1;
constexpr std::uint64_t bucket_key(std::int32_t index) { return static_cast<std::uint64_t>(index) << times_bits; }

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
    if (belongs(result, value.metric, MetricShape::distribution) && !value.samples.empty() &&
        value.samples.count() <= most_samples)
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

void SampleSum::add_to_bucket(std::int32_t index, std::uint64_t times) {
  const Packed key = bucket_key(index);
  const auto at = std::ranges::lower_bound(buckets_, key);
  if (at != buckets_.end() && (*at & ~times_mask) == key)
    *at += times;
  else
    buckets_.insert(at, key | times);
}

void SampleSum::take_from_bucket(std::int32_t index, std::uint64_t times) {
  const auto at = std::ranges::lower_bound(buckets_, bucket_key(index));
  SONDE_ASSERT(at != buckets_.end() && (*at & ~times_mask) == bucket_key(index) && (*at & times_mask) >= times);
  *at -= times;
  if ((*at & times_mask) == 0) buckets_.erase(at);
}

void SampleSum::widen(std::int64_t least, std::int64_t greatest) {
  min_ = empty_ ? least : std::min(min_, least);
  max_ = empty_ ? greatest : std::max(max_, greatest);
  empty_ = false;
}

void SampleSum::add(const Reading& reading, Metric metric) {
  auto numbers = find(reading, metric, MetricShape::distribution);
  if (!numbers) return;
  const Distribution::Parts more = take_moments(*numbers);
  widen(more.min, more.max);
  zeros_ += more.zeros;
  add_wide(sum_, more.sum);
  add_wide(squares_, more.squares);
  take_buckets(*numbers, [this](std::int32_t index, std::uint64_t times) { add_to_bucket(index, times); });
}

void SampleSum::add(std::int64_t sample) {
  const Distribution one = only(sample);
  widen(sample, sample);
  zeros_ += one.zeros();
  add_wide(sum_, one.sum());
  add_wide(squares_, one.sum_of_squares());
  add_wide(inverses_, one.sum_of_inverses());
  for (const auto& [index, times] : one.buckets()) add_to_bucket(index, times);
}

void SampleSum::remove(const Reading& reading, Metric metric) {
  auto numbers = find(reading, metric, MetricShape::distribution);
  if (!numbers) return;
  const Distribution::Parts less = take_moments(*numbers);
  if (less.min <= min_ || less.max >= max_) ends_open_ = true;
  zeros_ -= less.zeros;
  take_wide(sum_, less.sum);
  take_wide(squares_, less.squares);
  take_buckets(*numbers, [this](std::int32_t index, std::uint64_t times) { take_from_bucket(index, times); });
}

void SampleSum::remove(std::int64_t sample) {
  const Distribution one = only(sample);
  if (sample <= min_ || sample >= max_) ends_open_ = true;
  zeros_ -= one.zeros();
  take_wide(sum_, one.sum());
  take_wide(squares_, one.sum_of_squares());
  take_wide(inverses_, one.sum_of_inverses());
  for (const auto& [index, times] : one.buckets()) take_from_bucket(index, times);
}

void SampleSum::forget_ends() {
  min_ = max_ = 0;
  empty_ = true;
  ends_open_ = false;
}

void SampleSum::widen_ends(const Reading& reading, Metric metric) {
  auto numbers = find(reading, metric, MetricShape::distribution);
  if (!numbers) return;
  const Distribution::Parts parts = take_moments(*numbers);
  widen(parts.min, parts.max);
}

void SampleSum::widen_ends(std::int64_t sample) { widen(sample, sample); }

Distribution SampleSum::total() const {
  SONDE_ASSERT(!ends_open_);
  Distribution::Parts parts{zeros_, min_, max_, sum_, squares_, inverses_, {}};
  parts.buckets.reserve(buckets_.size());
  for (const Packed bucket : buckets_)
    parts.buckets.emplace_back(static_cast<std::int32_t>(bucket >> times_bits), bucket & times_mask);
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
