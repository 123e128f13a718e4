// The store's names and their numbers: sites, and series (from, to, probe). Private to this room.
#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <unordered_map>
#include <vector>

#include "coordinator/store/chunk.h"
#include "coordinator/store/sqlite.h"
#include "shared/base/ids.h"
#include "shared/measure/metric.h"

namespace sonde::store {

struct SeriesName {
  Link link;
  Probe probe = Probe::latency;
};

/// The rows of `sites` and `series`, kept in memory; as many as there are links and probes. One connection's.
class SeriesTable {
 public:
  explicit SeriesTable(const Database& database) : database_(&database) {}

  /// Numbers, made where they are missing; only within a transaction.
  std::int64_t make_site(const SiteId& site);
  SeriesId make_series(const Link& link, Probe probe);
  /// Forgets everything, because a transaction that made rows was rolled back.
  void forget();

  /// Reads the rows that came since the last call.
  void refresh();
  std::optional<std::int64_t> site(const SiteId& site) const;
  const std::unordered_map<std::int64_t, SiteId>& sites() const { return site_names_; }
  const SeriesName* name(SeriesId series) const;
  /// The series of this probe that begin at the site, and lead to `to` where that is set.
  std::vector<SeriesId> series_of(const SiteId& from, const std::optional<SiteId>& to, Probe probe) const;
  const std::unordered_map<SeriesId, SeriesName>& all() const { return series_names_; }
  /// How many series of this probe begin at the site.
  std::size_t count(const SiteId& from, Probe probe) const;
  /// Puts the names of its series into the result; false where there is no such series.
  bool complete(SeriesResult& row) const;

 private:
  const Database* database_;
  std::unordered_map<SiteId, std::int64_t> site_ids_;
  std::unordered_map<std::int64_t, SiteId> site_names_;
  std::unordered_map<Link, std::array<SeriesId, probe_count>> series_ids_;
  std::unordered_map<SeriesId, SeriesName> series_names_;
  std::int64_t last_site_ = 0;
  SeriesId last_series_ = 0;
};

}  // namespace sonde::store
