// What came in becomes history: the log's results, sorted into compressed chunks. Each step is one transaction, so a
// crash at any moment leaves every result either in the log or in a chunk, and never in both. Private to this room.
#pragma once

#include <cstddef>
#include <cstdint>
#include <map>
#include <vector>

#include "coordinator/store/chunk.h"
#include "coordinator/store/series_table.h"
#include "coordinator/store/sqlite.h"

namespace sonde::store {

/// Chunks hold results of one site that finished within one clock hour: finding them by time needs no search.
inline constexpr std::int64_t chunk_span_ns = 3'600'000'000'000;
/// The start of the clock hour.
constexpr std::int64_t hour_of(std::int64_t ns) {
  const std::int64_t rest = ns % chunk_span_ns;
  return ns - (rest < 0 ? rest + chunk_span_ns : rest);
}

class Sealer {
 public:
  /// Of one step: what is unpacked at once, and how long a commit may have to wait for it.
  static constexpr std::int64_t log_octets_at_once = 1 << 20;

  explicit Sealer(const Database& database);

  /// How many results of each site are in the log; read from the file.
  std::map<std::int64_t, std::uint64_t> pending() const;
  /// Moves the oldest rows of one site's log into chunks, in a transaction of its own. How many results are gone from
  /// the log.
  std::uint64_t seal(std::int64_t site);
  /// Writes results of one site as chunks; within a transaction of the caller's.
  void write(std::int64_t site, std::vector<SeriesResult>& rows);
  /// Octets that nobody can read are kept for a person.
  void keep_damaged(std::int64_t site, std::span<const std::uint8_t> octets);

 private:
  const Database& database_;
  Statement oldest_;
  Statement remove_;
  Statement add_chunk_;
  Statement add_damaged_;
};

}  // namespace sonde::store
