#include "shared/measure/distribution.h"

#include <algorithm>
#include <cmath>

#include "shared/base/limits.h"

namespace sonde {
namespace {

__extension__ using uint128 = unsigned __int128;

uint128 widen(Wide wide) { return static_cast<uint128>(wide.high) << 64U | wide.low; }
Wide narrow(uint128 value) { return {static_cast<std::uint64_t>(value >> 64U), static_cast<std::uint64_t>(value)}; }
double to_double(Wide wide) { return static_cast<double>(wide.high) * 0x1.0p64 + static_cast<double>(wide.low); }

/// floor(2^96 / sample) so many times.
Wide inverses_of(std::int64_t sample, std::uint64_t times) {
  const uint128 one = (uint128{1} << static_cast<unsigned>(Distribution::inverse_bits)) / static_cast<uint128>(sample);
  uint128 all = 0;
  return __builtin_mul_overflow(one, static_cast<uint128>(times), &all) ? narrow(~uint128{0}) : narrow(all);
}

const double inverse_log_gamma = 1.0 / std::log(Distribution::gamma);

std::int32_t bucket_index(std::int64_t sample) {
  return static_cast<std::int32_t>(std::ceil(std::log(static_cast<double>(sample)) * inverse_log_gamma));
}

/// The value of a bucket whose relative distance to both ends is alpha.
double bucket_value(std::int32_t index) {
  return 2.0 * std::pow(Distribution::gamma, index) / (Distribution::gamma + 1.0);
}

void add_to_bucket(std::vector<Distribution::Bucket>& buckets, std::int32_t index, std::uint64_t times) {
  const auto at = std::lower_bound(buckets.begin(), buckets.end(), index,
                                   [](const Distribution::Bucket& bucket, std::int32_t i) { return bucket.first < i; });
  if (at != buckets.end() && at->first == index)
    at->second += times;
  else
    buckets.insert(at, {index, times});
}

}  // namespace

Wide saturated_sum(Wide a, Wide b) {
  uint128 sum = 0;
  return __builtin_add_overflow(widen(a), widen(b), &sum) ? narrow(~uint128{0}) : narrow(sum);
}

bool Distribution::add(std::int64_t sample, std::uint64_t times) {
  if (sample < 0) return false;
  if (times == 0) return true;
  min_ = empty() ? sample : std::min(min_, sample);
  max_ = std::max(max_, sample);
  count_ += times;
  const auto value = static_cast<uint128>(sample);
  sum_ = narrow(widen(sum_) + value * times);
  squares_ = narrow(widen(squares_) + value * value * times);
  if (sample == 0) {
    zeros_ += times;
    return true;
  }
  inverses_ = saturated_sum(inverses_, inverses_of(sample, times));
  add_to_bucket(buckets_, bucket_index(sample), times);
  return true;
}

void Distribution::merge(const Distribution& other) {
  if (other.empty()) return;
  min_ = empty() ? other.min_ : std::min(min_, other.min_);
  max_ = std::max(max_, other.max_);
  count_ += other.count_;
  zeros_ += other.zeros_;
  sum_ = narrow(widen(sum_) + widen(other.sum_));
  squares_ = narrow(widen(squares_) + widen(other.squares_));
  inverses_ = saturated_sum(inverses_, other.inverses_);
  std::vector<Bucket> merged;
  merged.reserve(buckets_.size() + other.buckets_.size());
  auto a = buckets_.begin();
  auto b = other.buckets_.begin();
  while (a != buckets_.end() || b != other.buckets_.end()) {
    if (b == other.buckets_.end() || (a != buckets_.end() && a->first < b->first)) {
      merged.push_back(*a++);
    } else if (a == buckets_.end() || b->first < a->first) {
      merged.push_back(*b++);
    } else {
      merged.emplace_back(a->first, a->second + b->second);
      ++a;
      ++b;
    }
  }
  buckets_ = std::move(merged);
}

std::optional<double> Distribution::quantile(double q) const {
  if (empty()) return std::nullopt;
  const auto rank = static_cast<std::uint64_t>(std::floor(std::clamp(q, 0.0, 1.0) * static_cast<double>(count_ - 1)));
  std::uint64_t below = zeros_;
  if (rank < below) return 0.0;
  for (const auto& [index, times] : buckets_) {
    below += times;
    if (rank < below) return std::clamp(bucket_value(index), static_cast<double>(min_), static_cast<double>(max_));
  }
  return static_cast<double>(max_);
}

std::optional<double> Distribution::mean() const {
  if (empty()) return std::nullopt;
  return to_double(sum_) / static_cast<double>(count_);
}

std::optional<double> Distribution::stddev() const {
  if (empty()) return std::nullopt;
  const double average = *mean();
  const double variance = to_double(squares_) / static_cast<double>(count_) - average * average;
  return std::sqrt(std::max(0.0, variance));
}

std::optional<double> Distribution::harmonic_mean() const {
  if (empty()) return std::nullopt;
  if (zeros_ > 0) return 0.0;
  if (inverses_ == Wide{}) return std::nullopt;  // kept without it, as the history keeps times
  return static_cast<double>(count_) / std::ldexp(to_double(inverses_), -inverse_bits);
}

Distribution::Parts Distribution::parts() const { return {zeros_, min_, max_, sum_, squares_, inverses_, buckets_}; }

std::optional<Distribution> Distribution::restore(Parts parts) {
  if (parts.buckets.size() > limits::buckets_per_distribution) return std::nullopt;
  Distribution result;
  constexpr std::uint64_t plausible_count = std::uint64_t{1} << 56U;
  std::uint64_t counted = 0;
  for (std::size_t i = 0; i < parts.buckets.size(); ++i) {
    const auto& [index, times] = parts.buckets[i];
    const bool ordered = i == 0 || parts.buckets[i - 1].first < index;
    if (!ordered || times == 0 || times > plausible_count || index < 0 || index > 2200) return std::nullopt;
    counted += times;
    if (counted > plausible_count) return std::nullopt;
  }
  if (parts.zeros > plausible_count || parts.min < 0 || parts.max < parts.min) return std::nullopt;
  if (counted + parts.zeros == 0) {
    const bool blank = parts.max == 0 && parts.sum == Wide{} && parts.squares == Wide{} && parts.inverses == Wide{};
    return blank ? std::optional(result) : std::nullopt;
  }
  const bool zero_is_min = parts.zeros == 0 || parts.min == 0;
  const bool ends_fit =
      parts.buckets.empty()
          ? parts.max == 0
          : parts.max > 0 && bucket_index(parts.max) == parts.buckets.back().first &&
                (parts.zeros > 0 || (parts.min > 0 && bucket_index(parts.min) == parts.buckets.front().first));
  if (!zero_is_min || !ends_fit) return std::nullopt;
  result.count_ = counted + parts.zeros;
  result.zeros_ = parts.zeros;
  result.min_ = parts.min;
  result.max_ = parts.max;
  result.sum_ = parts.sum;
  result.squares_ = parts.squares;
  result.inverses_ = parts.inverses;
  result.buckets_ = std::move(parts.buckets);
  return result;
}

}  // namespace sonde
