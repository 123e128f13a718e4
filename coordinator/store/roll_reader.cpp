// Windows of any length at any instant, from roll-ups and what is not rolled up yet.
#include <algorithm>
#include <bit>
#include <optional>
#include <utility>

#include "coordinator/store/kept.h"
#include "coordinator/store/read_connection.h"

namespace sonde::store {
namespace {

/// So long may a result take until it is rolled up (a quiet site's log is sealed once an hour, chunks are rolled up
/// when their hour is over); what is older than that is looked for in roll-ups alone.
constexpr std::int64_t not_yet_rolled_ns = 2 * chunk_span_ns;
/// Blocks of hours that are looked through for what came before a window; only such as hold anything count.
constexpr int days_looked_back = 3;

/// The one metric of a mask; nullopt where it has more.
std::optional<Metric> only_metric(MetricMask metrics) {
  if (std::popcount(metrics) != 1) return std::nullopt;
  return static_cast<Metric>(std::countr_zero(metrics));
}

class RollPass {
 public:
  RollPass(ReadConnection& store, const RollQuery& query, const Reader::EachRoll& each)
      : store_(store), query_(query), each_(each), site_(store.names.site(query.from)) {}

  void read(std::int64_t since, std::int64_t until) {
    if (!site_ || since >= until) return;
    pieces_ = pieces_of(since, until, read_kept(store_.database), query_.coarsest);
    for (const SeriesId series : store_.names.series_of(query_.from, query_.to, query_.probe))
      for (const Piece& piece : pieces_)
        if (piece.level != RollLevel::raw) read_rolled(piece, series);
    read_results();
  }

  void read_before() {
    if (!site_) return;
    const std::int64_t since = to_ns(query_.since);
    const std::int64_t hour = bucket_of(since, span_of(RollLevel::hour)) - not_yet_rolled_ns;
    read(hour, since);
    for (const SeriesId series : store_.names.series_of(query_.from, query_.to, query_.probe)) {
      RollFilter filter{.end = hour, .metrics = 0};
      for (int day = 0; day < days_looked_back; ++day) {
        // Rows that begin before `hour` end there at the latest.
        const auto rows = store_.rolls_before(RollLevel::hour, series, filter);
        for (const RollRow& row : rows) give(series, query_.since, row.roll.without_values());
        // On with the block before the one that was found, which may lie any time back.
        filter.end = bucket_of(rows.empty() ? filter.end : rows.front().start + 1, nanoseconds(roll_day_ns));
      }
    }
  }

 private:
  void give(SeriesId series, SharedTime end, RollUp roll) {
    const SeriesName* name = store_.names.name(series);
    if (name != nullptr) each_(name->link.to, end, std::move(roll));
  }

  void read_rolled(const Piece& piece, SeriesId series) {
    const RollFilter filter{.first = piece.begin, .end = piece.end, .metrics = query_.metrics};
    for (RollRow& row : store_.rolls(piece.level, series, filter))
      give(series, shared_from_ns(row.start) + span_of(piece.level), std::move(row.roll));
  }

  const Piece* piece_at(std::int64_t ns) const {
    for (const Piece& piece : pieces_)
      if (ns > piece.begin && ns <= piece.end) return &piece;
    return nullptr;
  }

  bool is_needed(const Block& block) const {
    return std::ranges::any_of(pieces_, [&](const Piece& piece) {
      const bool from_results = piece.level == RollLevel::raw || !block.rolled;
      return from_results && block.last > piece.begin && block.first <= piece.end;
    });
  }

  /// At the edges, and whatever is not rolled up yet.
  void read_results() {
    const std::int64_t begin = pieces_.front().begin + 1;
    const std::int64_t end = pieces_.back().end;
    ChunkFilter filter = Wanted(store_.names, query_.to, query_.probe).filter();
    filter.metric = only_metric(query_.metrics);
    std::vector<Block> blocks = store_.chunks(*site_, begin, end, end_of_time);
    for (Block& block : store_.log(*site_, begin, end)) blocks.push_back(std::move(block));
    for (const Block& block : blocks) {
      if (!is_needed(block)) continue;
      for (const SeriesResult& row : store_.read(block, filter)) {
        const Piece* piece = piece_at(to_ns(row.result.finished_at));
        if (piece == nullptr || (piece->level != RollLevel::raw && block.rolled)) continue;
        RollUp roll;
        roll.add(reading_of(row.result));
        give(row.series, row.result.finished_at, std::move(roll));
      }
    }
  }

  ReadConnection& store_;
  const RollQuery& query_;
  const Reader::EachRoll& each_;
  std::optional<std::int64_t> site_;
  std::vector<Piece> pieces_;
};

template <typename Action>
Expected<void> attempt(Action action) {
  try {
    action();
    return {};
  } catch (const StoreError& error) {
    return fail(error.what());
  }
}

}  // namespace

Expected<void> Reader::roll_ups(const RollQuery& query, const EachRoll& each) {
  return attempt([&] {
    const Snapshot snapshot(shared_->database);
    shared_->names.refresh();
    RollPass(*shared_, query, each).read(to_ns(query.since), to_ns(query.until));
  });
}

Expected<void> Reader::roll_ups_before(const RollQuery& query, const EachRoll& each) {
  return attempt([&] {
    const Snapshot snapshot(shared_->database);
    shared_->names.refresh();
    RollPass(*shared_, query, each).read_before();
  });
}

Expected<RollLevel> Reader::finest(SharedTime since) {
  RollLevel level = RollLevel::raw;
  const auto done = attempt([&] { level = finest_at(to_ns(since), read_kept(shared_->database)); });
  if (!done) return std::unexpected(done.error());
  return level;
}

Expected<void> Reader::newest(const std::function<void(const Link&, Probe, const RollUp&)>& each) {
  return attempt([&] {
    const Snapshot snapshot(shared_->database);
    shared_->names.refresh();
    for (const auto& [series, roll] : shared_->newest())
      if (const SeriesName* name = shared_->names.name(series)) each(name->link, name->probe, roll);
  });
}

}  // namespace sonde::store
