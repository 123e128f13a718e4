#include "coordinator/store/incident_log.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <utility>

#include "coordinator/store/incident_reader.h"
#include "shared/base/kept_text.h"
#include "shared/wire/codec.h"

namespace sonde::store {
namespace {

// Lists are text, an item a line, its parts with blanks between: a person may read them with any SQLite tool. No part
// but the last holds a blank.
constexpr const char* table = R"sql(
CREATE TABLE IF NOT EXISTS incidents (
  id           TEXT PRIMARY KEY,
  cause        TEXT NOT NULL,
  site         TEXT NOT NULL,
  from_site    TEXT NOT NULL,
  to_site      TEXT NOT NULL,
  name         TEXT NOT NULL,
  metrics      TEXT NOT NULL,
  severity     TEXT NOT NULL,
  started_at   INTEGER NOT NULL,
  ended_at     INTEGER NOT NULL,
  confidence   INTEGER NOT NULL,
  reopened     INTEGER NOT NULL,
  summary      TEXT NOT NULL,
  runbook      TEXT NOT NULL,
  links        TEXT NOT NULL,
  alternatives TEXT NOT NULL,
  evidence     TEXT NOT NULL,
  timeline     TEXT NOT NULL,
  patterns     TEXT NOT NULL DEFAULT ''
) WITHOUT ROWID;
CREATE INDEX IF NOT EXISTS incidents_by_end ON incidents (ended_at, started_at);
CREATE TABLE IF NOT EXISTS evidence (
  incident  TEXT NOT NULL,
  number    INTEGER NOT NULL,
  from_site TEXT NOT NULL,
  to_site   TEXT NOT NULL,
  taken     BLOB NOT NULL,
  before    BLOB,
  PRIMARY KEY (incident, number)
) WITHOUT ROWID;
)sql";

constexpr double millionth = 1e6;

/// The empty name is of nobody.
std::optional<SiteId> site(std::string_view name) {
  if (name.empty()) return SiteId{};
  auto parsed = SiteId::parse(name);
  return parsed ? std::optional(*std::move(parsed)) : std::nullopt;
}

std::optional<Link> link(std::string_view from, std::string_view to) {
  auto first = site(from);
  auto second = site(to);
  if (!first || !second) return std::nullopt;
  return Link{*std::move(first), *std::move(second)};
}

std::optional<Cause> cause(std::string_view kind, std::string_view of, std::string_view from, std::string_view to,
                           std::string_view name) {
  const auto known = cause_kind_named(kind);
  auto subject = site(of);
  auto between = link(from, to);
  if (!known || !subject || !between) return std::nullopt;
  return Cause{.kind = *known, .site = *std::move(subject), .link = *std::move(between), .name = std::string(name)};
}

std::string as_text(const Cause& cause) {
  // A dash stands for "none", so that every part is there.
  const auto part = [](const SiteId& id) { return id.empty() ? std::string("-") : id.str(); };
  return fmt::format("{} {} {} {} {}", name(cause.kind), part(cause.site), part(cause.link.from), part(cause.link.to),
                     cause.name);
}

std::optional<Cause> cause_in(std::string_view text) {
  const auto part = [&text] {
    const std::string_view taken = take_part(text, ' ');
    return taken == "-" ? std::string_view() : taken;
  };
  const std::string_view kind = part();
  const std::string_view of = part();
  const std::string_view from = part();
  const std::string_view to = part();
  return cause(kind, of, from, to, text);
}

/// Hands every line to `each`; false where one of them is not understood.
template <typename Each>
bool lines(std::string_view text, const Each& each) {
  while (!text.empty())
    if (!each(take_part(text, '\n'))) return false;
  return true;
}

bool read_metrics(std::string_view text, Incident& out) {
  return lines(text, [&](std::string_view line) {
    const auto metric = metric_named(line);
    if (metric) out.metrics.push_back(*metric);
    return metric.has_value();
  });
}

bool read_links(std::string_view text, Incident& out) {
  return lines(text, [&](std::string_view line) {
    const std::string_view from = take_part(line, ' ');
    const auto read = link(from, line);
    if (read) out.links.push_back(*read);
    return read.has_value();
  });
}

bool read_alternatives(std::string_view text, Incident& out) {
  return lines(text, [&](std::string_view line) {
    const auto confidence = number_in<std::int64_t>(take_part(line, ' '));
    const auto other = cause_in(line);
    if (confidence && other) out.alternatives.push_back({*other, static_cast<double>(*confidence) / millionth});
    return confidence && other;
  });
}

/// No site's name.
constexpr std::string_view measurer_mark = "!";

bool read_evidence(std::string_view text, Incident& out) {
  return lines(text, [&](std::string_view line) {
    const std::string_view from = take_part(line, ' ');
    if (from == measurer_mark) {
      out.measurer = line;
      return true;
    }
    const auto on = link(from, take_part(line, ' '));
    const auto metric = metric_named(take_part(line, ' '));
    const auto value = number_in<double>(line);
    if (on && metric && value) out.evidence.push_back({*on, *metric, *value});
    return on && metric && value;
  });
}

bool read_timeline(std::string_view text, Incident& out) {
  return lines(text, [&](std::string_view line) {
    const auto at = number_in<std::int64_t>(take_part(line, ' '));
    if (at) out.timeline.push_back({shared_from_ns(*at), std::string(line)});
    return at.has_value();
  });
}

bool read_patterns(std::string_view text, Incident& out) {
  return lines(text, [&](std::string_view line) {
    const auto pattern = pattern_named(take_part(line, ' '));
    if (pattern) out.patterns.push_back({*pattern, std::string(line)});
    return pattern.has_value();
  });
}

std::optional<Incident> read(const Statement& row) {
  Incident out;
  out.id = row.text(0);
  const auto kind = cause(row.text(1), row.text(2), row.text(3), row.text(4), row.text(5));
  const auto severity = alert_severity_named(row.text(7));
  const bool understood = kind && severity && read_metrics(row.text(6), out) && read_links(row.text(14), out) &&
                          read_alternatives(row.text(15), out) && read_evidence(row.text(16), out) &&
                          read_timeline(row.text(17), out) && read_patterns(row.text(18), out);
  if (!understood) return std::nullopt;
  out.cause = *kind;
  out.severity = *severity;
  out.started_at = shared_from_ns(row.integer(8));
  if (row.integer(9) != 0) out.ended_at = shared_from_ns(row.integer(9));
  out.confidence = static_cast<double>(row.integer(10)) / millionth;
  out.reopened = static_cast<std::uint32_t>(row.integer(11));
  out.summary = row.text(12);
  out.runbook = row.text(13);
  return out;
}

std::int64_t millionths(double share) { return std::llround(share * millionth); }

}  // namespace

