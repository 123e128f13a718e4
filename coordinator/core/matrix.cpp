#include "coordinator/core/matrix.h"

#include <algorithm>
#include <ranges>

#include "coordinator/core/link_rules.h"
#include "coordinator/core/roster.h"
#include "shared/base/error.h"

namespace sonde {
namespace {

constexpr std::array<std::string_view, 9> state_names{"none",  "paused",   "agent_silent", "never", "down",
                                                      "stale", "unsynced", "degraded",     "ok"};
constexpr std::size_t failures_that_mean_down = 2;

/// The bits that show that a run did what it could for this metric: a delay that the clocks hide is no failure, nor is
/// a rate where the byte budget was gone within a few reads.
MetricMask evidence_for(Metric metric) {
  if (is_loaded(metric)) return mask_of(source_of(metric));
  const bool rate = info(metric).unit == "bit/s";
  return mask_of(metric) | only_loaded | (metric == Metric::delay ? delay_hidden : 0) | (rate ? rate_hidden : 0);
}

}  // namespace

std::string_view name(CellState state) { return state_names.at(static_cast<std::size_t>(state)); }

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

void Matrix::Series::saw(MetricMask mask, SharedTime finished_at) {
  const auto known = std::ranges::find(newest, mask, &std::pair<MetricMask, SharedTime>::first);
  if (known == newest.end())
    newest.emplace_back(mask, finished_at);
  else
    known->second = std::max(known->second, finished_at);
}

void Matrix::Series::insert_earlier(const RollUp& roll) {
  for (const auto& [mask, finished_at] : roll.newest()) saw(mask, finished_at);
  for (const RollUp::Tried& run : roll.tried()) {
    const auto same = [&run](const Reading& reading) {
      return reading.finished_at == run.finished_at && reading.brings == run.brings;
    };
    if (std::ranges::any_of(readings, same)) continue;
    Reading reading;
    reading.started_at = run.finished_at;
    reading.finished_at = run.finished_at;
    reading.brings = run.brings;
    insert(std::move(reading));
  }
}

void Matrix::Series::insert(Reading reading) {
  for (MetricMask left = reading.brings; left != 0; left &= left - 1) saw(left & (~left + 1), reading.finished_at);
  if (reading.tried()) ++tried;
  auto place = readings.end();
  while (place != readings.begin() && std::prev(place)->finished_at > reading.finished_at) --place;
  readings.insert(place, std::move(reading));
}

void Matrix::Series::drop_oldest() {
  if (readings.front().tried()) --tried;
  readings.pop_front();
}

void Matrix::Series::drop_before(SharedTime limit) {
  while (!readings.empty() && readings.front().finished_at < limit &&
         (!readings.front().tried() || tried > failures_that_mean_down))
    drop_oldest();
}

std::optional<SharedTime> Matrix::Series::newest_with(MetricMask any_of, SharedTime at) const {
  std::optional<SharedTime> found;
  bool later_exist = false;
  for (const auto& [mask, finished_at] : newest) {
    if ((mask & any_of) == 0) continue;
    if (finished_at > at)
      later_exist = true;
    else if (!found || *found < finished_at)
      found = finished_at;
  }
  if (!later_exist) return found;
  for (const Reading& reading : std::views::reverse(readings)) {
    if (reading.finished_at > at || !reading.has(any_of)) continue;
    return found ? std::max(*found, reading.finished_at) : reading.finished_at;
  }
  return found;
}

bool Matrix::Series::down(MetricMask wanted, SharedTime at) const {
  std::size_t failures = 0;
  for (const Reading& reading : std::views::reverse(readings)) {
    if (reading.finished_at > at || !reading.tried()) continue;
    if (reading.has(wanted)) return false;
    if (++failures == failures_that_mean_down) return true;
  }
  return false;
}

void Matrix::set_mesh(const Mesh& mesh) {
  mesh_ = mesh;
  places_.clear();
  for (std::size_t place = 0; place < mesh_.sites.size(); ++place) places_.emplace(mesh_.sites[place].site, place);
  const auto& sites = places_;
  std::erase_if(
      links_, [&](const auto& entry) { return !sites.contains(entry.first.from) || !sites.contains(entry.first.to); });
  std::erase_if(degraded_, [&](const auto& entry) {
    return !sites.contains(entry.first.from) || !sites.contains(entry.first.to);
  });
  std::erase_if(heard_, [&](const auto& entry) { return !sites.contains(entry.first); });
  std::erase_if(silent_, [&](const auto& entry) { return !sites.contains(entry.first); });
  std::erase_if(changed_, [&](const Link& link) { return !sites.contains(link.from) || !sites.contains(link.to); });
}

void Matrix::set_throughput_intervals(const Timetable& timetable) {
  throughput_every_ = timetable.throughput_every;
  own_throughput_every_.clear();
  for (const ThroughputSlot& slot : timetable.slots)
    if (slot.every > nanoseconds(0)) own_throughput_every_.emplace(slot.link, slot.every);
}

void Matrix::set_paused(std::unordered_set<Link> links) { paused_ = std::move(links); }

void Matrix::set_degraded(const std::unordered_map<Link, std::vector<Metric>>& metrics) {
  std::unordered_map<Link, MetricMask> degraded;
  for (const auto& [link, those] : metrics)
    for (const Metric metric : those) degraded[link] |= mask_of(metric);
  for (const auto& [link, mask] : degraded)
    if (const auto before = degraded_.find(link); before == degraded_.end() || before->second != mask)
      changed_.insert(link);
  for (const auto& [link, mask] : degraded_)
    if (!degraded.contains(link)) changed_.insert(link);
  degraded_ = std::move(degraded);
}

void Matrix::on_heard(const SiteId& site, SharedTime now) {
  if (!places_.contains(site)) return;
  auto& heard = heard_.try_emplace(site, now).first->second;
  heard = std::max(heard, now);
}

void Matrix::on_result(const Result& result) {
  if (!places_.contains(result.id.from) || !places_.contains(result.to)) return;
  Series& series = links_[result.link()].at(static_cast<std::size_t>(result.probe));
  series.insert(reading_of(result));
  changed_.insert(result.link());
  if (series.readings.size() <= readings_per_series) return;
  const SharedTime gone = series.readings.front().finished_at;
  complete_from_ = complete_from_ ? std::max(*complete_from_, gone) : gone;
  series.drop_oldest();
  ++over_limit_;
}

void Matrix::tick(SharedTime now) {
  if (!began_) began_ = now;
  for (auto& [link, history] : links_)
    for (Series& series : history) series.drop_before(now - reach);
  for (const SiteSpec& spec : mesh_.sites) {
    const bool silent = spec.has_agent && is_silent(spec.site, now);
    if (std::exchange(silent_[spec.site], silent) == silent) continue;
    for (const SiteSpec& other : mesh_.sites)
      if (other.site != spec.site) changed_.insert({spec.site, other.site});
  }
}

const SiteSpec* Matrix::spec(const SiteId& site) const {
  const auto at = places_.find(site);
  return at == places_.end() ? nullptr : &mesh_.sites[at->second];
}

const Matrix::Series* Matrix::series(const Link& link, Probe probe) const {
  const auto found = links_.find(link);
  return found == links_.end() ? nullptr : &found->second.at(static_cast<std::size_t>(probe));
}

bool Matrix::is_silent(const SiteId& site, SharedTime at) const {
  const auto heard = heard_.find(site);
  if (heard != heard_.end()) return at - heard->second >= agent_silence;
  return began_ && at - *began_ >= agent_silence;
}

nanoseconds Matrix::stale_after(Metric metric, const Link& link) const {
  const Policy& policy = mesh_.policy;
  // What is measured during throughput runs comes as often as they do.
  switch (is_loaded(metric) ? Probe::throughput : info(metric).probe) {
    case Probe::latency: return policy.latency ? 3 * policy.latency->every + policy.latency->timeout : nanoseconds{0};
    case Probe::connect: return policy.connect ? 3 * policy.connect->every + policy.connect->timeout : nanoseconds{0};
    case Probe::duplex: return nanoseconds::max();  // only on demand
    case Probe::throughput: break;
  }
  if (!policy.throughput) return nanoseconds{0};
  if (const auto own = own_throughput_every_.find(link); own != own_throughput_every_.end())
    return 3 * own->second + policy.throughput->run_max_duration();
  const nanoseconds configured = policy.throughput->every.value_or(std::chrono::hours(1));
  return 3 * std::max(throughput_every_, configured) + policy.throughput->run_max_duration();
}

CellState Matrix::state(const Series& series, const Link& link, const CellQuery& query) const {
  const MetricMask wanted = evidence_for(query.metric);
  if (!is_measured(mesh_, spec(link.from), spec(link.to), query.metric)) return CellState::none;
  // Nobody waits for what nobody has asked for.
  if (query.metric == Metric::throughput_duplex && !series.newest_with(wanted, query.at) && series.tried == 0)
    return CellState::none;
  if (paused_.contains(link)) return CellState::paused;
  if (is_silent(link.from, query.at)) return CellState::agent_silent;
  const auto newest = series.newest_with(wanted, query.at);
  if (!series.newest_with(wanted & ~only_loaded, query.at)) return CellState::never;
  // Without a run there is nothing to find under load, so its absence is no failure.
  if (!is_loaded(query.metric) && series.down(wanted, query.at)) return CellState::down;
  if (query.at - *newest > stale_after(query.metric, link)) return CellState::stale;
  if (query.metric == Metric::delay && series.newest_with(mask_of(query.metric) | only_loaded, query.at) != newest)
    return CellState::unsynced;
  const auto degraded = degraded_.find(link);
  return degraded != degraded_.end() && (degraded->second & mask_of(query.metric)) != 0 ? CellState::degraded
                                                                                        : CellState::ok;
}

Cell Matrix::cell_from(const Series& series, const Link& link, const CellQuery& query) const {
  const WindowValue window = aggregate(series.readings, query);
  Cell cell{.value = window.value, .count = window.count, .age_s = {}, .error_s = window.error_s};
  if (const auto newest = series.newest_with(mask_of(source_of(query.metric)), query.at))
    cell.age_s = to_seconds(query.at - *newest);
  cell.state = state(series, link, query);
  return cell;
}

Cell Matrix::cell(const Link& link, const CellQuery& query) const {
  static const Series nothing;
  const Series* found = series(link, info(query.metric).probe);
  return cell_from(found != nullptr ? *found : nothing, link, query);
}

Cell Matrix::cell_of(const Link& link, const CellQuery& query, const std::vector<const Result*>& results) const {
  Series from_store;
  for (const Result* result : results) {
    SONDE_ASSERT(result->link() == link);
    if (result->probe == info(query.metric).probe) from_store.insert(reading_of(*result));
  }
  if (const Series* live = series(link, info(query.metric).probe)) {
    for (const auto& known : live->newest)
      if (known.second <= query.at) from_store.newest.push_back(known);
  }
  return cell_from(from_store, link, query);
}

Cell Matrix::cell_of(const Link& link, const CellQuery& query, const RollUp& window, const RollUp& before) const {
  RollUp state_of = before.without_values();
  state_of.merge(window.without_values());
  Series series;
  series.insert_earlier(state_of);
  const WindowValue value = window.value(query.metric, query.stat);
  Cell cell{.value = value.value, .count = value.count, .age_s = {}, .error_s = value.error_s};
  if (const auto newest = series.newest_with(mask_of(source_of(query.metric)), query.at))
    cell.age_s = to_seconds(query.at - *newest);
  cell.state = state(series, link, query);
  return cell;
}

void Matrix::on_earlier(const Link& link, Probe probe, const RollUp& roll) {
  if (mesh_.site(link.from) == nullptr || mesh_.site(link.to) == nullptr) return;
  Series& series = links_[link].at(static_cast<std::size_t>(probe));
  for (const auto& [mask, finished_at] : roll.newest()) series.saw(mask, finished_at);
  // Runs that the series holds itself are newer or the same; older ones matter where it holds too few.
  if (series.tried >= failures_that_mean_down) return;
  RollUp::Parts runs;
  runs.tried = roll.tried();
  if (!series.readings.empty())
    std::erase_if(runs.tried,
                  [&](const RollUp::Tried& run) { return run.finished_at >= series.readings.front().finished_at; });
  if (const auto older = RollUp::restore(std::move(runs))) series.insert_earlier(*older);
}

bool Matrix::reaches(const CellQuery& query, SharedTime now) const {
  const SharedTime begin = query.at - query.window;
  return begin >= now - reach && (!complete_from_ || begin >= *complete_from_);
}

std::vector<Link> Matrix::take_changed() {
  std::vector<Link> changed(changed_.begin(), changed_.end());
  changed_.clear();
  return changed;
}

std::size_t Matrix::readings() const {
  std::size_t sum = 0;
  for (const auto& [link, history] : links_)
    for (const Series& series : history) sum += series.readings.size();
  return sum;
}

}  // namespace sonde
