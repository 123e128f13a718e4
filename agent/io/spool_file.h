// Results on an agent's disk that nobody has acknowledged yet, and what else must survive a restart: one SQLite file.
//
// A sequence number is given out in the transaction that stores its result (synchronous=FULL), so that no crash, kill
// or power cut can make one number stand for two results.
#pragma once

#include <cstdint>
#include <filesystem>
#include <memory>
#include <optional>
#include <vector>

#include "agent/core/session.h"
#include "shared/base/units.h"
#include "shared/measure/result.h"
#include "shared/schedule/timetable.h"

struct sqlite3;

namespace sonde::io {

class SpoolFile {
 public:
  /// Opens or makes the file. Throws std::runtime_error that says what is wrong with it and what to do. `site` is whose
  /// results it keeps; a file of another site is refused.
  SpoolFile(const std::filesystem::path& file, const SiteId& site, Bytes max_size);
  ~SpoolFile();
  SpoolFile(const SpoolFile&) = delete;
  SpoolFile& operator=(const SpoolFile&) = delete;

  SpoolState state() const { return {spool_, next_seq_ - 1, first_seq_}; }
  /// True until the first result has been numbered.
  bool fresh() const { return next_seq_ == 1; }
  /// Where a fresh spool goes on; ignored by one that has numbered a result already.
  void start_after(std::uint64_t seq);

  /// Numbers and stores the results; they are on disk when it returns. Over max_size the oldest are dropped and
  /// counted.
  void append(std::vector<Result>& results);
  /// Forgets everything up to and including seq.
  void acknowledge(std::uint64_t seq);
  /// Results above `after` in order, at most `count` and about `bytes` of them; a damaged row is dropped and counted.
  std::vector<Result> fetch(std::uint64_t after, std::size_t count, std::size_t bytes);

  void save_timetable(const Timetable& timetable);
  std::optional<Timetable> saved_timetable();
  /// The offset of this host's wall clock to shared time, for a start while the coordinator is away.
  void save_clock_offset(nanoseconds offset);
  std::optional<nanoseconds> saved_clock_offset();

  std::uint64_t dropped() const { return dropped_; }

 private:
  class Statement;
  class Unflushed;
  void execute(const char* sql);
  void open_schema(const SiteId& site);
  std::optional<std::string> read_meta(const char* key);
  void write_meta(const char* key, const std::string& value);
  void drop_over_size();
  void refresh_first();

  struct Closer {
    void operator()(sqlite3* db) const;
  };
  std::unique_ptr<sqlite3, Closer> db_;
  std::filesystem::path file_;
  std::uint64_t max_size_;
  std::uint64_t spool_ = 0;
  std::uint64_t next_seq_ = 1;
  std::uint64_t first_seq_ = 1;
  std::uint64_t bytes_ = 0;
  std::uint64_t dropped_ = 0;
};

}  // namespace sonde::io
