// The newest look at each way while all was well, on disk: a table of its own in the store's file, made where it is
// missing. Private to this room.
#pragma once

#include <vector>

#include "coordinator/core/evidence_desk.h"
#include "coordinator/store/sqlite.h"

namespace sonde::store {

/// Throws StoreError where SQLite fails. Must not outlive the database.
class PathLog {
 public:
  explicit PathLog(const Database& database) : database_(&database) {}
  /// Makes the table where it is missing.
  void prepare();
  /// Replaces that of the same link.
  void save(const EvidenceDesk::Known& known);
  /// Rows that cannot be read are left out.
  std::vector<EvidenceDesk::Known> load();

 private:
  const Database* database_;
};

}  // namespace sonde::store
