#include "coordinator/store/chunk.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <bit>
#include <iterator>
#include <limits>
#include <map>
#include <string>
#include <string_view>
#include <utility>

#include "coordinator/store/distribution_columns.h"
#include "coordinator/store/sample_moments.h"
#include "shared/base/limits.h"

namespace sonde::store {
namespace {

// Keys of columns: never used for anything else than this, also where one is given up.
enum Key : ColumnKey {
  key_series = 0,
  key_spool = 1,
  key_seq = 2,
  key_generation = 3,
  key_round = 4,
  key_scheduled = 5,
  key_started = 6,   ///< after scheduled_at; only of runs that started
  key_finished = 7,  ///< after scheduled_at
  key_state = 8,     ///< outcome + has_started, has_reason
  key_tags = 9,
  key_reason = 10,
  key_shape = 11,     ///< which of the shapes
  key_shapes = 12,    ///< once: the shapes themselves
  key_names = 13,     ///< once: names of details
  key_unlisted = 14,  ///< name and value of details whose names found no more room
};
constexpr std::uint64_t has_started = 16;
constexpr std::uint64_t has_reason = 32;
static_assert(outcome_count <= has_started);

/// Of each metric eight columns from here on.
constexpr ColumnKey first_metric_key = 64;
enum Part : ColumnKey { value_part, hits_part, tries_part, form_part, gaps_part, times_part, ends_part, sums_part };
constexpr ColumnKey key_of(Metric metric, Part part) {
  return first_metric_key + 8 * static_cast<ColumnKey>(metric) + part;
}
/// Of each name of a detail one, by its place among the names.
constexpr ColumnKey first_detail_key = 1024;
static_assert(first_metric_key + 8 * metric_count <= first_distribution_key);
static_assert(end_of_distribution_keys <= first_detail_key);
constexpr std::uint32_t names_limit = column_keys - first_detail_key;
constexpr std::uint32_t unlisted = names_limit;  ///< in place of a name's place

constexpr std::int64_t highest_bucket = 1 << 20;  ///< Distribution::restore is stricter

bool keeps_inverses(Metric metric) { return info(metric).unit != "s"; }

/// Which values a result has, in which order. Nearly all results of a probe have the same.
struct Shape {
  std::vector<Metric> values;
  std::vector<Metric> ratios;
  std::vector<Metric> distributions;
  std::vector<std::uint32_t> details;  ///< places among the names

  auto lists() { return std::array{&values, &ratios, &distributions}; }
};

/// Sum and sum of squares about the least sample.
using ShiftedSums = std::pair<uint128, uint128>;

std::uint64_t count_of(const Distribution::Parts& parts) {
  std::uint64_t count = parts.zeros;
  for (const auto& [index, times] : parts.buckets) count += times;
  return count;
}

bool same_shape(const Result& a, const Result& b) {
  const auto same = [](const auto& one, const auto& other) {
    return std::ranges::equal(
        one, other, {}, [](const auto& each) { return each.metric; }, [](const auto& each) { return each.metric; });
  };
  return same(a.values, b.values) && same(a.ratios, b.ratios) && same(a.distributions, b.distributions) &&
         std::ranges::equal(a.details, b.details, {}, &Detail::name, &Detail::name);
}

class ChunkEncoder {
 public:
  explicit ChunkEncoder(Packing packing) : packing_(packing) {}
  void add(SeriesId series, const Result& result);
  Octets pack() const { return columns_.pack(rows_, packing_); }

 private:
  std::uint64_t shape_of(const Result& result);
  std::uint64_t find_shape(const Result& result);
  std::uint32_t name_of(const std::string& name);
  void add_values(const Result& result);
  void add_distribution(const DistributionValue& value);

