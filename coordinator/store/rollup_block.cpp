#include "coordinator/store/rollup_block.h"

#include <bit>
#include <utility>

#include "shared/base/limits.h"

namespace sonde::store {
namespace {

// Keys of columns: never used for anything else than this, also where one is given up.
enum Key : ColumnKey {
  key_start = 0,     ///< step, ns
  key_outcomes = 1,  ///< a count for each outcome
  key_tried = 2,     ///< how many; of each the time after start, and what it brought
  key_newest = 3,    ///< how many; of each its bit and the time after start
  key_error = 4,     ///< error_s, the bits of a float
  key_metrics = 5,   ///< which metrics the row has: bits
};
/// Of each metric one column: for each row that has it the length, then its numbers.
constexpr ColumnKey first_metric_key = 64;
constexpr std::size_t roll_limit = 64 * limits::buckets_per_distribution;
constexpr unsigned mask_bits = 64;
constexpr std::uint64_t highest_gap = 1 << 20;

ColumnKey key_of(Metric metric) { return first_metric_key + static_cast<ColumnKey>(metric); }

Octets pack(const MetricRoll& roll, std::int64_t start) {
  ColumnOut out;
  const Distribution& samples = roll.samples;
  out.put(samples.zeros());
  out.put(samples.buckets().size());
  std::int32_t before = 0;
  for (const auto& [index, times] : samples.buckets()) {
    out.put(static_cast<std::uint64_t>(index - before));
    out.put(times);
    before = index;
  }
  out.put(static_cast<std::uint64_t>(samples.min()));
  out.put(static_cast<std::uint64_t>(samples.max() - samples.min()));
  out.put_wide(samples.sum());
  out.put_wide(samples.sum_of_squares());
  if (info(roll.metric).unit == "bit/s") out.put_wide(roll.inverses);
  if (info(roll.metric).shape == MetricShape::ratio) {
    out.put(roll.hits);
    out.put(roll.tries);
  }
  out.put_signed(wrapping_minus(to_ns(roll.started_at), start));
  out.put_double(roll.last);
  return out.octets();
}

std::optional<MetricRoll> unpack(Metric metric, std::string_view octets, std::int64_t start) {
  ColumnIn in(Octets(octets.begin(), octets.end()));
  MetricRoll roll;
  roll.metric = metric;
  Distribution::Parts parts;
  parts.zeros = in.take();
  const std::uint64_t buckets = in.take();
  if (buckets > limits::buckets_per_distribution) return std::nullopt;
  parts.buckets.reserve(buckets);
  std::uint64_t index = 0;
  for (std::uint64_t i = 0; i < buckets; ++i) {
    index += std::min(in.take(), highest_gap);
    parts.buckets.emplace_back(static_cast<std::int32_t>(std::min(index, highest_gap)), in.take());
  }
  parts.min = std::bit_cast<std::int64_t>(in.take());
  parts.max = wrapping_plus(parts.min, std::bit_cast<std::int64_t>(in.take()));
  parts.sum = in.take_wide();
  parts.squares = in.take_wide();
  if (info(metric).unit == "bit/s") roll.inverses = in.take_wide();
  if (info(metric).shape == MetricShape::ratio) {
    roll.hits = in.take();
    roll.tries = in.take();
  }
  roll.started_at = shared_from_ns(wrapping_plus(start, in.take_signed()));
  roll.last = in.take_double();
  auto samples = Distribution::restore(std::move(parts));
  if (!samples || in.failed() || !in.at_end()) return std::nullopt;
  roll.samples = *std::move(samples);
  return roll;
}

void add_row(ColumnsOut& columns, const RollRow& row) {
  const RollUp::Parts parts = row.roll.parts();
  columns.at(key_start).put_step(row.start);
  for (const std::uint64_t count : parts.outcomes) columns.at(key_outcomes).put(count);
  ColumnOut& tried = columns.at(key_tried);
  tried.put(parts.tried.size());
  for (const RollUp::Tried& each : parts.tried) {
    tried.put_signed(wrapping_minus(to_ns(each.finished_at), row.start));
    tried.put(each.brings);
  }
  ColumnOut& newest = columns.at(key_newest);
  newest.put(parts.newest.size());
  for (const auto& [mask, at] : parts.newest) {
    newest.put(static_cast<std::uint64_t>(std::countr_zero(mask)));
    newest.put_signed(wrapping_minus(to_ns(at), row.start));
  }
  columns.at(key_error).put(std::bit_cast<std::uint32_t>(parts.error_s));
  MetricMask metrics = 0;
  for (const MetricRoll& roll : parts.metrics) {
    metrics |= mask_of(roll.metric);
    const Octets octets = pack(roll, row.start);
    ColumnOut& column = columns.at(key_of(roll.metric));
    column.put(octets.size());
    column.put_octets(octets);
  }
  columns.at(key_metrics).put(metrics);
}

/// The runs that were tried and the newest of each metric, in their order. False where they cannot be.
template <typename OnTried, typename OnNewest>
bool read_seen(ColumnsIn& columns, std::int64_t start, OnTried on_tried, OnNewest on_newest) {
  ColumnIn& tried = columns.at(key_tried);
  const std::uint64_t runs = tried.take();
  if (runs > RollUp::tried_kept) return false;
  for (std::uint64_t i = 0; i < runs; ++i) {
    const SharedTime at = shared_from_ns(wrapping_plus(start, tried.take_signed()));
    on_tried(RollUp::Tried{at, tried.take()});
  }
  ColumnIn& newest = columns.at(key_newest);
  const std::uint64_t bits = newest.take();
  if (bits > mask_bits) return false;
  for (std::uint64_t i = 0; i < bits; ++i) {
    const std::uint64_t bit = newest.take();
    if (bit >= mask_bits) return false;
    on_newest(bit, shared_from_ns(wrapping_plus(start, newest.take_signed())));
  }
  return true;
}

class RollDecoder {
 public:
  RollDecoder(ColumnsIn& columns, const RollFilter& filter) : columns_(columns), filter_(filter) {}

