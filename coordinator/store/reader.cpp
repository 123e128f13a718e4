#include "coordinator/store/reader.h"

#include <fmt/format.h>

#include <algorithm>
#include <limits>
#include <string>
#include <utility>

#include "coordinator/store/schema.h"
#include "coordinator/store/sqlite.h"
#include "shared/wire/codec.h"

namespace sonde::store {
namespace {

constexpr std::int64_t beginning = std::numeric_limits<std::int64_t>::min();
constexpr std::int64_t end_of_time = std::numeric_limits<std::int64_t>::max();
constexpr std::size_t loaded_at_once = 500;

const std::string is_tried = fmt::format("outcome NOT IN ({}, {}, {})", static_cast<int>(Outcome::dns_failed),
                                         static_cast<int>(Outcome::busy), static_cast<int>(Outcome::skipped));
const std::string is_ok = fmt::format("outcome = {}", static_cast<int>(Outcome::ok));

template <typename Action>
auto attempt(Action action) -> Expected<decltype(action())> {
  try {
    return action();
  } catch (const StoreError& error) {
    return fail(error.what());
  }
}

}  // namespace

struct ReadConnection {
  explicit ReadConnection(const std::filesystem::path& path) : database(path, Database::Use::read) {
    require_schema(database);
  }

  /// The row's body, where it is what was once stored there.
  std::optional<Result> read(const Statement& row, int finished_at, int body) {
    auto result = wire::decode_result(row.blob(body));
    if (result && to_ns(result->finished_at) == row.integer(finished_at)) return *std::move(result);
    ++damaged;
    return std::nullopt;
  }

  std::vector<std::int64_t> series_like(const Filter& filter) {
    std::vector<std::int64_t> found;
    Statement rows = database.prepare("SELECT id, from_site, to_site, probe FROM series");
    while (rows.step()) {
      if (filter.from && filter.from->str() != rows.text(1)) continue;
      if (filter.to && filter.to->str() != rows.text(2)) continue;
      if (filter.probe && static_cast<std::int64_t>(*filter.probe) != rows.integer(3)) continue;
      found.push_back(rows.integer(0));
    }
    return found;
  }

  /// The newest `limit` of one series in (since, until] that fulfil `condition`, put in front of `results`.
  void newest_before(std::int64_t series, std::int64_t since, std::int64_t until, const std::string& condition,
                     std::size_t limit, std::vector<Result>& results) {
    Statement rows = database.prepare(
        fmt::format("SELECT finished_at, body FROM results WHERE series = ? AND finished_at > ? AND finished_at <= ? "
                    "AND {} ORDER BY finished_at DESC, id DESC LIMIT ?",
                    condition));
    rows.bind(1, series);
    rows.bind(2, since);
    rows.bind(3, until);
    rows.bind(4, static_cast<std::int64_t>(limit));
    std::vector<Result> found;
    while (rows.step())
      if (auto result = read(rows, 0, 1)) found.push_back(*std::move(result));
    std::ranges::reverse(found);
    results.insert(results.begin(), std::make_move_iterator(found.begin()), std::make_move_iterator(found.end()));
  }

  Database database;
  std::uint64_t damaged = 0;
};

struct Cursor::Parts {
  Parts(std::shared_ptr<ReadConnection> shared, const Filter& filter)
      : reader(std::move(shared)), rows(prepare(filter)), left(filter.limit.value_or(end_of_time)) {
    // What comes in while this pass goes on is not part of it, or the pass might never end.
    rows.bind(3, reader->database.ask_integer("SELECT ifnull(max(id), 0) FROM results"));
    rows.bind(4, filter.until ? to_ns(*filter.until) : end_of_time);
    if (filter.since) last_finished_at = to_ns(*filter.since);
  }