void IncidentLog::prepare() {
  database_->run(table);
  // A table that an older version has made.
  if (database_->ask_integer("SELECT count(*) FROM pragma_table_info('incidents') WHERE name = 'patterns'") == 0)
    database_->run("ALTER TABLE incidents ADD COLUMN patterns TEXT NOT NULL DEFAULT ''");
}

/// Traces are in the layout of the protocol (PathTrace).
void IncidentLog::save_paths(const Incident& incident) {
  Statement clear = database_->prepare("DELETE FROM evidence WHERE incident = ?1");
  clear.bind(1, incident.id);
  clear.run();
  Statement insert = database_->prepare("INSERT INTO evidence VALUES (?1, ?2, ?3, ?4, ?5, ?6)");
  std::int64_t number = 0;
  for (const PathEvidence& one : incident.paths) {
    const auto taken = wire::encode_trace(one.now);
    const auto before = one.before ? wire::encode_trace(*one.before) : wire::Buffer{};
    insert.bind(1, incident.id);
    insert.bind(2, ++number);
    insert.bind(3, one.link.from.str());
    insert.bind(4, one.link.to.str());
    insert.bind(5, std::span<const std::uint8_t>(taken));
    insert.bind(6, std::span<const std::uint8_t>(before));
    insert.run();
  }
}

/// What cannot be read is left out.
std::vector<PathEvidence> IncidentLog::paths_of(std::string_view id) {
  std::vector<PathEvidence> out;
  Statement rows =
      database_->prepare("SELECT from_site, to_site, taken, before FROM evidence WHERE incident = ?1 ORDER BY number");
  rows.bind(1, id);
  while (rows.step()) {
    const auto on = link(rows.text(0), rows.text(1));
    auto taken = wire::decode_trace(rows.blob(2));
    if (!on || !taken) continue;
    PathEvidence evidence{.link = *on, .now = *std::move(taken), .before = std::nullopt};
    if (auto before = wire::decode_trace(rows.blob(3))) evidence.before = *std::move(before);
    out.push_back(std::move(evidence));
  }
  return out;
}

