// What Reader and Cursor share: one connection, the names of series, and blocks found by site and time. Private to this
// room.
#pragma once

#include <cstdint>
#include <filesystem>
#include <limits>
#include <optional>
#include <span>
#include <utility>
#include <vector>

#include "coordinator/store/chunk.h"
#include "coordinator/store/reader.h"
#include "coordinator/store/roller.h"
#include "coordinator/store/sealer.h"
#include "coordinator/store/series_table.h"
#include "coordinator/store/sqlite.h"

namespace sonde::store {

inline constexpr std::int64_t end_of_time = std::numeric_limits<std::int64_t>::max();

/// A chunk by its number, or a row of the log with its octets (a row of the log may be sealed at any moment).
struct Block {
  std::int64_t first = 0;
  std::int64_t last = 0;
  std::int64_t site = 0;
  std::int64_t chunk = 0;  ///< 0: from the log
  bool rolled = false;     ///< its results are in the roll-ups
  Octets octets = {};
};

/// Which series a filter lets through, as numbers.
class Wanted {
 public:
  Wanted(const SeriesTable& names, std::optional<SiteId> to, std::optional<Probe> probe);
  ChunkFilter filter() const;

 private:
  const SeriesTable& names_;
  std::optional<SiteId> to_;
  std::optional<Probe> probe_;
};

struct ReadConnection {
  explicit ReadConnection(const std::filesystem::path& path);

  /// The sites that a filter lets through.
  std::vector<std::int64_t> sites_like(const std::optional<SiteId>& from);
  /// The site's chunks that hold something in [since, until], oldest first.
  std::vector<Block> chunks(std::int64_t site, std::int64_t since, std::int64_t until, std::int64_t newest_chunk);
  /// The same of its log, with the octets.
  std::vector<Block> log(std::int64_t site, std::int64_t since, std::int64_t until);
  /// The start of the next hour from `from` on that has a chunk of the site; nullopt: none.
  std::optional<std::int64_t> hour_from(std::int64_t site, std::int64_t from);
  /// The start of the last hour before `before` (itself the start of one) that has a chunk of the site.
  std::optional<std::int64_t> hour_before(std::int64_t site, std::int64_t before);
  /// The rows of a series that the filter lets through, in the order of time.
  std::vector<RollRow> rolls(RollLevel level, SeriesId series, const RollFilter& filter);
  /// Adds them up. False where one cannot be read: then rolls() says what is left, and the sum is to be dropped.
  bool add_rolls(RollLevel level, SeriesId series, const RollFilter& filter, RollSum& sum);
  /// The newest block of a series that begins before an instant: the rows of it that the filter lets through.
  std::vector<RollRow> rolls_before(RollLevel level, SeriesId series, const RollFilter& filter);
  /// When each series last brought what (roll-ups without values).
  std::vector<std::pair<SeriesId, RollUp>> newest();
  /// In the order of the block, complete with names; empty where the chunk is gone (retention) or damaged.
  std::vector<SeriesResult> read(const Block& block, const ChunkFilter& filter);

  Database database;
  SeriesTable names{database};
  std::uint64_t damaged = 0;

 private:
  Statement chunks_between_;
  Statement log_of_;
  Statement next_chunk_;
  Statement previous_chunk_;
  void bind_rolls(RollLevel level, SeriesId series, const RollFilter& filter);
  std::vector<RollRow> unpacked(std::span<const std::uint8_t> body, const RollFilter& filter);

  Statement body_of_;
  Statement rolls_between_;
  Statement rolls_before_;
  Statement newest_;
};

/// A state of the file that stays the same while this lives. Never kept between two calls from outside.
class Snapshot {
 public:
  explicit Snapshot(const Database& database) : database_(database) { database_.run("BEGIN"); }
  Snapshot(const Snapshot&) = delete;
  Snapshot& operator=(const Snapshot&) = delete;
  ~Snapshot();

 private:
  const Database& database_;
};

}  // namespace sonde::store
