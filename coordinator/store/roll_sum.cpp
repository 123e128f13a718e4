#include "coordinator/store/roll_sum.h"

#include <algorithm>
#include <bit>
#include <span>
#include <utility>

#include "shared/base/limits.h"

namespace sonde::store {

bool MetricSum::add(Metric metric, ColumnIn& in, std::int64_t start) {
  if (counts_.empty()) counts_.resize(highest_bound + 1);
  const std::uint64_t zeros = in.take();
  const std::uint64_t buckets = in.take();
  if (buckets > limits::buckets_per_distribution) return false;
  std::uint64_t index = 0;
  for (std::uint64_t i = 0; i < buckets; ++i) {
    index += std::min<std::uint64_t>(in.take(), counts_.size());
    if (index >= counts_.size()) return false;
    counts_[index] += in.take();
    // Also where the row turns out to be none, nothing stays behind outside of these.
    low_ = std::min(low_, static_cast<std::size_t>(index));
    high_ = std::max(high_, static_cast<std::size_t>(index));
  }
  zeros_ += zeros;
  const auto min = std::bit_cast<std::int64_t>(in.take());
  const std::int64_t max = wrapping_plus(min, std::bit_cast<std::int64_t>(in.take()));
  sum_ += widen(in.take_wide());
  squares_ += widen(in.take_wide());
  if (info(metric).unit == "bit/s") inverses_ += widen(in.take_wide());
  if (info(metric).shape == MetricShape::ratio) {
    hits_ += in.take();
    tries_ += in.take();
  }
  const SharedTime started_at = shared_from_ns(wrapping_plus(start, in.take_signed()));
  const double last = in.take_double();
  if (!any_ || std::pair(started_at, last) > std::pair(started_at_, last_)) {
    started_at_ = started_at;
    last_ = last;
  }
  if (zeros > 0 || buckets > 0) {
    min_ = sampled_ ? std::min(min_, min) : min;
    max_ = sampled_ ? std::max(max_, max) : max;
    sampled_ = true;
  }
  any_ = true;
  return true;
}

std::optional<MetricRoll> MetricSum::take(Metric metric) {
  Distribution::Parts parts;
  parts.zeros = zeros_;
  parts.min = min_;
  parts.max = max_;
  parts.sum = narrow(sum_);
  parts.squares = narrow(squares_);
  for (std::size_t i = low_; i <= high_ && i < counts_.size(); ++i) {
    if (counts_[i] == 0) continue;
    parts.buckets.emplace_back(static_cast<std::int32_t>(i), counts_[i]);
    counts_[i] = 0;
  }
  MetricRoll roll;
  roll.metric = metric;
  roll.inverses = narrow(inverses_);
  roll.hits = hits_;
  roll.tries = tries_;
  roll.started_at = started_at_;
  roll.last = last_;
  MetricSum blank;
  blank.counts_ = std::move(counts_);
  *this = std::move(blank);
  auto samples = Distribution::restore(std::move(parts));
  if (!samples) return std::nullopt;
  roll.samples = *std::move(samples);
  return roll;
}

void RollSum::saw(std::size_t bit, SharedTime at) {
  const MetricMask mask = MetricMask{1} << bit;
  SharedTime& newest = newest_.at(bit);
  newest = (seen_ & mask) != 0 ? std::max(newest, at) : at;
  seen_ |= mask;
}

void RollSum::saw_tried(const RollUp::Tried& tried) {
  const auto newer = [](const RollUp::Tried& a, const RollUp::Tried& b) {
    return std::pair(a.finished_at, a.brings) > std::pair(b.finished_at, b.brings);
  };
  if (tried_.size() == RollUp::tried_kept && !newer(tried, tried_.back())) return;
  tried_.insert(std::ranges::upper_bound(tried_, tried, newer), tried);
  if (tried_.size() > RollUp::tried_kept) tried_.pop_back();
}

std::optional<RollUp> RollSum::take() {
  RollUp::Parts parts;
  parts.outcomes = std::exchange(outcomes_, {});
  parts.error_s = std::exchange(error_s_, 0);
  parts.tried = std::exchange(tried_, {});
  for (std::size_t bit = 0; bit < mask_bits; ++bit)
    if ((seen_ >> bit & 1U) != 0) parts.newest.emplace_back(MetricMask{1} << bit, newest_.at(bit));
  seen_ = 0;
  bool good = true;
  for (const MetricInfo& each : all_metrics()) {
    MetricSum& sum = metric(each.metric);
    if (sum.empty()) continue;
    auto roll = sum.take(each.metric);
    good = good && roll.has_value();
    if (roll) parts.metrics.push_back(*std::move(roll));
  }
  return good ? RollUp::restore(std::move(parts)) : std::nullopt;
}

}  // namespace sonde::store
