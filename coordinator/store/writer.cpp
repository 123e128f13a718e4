#include "coordinator/store/writer.h"

#include <fmt/format.h>

#include <array>
#include <map>
#include <system_error>
#include <unordered_map>
#include <utility>

#include "coordinator/store/schema.h"
#include "coordinator/store/sqlite.h"
#include "shared/wire/codec.h"

namespace sonde::store {
namespace {

/// Pages of the write-ahead log (4 KiB each) after which SQLite copies them into the file.
constexpr int checkpoint_pages = 4000;
constexpr int log_kept_bytes = 64 << 20;

void make_folder(const std::filesystem::path& file) {
  const auto folder = file.parent_path();
  std::error_code error;
  if (folder.empty() || std::filesystem::exists(folder, error)) return;
  std::filesystem::create_directory(folder, error);
  if (error)
    throw StoreError(fmt::format("make the store's folder {}: {}; make it, and give it to the coordinator's user",
                                 folder.string(), error.message()));
}

Database open_for_writing(const std::filesystem::path& path) {
  make_folder(path);
  Database database(path, Database::Use::write);
  // Read first, so that a file which is not ours stays as it is.
  schema_of(database);
  Statement mode = database.prepare("PRAGMA journal_mode = WAL");
  if (!mode.step() || mode.text(0) != "wal")
    throw StoreError(
        fmt::format("open the store {}: its file system has no write-ahead logging (a network share?); "
                    "name a file on a local disk under `store`",
                    path.string()));
  mode.reset();
  // FULL: the log is flushed to the disk before a commit returns. NORMAL would let a power cut take commits back that
  // an agent was told of and has forgotten.
  database.run("PRAGMA synchronous = FULL");
  database.run(fmt::format("PRAGMA wal_autocheckpoint = {}", checkpoint_pages).c_str());
  database.run(fmt::format("PRAGMA journal_size_limit = {}", log_kept_bytes).c_str());
  database.run("PRAGMA cache_size = -65536");
  prepare_schema(database);
  database.opened();
  return database;
}

/// Spool numbers use all 64 bits; SQLite's integers are signed.
std::int64_t as_signed(std::uint64_t number) { return static_cast<std::int64_t>(number); }

}  // namespace

struct Writer::Parts {
  struct Spool {
    std::int64_t id = 0;
    std::uint64_t last_seq = 0;
  };

  explicit Parts(const std::filesystem::path& path) : database(open_for_writing(path)) {}

  Spool& spool(const SiteId& site, std::uint64_t number);
  std::int64_t series(const Result& result);
  bool insert(const Spool& into, const Result& result);
  Appended append(const StoreBatch& batch);

  template <typename Action>
  auto attempt(Action action) -> Expected<decltype(action())> {
    try {
      return action();
    } catch (const StoreError& error) {
      // What was rolled back may have made rows that these remember.
      spools.clear();
      series_ids.clear();
      return fail(error.what());
    }
  }

  Database database;
  Statement add_spool = database.prepare("INSERT OR IGNORE INTO spools (site, spool, last_seq) VALUES (?, ?, 0)");
  Statement find_spool = database.prepare("SELECT id, last_seq FROM spools WHERE site = ? AND spool = ?");
  Statement set_last_seq = database.prepare("UPDATE spools SET last_seq = ? WHERE id = ?");
  Statement add_series = database.prepare("INSERT OR IGNORE INTO series (from_site, to_site, probe) VALUES (?, ?, ?)");
  Statement find_series = database.prepare("SELECT id FROM series WHERE from_site = ? AND to_site = ? AND probe = ?");
  Statement add_result = database.prepare(
      "INSERT OR IGNORE INTO results (spool, seq, series, finished_at, outcome, body) VALUES (?, ?, ?, ?, ?, ?)");
  Statement delete_old = database.prepare(
      "DELETE FROM results WHERE id IN (SELECT id FROM results WHERE finished_at < ? ORDER BY finished_at LIMIT ?)");
  Statement set_meta = database.prepare("INSERT OR REPLACE INTO meta (key, value) VALUES (?, ?)");
  Statement get_meta = database.prepare("SELECT value FROM meta WHERE key = ?");