void IncidentLog::save(const Incident& incident) {
  std::string metrics;
  std::string links;
  std::string alternatives;
  std::string evidence;
  std::string timeline;
  for (const Metric metric : incident.metrics) metrics += fmt::format("{}\n", name(metric));
  for (const Link& on : incident.links) links += fmt::format("{} {}\n", on.from.str(), on.to.str());
  for (const Alternative& other : incident.alternatives)
    alternatives += fmt::format("{} {}\n", millionths(other.confidence), as_text(other.cause));
  for (const LinkEvidence& one : incident.evidence)
    evidence += fmt::format("{} {} {} {}\n", one.link.from.str(), one.link.to.str(), name(one.metric), one.value);
  if (!incident.measurer.empty()) evidence += fmt::format("{} {}\n", measurer_mark, incident.measurer);
  for (const Moment& moment : incident.timeline) timeline += fmt::format("{} {}\n", to_ns(moment.at), moment.text);

  std::string patterns;
  for (const PatternSeen& seen : incident.patterns) patterns += fmt::format("{} {}\n", name(seen.pattern), seen.text);

  Transaction transaction(*database_);
  Statement insert = database_->prepare(
      "INSERT OR REPLACE INTO incidents VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13, ?14, ?15, ?16, "
      "?17, ?18, ?19)");
  const Cause& kind = incident.cause;
  int at = 0;
  for (const std::string_view text : {std::string_view(incident.id), name(kind.kind), std::string_view(kind.site.str()),
                                      std::string_view(kind.link.from.str()), std::string_view(kind.link.to.str()),
                                      std::string_view(kind.name), std::string_view(metrics), name(incident.severity)})
    insert.bind(++at, text);
  for (const std::int64_t value :
       {to_ns(incident.started_at), incident.ended_at ? to_ns(*incident.ended_at) : std::int64_t{0},
        millionths(incident.confidence), static_cast<std::int64_t>(incident.reopened)})
    insert.bind(++at, value);
  for (const std::string_view text :
       {std::string_view(incident.summary), std::string_view(incident.runbook), std::string_view(links),
        std::string_view(alternatives), std::string_view(evidence), std::string_view(timeline),
        std::string_view(patterns)})
    insert.bind(++at, text);
  insert.run();
  save_paths(incident);
  Statement forget = database_->prepare(
      "DELETE FROM incidents WHERE ended_at > 0 AND id NOT IN "
      "(SELECT id FROM incidents WHERE ended_at > 0 ORDER BY ended_at DESC LIMIT ?1)");
  forget.bind(1, static_cast<std::int64_t>(kept));
  forget.run();
  database_->run("DELETE FROM evidence WHERE incident NOT IN (SELECT id FROM incidents)");
  transaction.commit();
}

std::vector<Incident> IncidentLog::load(std::size_t closed) {
  std::vector<Incident> out;
  const auto read_all = [&](Statement rows) {
    while (rows.step())
      if (auto incident = read(rows)) {
        incident->paths = paths_of(incident->id);
        out.push_back(*std::move(incident));
      }
  };
  read_all(database_->prepare("SELECT * FROM incidents WHERE ended_at = 0"));
  Statement others = database_->prepare("SELECT * FROM incidents WHERE ended_at > 0 ORDER BY ended_at DESC LIMIT ?1");
  others.bind(1, static_cast<std::int64_t>(closed));
  read_all(std::move(others));
  return out;
}

std::vector<Incident> IncidentLog::at(SharedTime at) {
  Statement rows =
      database_->prepare("SELECT * FROM incidents WHERE started_at <= ?1 AND (ended_at = 0 OR ended_at > ?1)");
  rows.bind(1, to_ns(at));
  std::vector<Incident> out;
  while (rows.step())
    if (auto incident = read(rows)) out.push_back(*std::move(incident));
  return out;
}

Expected<std::vector<Incident>> incidents_at(const std::filesystem::path& store, SharedTime at) {
  try {
    const Database database(store, Database::Use::read);
    return IncidentLog(database).at(at);
  } catch (const StoreError& error) {
    return fail(error.what());
  }
}

}  // namespace sonde::store
