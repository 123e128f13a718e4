// SQLite with owners and exceptions; private to this room, which turns the exceptions into results.
#pragma once

#include <cstdint>
#include <filesystem>
#include <memory>
#include <span>
#include <stdexcept>
#include <string>
#include <string_view>
#include <vector>

struct sqlite3;
struct sqlite3_stmt;

namespace sonde::store {

/// "ATTEMPT PATH: what is wrong; what to do".
class StoreError : public std::runtime_error {
 public:
  using std::runtime_error::runtime_error;
};

/// One prepared statement. Parameters count from 1, columns from 0, as in SQLite. Views of columns live until the next
/// step() or reset().
class Statement {
 public:
  void bind(int parameter, std::int64_t value);
  void bind(int parameter, std::string_view text);
  void bind(int parameter, std::span<const std::uint8_t> blob);
  /// True while there is a row. After the last one the statement is reset.
  bool step();
  /// For statements that return nothing: step once, then reset.
  void run();
  void reset();

  bool is_null(int column) const;
  std::int64_t integer(int column) const;
  std::string_view text(int column) const;
  std::span<const std::uint8_t> blob(int column) const;

 private:
  friend class Database;
  struct Finalize {
    void operator()(sqlite3_stmt* statement) const;
  };
  Statement(sqlite3_stmt* statement, const class Database& database) : handle_(statement), database_(&database) {}
  void check(int code) const;

  std::unique_ptr<sqlite3_stmt, Finalize> handle_;
  const class Database* database_;
};

/// One connection, for one thread. Must outlive its statements.
class Database {
 public:
  enum class Use : std::uint8_t { write, read };
  /// `write` makes the file where it is missing; `read` refuses to change anything.
  Database(const std::filesystem::path& path, Use use);

  Statement prepare(std::string_view sql) const;
  /// One or more statements without results.
  void run(const char* sql) const;
  std::int64_t ask_integer(std::string_view sql) const;
  /// Rows changed by the last statement.
  std::int64_t changes() const;
  const std::filesystem::path& path() const { return path_; }
  /// Errors are from now on those of a store in use; until then they say that it could not be opened.
  void opened() { attempt_ = "use"; }
  [[noreturn]] void fail(int code) const;

 private:
  struct Close {
    void operator()(sqlite3* database) const;
  };
  std::filesystem::path path_;
  std::unique_ptr<sqlite3, Close> handle_;
  const char* attempt_ = "open";
};

/// Rolled back unless commit() was reached.
class Transaction {
 public:
  explicit Transaction(const Database& database);
  Transaction(const Transaction&) = delete;
  Transaction& operator=(const Transaction&) = delete;
  ~Transaction();
  void commit();

 private:
  const Database& database_;
  bool open_ = true;
};

}  // namespace sonde::store
