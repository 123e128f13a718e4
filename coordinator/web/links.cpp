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

double expected_results(const Policy& policy, Probe probe, nanoseconds throughput_every, std::size_t links,
                        nanoseconds window) {
  nanoseconds every{0};
  switch (probe) {
    case Probe::latency: every = policy.latency ? policy.latency->every : nanoseconds(0); break;
    case Probe::connect: every = policy.connect ? policy.connect->every : nanoseconds(0); break;
    case Probe::throughput: every = policy.throughput ? throughput_every : nanoseconds(0); break;
    case Probe::duplex: break;  // only on demand
  }
  if (every.count() <= 0) return 0;
  return static_cast<double>(links) * std::max(1.0, to_seconds(window) / to_seconds(every));
}

HistoricMatrix::HistoricMatrix(const Sources& sources) : mesh_(sources.mesh), history_(sources.history) {
  matrix_.set_mesh(mesh_);
  matrix_.set_throughput_every(sources.timetable.throughput_every);
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
