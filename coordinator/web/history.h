// What the web room needs of the history, so that it can be tested without a database.
#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <span>
#include <utility>
#include <vector>

#include "coordinator/core/incidents.h"
#include "coordinator/core/rollup.h"
#include "shared/base/ids.h"
#include "shared/base/time.h"
#include "shared/measure/result.h"

namespace sonde::web {

/// Which results; what is not set does not restrict.
struct ResultFilter {
  std::optional<SharedTime> since;  ///< finished_at >= since
  std::optional<SharedTime> until;  ///< finished_at < until
  std::optional<SiteId> from;
  std::optional<SiteId> to;
  std::optional<Probe> probe;
  std::optional<std::uint64_t> limit;
  std::optional<std::pair<SharedTime, RunId>> after;  ///< only what comes behind this one
};

/// One pass over stored results, by finished_at and then by id, in bounded memory.
class ResultCursor {
 public:
  virtual ~ResultCursor() = default;
  /// Up to `count` further results; empty at the end. Throws std::runtime_error where the store fails.
  virtual std::vector<Result> next(std::size_t count) = 0;
};

/// Called on the HTTP server's worker thread only, never on the loop; must not share state with the writer.
class HistoryReader {
 public:
  virtual ~HistoryReader() = default;
  /// Results of one link and probe that finished in (since, until], oldest first, and in front of them the two newest
  /// tried ones of the hours before, where they exist (a cell's state needs them). Throws std::runtime_error.
  virtual std::vector<Result> link_results(const Link& link, Probe probe, SharedTime since, SharedTime until) = 0;
  /// The same of all links that begin at a site, for one metric: the results hold no other and no texts.
  virtual std::vector<Result> site_results(const SiteId& from, Metric metric, SharedTime since, SharedTime until) = 0;
  /// Stretches of links as roll-ups, from the coarsest level that is allowed and covers them; see store::Reader.
  using EachRoll = std::function<void(const SiteId& to, SharedTime end, RollUp roll)>;
  virtual void roll_ups(const RollQuery& query, const EachRoll& each) = 0;
  /// What each of several windows holds, merged into one roll-up for each link that has something. They are read at the
  /// same time where the machine has processors for it.
  using Windows = std::vector<std::map<SiteId, RollUp>>;
  virtual Windows windows(std::span<const RollQuery> queries) = 0;
  /// What came before RollQuery::since, as far as a cell's state needs it.
  virtual void roll_ups_before(const RollQuery& query, const EachRoll& each) = 0;
  /// The finest level that is complete from an instant on.
  virtual RollLevel finest(SharedTime since) = 0;
  /// When the run with this id finished; nullopt where its result is not stored. Throws std::runtime_error.
  virtual std::optional<SharedTime> finished_at(const RunId& id) = 0;
  virtual std::unique_ptr<ResultCursor> open(const ResultFilter& filter) = 0;
  /// Those that were open then.
  virtual std::vector<Incident> incidents_at(SharedTime at) = 0;
};

}  // namespace sonde::web
