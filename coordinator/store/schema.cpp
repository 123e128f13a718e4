#include "coordinator/store/schema.h"

#include <fmt/format.h>

#include <array>
#include <string>

namespace sonde::store {
namespace {

constexpr const char* to_layout_1 = R"sql(
CREATE TABLE series (
  id        INTEGER PRIMARY KEY,
  from_site TEXT NOT NULL,
  to_site   TEXT NOT NULL,
  probe     INTEGER NOT NULL,
  UNIQUE (from_site, to_site, probe)
);
CREATE TABLE spools (
  id       INTEGER PRIMARY KEY,
  site     TEXT NOT NULL,
  spool    INTEGER NOT NULL,
  last_seq INTEGER NOT NULL,
  UNIQUE (site, spool)
);
CREATE TABLE results (
  id          INTEGER PRIMARY KEY,
  spool       INTEGER NOT NULL REFERENCES spools (id),
  seq         INTEGER NOT NULL,
  series      INTEGER NOT NULL REFERENCES series (id),
  finished_at INTEGER NOT NULL,
  outcome     INTEGER NOT NULL,
  body        BLOB NOT NULL
);
CREATE UNIQUE INDEX results_once ON results (spool, seq);
CREATE INDEX results_by_series ON results (series, finished_at, outcome);
CREATE INDEX results_by_time ON results (finished_at);
CREATE TABLE meta (
  key   TEXT PRIMARY KEY,
  value BLOB NOT NULL
) WITHOUT ROWID;
)sql";

constexpr const char* to_layout_2 = R"sql(
CREATE TABLE sites (
  id   INTEGER PRIMARY KEY,
  name TEXT NOT NULL UNIQUE
);
CREATE TABLE log (
  id      INTEGER PRIMARY KEY,
  site    INTEGER NOT NULL REFERENCES sites (id),
  results INTEGER NOT NULL,
  first   INTEGER NOT NULL,
  last    INTEGER NOT NULL,
  body    BLOB NOT NULL
);
CREATE INDEX log_by_site ON log (site, results, first, last);
CREATE TABLE chunks (
  id      INTEGER PRIMARY KEY,
  site    INTEGER NOT NULL REFERENCES sites (id),
  results INTEGER NOT NULL,
  first   INTEGER NOT NULL,
  last    INTEGER NOT NULL,
  body    BLOB NOT NULL
);
CREATE INDEX chunks_by_time ON chunks (site, last, first);
CREATE TABLE damaged (
  id   INTEGER PRIMARY KEY,
  site INTEGER NOT NULL,
  body BLOB NOT NULL
);
DROP INDEX results_once;
DROP INDEX results_by_series;
)sql";

constexpr const char* to_layout_3 = R"sql(
ALTER TABLE chunks ADD COLUMN rolled INTEGER NOT NULL DEFAULT 0;
CREATE INDEX chunks_to_roll ON chunks (last, site) WHERE rolled = 0;
CREATE TABLE rollups (
  id     INTEGER PRIMARY KEY,
  level  INTEGER NOT NULL,
  series INTEGER NOT NULL REFERENCES series (id),
  start  INTEGER NOT NULL,
  body   BLOB NOT NULL
);
CREATE UNIQUE INDEX rollups_once ON rollups (level, series, start);
CREATE INDEX rollups_by_time ON rollups (level, start);
CREATE TABLE newest (
  series INTEGER PRIMARY KEY,
  body   BLOB NOT NULL
);
)sql";

// Blocks of version 2 (coordinator/store/columns) may be among those of version 1, which older programs would take for
// damaged ones.
constexpr const char* to_layout_4 = "";

// steps[v] leads from version v to v + 1. Never change one that was released: add another.
constexpr std::array<const char*, schema_version> steps{to_layout_1, to_layout_2, to_layout_3, to_layout_4};

/// Layout 1 has been converted; its table goes.
constexpr const char* drop_results = "DROP TABLE results";

/// PRAGMA auto_vacuum: free pages can be given back to the file system a few at a time.
constexpr std::int64_t incremental = 2;

[[noreturn]] void refuse(const Database& database, const std::string& reason) {
  throw StoreError(fmt::format("open the store {}: {}", database.path().string(), reason));
}

}  // namespace

std::int64_t schema_of(const Database& database) {
  const std::int64_t application = database.ask_integer("PRAGMA application_id");
  const std::int64_t version = database.ask_integer("PRAGMA user_version");
  const bool empty = database.ask_integer("SELECT count(*) FROM sqlite_master") == 0;
  if (empty && application == 0 && version == 0) return 0;
  if (application != application_id)
    refuse(database, "it is a database of another program; name another file under `store`");
  if (version > schema_version)
    refuse(database, fmt::format("it was written by a newer Sonde (layout {}, this one knows {}); install that version "
                                 "again, or name another file under `store`",
                                 version, schema_version));
  return version;
}

void prepare_schema(const Database& database, const std::function<void()>& convert) {
  std::int64_t version = schema_of(database);
  // Only an empty file takes this at once; another is written anew below.
  if (version == 0) database.run("PRAGMA auto_vacuum = INCREMENTAL");
  for (; version < schema_version; ++version) {
    Transaction transaction(database);
    database.run(steps.at(static_cast<std::size_t>(version)));
    if (version == 1) {
      convert();
      database.run(drop_results);
    }
    database.run(fmt::format("PRAGMA application_id = {}", application_id).c_str());
    database.run(fmt::format("PRAGMA user_version = {}", version + 1).c_str());
    transaction.commit();
  }
  if (database.ask_integer("PRAGMA auto_vacuum") == incremental) return;
  // Once, for a file that an older version has made. An interruption leaves the file as it was.
  database.run("PRAGMA auto_vacuum = INCREMENTAL");
  database.run("VACUUM");
}

void require_schema(const Database& database) {
  const std::int64_t version = schema_of(database);
  if (version != schema_version)
    refuse(database, fmt::format("its layout is {} instead of {}; start the coordinator once to bring it up to date",
                                 version, schema_version));
}

}  // namespace sonde::store
