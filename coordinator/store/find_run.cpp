// Where a result lies that is known by its id alone, so that an export can go on after it.
#include <algorithm>
#include <limits>
#include <optional>

#include "coordinator/store/read_connection.h"

namespace sonde::store {
namespace {

class RunFinder {
 public:
  RunFinder(ReadConnection& store, const RunId& id) : store_(store), id_(id) {}

  std::optional<SharedTime> find() {
    for (const std::int64_t site : store_.sites_like(id_.from)) {
      const Seen logged = look(store_.log(site, std::numeric_limits<std::int64_t>::min(), end_of_time));
      if (logged.found) return logged.found;
      if (const auto found = in_chunks(site)) return found;
    }
    return std::nullopt;
  }

 private:
  struct Seen {
    std::uint64_t least = std::numeric_limits<std::uint64_t>::max();
    std::uint64_t greatest = 0;
    std::optional<SharedTime> found;
  };

  Seen look(const std::vector<Block>& blocks) {
    Seen seen;
    const ChunkFilter heads{.heads = true};
    for (const Block& block : blocks)
      for (const SeriesResult& row : store_.read(block, heads)) {
        if (row.result.id.spool != id_.spool) continue;
        seen.least = std::min(seen.least, row.result.id.seq);
        seen.greatest = std::max(seen.greatest, row.result.id.seq);
        if (row.result.id.seq == id_.seq) seen.found = row.result.finished_at;
      }
    return seen;
  }

  Seen look_at_hour(std::int64_t site, std::int64_t hour) {
    return look(store_.chunks(site, hour, hour + chunk_span_ns - 1, end_of_time));
  }

  /// A spool counts up as time goes on, so the hour is found by halving; where that does not lead there (an agent that
  /// was installed anew, results out of order) every hour is looked through.
  std::optional<SharedTime> in_chunks(std::int64_t site) {
    const auto first = store_.hour_from(site, std::numeric_limits<std::int64_t>::min());
    if (!first) return std::nullopt;
    std::int64_t begin = *first;
    std::int64_t end = store_.hour_before(site, end_of_time).value_or(*first) + chunk_span_ns;
    while (begin < end) {
      const std::int64_t middle = begin + (end - begin) / 2;
      const auto hour = store_.hour_from(site, middle);
      if (!hour || *hour >= end) {
        end = middle;
        continue;
      }
      const Seen seen = look_at_hour(site, *hour);
      if (seen.found) return seen.found;
      if (id_.seq > seen.greatest && seen.greatest > 0)
        begin = *hour + chunk_span_ns;
      else if (id_.seq < seen.least && seen.greatest > 0)
        end = *hour;
      else
        break;
    }
    for (auto hour = first; hour; hour = store_.hour_from(site, *hour + chunk_span_ns))
      if (const Seen seen = look_at_hour(site, *hour); seen.found) return seen.found;
    return std::nullopt;
  }

  ReadConnection& store_;
  const RunId& id_;
};

}  // namespace

Expected<std::optional<SharedTime>> Reader::finished_at(const RunId& id) {
  try {
    const Snapshot snapshot(shared_->database);
    return RunFinder(*shared_, id).find();
  } catch (const StoreError& error) {
    return fail(error.what());
  }
}

}  // namespace sonde::store
