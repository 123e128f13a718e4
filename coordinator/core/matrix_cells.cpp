// What the live matrix answers; what it holds changes in matrix.cpp.
#include <algorithm>
#include <utility>

#include "coordinator/core/link_rules.h"
#include "coordinator/core/matrix.h"
#include "coordinator/core/roster.h"
#include "shared/base/error.h"

namespace sonde {
namespace {

constexpr std::array<std::string_view, 9> cell_state_names{"none",  "paused",   "agent_silent", "never", "down",
                                                           "stale", "unsynced", "degraded",     "ok"};

// Bits of measured_: a probe's own, its loaded half, and that all of them are known.
constexpr std::uint8_t measured_known = 0x80;
std::uint8_t measured_bit(Metric metric) {
  const auto probe = static_cast<unsigned>(info(metric).probe);
  static_assert(probe_count == 4, "four bits for probes, two for what is loaded of the first two");
  return static_cast<std::uint8_t>(1U << (is_loaded(metric) ? probe_count + probe : probe));
}

constexpr std::array metrics_that_differ{Metric::rtt,        Metric::connect,           Metric::throughput,
                                         Metric::rtt_loaded, Metric::throughput_duplex, Metric::connect_loaded};

Cell no_cell() {
  Cell cell;
  cell.state = CellState::none;
  return cell;
}

std::optional<double> age(SharedTime newest, SharedTime at) {
  return newest == SeriesFacts::never ? std::nullopt : std::optional(to_seconds(at - newest));
}

}  // namespace

std::string_view name(CellState state) { return cell_state_names.at(static_cast<std::size_t>(state)); }

bool is_measured(const Mesh& mesh, const Link& link, Metric metric) {
  return is_measured(mesh, mesh.site(link.from), mesh.site(link.to), metric);
}

bool is_measured(const Mesh& mesh, const SiteSpec* from, const SiteSpec* to, Metric metric) {
  if (from == nullptr || to == nullptr || from->site == to->site) return false;
  const Probe probe = info(metric).probe;
  if (probe == Probe::throughput || probe == Probe::duplex)
    return mesh.policy.throughput && has_throughput(mesh, *from, *to);
  if (!from->has_agent || !to->inbound || !terms_of(mesh, *from, *to).measured) return false;
  if (is_loaded(metric) && (!mesh.policy.throughput || !to->has_agent)) return false;
  switch (probe) {
    case Probe::latency: return mesh.policy.latency.has_value();
    case Probe::connect: return mesh.policy.connect.has_value() && (to->has_agent || to->connect.has_value());
    case Probe::throughput:
    case Probe::duplex: break;
  }
  return false;
}

bool Matrix::measured(std::size_t at, Metric metric) const {
  const std::size_t size = mesh_.sites.size();
  if (measured_.empty()) measured_.resize(size * size);
  std::uint8_t& bits = measured_[at];
  if ((bits & measured_known) == 0) {
    bits = measured_known;
    for (const Metric each : metrics_that_differ)
      if (is_measured(mesh_, &mesh_.sites[at / size], &mesh_.sites[at % size], each)) bits |= measured_bit(each);
  }
  return (bits & measured_bit(metric)) != 0;
}

bool Matrix::is_silent(std::size_t site, SharedTime at) const {
  if (heard_[site]) return at - *heard_[site] >= agent_silence;
  return began_ && at - *began_ >= agent_silence;
}

nanoseconds Matrix::stale_after(Metric metric, std::size_t at) const {
  const Policy& policy = mesh_.policy;
  // What is measured during throughput runs comes as often as they do.
  switch (is_loaded(metric) ? Probe::throughput : info(metric).probe) {
    case Probe::latency: return policy.latency ? 3 * policy.latency->every + policy.latency->timeout : nanoseconds{0};
    case Probe::connect: return policy.connect ? 3 * policy.connect->every + policy.connect->timeout : nanoseconds{0};
    case Probe::duplex: return nanoseconds::max();  // only on demand
    case Probe::throughput: break;
  }
  if (!policy.throughput) return nanoseconds{0};
  if (!own_throughput_every_at_.empty())
    if (const auto own = own_throughput_every_at_.find(at); own != own_throughput_every_at_.end())
      return 3 * own->second + policy.throughput->run_max_duration();
  const nanoseconds configured = policy.throughput->every.value_or(std::chrono::hours(1));
  return 3 * std::max(throughput_every_, configured) + policy.throughput->run_max_duration();
}

CellState Matrix::state(const SeriesFacts& facts, std::size_t at, const CellQuery& query, bool silent) const {
  if (!measured(at, query.metric)) return CellState::none;
  // Nobody waits for what nobody has asked for.
  if (query.metric == Metric::throughput_duplex && facts.evidence == SeriesFacts::never && !facts.tried)
    return CellState::none;
  if (!paused_at_.empty() && paused_at_.contains(at)) return CellState::paused;
  if (silent) return CellState::agent_silent;
  if (!facts.idle_evidence) return CellState::never;
  // Without a run there is nothing to find under load, so its absence is no failure.
  if (!is_loaded(query.metric) && facts.down) return CellState::down;
  if (query.at - facts.evidence > stale_after(query.metric, at)) return CellState::stale;
  if (facts.unsynced) return CellState::unsynced;
  if (degraded_at_.empty()) return CellState::ok;
  const auto degraded = degraded_at_.find(at);
  return degraded != degraded_at_.end() && (degraded->second & mask_of(query.metric)) != 0 ? CellState::degraded
                                                                                           : CellState::ok;
}

Cell Matrix::cell_from(const WindowValue& window, const SeriesFacts& facts, std::size_t at, const CellQuery& query,
                       bool silent) const {
  return {.value = window.value,
          .count = window.count,
          .age_s = age(facts.source, query.at),
          .error_s = window.error_s,
          .state = state(facts, at, query, silent)};
}

Cell Matrix::cell_from(const Series& series, const Link& link, const CellQuery& query) const {
  const WindowValue window = aggregate(series.readings(), query);
  const SeriesFacts facts = series.facts(query.metric, query.at);
  if (const auto place = place_of(link))
    return cell_from(window, facts, index(*place), query, is_silent(place->from, query.at));
  return {.value = window.value,
          .count = window.count,
          .age_s = age(facts.source, query.at),
          .error_s = window.error_s,
          .state = CellState::none};
}

Cell Matrix::live_cell(Column* column, std::size_t at, const CellQuery& query, bool silent) const {
  static const Series nothing;
  if (column != nullptr) {
    renew(*column, at, query.at);
    const Kept& kept = column->cells[at];
    return cell_from(kept.window.value(), kept.facts, at, query, silent);
  }
  const Series* found = series(at, info(query.metric).probe);
  const Series& known = found != nullptr ? *found : nothing;
  return cell_from(aggregate(known.readings(), query), known.facts(query.metric, query.at), at, query, silent);
}

Cell Matrix::cell(const Link& link, const CellQuery& query) const {
  const auto place = place_of(link);
  if (!place) return no_cell();
  return live_cell(column_of(query), index(*place), query, is_silent(place->from, query.at));
}

void Matrix::each_cell(const CellQuery& query, const EachCell& each) const {
  Column* column = column_of(query);
  if (column == nullptr && can_keep(query)) column = &new_column(query);
  for (std::size_t from = 0; from < mesh_.sites.size(); ++from) {
    if (!mesh_.sites[from].has_agent) continue;
    const bool silent = is_silent(from, query.at);
    for (std::size_t to = 0; to < mesh_.sites.size(); ++to)
      if (to != from) each(from, to, live_cell(column, index({from, to}), query, silent));
  }
}

void Matrix::each_state(Metric metric, SharedTime at, const EachState& each) const {
  static const Series nothing;
  const CellQuery query{.metric = metric, .at = at};
  const auto same = [&](const auto& column) { return column->query.metric == metric && column->query.at <= at; };
  const auto column = std::ranges::find_if(columns_, same);
  for (std::size_t from = 0; from < mesh_.sites.size(); ++from) {
    if (!mesh_.sites[from].has_agent) continue;
    const bool silent = is_silent(from, at);
    for (std::size_t to = 0; to < mesh_.sites.size(); ++to) {
      if (to == from) continue;
      const std::size_t place = index({from, to});
      if (column != columns_.end() && (*column)->cells[place].settled) {
        each(from, to, state((*column)->cells[place].facts, place, query, silent));
        continue;
      }
      const Series* found = series(place, info(metric).probe);
      each(from, to, state((found != nullptr ? *found : nothing).facts(metric, at), place, query, silent));
    }
  }
}

bool Matrix::can_keep(const CellQuery& query) const {
  return KeptWindow::can_keep(query.metric, query.stat) && query.window <= reach && (!now_ || query.at >= *now_);
}

Matrix::Column* Matrix::column_of(const CellQuery& query) const {
  for (const auto& column : columns_) {
    const CellQuery& kept = column->query;
    if (kept.metric != query.metric || kept.stat != query.stat || kept.window != query.window) continue;
    if (query.at < kept.at) return nullptr;
    column->query.at = column->asked_at = query.at;
    return column.get();
  }
  return nullptr;
}

Matrix::Column& Matrix::new_column(const CellQuery& query) const {
  const auto spare = [](const auto& column) { return !column->for_ever; };
  if (static_cast<std::size_t>(std::ranges::count_if(columns_, spare)) >= columns_kept) {
    const auto asked = [](const auto& column) { return column->for_ever ? SharedTime::max() : column->asked_at; };
    columns_.erase(std::ranges::min_element(columns_, {}, asked));
  }
  auto column = std::make_unique<Column>();
  column->query = query;
  column->asked_at = query.at;
  column->cells.resize(mesh_.sites.size() * mesh_.sites.size());
  columns_.push_back(std::move(column));
  return *columns_.back();
}

void Matrix::keep(const CellQuery& query) {
  Column* known = column_of(query);
  (known != nullptr ? *known : new_column(query)).for_ever = true;
}

void Matrix::renew(Column& column, std::size_t at, SharedTime until) const {
  const CellQuery& query = column.query;
  const Series* found = series(at, info(query.metric).probe);
  if (found == nullptr) return;
  Kept& kept = column.cells[at];
  kept.window.advance(until, found->readings(), query);
  if (kept.settled) return;
  kept.facts = found->facts(query.metric, until);
  kept.settled = kept.facts.last <= until;
}

Cell Matrix::cell_of(const Link& link, const CellQuery& query, const std::vector<const Result*>& results) const {
  Series from_store;
  for (const Result* result : results) {
    SONDE_ASSERT(result->link() == link);
    if (result->probe == info(query.metric).probe) from_store.insert(reading_of(*result));
  }
  if (const auto place = place_of(link))
    if (const Series* live = series(index(*place), info(query.metric).probe)) from_store.saw(*live, query.at);
  return cell_from(from_store, link, query);
}

Cell Matrix::cell_of(const Link& link, const CellQuery& query, const RollUp& window, const RollUp& before) const {
  RollUp state_of = before.without_values();
  state_of.merge(window.without_values());
  Series series;
  series.insert_earlier(state_of);
  const auto place = place_of(link);
  if (!place) return no_cell();
  return cell_from(window.value(query.metric, query.stat), series.facts(query.metric, query.at), index(*place), query,
                   is_silent(place->from, query.at));
}

bool Matrix::reaches(const CellQuery& query, SharedTime now) const {
  const SharedTime begin = query.at - query.window;
  return begin >= now - reach && (!complete_from_ || begin >= *complete_from_);
}

std::size_t Matrix::readings() const {
  std::size_t sum = 0;
  for (const LiveLink& link : links_)
    for (const auto& series : link.series) sum += series ? series->readings().size() : 0;
  return sum;
}

}  // namespace sonde
