// Windows of any length at any instant, from roll-ups and what is not rolled up yet.
#include <algorithm>
#include <bit>
#include <map>
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
  RollPass(ReadConnection& store, const RollQuery& query, const Reader::EachRoll& each = {})
      : store_(store), query_(query), each_(each), site_(store.names.site(query.from)) {}

  void read(std::int64_t since, std::int64_t until) {
    if (!site_ || since >= until) return;
    pieces_ = pieces_of(since, until, read_kept(store_.database), query_.coarsest);
    for (const SeriesId series : store_.names.series_of(query_.from, query_.to, query_.probe))
      for (const Piece& piece : pieces_)
        if (piece.level != RollLevel::raw) read_rolled(piece, series);
    read_results(
        [this](const SeriesResult& row, RollUp roll) { give(row.series, row.result.finished_at, std::move(roll)); });
  }

  /// Everything in (since, until] of each link as one.
  std::map<SiteId, RollUp> read_windows() {
    std::map<SiteId, RollUp> windows;
    if (!site_ || query_.since >= query_.until) return windows;
    pieces_ = pieces_of(to_ns(query_.since), to_ns(query_.until), read_kept(store_.database), query_.coarsest);
    RollSum sum;
    for (const SeriesId series : store_.names.series_of(query_.from, query_.to, query_.probe))
      if (const SeriesName* name = store_.names.name(series)) windows[name->link.to] = rolled_window(series, sum);
    read_results([&](const SeriesResult& row, const RollUp& roll) {
      if (const SeriesName* name = store_.names.name(row.series)) windows[name->link.to].merge(roll);
    });
    std::erase_if(windows, [](const auto& window) { return window.second.empty(); });
    return windows;
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

  /// What roll-ups hold of the pieces.
  RollUp rolled_window(SeriesId series, RollSum& sum) {
    bool good = true;
    const auto filter_of = [this](const Piece& piece) {
      return RollFilter{.first = piece.begin, .end = piece.end, .metrics = query_.metrics};
    };
    for (const Piece& piece : pieces_)
      if (piece.level != RollLevel::raw && good) good = store_.add_rolls(piece.level, series, filter_of(piece), sum);
    auto window = sum.take();
    if (good && window) return *std::move(window);
    // Row by row, and without the block that cannot be read.
    RollUp whole;
    for (const Piece& piece : pieces_)
      if (piece.level != RollLevel::raw)
        for (const RollRow& row : store_.rolls(piece.level, series, filter_of(piece))) whole.merge(row.roll);
    return whole;
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
  template <typename Each>
  void read_results(const Each& each) {
    const std::int64_t begin = pieces_.front().begin + 1;
    const std::int64_t end = pieces_.back().end;
    ChunkFilter filter = Wanted(store_.names, query_.to, query_.probe).filter();
    filter.metric = only_metric(query_.metrics);
    filter.first = begin;
    filter.last = end;
    std::vector<Block> blocks = store_.chunks(*site_, begin, end, end_of_time);
    for (Block& block : store_.log(*site_, begin, end)) blocks.push_back(std::move(block));
    for (const Block& block : blocks) {
      if (!is_needed(block)) continue;
      for (const SeriesResult& row : store_.read(block, filter)) {
        const Piece* piece = piece_at(to_ns(row.result.finished_at));
        if (piece == nullptr || (piece->level != RollLevel::raw && block.rolled)) continue;
        RollUp roll;
        roll.add(reading_of(row.result));
        each(row, std::move(roll));
      }
    }
  }

  ReadConnection& store_;
  const RollQuery& query_;
  Reader::EachRoll each_;
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

Expected<std::map<SiteId, RollUp>> Reader::windows(const RollQuery& query) {
  std::map<SiteId, RollUp> windows;
  const auto done = attempt([&] {
    const Snapshot snapshot(shared_->database);
    shared_->names.refresh();
    windows = RollPass(*shared_, query).read_windows();
  });
  if (!done) return std::unexpected(done.error());
  return windows;
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
