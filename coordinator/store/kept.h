// From which instant on each level of the history is complete, as the writer tells the readers. Private to this room.
#pragma once

#include "coordinator/store/pieces.h"
#include "coordinator/store/sqlite.h"

namespace sonde::store {

/// Everything, where nothing was ever deleted.
Kept read_kept(const Database& database);
/// Never goes back; within a transaction of the caller's.
void raise_kept(const Database& database, const Kept& kept);

}  // namespace sonde::store
