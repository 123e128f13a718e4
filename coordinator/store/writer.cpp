#include "coordinator/store/writer.h"

#include <fmt/format.h>

#include <algorithm>
#include <map>
#include <system_error>
#include <unordered_set>
#include <utility>

#include "coordinator/store/incident_log.h"
#include "coordinator/store/kept.h"
#include "coordinator/store/path_log.h"
#include "coordinator/store/roller.h"
#include "coordinator/store/schema.h"
#include "coordinator/store/sealer.h"
#include "coordinator/store/series_table.h"
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

/// Layout 1 had one row for each result, its body in the layout of the protocol.
void convert_first_layout(const Database& database) {
  SeriesTable names(database);
  Sealer sealer(database);
  std::map<std::int64_t, std::vector<SeriesResult>> waiting;
  Statement rows = database.prepare("SELECT series, finished_at, body FROM results ORDER BY finished_at, id");
  names.refresh();
  while (rows.step()) {
    const SeriesName* series = names.name(rows.integer(0));
    auto result = wire::decode_result(rows.blob(2));
    if (series == nullptr || !result || to_ns(result->finished_at) != rows.integer(1)) {
      sealer.keep_damaged(0, rows.blob(2));
      continue;
    }
    const std::int64_t site = names.make_site(series->link.from);
    waiting[site].push_back({rows.integer(0), *std::move(result)});
    if (waiting[site].size() < Writer::results_in_a_chunk) continue;
    sealer.write(site, waiting[site]);
    waiting[site].clear();
  }
  for (auto& [site, some] : waiting) sealer.write(site, some);
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
  prepare_schema(database, [&database] { convert_first_layout(database); });
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

  explicit Parts(const std::filesystem::path& path) : database(open_for_writing(path)) {
    incidents.prepare();
    paths.prepare();
    names.refresh();
    pending = sealer.pending();
  }

  Spool& spool(const SiteId& site, std::uint64_t number);
  void add_to_log(const SiteId& site, const std::vector<const Result*>& results);
  Appended append(const StoreBatch& batch);
  std::size_t expire_chunks(std::int64_t before, std::size_t at_most);
  std::size_t expire_rolled(RollLevel level, std::int64_t before, std::size_t at_most);

  template <typename Action>
  auto attempt(Action action) -> Expected<decltype(action())> {
    try {
      return action();
    } catch (const StoreError& error) {
      forget();
      return fail(error.what());
    }
  }
  /// What was rolled back may have made rows that these remember.
  void forget() {
    spools.clear();
    names.forget();
    try {
      names.refresh();
      pending = sealer.pending();
    } catch (const StoreError&) {
      // The next call will say so.
    }
  }

  Database database;
  Statement add_spool = database.prepare("INSERT OR IGNORE INTO spools (site, spool, last_seq) VALUES (?, ?, 0)");
  Statement find_spool = database.prepare("SELECT id, last_seq FROM spools WHERE site = ? AND spool = ?");
  Statement set_last_seq = database.prepare("UPDATE spools SET last_seq = ? WHERE id = ?");
  Statement add_log = database.prepare("INSERT INTO log (site, results, first, last, body) VALUES (?, ?, ?, ?, ?)");
  Statement delete_old = database.prepare(
      "DELETE FROM chunks WHERE id IN "
      "(SELECT id FROM chunks WHERE site = ? AND last < ? AND rolled = 1 ORDER BY last LIMIT ?)");
  Statement delete_rolled = database.prepare(
      "DELETE FROM rollups WHERE id IN (SELECT id FROM rollups WHERE level = ? AND start <= ? ORDER BY start LIMIT ?)");
  Statement set_meta = database.prepare("INSERT OR REPLACE INTO meta (key, value) VALUES (?, ?)");
  Statement get_meta = database.prepare("SELECT value FROM meta WHERE key = ?");

  // As many as there are agents and links.
  SeriesTable names{database};
  std::map<std::pair<SiteId, std::uint64_t>, Spool> spools;
  Sealer sealer{database};
  Roller roller{database, names};
  IncidentLog incidents{database};
  PathLog paths{database};
  std::map<std::int64_t, std::uint64_t> pending;  ///< results in the log by site
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

void Writer::Parts::add_to_log(const SiteId& site, const std::vector<const Result*>& results) {
  if (results.empty()) return;
  const std::int64_t id = names.make_site(site);
  std::vector<ChunkRow> rows;
  rows.reserve(results.size());
  SharedTime first = results.front()->finished_at;
  SharedTime last = first;
  for (const Result* result : results) {
    rows.push_back({names.make_series(result->link(), result->probe), result});
    first = std::min(first, result->finished_at);
    last = std::max(last, result->finished_at);
  }
  const Octets body = encode_chunk(rows, Packing::quick);
  add_log.bind(1, id);
  add_log.bind(2, static_cast<std::int64_t>(rows.size()));
  add_log.bind(3, to_ns(first));
  add_log.bind(4, to_ns(last));
  add_log.bind(5, std::span<const std::uint8_t>(body));
  add_log.run();
  pending[id] += rows.size();
}

Appended Writer::Parts::append(const StoreBatch& batch) {
  Spool& into = spool(batch.site, batch.spool);
  if (into.last_seq < batch.after) return {};
  Appended appended{.stored = true, .fresh = {}};
  appended.fresh.reserve(batch.results.size());
  std::vector<const Result*> fresh;
  std::unordered_set<std::uint64_t> seqs;
  for (const Result& result : batch.results) {
    SONDE_ASSERT(result.id.from == batch.site && result.id.spool == batch.spool && result.id.seq <= batch.up_to);
    // What retention has deleted must not come back either.
    appended.fresh.push_back(result.id.seq > into.last_seq && seqs.insert(result.id.seq).second);
    if (appended.fresh.back()) fresh.push_back(&result);
  }
  add_to_log(batch.site, fresh);
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

Expected<bool> Writer::seal(std::size_t at_least) {
  return parts_->attempt([&] {
    auto& pending = parts_->pending;
    const auto most = std::ranges::max_element(pending, {}, [](const auto& site) { return site.second; });
    if (most == pending.end() || most->second < std::max<std::size_t>(at_least, 1)) return false;
    const std::uint64_t sealed = parts_->sealer.seal(most->first);
    most->second -= sealed == 0 ? most->second : std::min(sealed, most->second);
    return true;
  });
}

Expected<bool> Writer::roll(SharedTime before) {
  return parts_->attempt([&] { return parts_->roller.step(to_ns(before)) > 0; });
}

std::size_t Writer::Parts::expire_chunks(std::int64_t before, std::size_t at_most) {
  std::size_t deleted = 0;
  for (const auto& [site, name] : names.sites()) {
    if (deleted == at_most) break;
    delete_old.bind(1, site);
    delete_old.bind(2, before);
    delete_old.bind(3, static_cast<std::int64_t>(at_most - deleted));
    delete_old.run();
    deleted += static_cast<std::size_t>(database.changes());
  }
  return deleted;
}

std::size_t Writer::Parts::expire_rolled(RollLevel level, std::int64_t before, std::size_t at_most) {
  const std::int64_t span = block_span_of(level);
  if (at_most == 0 || before < std::numeric_limits<std::int64_t>::min() + span) return 0;
  delete_rolled.bind(1, static_cast<std::int64_t>(level));
  delete_rolled.bind(2, before - span);
  delete_rolled.bind(3, static_cast<std::int64_t>(at_most));
  delete_rolled.run();
  return static_cast<std::size_t>(database.changes());
}

Expected<std::size_t> Writer::expire(const Expiry& before, std::size_t at_most) {
  return parts_->attempt([&] {
    Transaction transaction(parts_->database);
    // First what readers go by: from here on they do not count on what is deleted below and in later steps.
    raise_kept(parts_->database, {to_ns(before.raw), to_ns(before.minute), to_ns(before.hour)});
    std::size_t deleted = parts_->expire_chunks(to_ns(before.raw), at_most);
    deleted += parts_->expire_rolled(RollLevel::minute, to_ns(before.minute), at_most - deleted);
    deleted += parts_->expire_rolled(RollLevel::hour, to_ns(before.hour), at_most - deleted);
    transaction.commit();
    return deleted;
  });
}

Expected<bool> Writer::give_back(std::size_t pages) {
  return parts_->attempt([&] {
    const std::int64_t free = parts_->database.ask_integer("PRAGMA freelist_count");
    const std::int64_t kept = std::max(free_pages_kept, parts_->database.ask_integer("PRAGMA page_count") / 50);
    if (free <= kept) return false;
    const auto some = std::min(static_cast<std::int64_t>(pages), free - kept);
    parts_->database.run(fmt::format("PRAGMA incremental_vacuum({})", some).c_str());
    return true;
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

Expected<void> Writer::save(const Incident& incident) {
  auto saved = parts_->attempt([&] {
    parts_->incidents.save(incident);
    return true;
  });
  if (!saved) return std::unexpected(std::move(saved).error());
  return {};
}

Expected<std::vector<Incident>> Writer::incidents(std::size_t closed) {
  return parts_->attempt([&] { return parts_->incidents.load(closed); });
}

Expected<void> Writer::save(const EvidenceDesk::Known& known) {
  auto saved = parts_->attempt([&] {
    parts_->paths.save(known);
    return true;
  });
  if (!saved) return std::unexpected(std::move(saved).error());
  return {};
}

Expected<std::vector<EvidenceDesk::Known>> Writer::known_paths() {
  return parts_->attempt([&] { return parts_->paths.load(); });
}

}  // namespace sonde::store
