// Raw results become minutes and hours. Every chunk is rolled up once: the step that adds its results to the roll-ups
// marks it, in one transaction, so neither a crash at any moment nor a result that is a day late is missed or counted
// twice. Private to this room.
#pragma once

#include <cstddef>
#include <cstdint>
#include <map>
#include <span>
#include <vector>

#include "coordinator/store/rollup_block.h"
#include "coordinator/store/sealer.h"
#include "coordinator/store/series_table.h"
#include "coordinator/store/sqlite.h"

namespace sonde::store {

inline constexpr std::int64_t roll_day_ns = 24 * chunk_span_ns;
/// What a block of a level covers: minutes of an hour, hours of a day (UTC).
constexpr std::int64_t block_span_of(RollLevel level) {
  return level == RollLevel::minute ? chunk_span_ns : roll_day_ns;
}

class Roller {
 public:
  /// Of one step: how long a commit may have to wait for it (some 10 ms for each).
  static constexpr std::size_t chunks_at_once = 16;

  Roller(const Database& database, const SeriesTable& names);

  /// Rolls up chunks of one site and hour that ended before `before`, the oldest first, in a transaction of its own.
  /// How many; 0: there is none.
  std::size_t step(std::int64_t before);
  /// Adds rows of minutes, and the hours that they make, to those that are there; within a transaction of the caller's.
  void add(SeriesId series, std::span<const RollRow> minutes);

 private:
  struct Due {
    std::int64_t id = 0;
    std::vector<SeriesResult> rows;
  };

  std::vector<Due> due(std::int64_t before);
  void merge(RollLevel level, SeriesId series, std::span<const RollRow> rows);
  void merge_block(RollLevel level, SeriesId series, std::int64_t start, std::span<const RollRow> rows);
  void merge_newest(SeriesId series, std::span<const RollRow> rows);
  void keep_damaged(SeriesId series, std::span<const std::uint8_t> octets);

  const Database& database_;
  const SeriesTable& names_;
  Statement oldest_;
  Statement of_hour_;
  Statement set_rolled_;
  Statement find_block_;
  Statement add_block_;
  Statement set_block_;
  Statement find_newest_;
  Statement set_newest_;
  Statement add_damaged_;
};

}  // namespace sonde::store