  // As many as there are agents and links.
  std::map<std::pair<SiteId, std::uint64_t>, Spool> spools;
  std::unordered_map<Link, std::array<std::int64_t, probe_count>> series_ids;
};

Writer::Parts::Spool& Writer::Parts::spool(const SiteId& site, std::uint64_t number) {
  const auto [entry, is_new] = spools.try_emplace({site, number});
  if (!is_new) return entry->second;
  add_spool.bind(1, site.str());
  add_spool.bind(2, as_signed(number));
  add_spool.run();
  find_spool.bind(1, site.str());
  find_spool.bind(2, as_signed(number));
  SONDE_ASSERT(find_spool.step());
  entry->second = {find_spool.integer(0), static_cast<std::uint64_t>(find_spool.integer(1))};
  find_spool.reset();
  return entry->second;
}

std::int64_t Writer::Parts::series(const Result& result) {
  std::int64_t& id = series_ids[result.link()].at(static_cast<std::size_t>(result.probe));
  if (id != 0) return id;
  for (Statement* statement : {&add_series, &find_series}) {
    statement->bind(1, result.id.from.str());
    statement->bind(2, result.to.str());
    statement->bind(3, static_cast<std::int64_t>(result.probe));
  }
  add_series.run();
  SONDE_ASSERT(find_series.step());
  id = find_series.integer(0);
  find_series.reset();
  return id;
}

bool Writer::Parts::insert(const Spool& into, const Result& result) {
  const wire::Buffer body = wire::encode_result(result);
  add_result.bind(1, into.id);
  add_result.bind(2, as_signed(result.id.seq));
  add_result.bind(3, series(result));
  add_result.bind(4, to_ns(result.finished_at));
  add_result.bind(5, static_cast<std::int64_t>(result.outcome));
  add_result.bind(6, std::span<const std::uint8_t>(body));
  add_result.run();
  return database.changes() > 0;
}

Appended Writer::Parts::append(const StoreBatch& batch) {
  Spool& into = spool(batch.site, batch.spool);
  if (into.last_seq < batch.after) return {};
  Appended appended{.stored = true, .fresh = {}};
  appended.fresh.reserve(batch.results.size());
  for (const Result& result : batch.results) {
    SONDE_ASSERT(result.id.from == batch.site && result.id.spool == batch.spool && result.id.seq <= batch.up_to);
    // What retention has deleted must not come back either.
    appended.fresh.push_back(result.id.seq > into.last_seq && insert(into, result));
  }
  if (batch.up_to <= into.last_seq) return appended;
  into.last_seq = batch.up_to;
  set_last_seq.bind(1, as_signed(into.last_seq));
  set_last_seq.bind(2, into.id);
  set_last_seq.run();
  return appended;
}

Writer::Writer(const std::filesystem::path& path) : parts_(std::make_unique<Parts>(path)) {}
Writer::~Writer() = default;

Expected<std::vector<Appended>> Writer::append(std::span<const StoreBatch> batches) {
  return parts_->attempt([&] {
    std::vector<Appended> appended;
    appended.reserve(batches.size());
    Transaction transaction(parts_->database);
    for (const StoreBatch& batch : batches) appended.push_back(parts_->append(batch));
    transaction.commit();
    return appended;
  });
}

Expected<std::size_t> Writer::expire(SharedTime before, std::size_t at_most) {
  return parts_->attempt([&] {
    parts_->delete_old.bind(1, to_ns(before));
    parts_->delete_old.bind(2, static_cast<std::int64_t>(at_most));
    parts_->delete_old.run();
    return static_cast<std::size_t>(parts_->database.changes());
  });
}

Expected<std::vector<SpoolPosition>> Writer::positions() {
  return parts_->attempt([&] {
    std::vector<SpoolPosition> positions;
    Statement rows = parts_->database.prepare("SELECT site, spool, last_seq FROM spools ORDER BY id");
    while (rows.step()) {
      const auto site = SiteId::parse(rows.text(0));
      if (!site) continue;
      positions.push_back(
          {*site, static_cast<std::uint64_t>(rows.integer(1)), static_cast<std::uint64_t>(rows.integer(2))});
    }
    return positions;
  });
}

Expected<void> Writer::save(std::string_view key, std::span<const std::uint8_t> value) {
  auto saved = parts_->attempt([&] {
    parts_->set_meta.bind(1, key);
    parts_->set_meta.bind(2, value);
    parts_->set_meta.run();
    return true;
  });
  if (!saved) return std::unexpected(std::move(saved).error());
  return {};
}

Expected<std::optional<std::vector<std::uint8_t>>> Writer::load(std::string_view key) {
  return parts_->attempt([&] {
    std::optional<std::vector<std::uint8_t>> value;
    parts_->get_meta.bind(1, key);
    if (parts_->get_meta.step()) {
      const auto blob = parts_->get_meta.blob(0);
      value.emplace(blob.begin(), blob.end());
      parts_->get_meta.reset();
    }
    return value;
  });
}

}  // namespace sonde::store