  Statement prepare(const Filter& filter) {
    const bool all = !filter.from && !filter.to && !filter.probe;
    const auto series = all ? std::vector<std::int64_t>{} : reader->series_like(filter);
    // The time index gives the order; SQLite must not be tempted to sort whole series with their bodies instead.
    std::string index = "results_by_time";
    std::string which;
    if (series.size() == 1) {
      index = "results_by_series";
      which = fmt::format("series = {} AND ", series.front());
    } else if (!all) {
      which = fmt::format("+series IN ({}) AND ", fmt::join(series, ","));
    }
    return reader->database.prepare(
        fmt::format("SELECT id, finished_at, body FROM results INDEXED BY {} WHERE {}finished_at >= ?1 AND "
                    "(finished_at > ?1 OR id > ?2) AND id <= ?3 AND finished_at < ?4 ORDER BY finished_at, id LIMIT ?5",
                    index, which));
  }

  /// One page; false at the end.
  bool read(std::size_t count, std::vector<Result>& results) {
    rows.bind(1, last_finished_at);
    rows.bind(2, last_id);
    rows.bind(5, static_cast<std::int64_t>(count));
    std::size_t seen = 0;
    for (; rows.step(); ++seen) {
      last_id = rows.integer(0);
      last_finished_at = rows.integer(1);
      if (auto result = reader->read(rows, 1, 2)) results.push_back(*std::move(result));
    }
    return seen == count;
  }

  std::shared_ptr<ReadConnection> reader;
  Statement rows;
  std::uint64_t left;
  std::int64_t last_finished_at = beginning;
  std::int64_t last_id = -1;
};

Cursor::Cursor(std::unique_ptr<Parts> parts) : parts_(std::move(parts)) {}
Cursor::~Cursor() = default;
Cursor::Cursor(Cursor&&) noexcept = default;
Cursor& Cursor::operator=(Cursor&&) noexcept = default;

Expected<std::vector<Result>> Cursor::next(std::size_t count) {
  return attempt([&] {
    std::vector<Result> results;
    const std::size_t wanted = std::min<std::uint64_t>(count, parts_->left);
    while (results.size() < wanted && parts_->read(wanted - results.size(), results)) {
    }
    parts_->left -= results.size();
    return results;
  });
}

Reader::Reader(const std::filesystem::path& path) : shared_(std::make_shared<ReadConnection>(path)) {}
Reader::~Reader() = default;

Expected<Cursor> Reader::open(const Filter& filter) {
  return attempt([&] { return Cursor(std::make_unique<Cursor::Parts>(shared_, filter)); });
}

Expected<std::vector<Result>> Reader::link_results(const Link& link, Probe probe, SharedTime since, SharedTime until) {
  return attempt([&] {
    std::vector<Result> results;
    for (const std::int64_t series : shared_->series_like({.from = link.from, .to = link.to, .probe = probe})) {
      shared_->newest_before(series, to_ns(since), to_ns(until), "1", link_results_limit, results);
      shared_->newest_before(series, beginning, to_ns(since), is_tried, 2, results);
    }
    return results;
  });
}

Expected<void> Reader::load_recent(SharedTime since, const std::function<void(const Result&)>& each) {
  const auto earlier = attempt([&] {
    for (const std::int64_t series : shared_->series_like({})) {
      std::vector<Result> found;
      shared_->newest_before(series, beginning, to_ns(since) - 1, is_tried, 2, found);
      const bool any_ok = std::ranges::any_of(found, [](const Result& r) { return r.outcome == Outcome::ok; });
      if (!any_ok && !found.empty())
        shared_->newest_before(series, beginning, to_ns(found.front().finished_at) - 1, is_ok, 1, found);
      for (const Result& result : found) each(result);
    }
    return true;
  });
  if (!earlier) return std::unexpected(earlier.error());
  auto cursor = open({.since = since});
  if (!cursor) return std::unexpected(cursor.error());
  for (;;) {
    const auto results = cursor->next(loaded_at_once);
    if (!results) return std::unexpected(results.error());
    if (results->empty()) return {};
    for (const Result& result : *results) each(result);
  }
}

std::uint64_t Reader::damaged() const { return shared_->damaged; }

}  // namespace sonde::store
