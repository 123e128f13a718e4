#include <algorithm>
#include <utility>

#include "coordinator/web/endpoints.h"

namespace sonde::web {

std::vector<Link> links_of(const Mesh& mesh) {
  std::vector<Link> links;
  links.reserve(mesh.sites.size() * mesh.sites.size());
  for (const SiteSpec& from : mesh.sites) {
    if (!from.has_agent) continue;
    for (const SiteSpec& to : mesh.sites)
      if (from.site != to.site) links.push_back({from.site, to.site});
  }
  return links;
}

namespace {

/// At least one: what was measured before the window may have finished in it.
double results_in(nanoseconds window, nanoseconds every) {
  return every.count() > 0 ? std::max(1.0, to_seconds(window) / to_seconds(every)) : 0;
}

double throughput_results(const Timetable& timetable, nanoseconds window, const Link* link) {
  double sum = 0;
  for (const ThroughputSlot& slot : timetable.slots)
    if (link == nullptr || slot.link == *link) sum += results_in(window, timetable.interval(slot));
  return sum;
}

double results_of(const Sources& sources, Probe probe, nanoseconds window, const Link* link) {
  const Policy& policy = sources.mesh.policy;
  const auto links = static_cast<double>(link != nullptr ? 1 : links_of(sources.mesh).size());
  switch (probe) {
    case Probe::latency: return policy.latency ? links * results_in(window, policy.latency->every) : 0;
    case Probe::connect: return policy.connect ? links * results_in(window, policy.connect->every) : 0;
    case Probe::throughput: return policy.throughput ? throughput_results(sources.timetable, window, link) : 0;
    case Probe::duplex: break;  // only on demand
  }
  return 0;
}

/// Hours, and minutes at both ends.
double rolls_of_link(nanoseconds window) {
  constexpr double edges = 120;
  return to_seconds(window) / to_seconds(span_of(RollLevel::hour)) + edges;
}

}  // namespace

double expected_results(const Sources& sources, Probe probe, nanoseconds window) {
  return results_of(sources, probe, window, nullptr);
}

double expected_results(const Sources& sources, Probe probe, nanoseconds window, const Link& link) {
  return results_of(sources, probe, window, &link);
}

double expected_rolls(const Sources& sources, Probe probe, nanoseconds window) {
  const auto links = static_cast<double>(links_of(sources.mesh).size());
  return std::min(links * rolls_of_link(window), expected_results(sources, probe, window));
}

double expected_rolls(const Sources& sources, Probe probe, nanoseconds window, const Link& link) {
  return std::min(rolls_of_link(window), expected_results(sources, probe, window, link));
}

namespace {

/// Of how many sites windows are read at once: enough for every processor, and little in memory.
constexpr std::size_t sites_read_at_once = 8;
/// Of how many links of a site what came before a window is read one by one.
constexpr std::size_t links_read_singly = 4;

/// Whether a rule is raised is the last thing that a state depends on.
Cell corrected(Cell cell, const Link& link, Metric metric, const DegradedLinks& degraded) {
  if (cell.state != CellState::ok && cell.state != CellState::degraded) return cell;
  const auto found = degraded.find(link);
  const bool was = found != degraded.end() && std::ranges::find(found->second, metric) != found->second.end();
  cell.state = was ? CellState::degraded : CellState::ok;
  return cell;
}

}  // namespace

PresentMatrix::PresentMatrix(const Sources& sources, SharedTime at) : mesh_(sources.mesh), matrix_(sources.matrix) {
  if (at < sources.now && sources.incidents != nullptr) then_ = degraded_at(at, sources.incidents->list());
}

Cell PresentMatrix::cell(const Link& link, const CellQuery& query) const {
  const Cell cell = matrix_.cell(link, query);
  return then_ ? corrected(cell, link, query.metric, *then_) : cell;
}

void PresentMatrix::each_cell(const CellQuery& query, const Matrix::EachCell& each) const {
  if (!then_) return matrix_.each_cell(query, each);
  matrix_.each_cell(query, [&](std::size_t from, std::size_t to, const Cell& cell) {
    each(from, to, corrected(cell, {mesh_.sites[from].site, mesh_.sites[to].site}, query.metric, *then_));
  });
}

HistoricMatrix::HistoricMatrix(const Sources& sources, const std::optional<Link>& only)
    : mesh_(sources.mesh), history_(sources.history), one_link_(only.has_value()) {
  matrix_.set_mesh(mesh_);
  matrix_.set_throughput_intervals(sources.timetable);
  for (const auto& [site, status] : sources.agents)
    if (status.last_heard) matrix_.on_heard(site, *status.last_heard);
  matrix_.tick(sources.now - agent_silence);  // so that one who was never heard counts as silent now
}

std::optional<std::string> HistoricMatrix::problem(const CellQuery& query) const {
  if (query.stat != Stat::ewma || history_->finest(query.at - query.window) == RollLevel::raw) return std::nullopt;
  return "stat: ewma goes over single results, which are not kept for that long; ask for a later instant, a shorter "
         "window or another stat";
}

RollQuery HistoricMatrix::roll_query(const Link& link, const CellQuery& query) const {
  MetricMask metrics = mask_of(query.metric) | mask_of(source_of(query.metric));
  if (query.metric == Metric::rtt_loaded_ratio) metrics |= mask_of(Metric::rtt);
  return {.from = link.from,
          .to = one_link_ ? std::optional(link.to) : std::nullopt,
          .probe = info(query.metric).probe,
          .metrics = one_link_ ? ~MetricMask{0} : metrics,
          .since = query.at - query.window,
          .until = query.at};
}

HistoricMatrix::Known& HistoricMatrix::known(const Link& link, const CellQuery& query) const {
  const RollQuery wanted = roll_query(link, query);
  const Key key(wanted.to, wanted.probe, wanted.metrics, query.at, query.window);
  const auto found = known_.find(link.from);
  if (loaded_ == key && found != known_.end()) return found->second;
  loaded_.reset();
  known_.clear();
  std::vector<RollQuery> queries{wanted};
  auto site = std::ranges::find(mesh_.sites, link.from, &SiteSpec::site);
  for (; site != mesh_.sites.end() && !one_link_ && queries.size() < sites_read_at_once; ++site) {
    if (!site->has_agent || site->site == link.from) continue;
    queries.push_back(wanted);
    queries.back().from = site->site;
  }
  HistoryReader::Windows windows = history_->windows(queries);
  for (std::size_t i = 0; i < queries.size(); ++i) known_[queries[i].from].windows = std::move(windows.at(i));
  loaded_ = key;
  return known_[link.from];
}

const RollUp& HistoricMatrix::before(Known& known, const Link& link, const CellQuery& query) const {
  const auto found = known.before.find(link.to);
  if (found != known.before.end()) return found->second;
  if (!known.all_before) {
    RollQuery wanted = roll_query(link, query);
    // One link by itself takes far less than all of a site, but not many of them.
    known.all_before = known.before.size() >= links_read_singly;
    if (known.all_before)
      known.before.clear();  // or their runs would be there twice
    else
      wanted.to = link.to;
    history_->roll_ups_before(wanted, [&](const SiteId& to, SharedTime, const RollUp& roll) {
      known.before[to].merge(roll.without_values());
    });
  }
  return known.before[link.to];
}

void HistoricMatrix::load_degraded(SharedTime at) const {
  if (degraded_as_of_ == at) return;
  degraded_as_of_ = at;
  const std::vector<Incident> incidents = history_->incidents_at(at);
  std::vector<const Incident*> pointers;
  for (const Incident& incident : incidents) pointers.push_back(&incident);
  degraded_ = degraded_at(at, pointers);
}

Cell HistoricMatrix::cell(const Link& link, const CellQuery& query) const {
  load_degraded(query.at);
  return corrected(as_it_was(link, query), link, query.metric, degraded_);
}

void HistoricMatrix::each_cell(const CellQuery& query, const Matrix::EachCell& each) const {
  for (std::size_t from = 0; from < mesh_.sites.size(); ++from) {
    if (!mesh_.sites[from].has_agent) continue;
    for (std::size_t to = 0; to < mesh_.sites.size(); ++to)
      if (to != from) each(from, to, cell({mesh_.sites[from].site, mesh_.sites[to].site}, query));
  }
}

Cell HistoricMatrix::as_it_was(const Link& link, const CellQuery& query) const {
  if (query.stat == Stat::ewma) return cell_of_results(link, query);
  static const RollUp nothing;
  Known& site = known(link, query);
  const auto found = site.windows.find(link.to);
  const RollUp& window = found != site.windows.end() ? found->second : nothing;
  const auto brought = [&](const RollUp::Newest& each) { return each.first == mask_of(source_of(query.metric)); };
  const bool says_all = window.tried().size() == RollUp::tried_kept && std::ranges::any_of(window.newest(), brought);
  return matrix_.cell_of(link, query, window, says_all ? nothing : before(site, link, query));
}

Cell HistoricMatrix::cell_of_results(const Link& link, const CellQuery& query) const {
  const std::tuple key(link.from, query.metric, query.at, query.window);
  if (!results_loaded_ || *results_loaded_ != key) {
    results_.clear();
    for (Result& result : history_->site_results(link.from, query.metric, query.at - query.window, query.at))
      results_[result.to].push_back(std::move(result));
    results_loaded_ = key;
  }
  std::vector<const Result*> pointers;
  for (const Result& result : results_[link.to]) pointers.push_back(&result);
  return matrix_.cell_of(link, query, pointers);
}

}  // namespace sonde::web
