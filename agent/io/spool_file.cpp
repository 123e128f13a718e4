#include "agent/io/spool_file.h"

#include <fmt/format.h>
#include <sqlite3.h>

#include <algorithm>
#include <charconv>
#include <random>
#include <span>
#include <stdexcept>
#include <string>

#include "shared/wire/codec.h"

namespace sonde::io {
namespace {

constexpr int schema_version = 1;

constexpr const char* schema =
    "CREATE TABLE meta(key TEXT PRIMARY KEY, value BLOB NOT NULL) WITHOUT ROWID;"
    "CREATE TABLE results(seq INTEGER PRIMARY KEY, body BLOB NOT NULL);"
    "PRAGMA user_version = 1;";

std::uint64_t random_id() {
  std::random_device device;
  const std::uint64_t id = std::uint64_t{device()} << 32U | device();
  return id == 0 ? 1 : id;
}

}  // namespace

/// One prepared statement, stepped and finalised.
class SpoolFile::Statement {
 public:
  Statement(sqlite3* db, const char* sql) : db_(db) {
    if (sqlite3_prepare_v2(db, sql, -1, &statement_, nullptr) != SQLITE_OK) raise();
  }
  ~Statement() { sqlite3_finalize(statement_); }
  Statement(const Statement&) = delete;
  Statement& operator=(const Statement&) = delete;

  Statement& bind(int at, std::uint64_t value) {
    sqlite3_bind_int64(statement_, at, static_cast<sqlite3_int64>(value));
    return *this;
  }
  Statement& bind(int at, std::span<const std::uint8_t> blob) {
    sqlite3_bind_blob64(statement_, at, blob.data(), blob.size(), SQLITE_TRANSIENT);
    return *this;
  }
  Statement& bind(int at, const std::string& text) {
    sqlite3_bind_text64(statement_, at, text.data(), text.size(), SQLITE_TRANSIENT, SQLITE_UTF8);
    return *this;
  }
  /// True where there is a row.
  bool step() {
    const int code = sqlite3_step(statement_);
    if (code != SQLITE_ROW && code != SQLITE_DONE) raise();
    return code == SQLITE_ROW;
  }
  void reset() { sqlite3_reset(statement_); }
  std::uint64_t number(int column) const {
    return static_cast<std::uint64_t>(sqlite3_column_int64(statement_, column));
  }
  std::span<const std::uint8_t> blob(int column) const {
    const auto* data = static_cast<const std::uint8_t*>(sqlite3_column_blob(statement_, column));
    return {data, static_cast<std::size_t>(sqlite3_column_bytes(statement_, column))};
  }

 private:
  [[noreturn]] void raise() { throw std::runtime_error(sqlite3_errmsg(db_)); }
  sqlite3* db_;
  sqlite3_stmt* statement_ = nullptr;
};

/// What is committed meanwhile is on the disk with the next commit that is not.
class SpoolFile::Unflushed {
 public:
  explicit Unflushed(sqlite3* db) : db_(db) { set("PRAGMA synchronous=NORMAL"); }
  ~Unflushed() { set("PRAGMA synchronous=FULL"); }
  Unflushed(const Unflushed&) = delete;
  Unflushed& operator=(const Unflushed&) = delete;

