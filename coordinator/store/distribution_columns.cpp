#include "coordinator/store/distribution_columns.h"

#include <algorithm>
#include <array>
#include <bit>
#include <cstddef>
#include <span>
#include <utility>

#include "coordinator/store/bucket_bounds.h"
#include "coordinator/store/sample_moments.h"
#include "shared/base/limits.h"

namespace sonde::store {
namespace {

// Of each metric: never used for anything else than this, also where one is given up.
enum Part : ColumnKey {
  count_part = 0,      ///< step of the samples
  zeros_part = 1,      ///< samples that are 0
  form_part = 2,       ///< how many buckets
  first_part = 3,      ///< step of the first bucket's index
  least_part = 4,      ///< step of the least sample, or of what it is more than another's
  extent_part = 5,     ///< greatest - least, or what it differs by from another's
  low_part = 6,        ///< where in its bucket the least is
  high_part = 7,       ///< where in its bucket the greatest is
  sum_part = 8,        ///< what the sum differs by from what is expected
  squares_part = 9,    ///< and the sum of squares
  inverses_part = 10,  ///< of rates
  bits_part = 11,      ///< the low bits of those above, which nobody can guess
  times_part = 12,     ///< samples in a bucket - 2, where there are more than one
  certain_part = 13,   ///< two bits for each sample whose bucket another's sample leads to: code of how far off, or 3
  either_part = 14,    ///< the same where it leads to one of two buckets
  offset_part = 15,    ///< the code where it leads to more of them, and where the two bits above are 3
  step_part = 17,      ///< seven: 2 x (buckets between, all empty) + 1 where the bucket has more than one sample
};
constexpr unsigned code_bits = 2;
constexpr std::uint64_t longer_code = 3;
constexpr unsigned step_columns = 7;
static_assert(step_part + step_columns == columns_of_a_distribution);

/// Up to so many buckets the ends are told by those of the row before rather than by their buckets.
constexpr std::size_t few_buckets = 4;
/// A distribution of more samples is not told sample by sample.
constexpr std::uint64_t most_followed = 256;
constexpr std::uint64_t plausible_count = std::uint64_t{1} << 56U;

/// The metric of which this one is the same samples, each more or less by the same; or nearly.
std::optional<Metric> twin_of(Metric metric) {
  switch (metric) {
    case Metric::rtt_host: return Metric::rtt;
    case Metric::pdv:
    case Metric::delay: return Metric::delay_rise;
    case Metric::delay_loaded: return Metric::delay_rise_loaded;
    default: return std::nullopt;
  }
}
bool tells(Metric metric, Metric other) {
  return twin_of(other) == metric || (other == Metric::rtt_host && metric == Metric::host_queue);
}
bool is_rate(Metric metric) { return info(metric).unit != "s"; }

std::uint64_t zigzag_64(std::int64_t number) {
  return (static_cast<std::uint64_t>(number) << 1U) ^ static_cast<std::uint64_t>(number >> 63U);
}
std::int64_t unzigzag_64(std::uint64_t code) {
  return static_cast<std::int64_t>(code >> 1U) ^ -static_cast<std::int64_t>(code & 1U);
}

struct Told {
  Metric metric = Metric::rtt;
  Distribution::Parts parts;  ///< without sums
  Moments moments;

  /// Nothing is told yet; the buckets' memory stays.
  void begin(Metric of) {
    metric = of;
    std::vector<Distribution::Bucket> buckets = std::move(parts.buckets);
    buckets.clear();
    parts = {};
    parts.buckets = std::move(buckets);
    moments = {};
  }
};
const Told* find(std::span<const Told> told, Metric metric, std::uint64_t count) {
  for (const Told& each : told)
    if (each.metric == metric) return each.moments.count == count ? &each : nullptr;
  return nullptr;
}

// The two directions: each names a number's column and gives it, or gets it.
class Put {
 public:
  static constexpr bool takes = false;
  explicit Put(ColumnsOut& columns) : columns_(columns) {}
  void number(ColumnKey key, std::uint64_t& v) { columns_.at(key).put(v); }
  void step(ColumnKey key, std::int64_t& v) { columns_.at(key).put_step(v); }
  void wide(ColumnKey key, Wide& v) { columns_.at(key).put_wide(v); }
  void bits(ColumnKey key, std::uint64_t& v, unsigned count) { columns_.at(key).put_bits(v, count); }

