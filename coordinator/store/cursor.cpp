// One pass over everything, oldest first: chunks of all sites, hour by hour, merged by finished_at.
#include <algorithm>
#include <memory>
#include <optional>
#include <queue>
#include <utility>

#include "coordinator/store/read_connection.h"

namespace sonde::store {
namespace {

/// An unpacked block and how far it was read.
struct Run {
  std::vector<SeriesResult> rows;
  std::size_t next = 0;

  std::int64_t head() const { return to_ns(rows[next].result.finished_at); }
};

/// By finished_at, then by id: an order that stays the same when results are sealed, so that a pass can be resumed.
bool comes_before(const SeriesResult& a, const SeriesResult& b) {
  if (a.result.finished_at != b.result.finished_at) return a.result.finished_at < b.result.finished_at;
  return a.result.id < b.result.id;
}

/// The first on top.
struct Later {
  bool operator()(const Run& a, const Run& b) const { return comes_before(b.rows[b.next], a.rows[a.next]); }
};

}  // namespace

struct Cursor::Parts {
  Parts(std::shared_ptr<ReadConnection> shared, const Filter& filter);
  std::vector<Result> next(std::size_t count);

 private:
  bool open_hour();
  bool open_due_block();

  std::shared_ptr<ReadConnection> reader_;
  std::vector<std::int64_t> sites_;
  ChunkFilter filter_;
  std::int64_t since_;
  std::int64_t until_;  ///< finished_at < until_
  std::uint64_t left_;
  std::int64_t newest_chunk_ = 0;
  std::int64_t horizon_ = 0;  ///< chunks up to here are among waiting_ or opened
  bool all_listed_ = false;
  std::vector<Block> waiting_;  ///< the next one last
  std::priority_queue<Run, std::vector<Run>, Later> runs_;
  std::optional<std::pair<SharedTime, RunId>> after_;
};

Cursor::Parts::Parts(std::shared_ptr<ReadConnection> shared, const Filter& filter)
    : reader_(std::move(shared)),
      since_(filter.since ? to_ns(*filter.since) : std::numeric_limits<std::int64_t>::min()),
      until_(filter.until ? to_ns(*filter.until) : end_of_time),
      left_(filter.limit.value_or(std::numeric_limits<std::uint64_t>::max())),
      after_(filter.after) {
  if (after_) since_ = std::max(since_, to_ns(after_->first));
  horizon_ = since_;
  const Snapshot snapshot(reader_->database);
  sites_ = reader_->sites_like(filter.from);
  filter_ = Wanted(reader_->names, filter.to, filter.probe).filter();
  // What comes in while this pass goes on is not part of it, or the pass might never end. What is in the log now may
  // be sealed meanwhile, and is taken along.
  newest_chunk_ = reader_->database.ask_integer("SELECT ifnull(max(id), 0) FROM chunks");
  for (const std::int64_t site : sites_)
    for (Block& block : reader_->log(site, since_, until_)) waiting_.push_back(std::move(block));
  std::ranges::stable_sort(waiting_, std::greater(), &Block::first);
}

/// Lists the chunks of the next hour that has some; false where there is none any more.
bool Cursor::Parts::open_hour() {
  if (all_listed_) return false;
  std::optional<std::int64_t> hour;
  for (const std::int64_t site : sites_)
    if (const auto next = reader_->hour_from(site, horizon_)) hour = std::min(hour.value_or(end_of_time), *next);
  if (!hour || *hour >= until_) {
    all_listed_ = true;
    return false;
  }
  const std::int64_t from = std::max(*hour, horizon_);
  horizon_ = *hour + chunk_span_ns;
  for (const std::int64_t site : sites_) {
    auto chunks = reader_->chunks(site, from, horizon_ - 1, newest_chunk_);
    waiting_.insert(waiting_.end(), chunks.begin(), chunks.end());
  }
  std::ranges::stable_sort(waiting_, std::greater(), &Block::first);
  return true;
}

/// Unpacks the next block where it may hold the next result.
bool Cursor::Parts::open_due_block() {
  if (waiting_.empty() || (!runs_.empty() && waiting_.back().first > runs_.top().head())) return false;
  if (!all_listed_ && waiting_.back().first >= horizon_) return false;
  Run run{reader_->read(waiting_.back(), filter_), 0};
  waiting_.pop_back();
  std::erase_if(run.rows, [this](const SeriesResult& row) {
    const std::int64_t finished = to_ns(row.result.finished_at);
    const bool outside = finished < since_ || finished >= until_;
    return outside || (after_ && std::pair(row.result.finished_at, row.result.id) <= *after_);
  });
  std::ranges::sort(run.rows, comes_before);
  if (!run.rows.empty()) runs_.push(std::move(run));
  return true;
}

std::vector<Result> Cursor::Parts::next(std::size_t count) {
  reader_->names.refresh();
  std::vector<Result> results;
  const std::size_t wanted = std::min<std::uint64_t>(count, left_);
  while (results.size() < wanted) {
    if (open_due_block()) continue;
    const bool due = !runs_.empty() && (all_listed_ || runs_.top().head() < horizon_);
    if (!due) {
      if (open_hour() || open_due_block()) continue;
      if (runs_.empty()) break;
      continue;
    }
    Run run = std::move(const_cast<Run&>(runs_.top()));  // popped at once, so the order is not looked at in between
    runs_.pop();
    // As long as no other block can hold an earlier one, go on without the queue.
    const std::int64_t other = std::min(runs_.empty() ? end_of_time : runs_.top().head(),
                                        waiting_.empty() ? end_of_time : waiting_.back().first);
    do results.push_back(std::move(run.rows[run.next++].result));
    while (run.next < run.rows.size() && results.size() < wanted && run.head() < other &&
           (all_listed_ || run.head() < horizon_));
    if (run.next < run.rows.size()) runs_.push(std::move(run));
  }
  left_ -= results.size();
  return results;
}

Cursor::Cursor(std::unique_ptr<Parts> parts) : parts_(std::move(parts)) {}
Cursor::~Cursor() = default;
Cursor::Cursor(Cursor&&) noexcept = default;
Cursor& Cursor::operator=(Cursor&&) noexcept = default;

Expected<std::vector<Result>> Cursor::next(std::size_t count) {
  try {
    return parts_->next(count);
  } catch (const StoreError& error) {
    return fail(error.what());
  }
}

Expected<Cursor> Reader::open(const Filter& filter) {
  try {
    return Cursor(std::make_unique<Cursor::Parts>(shared_, filter));
  } catch (const StoreError& error) {
    return fail(error.what());
  }
}

}  // namespace sonde::store