 private:
  void set(const char* sql) { sqlite3_exec(db_, sql, nullptr, nullptr, nullptr); }
  sqlite3* db_;
};

void SpoolFile::Closer::operator()(sqlite3* db) const { sqlite3_close_v2(db); }

SpoolFile::SpoolFile(const std::filesystem::path& file, const SiteId& site, Bytes max_size)
    : file_(file), max_size_(max_size.count) {
  sqlite3* db = nullptr;
  const int code = sqlite3_open_v2(file.c_str(), &db, SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE, nullptr);
  db_.reset(db);
  if (code != SQLITE_OK)
    throw std::runtime_error(fmt::format("open the spool {}: {}; its folder must exist and be writable", file.string(),
                                         db != nullptr ? sqlite3_errmsg(db) : "out of memory"));
  try {
    open_schema(site);
  } catch (const std::runtime_error& error) {
    throw std::runtime_error(fmt::format(
        "open the spool {}: {}; if the file is damaged, move it away (results that were not delivered are lost)",
        file.string(), error.what()));
  }
}

SpoolFile::~SpoolFile() = default;

void SpoolFile::execute(const char* sql) {
  if (sqlite3_exec(db_.get(), sql, nullptr, nullptr, nullptr) != SQLITE_OK)
    throw std::runtime_error(sqlite3_errmsg(db_.get()));
}

void SpoolFile::open_schema(const SiteId& site) {
  sqlite3_busy_timeout(db_.get(), 2000);
  execute("PRAGMA journal_mode=WAL; PRAGMA synchronous=FULL; PRAGMA auto_vacuum=INCREMENTAL;");
  Statement version(db_.get(), "PRAGMA user_version");
  const std::uint64_t found = version.step() ? version.number(0) : 0;
  version.reset();
  if (found > schema_version) throw std::runtime_error("it was made by a newer sonde-agent");
  if (found == 0) {
    execute("BEGIN IMMEDIATE");
    execute(schema);
    write_meta("site", site.str());
    write_meta("spool", std::to_string(random_id()));
    write_meta("next_seq", "1");
    execute("COMMIT");
  }
  if (read_meta("site") != site.str())
    throw std::runtime_error(
        fmt::format("it belongs to site '{}', not '{}'", read_meta("site").value_or("?"), site.str()));
  spool_ = std::stoull(read_meta("spool").value_or("0"));
  next_seq_ = std::stoull(read_meta("next_seq").value_or("1"));
  Statement size(db_.get(), "SELECT coalesce(sum(length(body)), 0) FROM results");
  bytes_ = size.step() ? size.number(0) : 0;
  refresh_first();
}

std::optional<std::string> SpoolFile::read_meta(const char* key) {
  Statement select(db_.get(), "SELECT value FROM meta WHERE key = ?1");
  if (!select.bind(1, std::string(key)).step()) return std::nullopt;
  const auto value = select.blob(0);
  return std::string(value.begin(), value.end());
}

void SpoolFile::write_meta(const char* key, const std::string& value) {
  Statement upsert(db_.get(), "INSERT OR REPLACE INTO meta(key, value) VALUES(?1, ?2)");
  upsert.bind(1, std::string(key)).bind(2, value).step();
}

void SpoolFile::start_after(std::uint64_t seq) {
  if (!fresh() || seq == 0) return;
  write_meta("next_seq", std::to_string(seq + 1));
  next_seq_ = seq + 1;
  first_seq_ = next_seq_;
}

void SpoolFile::append(std::vector<Result>& results) {
  const std::uint64_t next_before = next_seq_;
  const std::uint64_t bytes_before = bytes_;
  execute("BEGIN IMMEDIATE");
  try {
    Statement insert(db_.get(), "INSERT INTO results(seq, body) VALUES(?1, ?2)");
    for (Result& result : results) {
      result.id.spool = spool_;
      result.id.seq = next_seq_++;
      const auto body = wire::encode_result(result);
      insert.bind(1, result.id.seq).bind(2, body).step();
      insert.reset();
      bytes_ += body.size();
    }
    write_meta("next_seq", std::to_string(next_seq_));
    drop_over_size();
    execute("COMMIT");
  } catch (const std::runtime_error&) {
    sqlite3_exec(db_.get(), "ROLLBACK", nullptr, nullptr, nullptr);
    next_seq_ = next_before;
    bytes_ = bytes_before;
    throw;
  }
  refresh_first();
}

void SpoolFile::drop_over_size() {
  while (bytes_ > max_size_) {
    Statement oldest(db_.get(), "SELECT seq, length(body) FROM results ORDER BY seq LIMIT 1");
    if (!oldest.step()) return;
    const std::uint64_t seq = oldest.number(0);
    bytes_ -= oldest.number(1);
    ++dropped_;
    Statement(db_.get(), "DELETE FROM results WHERE seq = ?1").bind(1, seq).step();
  }
}

void SpoolFile::acknowledge(std::uint64_t seq) {
  Statement size(db_.get(), "SELECT coalesce(sum(length(body)), 0) FROM results WHERE seq <= ?1");
  const std::uint64_t freed = size.bind(1, seq).step() ? size.number(0) : 0;
  size.reset();
  // Without a flush of its own: what a crash makes unforgotten is sent once more, and the coordinator knows it.
  const Unflushed unflushed(db_.get());
  Statement(db_.get(), "DELETE FROM results WHERE seq <= ?1").bind(1, seq).step();
  bytes_ -= std::min(freed, bytes_);
  execute("PRAGMA incremental_vacuum(64)");
  refresh_first();
}

void SpoolFile::refresh_first() {
  Statement least(db_.get(), "SELECT seq FROM results ORDER BY seq LIMIT 1");
  first_seq_ = least.step() ? least.number(0) : next_seq_;
}

std::vector<Result> SpoolFile::fetch(std::uint64_t after, std::size_t count, std::size_t bytes) {
  std::vector<Result> results;
  Statement select(db_.get(), "SELECT body FROM results WHERE seq > ?1 ORDER BY seq LIMIT ?2");
  select.bind(1, after).bind(2, count);
  std::size_t taken = 0;
  while (taken < bytes && select.step()) {
    const auto body = select.blob(0);
    taken += body.size();
    auto result = wire::decode_result(body);
    if (result)
      results.push_back(*std::move(result));
    else
      ++dropped_;
  }
  return results;
}

void SpoolFile::save_timetable(const Timetable& timetable) {
  const auto bytes = wire::encode_timetable(timetable);
  write_meta("timetable", std::string(bytes.begin(), bytes.end()));
}

std::optional<Timetable> SpoolFile::saved_timetable() {
  const auto bytes = read_meta("timetable");
  if (!bytes) return std::nullopt;
  auto timetable = wire::decode_timetable({reinterpret_cast<const std::uint8_t*>(bytes->data()), bytes->size()});
  if (!timetable) return std::nullopt;
  return *std::move(timetable);
}

void SpoolFile::save_clock_offset(nanoseconds offset) { write_meta("clock_offset_ns", std::to_string(offset.count())); }

std::optional<nanoseconds> SpoolFile::saved_clock_offset() {
  const auto text = read_meta("clock_offset_ns");
  std::int64_t ns = 0;
  if (!text || std::from_chars(text->data(), text->data() + text->size(), ns).ec != std::errc()) return std::nullopt;
  return nanoseconds(ns);
}

}  // namespace sonde::io