 private:
  ColumnsOut& columns_;
};
class Take {
 public:
  static constexpr bool takes = true;
  explicit Take(ColumnsIn& columns) : columns_(columns) {}
  void number(ColumnKey key, std::uint64_t& v) { v = columns_.at(key).take(); }
  void step(ColumnKey key, std::int64_t& v) { v = columns_.at(key).take_step(); }
  void wide(ColumnKey key, Wide& v) { v = columns_.at(key).take_wide(); }
  void bits(ColumnKey key, std::uint64_t& v, unsigned count) { v = columns_.at(key).take_bits(count); }

 private:
  ColumnsIn& columns_;
};

/// One distribution in one direction, so that what is put and what is taken cannot differ.
template <typename Way>
class Teller {
 public:
  Teller(Way& way, Told& told, std::span<const Told> others)
      : way_(way), told_(told), parts_(told.parts), count_(told.moments.count), others_(others) {}
  /// False where it cannot be; when it is put it always can.
  bool run();

 private:
  ColumnKey key(ColumnKey part) const {
    return first_distribution_key + columns_of_a_distribution * static_cast<ColumnKey>(told_.metric) + part;
  }
  void number(ColumnKey part, std::uint64_t& v) { way_.number(key(part), v); }
  void step(ColumnKey part, std::int64_t& v) { way_.step(key(part), v); }
  void deviation(ColumnKey part, uint128& value, uint128 expected, unsigned low_bits);
  void place(ColumnKey part, std::int64_t& sample, std::int64_t index);
  bool own_buckets();
  bool own_ends();
  bool follow(const Told& twin);
  bool follow_sample(std::int64_t index, Span span, std::int64_t& before, std::uint64_t left);
  void sums(const Told* twin);
  bool sums_of_round_trips();

