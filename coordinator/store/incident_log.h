// Incidents on disk with the evidence of the way, in tables of their own in the store's file, made where they are
// missing. Private to this room.
#pragma once

#include <cstddef>
#include <string_view>
#include <vector>

#include "coordinator/core/incidents.h"
#include "coordinator/store/sqlite.h"

namespace sonde::store {

/// Throws StoreError where SQLite fails. Must not outlive the database.
class IncidentLog {
 public:
  /// Closed ones beyond this are deleted, the oldest first.
  static constexpr std::size_t kept = 10'000;

  explicit IncidentLog(const Database& database) : database_(&database) {}
  /// Makes the tables where they are missing.
  void prepare();
  /// Replaces the one with the same id.
  void save(const Incident& incident);
  /// The open ones, and at most `closed` of the others, the newest; rows that cannot be read are left out.
  std::vector<Incident> load(std::size_t closed);
  /// Those that were open at an instant.
  std::vector<Incident> at(SharedTime at);

 private:
  void save_paths(const Incident& incident);
  std::vector<PathEvidence> paths_of(std::string_view id);

  const Database* database_;
};

}  // namespace sonde::store
