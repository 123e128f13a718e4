#include "coordinator/store/series_table.h"

#include <algorithm>

#include "shared/base/error.h"

namespace sonde::store {

std::int64_t SeriesTable::make_site(const SiteId& site) {
  const auto known = site_ids_.find(site);
  if (known != site_ids_.end()) return known->second;
  Statement add = database_->prepare("INSERT OR IGNORE INTO sites (name) VALUES (?)");
  add.bind(1, site.str());
  add.run();
  refresh();
  return site_ids_.at(site);
}

SeriesId SeriesTable::make_series(const Link& link, Probe probe) {
  const SeriesId known = series_ids_[link].at(static_cast<std::size_t>(probe));
  if (known != 0) return known;
  Statement add = database_->prepare("INSERT OR IGNORE INTO series (from_site, to_site, probe) VALUES (?, ?, ?)");
  add.bind(1, link.from.str());
  add.bind(2, link.to.str());
  add.bind(3, static_cast<std::int64_t>(probe));
  add.run();
  refresh();
  const SeriesId made = series_ids_[link].at(static_cast<std::size_t>(probe));
  SONDE_ASSERT(made != 0);
  return made;
}

void SeriesTable::forget() {
  site_ids_.clear();
  site_names_.clear();
  series_ids_.clear();
  series_names_.clear();
  last_site_ = 0;
  last_series_ = 0;
}

void SeriesTable::refresh() {
  Statement sites = database_->prepare("SELECT id, name FROM sites WHERE id > ?");
  sites.bind(1, last_site_);
  while (sites.step()) {
    last_site_ = std::max(last_site_, sites.integer(0));
    const auto site = SiteId::parse(sites.text(1));
    if (!site) continue;
    site_ids_.emplace(*site, sites.integer(0));
    site_names_.emplace(sites.integer(0), *site);
  }
  Statement rows = database_->prepare("SELECT id, from_site, to_site, probe FROM series WHERE id > ?");
  rows.bind(1, last_series_);
  while (rows.step()) {
    last_series_ = std::max(last_series_, rows.integer(0));
    const auto from = SiteId::parse(rows.text(1));
    const auto to = SiteId::parse(rows.text(2));
    const auto probe = static_cast<std::uint64_t>(rows.integer(3));
    if (!from || !to || probe >= probe_count) continue;
    series_ids_[{*from, *to}].at(probe) = rows.integer(0);
    series_names_[rows.integer(0)] = {{*from, *to}, static_cast<Probe>(probe)};
  }
}

std::optional<std::int64_t> SeriesTable::site(const SiteId& site) const {
  const auto known = site_ids_.find(site);
  return known == site_ids_.end() ? std::nullopt : std::optional(known->second);
}

const SeriesName* SeriesTable::name(SeriesId series) const {
  const auto known = series_names_.find(series);
  return known == series_names_.end() ? nullptr : &known->second;
}

std::size_t SeriesTable::count(const SiteId& from, Probe probe) const {
  return static_cast<std::size_t>(std::ranges::count_if(
      series_names_, [&](const auto& entry) { return entry.second.link.from == from && entry.second.probe == probe; }));
}

std::vector<SeriesId> SeriesTable::series_of(const SiteId& from, const std::optional<SiteId>& to, Probe probe) const {
  std::vector<SeriesId> found;
  for (const auto& [id, name] : series_names_)
    if (name.probe == probe && name.link.from == from && (!to || name.link.to == *to)) found.push_back(id);
  std::ranges::sort(found);
  return found;
}

bool SeriesTable::complete(SeriesResult& row) const {
  const SeriesName* series = name(row.series);
  if (series == nullptr) return false;
  row.result.id.from = series->link.from;
  row.result.to = series->link.to;
  row.result.probe = series->probe;
  return true;
}

}  // namespace sonde::store
