#include "coordinator/store/read_connection.h"

#include <algorithm>
#include <iterator>
#include <utility>

#include "coordinator/store/schema.h"

namespace sonde::store {
namespace {

Database open_for_reading(const std::filesystem::path& path) {
  Database database(path, Database::Use::read);
  require_schema(database);
  return database;
}

std::int64_t one_hour_more(std::int64_t ns) {
  return ns > end_of_time - chunk_span_ns ? end_of_time : ns + chunk_span_ns;
}

}  // namespace

Wanted::Wanted(const SeriesTable& names, std::optional<SiteId> to, std::optional<Probe> probe)
    : names_(names), to_(std::move(to)), probe_(probe) {}

ChunkFilter Wanted::filter() const {
  if (!to_ && !probe_) return {};
  return {.series = [*this](SeriesId id) {
    const SeriesName* series = names_.name(id);
    return series != nullptr && (!to_ || series->link.to == *to_) && (!probe_ || series->probe == *probe_);
  }};
}

ReadConnection::ReadConnection(const std::filesystem::path& path)
    : database(open_for_reading(path)),
      chunks_between_(
          database.prepare("SELECT id, first, last, rolled FROM chunks WHERE site = ? AND last >= ? AND last <= ? "
                           "AND first <= ? AND id <= ? ORDER BY first, id")),
      log_of_(database.prepare(
          "SELECT first, last, body FROM log WHERE site = ? AND last >= ? AND first <= ? ORDER BY id")),
      next_chunk_(database.prepare("SELECT min(last) FROM chunks WHERE site = ? AND last >= ?")),
      previous_chunk_(database.prepare("SELECT max(last) FROM chunks WHERE site = ? AND last < ?")),
      body_of_(database.prepare("SELECT results, body FROM chunks WHERE id = ?")),
      rolls_between_(database.prepare(
          "SELECT body FROM rollups WHERE level = ? AND series = ? AND start >= ? AND start < ? ORDER BY start")),
      rolls_before_(database.prepare(
          "SELECT body FROM rollups WHERE level = ? AND series = ? AND start < ? ORDER BY start DESC LIMIT 1")),
      newest_(database.prepare("SELECT series, body FROM newest")) {}

std::vector<std::int64_t> ReadConnection::sites_like(const std::optional<SiteId>& from) {
  names.refresh();
  std::vector<std::int64_t> found;
  for (const auto& [id, site] : names.sites())
    if (!from || *from == site) found.push_back(id);
  std::ranges::sort(found);
  return found;
}

std::vector<Block> ReadConnection::chunks(std::int64_t site, std::int64_t since, std::int64_t until,
                                          std::int64_t newest_chunk) {
  std::vector<Block> found;
  chunks_between_.bind(1, site);
  chunks_between_.bind(2, since);
  chunks_between_.bind(3, one_hour_more(until));
  chunks_between_.bind(4, until);
  chunks_between_.bind(5, newest_chunk);
  while (chunks_between_.step())
    found.push_back({chunks_between_.integer(1), chunks_between_.integer(2), site, chunks_between_.integer(0),
                     chunks_between_.integer(3) != 0});
  return found;
}

std::vector<Block> ReadConnection::log(std::int64_t site, std::int64_t since, std::int64_t until) {
  std::vector<Block> found;
  log_of_.bind(1, site);
  log_of_.bind(2, since);
  log_of_.bind(3, until);
  while (log_of_.step()) {
    const auto octets = log_of_.blob(2);
    found.push_back({log_of_.integer(0), log_of_.integer(1), site, 0, false, Octets(octets.begin(), octets.end())});
  }
  return found;
}

std::optional<std::int64_t> ReadConnection::hour_from(std::int64_t site, std::int64_t from) {
  next_chunk_.bind(1, site);
  next_chunk_.bind(2, from);
  SONDE_ASSERT(next_chunk_.step());
  const bool none = next_chunk_.is_null(0);
  const std::int64_t last = next_chunk_.integer(0);
  next_chunk_.reset();
  return none ? std::nullopt : std::optional(hour_of(last));
}

std::optional<std::int64_t> ReadConnection::hour_before(std::int64_t site, std::int64_t before) {
  previous_chunk_.bind(1, site);
  previous_chunk_.bind(2, before);
  SONDE_ASSERT(previous_chunk_.step());
  const bool none = previous_chunk_.is_null(0);
  const std::int64_t last = previous_chunk_.integer(0);
  previous_chunk_.reset();
  return none ? std::nullopt : std::optional(hour_of(last));
}

std::vector<RollRow> ReadConnection::unpacked(std::span<const std::uint8_t> body, const RollFilter& filter) {
  auto rows = decode_rolls(body, filter);
  if (!rows) ++damaged;
  return rows ? *std::move(rows) : std::vector<RollRow>();
}

void ReadConnection::bind_rolls(RollLevel level, SeriesId series, const RollFilter& filter) {
  rolls_between_.bind(1, static_cast<std::int64_t>(level));
  rolls_between_.bind(2, series);
  // The block that holds the first row begins up to a block earlier.
  rolls_between_.bind(3, wrapping_minus(filter.first, block_span_of(level) - 1));
  rolls_between_.bind(4, filter.end);
}

bool ReadConnection::add_rolls(RollLevel level, SeriesId series, const RollFilter& filter, RollSum& sum) {
  bool good = true;
  bind_rolls(level, series, filter);
  while (rolls_between_.step()) good = good && store::add_rolls(rolls_between_.blob(0), filter, sum);
  return good;
}

std::vector<RollRow> ReadConnection::rolls(RollLevel level, SeriesId series, const RollFilter& filter) {
  std::vector<RollRow> found;
  bind_rolls(level, series, filter);
  while (rolls_between_.step()) {
    auto rows = unpacked(rolls_between_.blob(0), filter);
    found.insert(found.end(), std::make_move_iterator(rows.begin()), std::make_move_iterator(rows.end()));
  }
  return found;
}

std::vector<RollRow> ReadConnection::rolls_before(RollLevel level, SeriesId series, const RollFilter& filter) {
  rolls_before_.bind(1, static_cast<std::int64_t>(level));
  rolls_before_.bind(2, series);
  rolls_before_.bind(3, filter.end);
  if (!rolls_before_.step()) return {};
  auto rows = unpacked(rolls_before_.blob(0), filter);
  rolls_before_.reset();
  return rows;
}

std::vector<std::pair<SeriesId, RollUp>> ReadConnection::newest() {
  std::vector<std::pair<SeriesId, RollUp>> found;
  while (newest_.step())
    for (RollRow& row : unpacked(newest_.blob(1), {})) found.emplace_back(newest_.integer(0), std::move(row.roll));
  return found;
}

std::vector<SeriesResult> ReadConnection::read(const Block& block, const ChunkFilter& filter) {
  std::optional<std::vector<SeriesResult>> rows;
  std::uint64_t held = 1;
  if (block.chunk == 0) {
    rows = decode_chunk(block.octets, filter);
  } else {
    body_of_.bind(1, block.chunk);
    if (!body_of_.step()) return {};
    held = static_cast<std::uint64_t>(body_of_.integer(0));
    rows = decode_chunk(body_of_.blob(1), filter);
    body_of_.reset();
  }
  if (!rows) {
    damaged += held;
    return {};
  }
  const auto strange = std::erase_if(*rows, [&](SeriesResult& row) { return !names.complete(row); });
  damaged += strange;
  return *std::move(rows);
}

Snapshot::~Snapshot() {
  try {
    database_.run("COMMIT");
  } catch (const StoreError&) {
    // A reader has nothing to lose.
  }
}

}  // namespace sonde::store
