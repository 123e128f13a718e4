#include "coordinator/store/roller.h"

#include <algorithm>
#include <iterator>
#include <optional>
#include <utility>

namespace sonde::store {
namespace {

std::int64_t floor_to(std::int64_t ns, std::int64_t span) {
  const std::int64_t rest = ns % span;
  return ns - (rest < 0 ? rest + span : rest);
}

/// `more` joins `rows`; both ordered by start.
std::vector<RollRow> merged(std::vector<RollRow> rows, std::span<const RollRow> more) {
  for (const RollRow& row : more) {
    const auto place = std::ranges::lower_bound(rows, row.start, {}, &RollRow::start);
    if (place != rows.end() && place->start == row.start)
      place->roll.merge(row.roll);
    else
      rows.insert(place, row);
  }
  return rows;
}

}  // namespace

Roller::Roller(const Database& database, const SeriesTable& names)
    : database_(database),
      names_(names),
      oldest_(database.prepare("SELECT site, last FROM chunks WHERE rolled = 0 AND last < ? ORDER BY last LIMIT 1")),
      of_hour_(database.prepare("SELECT id, body FROM chunks WHERE rolled = 0 AND site = ? AND last >= ? AND last < ? "
                                "ORDER BY last LIMIT ?")),
      set_rolled_(database.prepare("UPDATE chunks SET rolled = 1 WHERE id = ?")),
      find_block_(database.prepare("SELECT id, body FROM rollups WHERE level = ? AND series = ? AND start = ?")),
      add_block_(database.prepare("INSERT INTO rollups (level, series, start, body) VALUES (?, ?, ?, ?)")),
      set_block_(database.prepare("UPDATE rollups SET body = ? WHERE id = ?")),
      find_newest_(database.prepare("SELECT body FROM newest WHERE series = ?")),
      set_newest_(database.prepare("INSERT OR REPLACE INTO newest (series, body) VALUES (?, ?)")),
      add_damaged_(database.prepare("INSERT INTO damaged (site, body) VALUES (?, ?)")) {}

std::vector<Roller::Due> Roller::due(std::int64_t before) {
  std::vector<Due> found;
  oldest_.bind(1, before);
  if (!oldest_.step()) return found;
  const std::int64_t site = oldest_.integer(0);
  const std::int64_t hour = hour_of(oldest_.integer(1));
  oldest_.reset();
  of_hour_.bind(1, site);
  of_hour_.bind(2, hour);
  of_hour_.bind(3, std::min(before, hour + chunk_span_ns));
  of_hour_.bind(4, static_cast<std::int64_t>(chunks_at_once));
  while (of_hour_.step()) {
    // What nobody can read stays where it is, and is passed over for good.
    auto rows = decode_chunk(of_hour_.blob(1), {});
    found.push_back({of_hour_.integer(0), rows ? *std::move(rows) : std::vector<SeriesResult>()});
  }
  return found;
}

std::size_t Roller::step(std::int64_t before) {
  Transaction transaction(database_);
  std::map<SeriesId, std::map<std::int64_t, RollUp>> minutes;
  const std::vector<Due> chunks = due(before);
  for (const Due& chunk : chunks) {
    for (const SeriesResult& row : chunk.rows) {
      SeriesResult whole = row;
      if (!names_.complete(whole)) continue;
      const std::int64_t start = bucket_of(to_ns(whole.result.finished_at), span_of(RollLevel::minute));
      minutes[row.series][start].add(reading_of(whole.result));
    }
    set_rolled_.bind(1, chunk.id);
    set_rolled_.run();
  }
  for (auto& [series, by_start] : minutes) {
    std::vector<RollRow> rows;
    rows.reserve(by_start.size());
    for (auto& [start, roll] : by_start) rows.push_back({start, std::move(roll)});
    add(series, rows);
  }
  transaction.commit();
  return chunks.size();
}

void Roller::add(SeriesId series, std::span<const RollRow> minutes) {
  merge(RollLevel::minute, series, minutes);
  std::vector<RollRow> hours;
  for (const RollRow& row : minutes) {
    const std::int64_t start = floor_to(row.start, span_of(RollLevel::hour).count());
    if (hours.empty() || hours.back().start != start) hours.push_back({start, {}});
    hours.back().roll.merge(row.roll);
  }
  merge(RollLevel::hour, series, hours);
  merge_newest(series, hours);
}

void Roller::merge(RollLevel level, SeriesId series, std::span<const RollRow> rows) {
  const std::int64_t span = block_span_of(level);
  while (!rows.empty()) {
    const std::int64_t start = floor_to(rows.front().start, span);
    const auto end = std::ranges::find_if(rows, [&](const RollRow& row) { return floor_to(row.start, span) != start; });
    const auto count = static_cast<std::size_t>(std::distance(rows.begin(), end));
    merge_block(level, series, start, rows.first(count));
    rows = rows.subspan(count);
  }
}

void Roller::merge_block(RollLevel level, SeriesId series, std::int64_t start, std::span<const RollRow> rows) {
  find_block_.bind(1, static_cast<std::int64_t>(level));
  find_block_.bind(2, series);
  find_block_.bind(3, start);
  std::optional<std::int64_t> id;
  std::vector<RollRow> known;
  if (find_block_.step()) {
    id = find_block_.integer(0);
    if (auto old = decode_rolls(find_block_.blob(1), {}))
      known = *std::move(old);
    else
      keep_damaged(series, find_block_.blob(1));
    find_block_.reset();
  }
  const Octets body = encode_rolls(merged(std::move(known), rows));
  Statement& write = id ? set_block_ : add_block_;
  if (id) {
    write.bind(1, std::span<const std::uint8_t>(body));
    write.bind(2, *id);
  } else {
    write.bind(1, static_cast<std::int64_t>(level));
    write.bind(2, series);
    write.bind(3, start);
    write.bind(4, std::span<const std::uint8_t>(body));
  }
  write.run();
}

/// When each series last brought what, for all time: a state must not depend on how much of the past is kept.
void Roller::merge_newest(SeriesId series, std::span<const RollRow> rows) {
  RollRow newest;
  find_newest_.bind(1, series);
  if (find_newest_.step()) {
    auto old = decode_rolls(find_newest_.blob(0), {});
    if (old && !old->empty()) newest = std::move(old->front());
    find_newest_.reset();
  }
  newest.start = 0;
  for (const RollRow& row : rows) newest.roll.merge(row.roll.without_values());
  const Octets body = encode_rolls({&newest, 1});
  set_newest_.bind(1, series);
  set_newest_.bind(2, std::span<const std::uint8_t>(body));
  set_newest_.run();
}

void Roller::keep_damaged(SeriesId series, std::span<const std::uint8_t> octets) {
  const SeriesName* name = names_.name(series);
  add_damaged_.bind(1, name != nullptr ? names_.site(name->link.from).value_or(0) : 0);
  add_damaged_.bind(2, octets);
  add_damaged_.run();
}

}  // namespace sonde::store
