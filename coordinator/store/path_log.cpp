#include "coordinator/store/path_log.h"

#include <span>
#include <utility>

#include "shared/wire/codec.h"

namespace sonde::store {
namespace {

constexpr const char* table = R"sql(
CREATE TABLE IF NOT EXISTS paths (
  from_site TEXT NOT NULL,
  to_site   TEXT NOT NULL,
  trace     BLOB NOT NULL,
  PRIMARY KEY (from_site, to_site)
) WITHOUT ROWID;
)sql";

}  // namespace

void PathLog::prepare() { database_->run(table); }

void PathLog::save(const EvidenceDesk::Known& known) {
  const auto trace = wire::encode_trace(known.trace);
  Statement insert = database_->prepare("INSERT OR REPLACE INTO paths VALUES (?1, ?2, ?3)");
  insert.bind(1, known.link.from.str());
  insert.bind(2, known.link.to.str());
  insert.bind(3, std::span<const std::uint8_t>(trace));
  insert.run();
}

std::vector<EvidenceDesk::Known> PathLog::load() {
  std::vector<EvidenceDesk::Known> out;
  Statement rows = database_->prepare("SELECT from_site, to_site, trace FROM paths");
  while (rows.step()) {
    const auto from = SiteId::parse(rows.text(0));
    const auto to = SiteId::parse(rows.text(1));
    auto trace = wire::decode_trace(rows.blob(2));
    if (from && to && trace) out.push_back({{*from, *to}, *std::move(trace)});
  }
  return out;
}

}  // namespace sonde::store
