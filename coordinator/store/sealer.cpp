#include "coordinator/store/sealer.h"

#include <algorithm>
#include <iterator>
#include <optional>
#include <tuple>

namespace sonde::store {

Sealer::Sealer(const Database& database)
    : database_(database),
      oldest_(database.prepare("SELECT id, results, body FROM log WHERE site = ? ORDER BY id")),
      remove_(database.prepare("DELETE FROM log WHERE site = ? AND id <= ?")),
      add_chunk_(database.prepare("INSERT INTO chunks (site, results, first, last, body) VALUES (?, ?, ?, ?, ?)")),
      add_damaged_(database.prepare("INSERT INTO damaged (site, body) VALUES (?, ?)")) {}

std::map<std::int64_t, std::uint64_t> Sealer::pending() const {
  std::map<std::int64_t, std::uint64_t> results;
  Statement rows = database_.prepare("SELECT site, sum(results) FROM log GROUP BY site");
  while (rows.step()) results[rows.integer(0)] = static_cast<std::uint64_t>(rows.integer(1));
  return results;
}

std::uint64_t Sealer::seal(std::int64_t site) {
  Transaction transaction(database_);
  std::vector<SeriesResult> rows;
  std::vector<Octets> damaged;
  std::int64_t last_id = 0;
  std::int64_t octets = 0;
  std::uint64_t results = 0;
  oldest_.bind(1, site);
  while (octets < log_octets_at_once && oldest_.step()) {
    last_id = oldest_.integer(0);
    results += static_cast<std::uint64_t>(oldest_.integer(1));
    const auto body = oldest_.blob(2);
    octets += static_cast<std::int64_t>(body.size());
    if (auto some = decode_chunk(body, {}))
      rows.insert(rows.end(), std::make_move_iterator(some->begin()), std::make_move_iterator(some->end()));
    else
      damaged.emplace_back(body.begin(), body.end());
  }
  oldest_.reset();
  for (const Octets& body : damaged) keep_damaged(site, body);
  write(site, rows);
  remove_.bind(1, site);
  remove_.bind(2, last_id);
  remove_.run();
  transaction.commit();
  return results;
}

void Sealer::write(std::int64_t site, std::vector<SeriesResult>& rows) {
  std::ranges::stable_sort(rows, {}, [](const SeriesResult& row) {
    const std::int64_t finished = to_ns(row.result.finished_at);
    return std::tuple(hour_of(finished), row.series, finished);
  });
  for (auto begin = rows.begin(); begin != rows.end();) {
    const std::int64_t hour = hour_of(to_ns(begin->result.finished_at));
    const auto end = std::find_if(
        begin, rows.end(), [hour](const SeriesResult& row) { return hour_of(to_ns(row.result.finished_at)) != hour; });
    std::vector<ChunkRow> chunk;
    std::int64_t first = to_ns(begin->result.finished_at);
    std::int64_t last = first;
    for (; begin != end; ++begin) {
      chunk.push_back({begin->series, &begin->result});
      first = std::min(first, to_ns(begin->result.finished_at));
      last = std::max(last, to_ns(begin->result.finished_at));
    }
    const Octets body = encode_chunk(chunk, Packing::small);
    add_chunk_.bind(1, site);
    add_chunk_.bind(2, static_cast<std::int64_t>(chunk.size()));
    add_chunk_.bind(3, first);
    add_chunk_.bind(4, last);
    add_chunk_.bind(5, std::span<const std::uint8_t>(body));
    add_chunk_.run();
  }
}

void Sealer::keep_damaged(std::int64_t site, std::span<const std::uint8_t> octets) {
  add_damaged_.bind(1, site);
  add_damaged_.bind(2, octets);
  add_damaged_.run();
}

}  // namespace sonde::store
