#include "coordinator/store/reader.h"

#include <algorithm>
#include <functional>
#include <map>
#include <optional>
#include <set>
#include <utility>

#include "coordinator/store/read_connection.h"

namespace sonde::store {
namespace {

constexpr std::size_t loaded_at_once = 500;
constexpr std::size_t tried_wanted = 2;

template <typename Action>
auto attempt(Action action) -> Expected<decltype(action())> {
  try {
    return action();
  } catch (const StoreError& error) {
    return fail(error.what());
  }
}

/// The newest runs of each series, found from the present backwards by their heads alone.
class NewestRuns {
 public:
  NewestRuns(ReadConnection& store, const ChunkFilter& filter, std::size_t series, bool with_ok)
      : store_(store), filter_(filter), heads_(filter), missing_(series), with_ok_(with_ok) {
    heads_.heads = true;
  }

  /// What finished in [begin, end); stretches come from the newest to the oldest.
  void look_into(const std::vector<Block>& blocks, std::int64_t begin, std::int64_t end) {
    std::vector<Head> heads;
    for (const Block& block : blocks) {
      for (const SeriesResult& row : store_.read(block, heads_)) {
        const std::int64_t finished = to_ns(row.result.finished_at);
        if (finished >= begin && finished < end && was_tried(row.result.outcome))
          heads.push_back({row.series, finished, row.result.id, row.result.outcome == Outcome::ok, blocks_.size()});
      }
      blocks_.push_back(block);
    }
    std::ranges::stable_sort(heads, std::greater(), &Head::finished);
    for (const Head& head : heads) add(head);
  }
  /// True where no older result could be wanted.
  bool all_found() const { return missing_ == 0; }

  /// The results themselves, oldest first.
  std::vector<Result> take() {
    std::map<std::size_t, std::set<RunId>> wanted;
    for (const auto& [series, found] : found_)
      for (const Head& head : found.heads) wanted[head.block].insert(head.id);
    std::vector<Result> results;
    for (const auto& [block, ids] : wanted)
      for (SeriesResult& row : store_.read(blocks_[block], filter_))
        if (ids.contains(row.result.id)) results.push_back(std::move(row.result));
    std::ranges::stable_sort(results, {}, &Result::finished_at);
    return results;
  }

 private:
  struct Head {
    SeriesId series = 0;
    std::int64_t finished = 0;
    RunId id;
    bool ok = false;
    std::size_t block = 0;
  };
  struct Found {
    std::vector<Head> heads;
    bool any_ok = false;
  };

  bool complete(const Found& found) const { return found.heads.size() >= tried_wanted && (!with_ok_ || found.any_ok); }
  void add(const Head& head) {
    Found& found = found_[head.series];
    const bool was_complete = complete(found);
    if (found.heads.size() >= tried_wanted && (!with_ok_ || found.any_ok || !head.ok)) return;
    found.any_ok = found.any_ok || head.ok;
    found.heads.push_back(head);
    if (!was_complete && complete(found) && missing_ > 0) --missing_;
  }

  ReadConnection& store_;
  const ChunkFilter& filter_;
  ChunkFilter heads_;
  std::size_t missing_;
  bool with_ok_;
  std::map<SeriesId, Found> found_;
  std::vector<Block> blocks_;
};

/// Finished before `before` and not before `limit`, hour by hour back, until every one of `series` has what is wanted.
std::vector<Result> newest_before(ReadConnection& store, std::int64_t site, const ChunkFilter& filter,
                                  std::size_t series, bool with_ok, std::int64_t before, std::int64_t limit) {
  NewestRuns newest(store, filter, series, with_ok);
  const auto log = store.log(site, limit, before - 1);
  std::int64_t end = before;
  while (end > limit && !newest.all_found()) {
    // The hour that `end` cuts; else the last one before it that holds anything.
    auto hour = hour_of(end) != end ? std::optional(hour_of(end)) : store.hour_before(site, end);
    for (const Block& block : log)
      if (block.first < end) hour = std::max(hour.value_or(limit), hour_of(std::min(block.last, end - 1)));
    if (!hour) break;
    const std::int64_t begin = std::max(*hour, limit);
    std::vector<Block> blocks = store.chunks(site, begin, end - 1, end_of_time);
    for (const Block& block : log)
      if (block.last >= begin && block.first < end) blocks.push_back(block);
    newest.look_into(blocks, begin, end);
    end = begin;
  }
  return newest.take();
}

std::int64_t minus_look_back(std::int64_t ns) {
  const std::int64_t back = nanoseconds(Reader::look_back).count();
  return ns < std::numeric_limits<std::int64_t>::min() + back ? std::numeric_limits<std::int64_t>::min() : ns - back;
}

}  // namespace

Reader::Reader(const std::filesystem::path& path) : shared_(std::make_shared<ReadConnection>(path)) {}
Reader::~Reader() = default;

Expected<std::vector<Result>> Reader::link_results(const Link& link, Probe probe, SharedTime since, SharedTime until) {
  return attempt([&] {
    std::vector<Result> results;
    for (const std::int64_t site : shared_->sites_like(link.from)) {
      const ChunkFilter filter = Wanted(shared_->names, link.to, probe).filter();
      results = results_of(site, filter, 1, since, until);
    }
    return results;
  });
}

Expected<std::vector<Result>> Reader::site_results(const SiteId& from, Probe probe, std::optional<Metric> metric,
                                                   SharedTime since, SharedTime until) {
  return attempt([&] {
    std::vector<Result> results;
    for (const std::int64_t site : shared_->sites_like(from)) {
      ChunkFilter filter = Wanted(shared_->names, std::nullopt, probe).filter();
      filter.metric = metric;
      results = results_of(site, filter, shared_->names.count(from, probe), since, until);
    }
    return results;
  });
}

std::vector<Result> Reader::results_of(std::int64_t site, const ChunkFilter& filter, std::size_t series,
                                       SharedTime since, SharedTime until) {
  const Snapshot snapshot(shared_->database);
  const std::int64_t begin = to_ns(since) + 1;
  std::vector<Result> results = newest_before(*shared_, site, filter, series, false, begin, minus_look_back(begin));
  const auto inside = static_cast<std::ptrdiff_t>(results.size());
  const auto take = [&](const std::vector<Block>& blocks) {
    for (const Block& block : blocks)
      for (SeriesResult& row : shared_->read(block, filter))
        if (row.result.finished_at > since && row.result.finished_at <= until) results.push_back(std::move(row.result));
  };
  take(shared_->chunks(site, begin, to_ns(until), end_of_time));
  take(shared_->log(site, begin, to_ns(until)));
  std::ranges::stable_sort(results.begin() + inside, results.end(), {}, &Result::finished_at);
  return results;
}

Expected<void> Reader::load_recent(SharedTime since, const std::function<void(const Result&)>& each) {
  const auto earlier = attempt([&] {
    for (const std::int64_t site : shared_->sites_like(std::nullopt)) {
      const Snapshot snapshot(shared_->database);
      std::size_t series = 0;
      for (std::size_t probe = 0; probe < probe_count; ++probe)
        series += shared_->names.count(shared_->names.sites().at(site), static_cast<Probe>(probe));
      const std::int64_t before = to_ns(since);
      for (const Result& result : newest_before(*shared_, site, {}, series, true, before, minus_look_back(before)))
        each(result);
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
