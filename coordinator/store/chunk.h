// Many results as one block of columns. The names of sites and probes are not part of it: each result belongs to a
// series of the store (from, to, probe), named by its number. Layout: docs/storage.md. Pure.
#pragma once

#include <cstdint>
#include <functional>
#include <limits>
#include <optional>
#include <span>
#include <vector>

#include "coordinator/store/columns.h"
#include "shared/measure/result.h"

namespace sonde::store {

using SeriesId = std::int64_t;

/// `result` is complete in memory; in a chunk id.from, to and probe are what the series says.
struct SeriesResult {
  SeriesId series = 0;
  Result result;
};

/// What is to be written; the result has to live as long.
struct ChunkRow {
  SeriesId series = 0;
  const Result* result = nullptr;
};

/// Any results in any order; those of one series that follow each other in time take least room. The harmonic mean is
/// defined for rates only, so distributions of times lose their sum of inverses; everything else comes back exactly.
Octets encode_chunk(std::span<const ChunkRow> rows, Packing packing);

/// What is to be read of a chunk.
struct ChunkFilter {
  /// Series that are left out where set: they are passed over and not made.
  std::function<bool(SeriesId)> series = {};
  std::int64_t first = std::numeric_limits<std::int64_t>::min();  ///< finished_at >= first, ns
  std::int64_t last = std::numeric_limits<std::int64_t>::max();   ///< finished_at <= last
  /// Only this metric, without texts and details but error_s.
  std::optional<Metric> metric = {};
  /// Neither values nor texts: who, when and with which outcome.
  bool heads = false;
};

/// In the order in which they were written; id.from, to and probe are left empty. nullopt where the octets are not what
/// encode_chunk has made: never a part of them.
std::optional<std::vector<SeriesResult>> decode_chunk(std::span<const std::uint8_t> block, const ChunkFilter& filter);

}  // namespace sonde::store
