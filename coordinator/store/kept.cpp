#include "coordinator/store/kept.h"

#include <algorithm>
#include <limits>

#include "coordinator/store/columns.h"

namespace sonde::store {
namespace {

constexpr std::string_view kept_key = "kept";

}  // namespace

Kept read_kept(const Database& database) {
  Kept kept;
  kept.fill(std::numeric_limits<std::int64_t>::min());
  Statement row = database.prepare("SELECT value FROM meta WHERE key = ?");
  row.bind(1, kept_key);
  if (!row.step()) return kept;
  const auto octets = row.blob(0);
  ColumnIn in(Octets(octets.begin(), octets.end()));
  Kept read = kept;
  for (std::int64_t& each : read) each = in.take_signed();
  return in.failed() ? kept : read;
}

void raise_kept(const Database& database, const Kept& kept) {
  const Kept old = read_kept(database);
  Kept raised = old;
  for (std::size_t i = 0; i < level_count; ++i) raised.at(i) = std::max(old.at(i), kept.at(i));
  if (raised == old) return;
  ColumnOut out;
  for (const std::int64_t each : raised) out.put_signed(each);
  Statement set = database.prepare("INSERT OR REPLACE INTO meta (key, value) VALUES (?, ?)");
  set.bind(1, kept_key);
  set.bind(2, std::span<const std::uint8_t>(out.octets()));
  set.run();
}

}  // namespace sonde::store
