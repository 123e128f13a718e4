#include "coordinator/store/sqlite.h"

#include <fmt/format.h>
#include <sqlite3.h>

#include <cstring>

#include "shared/base/error.h"

namespace sonde::store {
namespace {

constexpr int busy_timeout_ms = 5000;

/// What the operator can do about it, by SQLite's primary result code.
const char* remedy_for(int code) {
  switch (code & 0xFF) {
    case SQLITE_NOTADB: return "it is no SQLite database; move it away, or name another file under `store`";
    case SQLITE_CORRUPT:
      return "it is damaged; stop the coordinator and either move the file away (a new one is begun) or save what can "
             "be read with `sqlite3 FILE .recover`";
    case SQLITE_FULL: return "the disk is full; free some space, or shorten `retention.raw`";
    case SQLITE_CANTOPEN:
      return "it cannot be opened; the folder must exist and belong to the user that the coordinator runs as";
    case SQLITE_READONLY:
    case SQLITE_PERM:
    case SQLITE_AUTH:
      return "it may not be written; file and folder must belong to the user that the coordinator runs as";
    case SQLITE_BUSY:
    case SQLITE_LOCKED: return "another process holds it; each store takes one coordinator";
    case SQLITE_IOERR: return "reading or writing failed; look at the disk and at the kernel's log";
    default: return nullptr;
  }
}

}  // namespace

void Statement::Finalize::operator()(sqlite3_stmt* statement) const { sqlite3_finalize(statement); }

void Statement::check(int code) const {
  if (code != SQLITE_OK) database_->fail(code);
}

void Statement::bind(int parameter, std::int64_t value) { check(sqlite3_bind_int64(handle_.get(), parameter, value)); }

void Statement::bind(int parameter, std::string_view text) {
  check(sqlite3_bind_text64(handle_.get(), parameter, text.data(), text.size(), SQLITE_TRANSIENT, SQLITE_UTF8));
}

void Statement::bind(int parameter, std::span<const std::uint8_t> blob) {
  // A null pointer would be bound as NULL.
  if (blob.empty()) return check(sqlite3_bind_zeroblob(handle_.get(), parameter, 0));
  check(sqlite3_bind_blob64(handle_.get(), parameter, blob.data(), blob.size(), SQLITE_TRANSIENT));
}

bool Statement::step() {
  const int code = sqlite3_step(handle_.get());
  if (code == SQLITE_ROW) return true;
  sqlite3_reset(handle_.get());
  if (code != SQLITE_DONE) database_->fail(code);
  return false;
}

void Statement::run() { SONDE_ASSERT(!step()); }

void Statement::reset() { sqlite3_reset(handle_.get()); }

bool Statement::is_null(int column) const { return sqlite3_column_type(handle_.get(), column) == SQLITE_NULL; }

std::int64_t Statement::integer(int column) const { return sqlite3_column_int64(handle_.get(), column); }

std::string_view Statement::text(int column) const {
  const auto bytes = blob(column);
  return {reinterpret_cast<const char*>(bytes.data()), bytes.size()};
}

std::span<const std::uint8_t> Statement::blob(int column) const {
  const void* bytes = sqlite3_column_blob(handle_.get(), column);
  const int size = sqlite3_column_bytes(handle_.get(), column);
  return {static_cast<const std::uint8_t*>(bytes), bytes == nullptr ? 0 : static_cast<std::size_t>(size)};
}

void Database::Close::operator()(sqlite3* database) const { sqlite3_close_v2(database); }

Database::Database(const std::filesystem::path& path, Use use) : path_(path) {
  const int create = use == Use::write ? SQLITE_OPEN_CREATE : 0;
  sqlite3* handle = nullptr;
  const int code =
      sqlite3_open_v2(path.c_str(), &handle, SQLITE_OPEN_READWRITE | SQLITE_OPEN_NOMUTEX | create, nullptr);
  handle_.reset(handle);
  if (handle == nullptr) throw std::bad_alloc();
  if (code != SQLITE_OK) fail(code);
  sqlite3_extended_result_codes(handle, 1);
  sqlite3_busy_timeout(handle, busy_timeout_ms);
  if (use == Use::write && sqlite3_db_readonly(handle, "main") == 1) fail(SQLITE_READONLY);
  // Not SQLITE_OPEN_READONLY: a reader of a write-ahead log takes part in its shared memory.
  if (use == Use::read) run("PRAGMA query_only = 1");
}

Statement Database::prepare(std::string_view sql) const {
  sqlite3_stmt* statement = nullptr;
  const int code = sqlite3_prepare_v3(handle_.get(), sql.data(), static_cast<int>(sql.size()),
                                      SQLITE_PREPARE_PERSISTENT, &statement, nullptr);
  if (code != SQLITE_OK) fail(code);
  return {statement, *this};
}

void Database::run(const char* sql) const {
  const int code = sqlite3_exec(handle_.get(), sql, nullptr, nullptr, nullptr);
  if (code != SQLITE_OK) fail(code);
}

std::int64_t Database::ask_integer(std::string_view sql) const {
  Statement statement = prepare(sql);
  return statement.step() ? statement.integer(0) : 0;
}

std::int64_t Database::changes() const { return sqlite3_changes64(handle_.get()); }

void Database::fail(int code) const {
  std::string reason = sqlite3_errstr(code);
  const int os = sqlite3_system_errno(handle_.get());
  const bool from_os = (code & 0xFF) == SQLITE_CANTOPEN || (code & 0xFF) == SQLITE_IOERR;
  if (from_os && os != 0) reason += fmt::format(" ({})", std::strerror(os));
  if (const char* remedy = remedy_for(code)) reason += fmt::format("; {}", remedy);
  throw StoreError(fmt::format("{} the store {}: {}", attempt_, path_.string(), reason));
}

Transaction::Transaction(const Database& database) : database_(database) { database_.run("BEGIN IMMEDIATE"); }

Transaction::~Transaction() {
  if (!open_) return;
  try {
    database_.run("ROLLBACK");
  } catch (const StoreError&) {
    // SQLite rolls back by itself after errors such as a full disk; then there is nothing left to roll back.
  }
}

void Transaction::commit() {
  database_.run("COMMIT");
  open_ = false;
}

}  // namespace sonde::store
