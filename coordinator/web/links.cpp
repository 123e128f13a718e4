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

}  // namespace

double expected_results(const Sources& sources, Probe probe, nanoseconds window) {
  return results_of(sources, probe, window, nullptr);
}

double expected_results(const Sources& sources, Probe probe, nanoseconds window, const Link& link) {
  return results_of(sources, probe, window, &link);
}

HistoricMatrix::HistoricMatrix(const Sources& sources) : mesh_(sources.mesh), history_(sources.history) {
  matrix_.set_mesh(mesh_);
  matrix_.set_throughput_intervals(sources.timetable);
  for (const auto& [site, status] : sources.agents)
    if (status.last_heard) matrix_.on_heard(site, *status.last_heard);
  matrix_.tick(sources.now - agent_silence);  // so that one who was never heard counts as silent now
}

Cell HistoricMatrix::cell(const Link& link, const CellQuery& query) const {
  const std::tuple key(link.from, query.metric, query.at, query.window);
  if (!loaded_ || *loaded_ != key) {
    results_.clear();
    for (Result& result : history_->site_results(link.from, query.metric, query.at - query.window, query.at))
      results_[result.to].push_back(std::move(result));
    loaded_ = key;
  }
  std::vector<const Result*> pointers;
  for (const Result& result : results_[link.to]) pointers.push_back(&result);
  return matrix_.cell_of(link, query, pointers);
}

}  // namespace sonde::web
