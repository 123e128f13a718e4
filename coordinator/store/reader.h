// Reading the history, beside the writer and without disturbing it: every reader has its own connection, and none keeps
// a transaction open between two calls, so that a slow client cannot make the write-ahead log grow.
#pragma once

#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <utility>
#include <vector>

#include "coordinator/core/rollup.h"
#include "shared/base/error.h"
#include "shared/base/ids.h"
#include "shared/base/time.h"
#include "shared/measure/metric.h"
#include "shared/measure/result.h"

namespace sonde::store {

/// Which results; what is not set does not restrict.
struct Filter {
  std::optional<SharedTime> since = {};  ///< finished_at >= since
  std::optional<SharedTime> until = {};  ///< finished_at < until
  std::optional<SiteId> from = {};
  std::optional<SiteId> to = {};
  std::optional<Probe> probe = {};
  std::optional<std::uint64_t> limit = {};
  /// Only what comes behind this one in a cursor's order; see Reader::finished_at.
  std::optional<std::pair<SharedTime, RunId>> after = {};
};

class Reader;
struct ReadConnection;
struct ChunkFilter;

/// One pass over the results that were stored when it was opened, by finished_at, and by id where that is the same. May
/// outlive its Reader; used by the same thread.
class Cursor {
 public:
  ~Cursor();
  Cursor(Cursor&&) noexcept;
  Cursor& operator=(Cursor&&) noexcept;
  /// Up to `count` further results, and fewer only at the end; empty at the end.
  Expected<std::vector<Result>> next(std::size_t count);

 private:
  friend class Reader;
  struct Parts;
  explicit Cursor(std::unique_ptr<Parts> parts);
  std::unique_ptr<Parts> parts_;
};

/// One thread at a time. Results that cannot be read (a damaged chunk) are left out and counted; where SQLite itself
/// fails the method returns "ATTEMPT the store PATH: reason; remedy".
class Reader {
 public:
  /// How far back the state of a cell is looked for in front of a window, and at start in front of the live matrix.
  static constexpr nanoseconds look_back = std::chrono::hours(6);

  /// The file must exist and have the present layout (the Writer sees to that). Throws StoreError.
  explicit Reader(const std::filesystem::path& path);
  ~Reader();

  Expected<Cursor> open(const Filter& filter);
  /// When the run with this id finished; nullopt where its result is not stored.
  Expected<std::optional<SharedTime>> finished_at(const RunId& id);
  /// Results that finished in (since, until], oldest first, and in front of them the two newest tried ones of the
  /// `look_back` before, where they exist (a cell's state needs them).
  Expected<std::vector<Result>> link_results(const Link& link, Probe probe, SharedTime since, SharedTime until);
  /// The same of all links of a site at once, which costs hardly more than one. With `metric` set the results hold that
  /// one only, and neither texts nor details but error_s.
  Expected<std::vector<Result>> site_results(const SiteId& from, Probe probe, std::optional<Metric> metric,
                                             SharedTime since, SharedTime until);
  /// What a stretch of one link holds: a row of a minute or hour, or a single result. `end` is the instant up to which
  /// the stretch reaches (of a result its finished_at); stretches of one link may come in any order and never overlap.
  using EachRoll = std::function<void(const SiteId& to, SharedTime end, RollUp roll)>;
  /// Everything that finished in (since, until], from the coarsest level that covers it and is allowed; exact wherever
  /// raw results are kept, else in whole minutes or hours (pieces.h). With RollQuery::metrics other values are left
  /// out.
  Expected<void> roll_ups(const RollQuery& query, const EachRoll& each);
  /// The same, merged into one roll-up for each link that has something: by far the quickest way to a matrix.
  Expected<std::map<SiteId, RollUp>> windows(const RollQuery& query);
  /// Of each such link what the last hours before `query.since` that had something say of its state: when it brought
  /// which metric last, and its last tried runs. `end` is `query.since`.
  Expected<void> roll_ups_before(const RollQuery& query, const EachRoll& each);
  /// The finest level that is complete from an instant on.
  Expected<RollLevel> finest(SharedTime since);
  /// Of every series when it brought what last, as far as it is rolled up, without values; for all time.
  Expected<void> newest(const std::function<void(const Link&, Probe, const RollUp&)>& each);

  /// What the live matrix needs at start: of every link and probe the newest ok run and the two newest tried runs of
  /// the `look_back` before `since`, and everything since; oldest first. Calls `each` before it returns only.
  Expected<void> load_recent(SharedTime since, const std::function<void(const Result&)>& each);

  std::uint64_t damaged() const;

 private:
  std::vector<Result> results_of(std::int64_t site, const ChunkFilter& filter, std::size_t series, SharedTime since,
                                 SharedTime until);
  std::shared_ptr<ReadConnection> shared_;
};

}  // namespace sonde::store