  Packing packing_;
  ColumnsOut columns_;
  std::uint64_t rows_ = 0;
  std::map<std::string, std::uint64_t, std::less<>> shapes_;
  std::vector<std::vector<std::uint32_t>> shape_names_;
  std::array<std::pair<const Result*, std::uint64_t>, probe_count> last_shapes_{};
  std::map<std::string, std::uint32_t, std::less<>> names_;
  std::string signature_;
  /// Of the row in work, to say "the same as the one before".
  std::optional<ShiftedSums> last_sums_;
};

std::uint32_t ChunkEncoder::name_of(const std::string& name) {
  const auto known = names_.find(name);
  if (known != names_.end()) return known->second;
  if (names_.size() == names_limit) return unlisted;
  columns_.at(key_names).put_text(name);
  return names_.emplace(name, static_cast<std::uint32_t>(names_.size())).first->second;
}

/// Nearly always that of the probe's last result.
std::uint64_t ChunkEncoder::shape_of(const Result& result) {
  auto& [last, shape] = last_shapes_.at(static_cast<std::size_t>(result.probe));
  if (last == nullptr || !same_shape(*last, result)) shape = find_shape(result);
  last = &result;
  return shape;
}

std::uint64_t ChunkEncoder::find_shape(const Result& result) {
  signature_.clear();
  const auto sign = [this](const auto& list) {
    for (const auto& each : list) signature_.push_back(static_cast<char>(each.metric));
    signature_.push_back('\xFF');
  };
  sign(result.values);
  sign(result.ratios);
  sign(result.distributions);
  for (const Detail& detail : result.details)
    fmt::format_to(std::back_inserter(signature_), "{}:{}", detail.name.size(), detail.name);
  const auto known = shapes_.find(signature_);
  if (known != shapes_.end()) return known->second;
  ColumnOut& shapes = columns_.at(key_shapes);
  const auto list_metrics = [&shapes](const auto& list) {
    shapes.put(list.size());
    for (const auto& each : list) shapes.put(static_cast<std::uint64_t>(each.metric));
  };
  std::vector<std::uint32_t> names;
  for (const Detail& detail : result.details) names.push_back(name_of(detail.name));
  list_metrics(result.values);
  list_metrics(result.ratios);
  list_metrics(result.distributions);
  shapes.put(names.size());
  for (const std::uint32_t name : names) shapes.put(name);
  shape_names_.push_back(std::move(names));
  return shapes_.emplace(signature_, shapes_.size()).first->second;
}

void ChunkEncoder::add_distribution(const DistributionValue& value) {
  const Distribution& samples = value.samples;
  ColumnOut& form = columns_.at(key_of(value.metric, form_part));
  form.put(samples.zeros());
  form.put(samples.buckets().size());
  if (samples.empty()) return;
  ColumnOut& gaps = columns_.at(key_of(value.metric, gaps_part));
  ColumnOut& times = columns_.at(key_of(value.metric, times_part));
  std::int32_t before = 0;
  bool first = true;
  for (const auto& [index, count] : samples.buckets()) {
    if (std::exchange(first, false))
      form.put_step(index);
    else
      gaps.put(static_cast<std::uint64_t>(index - before));
    times.put(count);
    before = index;
  }
  ColumnOut& ends = columns_.at(key_of(value.metric, ends_part));
  ends.put_step(samples.min());
  ends.put(static_cast<std::uint64_t>(samples.max() - samples.min()));
  ColumnOut& sums = columns_.at(key_of(value.metric, sums_part));
  const Moments moments = moments_of(samples);
  const ShiftedSums shift{moments.sum, moments.squares};
  // Octet 0: the same as of the distribution before (a one-way delay is its variation, shifted).
  const bool same = last_sums_ == shift;
  sums.put(same ? 0 : 1);
  if (!same) {
    sums.put_wide(narrow(shift.first));
    sums.put_wide(narrow(shift.second));
  }
  last_sums_ = shift;
  if (keeps_inverses(value.metric)) sums.put_wide(samples.sum_of_inverses());
}

void ChunkEncoder::add(SeriesId series, const Result& result) {
  ++rows_;
  columns_.at(key_series).put_step(series);
  columns_.at(key_spool).put_step(std::bit_cast<std::int64_t>(result.id.spool));
  columns_.at(key_seq).put_step(std::bit_cast<std::int64_t>(result.id.seq));
  columns_.at(key_generation).put_step(std::bit_cast<std::int64_t>(result.generation.number));
  columns_.at(key_round).put_step(result.round.number);
  const std::int64_t scheduled = to_ns(result.scheduled_at);
  columns_.at(key_scheduled).put_step(scheduled);
  if (result.started_at) columns_.at(key_started).put_step(wrapping_minus(to_ns(*result.started_at), scheduled));
  columns_.at(key_finished).put_step(wrapping_minus(to_ns(result.finished_at), scheduled));
  columns_.at(key_state).put(static_cast<std::uint64_t>(result.outcome) | (result.started_at ? has_started : 0) |
                             (result.reason.empty() ? 0 : has_reason));
  columns_.at(key_tags).put(result.tags);
  if (!result.reason.empty()) columns_.at(key_reason).put_text(result.reason);
  add_values(result);
}

void ChunkEncoder::add_values(const Result& result) {
  const std::uint64_t shape = shape_of(result);
  columns_.at(key_shape).put(shape);
  for (const SingleValue& value : result.values) columns_.at(key_of(value.metric, value_part)).put_double(value.value);
  for (const RatioValue& ratio : result.ratios) {
    columns_.at(key_of(ratio.metric, hits_part)).put(ratio.hits);
    columns_.at(key_of(ratio.metric, tries_part)).put_step(std::bit_cast<std::int64_t>(ratio.tries));
  }
  last_sums_.reset();
  if (packing_ == Packing::small)
    put_distributions(columns_, result.distributions);
  else
    for (const DistributionValue& value : result.distributions) add_distribution(value);
  const auto& names = shape_names_[shape];
  for (std::size_t i = 0; i < names.size(); ++i) {
    if (names[i] == unlisted) columns_.at(key_unlisted).put_text(result.details[i].name);
    columns_.at(names[i] == unlisted ? key_unlisted : first_detail_key + names[i]).put_double(result.details[i].value);
  }
}

class ChunkDecoder {
 public:
  ChunkDecoder(ColumnsIn& columns, const ChunkFilter& filter)
      : columns_(columns), filter_(filter), distributions_(columns, filter.metric) {}
  bool read_shapes();
  /// False where the row cannot be.
  bool read_row(std::vector<SeriesResult>& rows);