  /// False where the row cannot be.
  bool read_row(std::vector<RollRow>& rows) {
    const std::int64_t start = columns_.at(key_start).take_step();
    const bool wanted = start >= filter_.first && start < filter_.end;
    RollUp::Parts parts;
    for (std::uint64_t& count : parts.outcomes) count = columns_.at(key_outcomes).take();
    const auto on_tried = [&](const RollUp::Tried& each) { parts.tried.push_back(each); };
    const auto on_newest = [&](std::uint64_t bit, SharedTime at) {
      parts.newest.emplace_back(MetricMask{1} << bit, at);
    };
    if (!read_seen(columns_, start, on_tried, on_newest)) return false;
    parts.error_s = std::bit_cast<float>(static_cast<std::uint32_t>(columns_.at(key_error).take()));
    const MetricMask metrics = columns_.at(key_metrics).take();
    if (metrics >> metric_count != 0) return false;
    for (std::size_t i = 0; i < metric_count; ++i) {
      const auto metric = static_cast<Metric>(i);
      if ((metrics & filter_.metrics & mask_of(metric)) == 0) continue;
      const std::string_view octets = columns_.at(key_of(metric)).take_text(roll_limit);
      if (!wanted) continue;
      auto roll = unpack(metric, octets, start);
      if (!roll) return false;
      parts.metrics.push_back(*std::move(roll));
    }
    if (!wanted) return true;
    auto roll = RollUp::restore(std::move(parts));
    if (!roll) return false;
    rows.push_back({start, *std::move(roll)});
    return true;
  }

 private:
  ColumnsIn& columns_;
  const RollFilter& filter_;
};

/// Rows into a sum, one after the other.
class RollAdder {
 public:
  RollAdder(ColumnsIn& columns, const RollFilter& filter, RollSum& sum)
      : columns_(columns), filter_(filter), sum_(sum) {}

  /// False where the row cannot be.
  bool add_row() {
    const std::int64_t start = columns_.at(key_start).take_step();
    const bool wanted = start >= filter_.first && start < filter_.end;
    ColumnIn& outcomes = columns_.at(key_outcomes);
    for (std::size_t outcome = 0; outcome < outcome_count; ++outcome) {
      const std::uint64_t count = outcomes.take();
      if (wanted) sum_.add_outcomes(outcome, count);
    }
    const auto on_tried = [&](const RollUp::Tried& each) {
      if (wanted) sum_.saw_tried(each);
    };
    const auto on_newest = [&](std::uint64_t bit, SharedTime at) {
      if (wanted) sum_.saw(bit, at);
    };
    if (!read_seen(columns_, start, on_tried, on_newest)) return false;
    const auto error = std::bit_cast<float>(static_cast<std::uint32_t>(columns_.at(key_error).take()));
    if (wanted) sum_.add_error(error);
    const MetricMask has = columns_.at(key_metrics).take();
    if (has >> metric_count != 0) return false;
    for (MetricMask left = has & filter_.metrics; left != 0; left &= left - 1)
      if (!add_metric(static_cast<Metric>(std::countr_zero(left)), start, wanted)) return false;
    return true;
  }

 private:
  bool add_metric(Metric metric, std::int64_t start, bool wanted) {
    ColumnIn& column = columns_.at(key_of(metric));
    const std::uint64_t length = column.take();
    const std::size_t left = column.left();
    if (length > left) return false;
    if (!wanted) return column.skip(length), true;
    column.begin_anew();
    return sum_.metric(metric).add(metric, column, start) && left - column.left() == length;
  }

  ColumnsIn& columns_;
  const RollFilter& filter_;
  RollSum& sum_;
};

}  // namespace

Octets encode_rolls(std::span<const RollRow> rows) {
  ColumnsOut columns;
  for (const RollRow& row : rows) add_row(columns, row);
  return columns.pack(rows.size(), Packing::small);
}

std::optional<std::vector<RollRow>> decode_rolls(std::span<const std::uint8_t> block, const RollFilter& filter) {
  auto columns = ColumnsIn::open(block);
  // Every row has at least one octet in this column.
  if (!columns || columns->rows() > columns->at(key_start).size()) return std::nullopt;
  RollDecoder decoder(*columns, filter);
  std::vector<RollRow> rows;
  for (std::uint64_t i = 0; i < columns->rows(); ++i)
    if (!decoder.read_row(rows)) return std::nullopt;
  if (columns->failed()) return std::nullopt;
  return rows;
}

bool add_rolls(std::span<const std::uint8_t> block, const RollFilter& filter, RollSum& sum) {
  auto columns = ColumnsIn::open(block);
  if (!columns || columns->rows() > columns->at(key_start).size()) return false;
  RollAdder adder(*columns, filter, sum);
  for (std::uint64_t i = 0; i < columns->rows(); ++i)
    if (!adder.add_row()) return false;
  return !columns->failed();
}

}  // namespace sonde::store
