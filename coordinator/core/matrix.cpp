#include "coordinator/core/matrix.h"

#include <algorithm>
#include <utility>

namespace sonde {
namespace {

constexpr std::size_t parts_of_a_pass = 64;
constexpr std::size_t least_links_of_a_part = 20'000;

}  // namespace

std::optional<std::size_t> Matrix::place_of(const SiteId& site) const {
  const auto at = places_.find(site);
  return at == places_.end() ? std::nullopt : std::optional(at->second);
}

std::optional<Matrix::Place> Matrix::place_of(const Link& link) const {
  const auto from = place_of(link.from);
  const auto to = place_of(link.to);
  return from && to ? std::optional(Place{*from, *to}) : std::nullopt;
}

Link Matrix::link_at(std::size_t index) const {
  const std::size_t size = mesh_.sites.size();
  return {mesh_.sites[index / size].site, mesh_.sites[index % size].site};
}

void Matrix::set_mesh(const Mesh& mesh) {
  std::vector<std::size_t> old_places;
  old_places.reserve(mesh.sites.size());
  for (const SiteSpec& site : mesh.sites) old_places.push_back(place_of(site.site).value_or(SIZE_MAX));
  const std::size_t old_size = mesh_.sites.size();
  mesh_ = mesh;
  places_.clear();
  for (std::size_t place = 0; place < mesh_.sites.size(); ++place) places_.emplace(mesh_.sites[place].site, place);
  std::erase_if(degraded_, [&](const auto& entry) { return !place_of(entry.first); });
  move_links(old_places, old_size);
  derive_by_place();
}

void Matrix::move_links(const std::vector<std::size_t>& old_places, std::size_t old_size) {
  const std::size_t size = mesh_.sites.size();
  const auto move = [&]<typename T>(std::vector<T>& old, bool by_link) {
    std::vector<T> fresh(old.empty() ? 0 : by_link ? size * size : size);
    for (std::size_t from = 0; from < size && !old.empty(); ++from) {
      if (old_places[from] == SIZE_MAX) continue;
      if (!by_link) fresh[from] = std::move(old[old_places[from]]);
      for (std::size_t to = 0; by_link && to < size; ++to)
        if (old_places[to] != SIZE_MAX)
          fresh[from * size + to] = std::move(old[old_places[from] * old_size + old_places[to]]);
    }
    old = std::move(fresh);
  };
  move(heard_, false);
  move(silent_, false);
  heard_.resize(size);
  silent_.resize(size);
  move(links_, true);
  move(is_changed_, true);
  for (const auto& column : columns_) {
    move(column->cells, true);
    column->cells.resize(size * size);
  }
  changed_.clear();
  for (std::size_t at = 0; at < is_changed_.size(); ++at)
    if (is_changed_[at]) changed_.push_back(at);
  measured_.clear();
  next_to_expire_ = 0;
}

void Matrix::derive_by_place() {
  own_throughput_every_at_.clear();
  paused_at_.clear();
  degraded_at_.clear();
  for (const auto& [link, every] : own_throughput_every_)
    if (const auto place = place_of(link)) own_throughput_every_at_.emplace(index(*place), every);
  for (const Link& link : paused_)
    if (const auto place = place_of(link)) paused_at_.insert(index(*place));
  for (const auto& [link, mask] : degraded_)
    if (const auto place = place_of(link)) degraded_at_.emplace(index(*place), mask);
}

void Matrix::set_throughput_intervals(const Timetable& timetable) {
  throughput_every_ = timetable.throughput_every;
  own_throughput_every_.clear();
  for (const ThroughputSlot& slot : timetable.slots)
    if (slot.every > nanoseconds(0)) own_throughput_every_.emplace(slot.link, slot.every);
  derive_by_place();
}

void Matrix::set_paused(std::unordered_set<Link> links) {
  paused_ = std::move(links);
  derive_by_place();
}

void Matrix::set_degraded(const std::unordered_map<Link, std::vector<Metric>>& metrics) {
  std::unordered_map<Link, MetricMask> degraded;
  for (const auto& [link, those] : metrics)
    for (const Metric metric : those) degraded[link] |= mask_of(metric);
  const auto tell = [this](const Link& link) {
    if (const auto place = place_of(link)) changed(index(*place));
  };
  for (const auto& [link, mask] : degraded)
    if (const auto before = degraded_.find(link); before == degraded_.end() || before->second != mask) tell(link);
  for (const auto& [link, mask] : degraded_)
    if (!degraded.contains(link)) tell(link);
  degraded_ = std::move(degraded);
  derive_by_place();
}

void Matrix::changed(std::size_t at) {
  is_changed_.resize(mesh_.sites.size() * mesh_.sites.size());
  if (is_changed_[at]) return;
  is_changed_[at] = true;
  changed_.push_back(at);
}

std::vector<Link> Matrix::take_changed() {
  std::vector<Link> links;
  links.reserve(changed_.size());
  for (const std::size_t at : changed_) {
    links.push_back(link_at(at));
    is_changed_[at] = false;
  }
  changed_.clear();
  return links;
}

void Matrix::on_heard(const SiteId& site, SharedTime now) {
  const auto place = place_of(site);
  if (place) heard_[*place] = std::max(heard_[*place].value_or(now), now);
}

Series& Matrix::series_for(Place place, Probe probe) {
  if (links_.empty()) links_.resize(mesh_.sites.size() * mesh_.sites.size());
  auto& series = links_[index(place)].series.at(static_cast<std::size_t>(probe));
  if (!series) series = std::make_unique<Series>();
  return *series;
}

void Matrix::insert(Place place, Probe probe, Reading reading) {
  Series& series = series_for(place, probe);
  const Reading fresh = reading;
  series.insert(std::move(reading));
  for (const auto& column : columns_) {
    if (info(column->query.metric).probe != probe) continue;
    Kept& kept = column->cells[index(place)];
    kept.window.on_reading(fresh, series.readings(), column->query);
    kept.settled = false;
    renew(*column, index(place), column->query.at);
  }
  changed(index(place));
}

void Matrix::on_result(const Result& result) {
  const auto place = place_of(result.link());
  if (!place) return;
  insert(*place, result.probe, reading_of(result));
  const Series& series = series_for(*place, result.probe);
  if (series.readings().size() <= readings_per_series) return;
  const SharedTime gone = series.readings().front().finished_at;
  complete_from_ = complete_from_ ? std::max(*complete_from_, gone) : gone;
  drop_oldest(index(*place), result.probe);
  ++over_limit_;
}

void Matrix::on_earlier(const Link& link, Probe probe, const RollUp& roll) {
  const auto place = place_of(link);
  if (!place) return;
  Series& series = series_for(*place, probe);
  for (const auto& [mask, finished_at] : roll.newest()) series.saw(mask, finished_at);
  // Runs that the series holds itself are newer or the same; older ones matter where it holds too few.
  if (series.tried() < Series::failures_that_mean_down) {
    RollUp::Parts runs;
    runs.tried = roll.tried();
    if (!series.readings().empty()) {
      const SharedTime oldest = series.readings().front().finished_at;
      std::erase_if(runs.tried, [&](const RollUp::Tried& run) { return run.finished_at >= oldest; });
    }
    if (const auto older = RollUp::restore(std::move(runs))) series.insert_earlier(*older);
  }
  for (const auto& column : columns_)
    if (info(column->query.metric).probe == probe) column->cells[index(*place)].settled = false;
}

void Matrix::drop_oldest(std::size_t at, Probe probe) {
  Series& series = *links_[at].series.at(static_cast<std::size_t>(probe));
  for (const auto& column : columns_)
    if (info(column->query.metric).probe == probe)
      column->cells[at].window.on_drop(series.readings().front(), column->query);
  series.drop_oldest();
}

void Matrix::expire(std::size_t at, SharedTime limit) {
  for (std::size_t probe = 0; probe < probe_count; ++probe)
    if (const auto& series = links_[at].series.at(probe))
      while (series->droppable(limit) != nullptr) drop_oldest(at, static_cast<Probe>(probe));
}

void Matrix::tick(SharedTime now) {
  if (!began_) began_ = now;
  now_ = now;
  std::erase_if(columns_,
                [&](const auto& column) { return !column->for_ever && now - column->asked_at > column_kept_for; });
  for (const auto& column : columns_) {
    if (now < column->query.at) column->cells = std::vector<Kept>(column->cells.size());  // the clock was set back
    column->query.at = now;
  }
  const std::size_t part = std::max(least_links_of_a_part, links_.size() / parts_of_a_pass + 1);
  const std::size_t end = std::min(links_.size(), next_to_expire_ + part);
  for (std::size_t at = next_to_expire_; at < end; ++at) {
    for (const auto& column : columns_) renew(*column, at, now);
    expire(at, now - reach);
    measured(at, Metric::rtt);
  }
  next_to_expire_ = end == links_.size() ? 0 : end;
  for (std::size_t from = 0; from < mesh_.sites.size(); ++from) {
    const bool silent = mesh_.sites[from].has_agent && is_silent(from, now);
    if (silent_[from] == silent) continue;
    silent_[from] = silent;
    for (std::size_t to = 0; to < mesh_.sites.size(); ++to)
      if (to != from) changed(index({from, to}));
  }
}

}  // namespace sonde
