// The one writer of the store. Everything that it has said to be stored survives a crash of the process, of the machine
// and a loss of power. Layout and reasons: docs/storage.md.
#pragma once

#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <memory>
#include <optional>
#include <span>
#include <string_view>
#include <vector>

#include "coordinator/core/evidence_desk.h"
#include "coordinator/core/incidents.h"
#include "coordinator/core/ingest.h"
#include "shared/base/error.h"
#include "shared/base/time.h"

namespace sonde::store {

/// What became of one StoreBatch.
struct Appended {
  bool stored = false;      ///< false: its spool is not stored up to `after`; the batch has to come again
  std::vector<bool> fresh;  ///< for each of its results: false where the store had it already
};

/// Of each level, what finished before this instant is no longer wanted.
struct Expiry {
  SharedTime raw = SharedTime::min();
  SharedTime minute = SharedTime::min();
  SharedTime hour = SharedTime::min();
};

/// One thread at a time. Methods return an Error ("ATTEMPT the store PATH: reason; remedy") where SQLite fails; nothing
/// of that call is stored then, and the object stays usable.
class Writer {
 public:
  /// From here on a chunk takes as little room for each result as it ever will.
  static constexpr std::size_t results_in_a_chunk = 1000;
  /// 4 MiB: free pages that are kept for what comes next. Or 2 % of the file, where that is more.
  static constexpr std::int64_t free_pages_kept = 1024;

  /// Makes the file, and its folder where only that is missing. Throws StoreError (a std::runtime_error) for a file
  /// that is foreign, damaged, of a newer layout, or not writable.
  explicit Writer(const std::filesystem::path& path);
  ~Writer();

  /// All batches in one transaction, durable on return; one Appended for each.
  Expected<std::vector<Appended>> append(std::span<const StoreBatch> batches);
  /// Moves results of one site from the log into a chunk, of the one that has most in the log; false where none has
  /// `at_least` there (and at least one). A step takes some 10 ms.
  Expected<bool> seal(std::size_t at_least);
  /// Adds chunks whose results all finished before `before` to the roll-ups of minutes and hours, those of one site and
  /// hour in one transaction; false where none is left. A step takes some 100 ms.
  Expected<bool> roll(SharedTime before);
  /// Deletes what is too old, at most `at_most` chunks and blocks of roll-ups; how many there were. What is still in
  /// the log or not yet rolled up stays until it is.
  Expected<std::size_t> expire(const Expiry& before, std::size_t at_most);
  /// Gives up to `pages` free pages back to the file system; false where few are free, which new results will use.
  Expected<bool> give_back(std::size_t pages);

  /// How far each spool is stored, in the order in which they first appeared.
  Expected<std::vector<SpoolPosition>> positions();

  /// Small values beside the results, such as the last timetable.
  Expected<void> save(std::string_view key, std::span<const std::uint8_t> value);
  Expected<std::optional<std::vector<std::uint8_t>>> load(std::string_view key);

  /// Replaces the one with the same id; durable on return.
  Expected<void> save(const Incident& incident);
  /// The open ones, and at most `closed` of the others, the newest.
  Expected<std::vector<Incident>> incidents(std::size_t closed);

  /// Replaces that of the same link.
  Expected<void> save(const EvidenceDesk::Known& known);
  Expected<std::vector<EvidenceDesk::Known>> known_paths();

 private:
  struct Parts;
  std::unique_ptr<Parts> parts_;
};

}  // namespace sonde::store