  Way& way_;
  Told& told_;
  Distribution::Parts& parts_;
  std::uint64_t& count_;
  std::span<const Told> others_;
  std::size_t followed_ = 0;       ///< buckets of parts_ that follow() has put
  std::uint64_t in_followed_ = 0;  ///< samples of the bucket in work
};

/// What it differs by from what both sides expect, zigzagged, the lowest bits apart. Modulo 2^128.
template <typename Way>
void Teller<Way>::deviation(ColumnKey part, uint128& value, uint128 expected, unsigned low_bits) {
  uint128 code = zigzag(value - expected);
  Wide above = narrow(code >> low_bits);
  way_.wide(key(part), above);
  if constexpr (Way::takes) code = widen(above) << low_bits;
  for (unsigned shift = 0; shift < low_bits;) {
    const unsigned some = std::min(low_bits - shift, 32U);
    auto low = static_cast<std::uint64_t>((code >> shift) & ((uint128{1} << some) - 1));
    way_.bits(key(bits_part), low, some);
    if constexpr (Way::takes) code |= static_cast<uint128>(low) << shift;
    shift += some;
  }
  if constexpr (Way::takes) value = expected + unzigzag(code);
}

/// Where in its bucket a sample is.
template <typename Way>
void Teller<Way>::place(ColumnKey part, std::int64_t& sample, std::int64_t index) {
  constexpr unsigned told_bits = 5;
  const std::uint64_t begin = least_of(index);
  const auto width = static_cast<unsigned>(std::bit_width(bound_of(index) - std::min(begin, bound_of(index))));
  auto value = static_cast<uint128>(static_cast<std::uint64_t>(sample));
  deviation(part, value, begin, width > told_bits ? width - told_bits : 0);
  if constexpr (Way::takes) sample = static_cast<std::int64_t>(static_cast<std::uint64_t>(value));
}

template <typename Way>
bool Teller<Way>::own_buckets() {
  std::uint64_t left = count_ - parts_.zeros;
  std::uint64_t buckets = parts_.buckets.size();
  number(form_part, buckets);
  if (buckets > limits::buckets_per_distribution || buckets > left || (buckets == 0 && left > 0)) return false;
  if constexpr (Way::takes) parts_.buckets.resize(buckets);
  std::int64_t before = 0;
  for (std::uint64_t i = 0; i < buckets; ++i) {
    auto& [index, times] = parts_.buckets[i];
    std::int64_t at = index;
    if (i == 0) step(first_part, at);
    const bool last = i + 1 == buckets;
    const bool more = !last && times > 1;
    std::uint64_t code = (i == 0 ? 0 : static_cast<std::uint64_t>(at - before - 1) * 2) + (more ? 1 : 0);
    // How many samples are left says how far away the next one will be, whatever the samples' scale.
    number(step_part + std::min(static_cast<unsigned>(std::bit_width(left)), step_columns) - 1, code);
    std::uint64_t beyond = more ? times - 2 : 0;
    if ((code & 1U) != 0) number(times_part, beyond);
    if constexpr (Way::takes) {
      const auto gap = static_cast<std::int64_t>(std::min<std::uint64_t>(code >> 1U, highest_bound + 1));
      if (i > 0) at = before + 1 + gap;
      if (at < 0 || at > highest_bound || beyond > plausible_count) return false;
      index = static_cast<std::int32_t>(at);
      times = last ? left : (code & 1U) != 0 ? beyond + 2 : 1;
      if (times > left - (buckets - 1 - i)) return false;
    }
    left -= times;
    before = at;
  }
  return true;
}

template <typename Way>
bool Teller<Way>::own_ends() {
  if (parts_.buckets.empty()) return true;
  const bool by_bucket = parts_.buckets.size() > few_buckets;
  if (parts_.zeros > 0)
    parts_.min = 0;
  else if (by_bucket)
    place(low_part, parts_.min, parts_.buckets.front().first);
  else
    step(least_part, parts_.min);
  if (by_bucket) {
    place(high_part, parts_.max, parts_.buckets.back().first);
  } else {
    auto extent = std::bit_cast<std::uint64_t>(wrapping_minus(parts_.max, parts_.min));
    number(extent_part, extent);
    parts_.max = wrapping_plus(parts_.min, std::bit_cast<std::int64_t>(extent));
  }
  return parts_.min >= 0 && parts_.max >= parts_.min;
}

/// The next sample's bucket, where a sample within `span` is expected.
template <typename Way>
bool Teller<Way>::follow_sample(std::int64_t index, Span span, std::int64_t& before, std::uint64_t left) {
  const std::int64_t low = std::max(bucket_with(span.low, before), before);
  const std::int64_t high = bucket_with(span.high, low);
  std::uint64_t code = zigzag_64(index - low);
  std::uint64_t short_code = high - low > 1 ? longer_code : std::min(code, longer_code);
  if (high - low <= 1) way_.bits(key(high == low ? certain_part : either_part), short_code, code_bits);
  if (short_code == longer_code)
    number(offset_part, code);
  else if constexpr (Way::takes)
    code = short_code;
  if constexpr (Way::takes) {
    index = wrapping_plus(low, unzigzag_64(code));
    if (index < before || index > highest_bound) return false;
    if (parts_.buckets.empty() || parts_.buckets.back().first != index)
      parts_.buckets.emplace_back(static_cast<std::int32_t>(index), 0);
    ++parts_.buckets.back().second;
  } else if (++in_followed_ == parts_.buckets[followed_].second && left > 1) {
    ++followed_;
    in_followed_ = 0;
  }
  before = index;
  return true;
}

template <typename Way>
bool Teller<Way>::follow(const Told& twin) {
  std::int64_t above = wrapping_minus(parts_.min, twin.parts.min);
  if (parts_.zeros == 0) step(least_part, above);
  if constexpr (Way::takes) parts_.min = parts_.zeros == 0 ? wrapping_plus(twin.parts.min, above) : 0;
  const uint128 extent = static_cast<std::uint64_t>(twin.parts.max - twin.parts.min);
  auto most = static_cast<uint128>(static_cast<std::uint64_t>(wrapping_minus(parts_.max, parts_.min)));
  deviation(extent_part, most, extent, 0);
  if constexpr (Way::takes)
    parts_.max = wrapping_plus(parts_.min, static_cast<std::int64_t>(static_cast<std::uint64_t>(most)));
  if (parts_.min < 0 || parts_.max < parts_.min) return false;
  SampleSpans spans(twin.parts, parts_.min);
  std::int64_t before = 0;
  for (std::uint64_t i = 0; i < count_; ++i) {
    const Span span = spans.next();
    if (i < parts_.zeros) continue;
    const std::int64_t index = Way::takes ? 0 : parts_.buckets[followed_].first;
    if (!follow_sample(index, span, before, count_ - i)) return false;
  }
  return true;
}

/// What the host adds to each round trip is known from its queue, but not which trip it was added to.
template <typename Way>
bool Teller<Way>::sums_of_round_trips() {
  const Told* trips = told_.metric == Metric::rtt_host ? find(others_, Metric::rtt, count_) : nullptr;
  const Told* queue = trips != nullptr ? find(others_, Metric::host_queue, count_) : nullptr;
  if (queue == nullptr) return false;
  const auto shift = [this](const Told& of) {
    return static_cast<uint128>(static_cast<std::uint64_t>(of.parts.min)) * count_;
  };
  Moments& own = told_.moments;
  deviation(sum_part, own.sum, trips->moments.sum + shift(*trips) + queue->moments.sum + shift(*queue) - shift(told_),
            0);
  const uint128 of_trips = trips->moments.about_mean();
  const uint128 of_queue = queue->moments.about_mean();
  const unsigned wide = (width_of(of_trips) + width_of(of_queue)) / 2;
  const unsigned narrower = static_cast<unsigned>(std::bit_width(count_)) / 2 + 2;
  uint128 about_mean = own.about_mean();
  deviation(squares_part, about_mean, of_trips + of_queue, wide > narrower ? wide - narrower : 0);
  if constexpr (Way::takes) own.squares = about_mean + own.sum * own.sum / count_;
  return true;
}

template <typename Way>
void Teller<Way>::sums(const Told* twin) {
  Moments& own = told_.moments;
  if (sums_of_round_trips()) return;
  if (twin != nullptr && told_.metric != Metric::rtt_host) {
    deviation(sum_part, own.sum, twin->moments.sum, 0);
    deviation(squares_part, own.squares, twin->moments.squares, 0);
    return;
  }
  const ExpectedMoments expected = expected_of(parts_);
  deviation(sum_part, own.sum, expected.sum, expected.sum_bits);
  deviation(squares_part, own.squares, expected.squares + expected.slope * (own.sum - expected.sum),
            expected.squares_bits);
}

template <typename Way>
bool Teller<Way>::run() {
  auto count = std::bit_cast<std::int64_t>(count_);
  step(count_part, count);
  count_ = std::bit_cast<std::uint64_t>(count);
  number(zeros_part, parts_.zeros);
  if (parts_.zeros > count_ || count_ > 2 * plausible_count) return false;
  if (count_ == 0) return true;
  const auto twin_metric = twin_of(told_.metric);
  const Told* twin = twin_metric && count_ <= most_followed ? find(others_, *twin_metric, count_) : nullptr;
  if (twin != nullptr && parts_.zeros < count_) {
    if (!follow(*twin)) return false;
  } else if (!own_buckets() || !own_ends()) {
    return false;
  }
  sums(twin);
  if (is_rate(told_.metric)) way_.wide(key(inverses_part), parts_.inverses);
  return true;
}

/// Those that are told by others come after them.
template <typename MetricOf, typename Each>
bool in_telling_order(std::size_t count, MetricOf metric, Each each) {
  for (const bool told_by_others : {false, true})
    for (std::size_t i = 0; i < count; ++i)
      if (twin_of(metric(i)).has_value() == told_by_others && !each(i)) return false;
  return true;
}

}  // namespace

void put_distributions(ColumnsOut& columns, std::span<const DistributionValue> values) {
  Put put(columns);
  std::vector<Told> told;
  told.reserve(values.size());
  in_telling_order(
      values.size(), [&](std::size_t i) { return values[i].metric; },
      [&](std::size_t i) {
        Told one{values[i].metric, values[i].samples.parts(), moments_of(values[i].samples)};
        Teller(put, one, told).run();
        told.push_back(std::move(one));
        return true;
      });
}

struct DistributionsIn::Row {
  std::vector<Told> told;
  std::vector<std::optional<Distribution>> made;
};

DistributionsIn::DistributionsIn(ColumnsIn& columns, std::optional<Metric> only)
    : columns_(columns), row_(std::make_unique<Row>()) {
  for (const MetricInfo& each : all_metrics()) {
    wanted_[static_cast<std::size_t>(each.metric)] = !only || *only == each.metric;
    needed_[static_cast<std::size_t>(each.metric)] = !only || *only == each.metric || tells(each.metric, *only);
  }
}
DistributionsIn::~DistributionsIn() = default;

std::optional<std::vector<DistributionValue>> DistributionsIn::take(std::span<const Metric> metrics, bool make) {
  Take take(columns_);
  std::vector<Told>& told = row_->told;
  std::vector<std::optional<Distribution>>& made = row_->made;
  if (told.size() < metrics.size()) told.resize(metrics.size());
  made.assign(metrics.size(), std::nullopt);
  std::size_t done = 0;
  const bool fits = in_telling_order(
      metrics.size(), [&](std::size_t i) { return metrics[i]; },
      [&](std::size_t i) {
        if (!needed_[static_cast<std::size_t>(metrics[i])]) return true;
        Told& one = told[done];
        one.begin(metrics[i]);
        if (!Teller(take, one, std::span(told).first(done)).run()) return false;
        ++done;
        if (!make || !wanted_[static_cast<std::size_t>(metrics[i])]) return true;
        Distribution::Parts parts = one.parts;
        put_moments(parts, one.moments);
        made[i] = Distribution::restore(std::move(parts));
        return made[i].has_value();
      });
  if (!fits) return std::nullopt;
  std::vector<DistributionValue> values;
  for (std::size_t i = 0; i < metrics.size(); ++i)
    if (made[i]) values.push_back({metrics[i], *std::move(made[i])});
  return values;
}

}  // namespace sonde::store
