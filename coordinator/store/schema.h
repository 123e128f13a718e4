// The store's tables and how an older file becomes a present one. Layout: docs/storage.md.
#pragma once

#include <cstdint>
#include <functional>

#include "coordinator/store/sqlite.h"

namespace sonde::store {

/// "SNDE": tells a store from any other SQLite file (PRAGMA application_id).
inline constexpr std::int64_t application_id = 0x534E4445;
/// PRAGMA user_version. Raise it together with a new step in schema.cpp.
inline constexpr std::int64_t schema_version = 4;

/// The file's version, 0 for an empty one. Throws StoreError for a file of another program or of a newer Sonde.
std::int64_t schema_of(const Database& database);

/// Makes the tables in an empty file and brings an older one up to date, each step in a transaction of its own. Throws
/// like schema_of, and leaves such a file untouched. `convert` moves the rows of layout 1 (table `results`) into those
/// of layout 2, inside that step's transaction.
void prepare_schema(const Database& database, const std::function<void()>& convert);

/// For readers: throws where prepare_schema would have to do something.
void require_schema(const Database& database);

}  // namespace sonde::store