 private:
  bool read_state(SeriesResult& row);
  bool read_values(SeriesResult& row, bool wanted);
  bool read_distributions(const Shape& shape, SeriesResult& row, bool wanted);
  bool read_distribution(Metric metric, SeriesResult& row, bool wanted);
  bool read_buckets(Metric metric, std::int64_t index, std::uint64_t count, Distribution::Parts& parts);
  bool wants(Metric metric) const { return !filter_.metric || *filter_.metric == metric; }

  ColumnsIn& columns_;
  const ChunkFilter& filter_;
  DistributionsIn distributions_;
  SeriesResult row_;
  std::vector<std::string> names_;
  std::vector<Shape> shapes_;
  std::optional<ShiftedSums> last_sums_;
};

bool ChunkDecoder::read_shapes() {
  ColumnIn& names = columns_.at(key_names);
  while (!names.failed() && !names.at_end()) {
    names_.emplace_back(names.take_text(limits::text_bytes));
    if (names_.size() > names_limit) return false;
  }
  ColumnIn& shapes = columns_.at(key_shapes);
  while (!shapes.failed() && !shapes.at_end()) {
    Shape& shape = shapes_.emplace_back();
    for (std::vector<Metric>* list : shape.lists()) {
      const std::uint64_t size = shapes.take();
      if (size > limits::values_per_result) return false;
      for (std::uint64_t i = 0; i < size; ++i) {
        const std::uint64_t metric = shapes.take();
        if (metric >= metric_count) return false;
        list->push_back(static_cast<Metric>(metric));
      }
    }
    const std::uint64_t size = shapes.take();
    if (size > limits::details_per_result) return false;
    for (std::uint64_t i = 0; i < size; ++i) {
      shape.details.push_back(static_cast<std::uint32_t>(shapes.take()));
      if (shape.details.back() >= names_.size() && shape.details.back() != unlisted) return false;
    }
  }
  return !names.failed() && !shapes.failed();
}

bool ChunkDecoder::read_state(SeriesResult& row) {
  Result& result = row.result;
  row.series = columns_.at(key_series).take_step();
  result.id.spool = std::bit_cast<std::uint64_t>(columns_.at(key_spool).take_step());
  result.id.seq = std::bit_cast<std::uint64_t>(columns_.at(key_seq).take_step());
  result.generation.number = std::bit_cast<std::uint64_t>(columns_.at(key_generation).take_step());
  const std::int64_t round = columns_.at(key_round).take_step();
  if (!std::in_range<std::uint32_t>(round)) return false;
  result.round.number = static_cast<std::uint32_t>(round);
  const std::uint64_t state = columns_.at(key_state).take();
  const std::uint64_t outcome = state & (has_started - 1);
  if (outcome >= outcome_count || state >= 2 * has_reason) return false;
  result.outcome = static_cast<Outcome>(outcome);
  const std::int64_t scheduled = columns_.at(key_scheduled).take_step();
  result.scheduled_at = shared_from_ns(scheduled);
  result.started_at.reset();
  if ((state & has_started) != 0)
    result.started_at = shared_from_ns(wrapping_plus(scheduled, columns_.at(key_started).take_step()));
  result.finished_at = shared_from_ns(wrapping_plus(scheduled, columns_.at(key_finished).take_step()));
  const std::uint64_t tags = columns_.at(key_tags).take();
  if (!std::in_range<std::uint32_t>(tags)) return false;
  result.tags = static_cast<std::uint32_t>(tags);
  result.reason.clear();
  if ((state & has_reason) != 0 && !filter_.metric && !filter_.heads)
    result.reason = columns_.at(key_reason).take_text(limits::text_bytes);
  return true;
}

bool ChunkDecoder::read_buckets(Metric metric, std::int64_t index, std::uint64_t count, Distribution::Parts& parts) {
  ColumnIn& gaps = columns_.at(key_of(metric, gaps_part));
  ColumnIn& times = columns_.at(key_of(metric, times_part));
  parts.buckets.reserve(count);
  for (std::uint64_t i = 0; i < count; ++i) {
    if (i > 0) index += static_cast<std::int64_t>(std::min<std::uint64_t>(gaps.take(), highest_bucket));
    if (index < 0 || index > highest_bucket) return false;
    parts.buckets.emplace_back(static_cast<std::int32_t>(index), times.take());
  }
  ColumnIn& ends = columns_.at(key_of(metric, ends_part));
  parts.min = ends.take_step();
  parts.max = wrapping_plus(parts.min, std::bit_cast<std::int64_t>(ends.take()));
  return true;
}

/// Form and sums are read of every distribution, because a later one may say "the same sums".
bool ChunkDecoder::read_distribution(Metric metric, SeriesResult& row, bool wanted) {
  ColumnIn& form = columns_.at(key_of(metric, form_part));
  Distribution::Parts parts;
  parts.zeros = form.take();
  const std::uint64_t buckets = form.take();
  if (buckets > limits::buckets_per_distribution) return false;
  if (parts.zeros != 0 || buckets != 0) {
    const std::int64_t first = buckets > 0 ? form.take_step() : 0;
    ColumnIn& sums = columns_.at(key_of(metric, sums_part));
    const std::uint64_t differ = sums.take();
    if (differ > 1 || (differ == 0 && !last_sums_)) return false;
    if (differ == 1) {
      const uint128 sum = widen(sums.take_wide());
      last_sums_.emplace(sum, widen(sums.take_wide()));
    }
    if (keeps_inverses(metric)) parts.inverses = sums.take_wide();
    if (!wants(metric)) return true;
    if (!read_buckets(metric, first, buckets, parts)) return false;
    put_moments(parts, {count_of(parts), last_sums_->first, last_sums_->second});
  }
  if (!wanted || !wants(metric)) return true;
  auto samples = Distribution::restore(std::move(parts));
  if (!samples) return false;
  row.result.distributions.push_back({metric, *std::move(samples)});
  return true;
}

bool ChunkDecoder::read_distributions(const Shape& shape, SeriesResult& row, bool wanted) {
  if (columns_.is_split()) {
    auto values = distributions_.take(shape.distributions, wanted);
    if (!values) return false;
    row.result.distributions = *std::move(values);
    return true;
  }
  last_sums_.reset();
  return std::ranges::all_of(shape.distributions,
                             [&](Metric metric) { return read_distribution(metric, row, wanted); });
}

bool ChunkDecoder::read_values(SeriesResult& row, bool wanted) {
  const std::uint64_t which = columns_.at(key_shape).take();
  if (which >= shapes_.size()) return false;
  const Shape& shape = shapes_[which];
  Result& result = row.result;
  for (const Metric metric : shape.values) {
    if (!wants(metric)) continue;
    const double value = columns_.at(key_of(metric, value_part)).take_double();
    if (wanted) result.values.push_back({metric, value});
  }
  for (const Metric metric : shape.ratios) {
    if (!wants(metric)) continue;
    const std::uint64_t hits = columns_.at(key_of(metric, hits_part)).take();
    const auto tries = std::bit_cast<std::uint64_t>(columns_.at(key_of(metric, tries_part)).take_step());
    if (wanted) result.ratios.push_back({metric, hits, tries});
  }
  if (!read_distributions(shape, row, wanted)) return false;
  for (const std::uint32_t name : shape.details) {
    const bool listed = name != unlisted;
    if (filter_.metric && (!listed || names_[name] != "error_s")) continue;
    ColumnIn& column = columns_.at(listed ? first_detail_key + name : key_unlisted);
    const std::string label(listed ? std::string_view() : column.take_text(limits::text_bytes));
    const double value = column.take_double();
    if (wanted) result.details.push_back({listed ? names_[name] : label, value});
  }
  return true;
}

bool ChunkDecoder::read_row(std::vector<SeriesResult>& rows) {
  // One that is passed over is written over by the next.
  SeriesResult& row = row_;
  if (!read_state(row)) return false;
  const std::int64_t finished = to_ns(row.result.finished_at);
  const bool wanted =
      finished >= filter_.first && finished <= filter_.last && (!filter_.series || filter_.series(row.series));
  if (!filter_.heads && !read_values(row, wanted)) return false;
  if (wanted) rows.push_back(std::exchange(row, {}));
  return true;
}

}  // namespace

Octets encode_chunk(std::span<const ChunkRow> rows, Packing packing) {
  ChunkEncoder encoder(packing);
  for (const ChunkRow& row : rows) encoder.add(row.series, *row.result);
  return encoder.pack();
}

std::optional<std::vector<SeriesResult>> decode_chunk(std::span<const std::uint8_t> block, const ChunkFilter& filter) {
  auto columns = ColumnsIn::open(block);
  // Every row has at least one octet in this column.
  if (!columns || columns->rows() > columns->at(key_series).size()) return std::nullopt;
  ChunkDecoder decoder(*columns, filter);
  std::vector<SeriesResult> rows;
  if (!decoder.read_shapes()) return std::nullopt;
  for (std::uint64_t i = 0; i < columns->rows(); ++i)
    if (!decoder.read_row(rows)) return std::nullopt;
  if (columns->failed()) return std::nullopt;
  return rows;
}

}  // namespace sonde::store
