// One function for each endpoint. Only for this room's .cpp files and their tests.
#pragma once

#include <map>
#include <memory>
#include <optional>
#include <string>
#include <tuple>
#include <unordered_map>
#include <vector>

#include "coordinator/web/parameters.h"
#include "coordinator/web/request.h"
#include "coordinator/web/response.h"
#include "coordinator/web/sources.h"

namespace sonde::web {

Response matrix_endpoint(const Target& target, const Sources& sources);
Response sites_endpoint(const Target& target, const Sources& sources);
Response timetable_endpoint(const Target& target, const Sources& sources);
Response audit_endpoint(const Target& target, const Sources& sources);
Response incidents_endpoint(const Target& target, const Sources& sources);
/// /api/v1/incidents/ID
Response incident_endpoint(std::string_view id, const Target& target, const Sources& sources);
/// POST acknowledges, DELETE takes it back: /api/v1/incidents/ID/acknowledge
Response acknowledge_endpoint(std::string_view id, const Request& request, const Target& target,
                              const Sources& sources);
/// /api/v1/silences: those that are known, newest first, and the maintenance windows; with `id` the one.
Response silences_endpoint(const Target& target, const Sources& sources);
Response silence_endpoint(std::string_view id, const Target& target, const Sources& sources);
/// POST /api/v1/silences, DELETE /api/v1/silences/ID
Response add_silence_endpoint(const Request& request, const Target& target, const Sources& sources);
Response end_silence_endpoint(std::string_view id, const Request& request, const Target& target,
                              const Sources& sources);
/// The body of /api/v1/incidents, also the data of an `incidents` event: open ones first.
std::string incidents_text(const Sources& sources, std::optional<bool> open);
Response results_endpoint(const Target& target, const Sources& sources);
/// /api/v1/report: what a stretch of time held for each direction, and what stands out.
Response report_endpoint(const Target& target, const Sources& sources);
Response events_endpoint(const Target& target, const Sources& sources);
Response openapi_endpoint(const Target& target, const Sources& sources);
Response prometheus_endpoint(const Target& target, const Sources& sources);
Response health_endpoint(const Target& target, const Sources& sources);
Response ready_endpoint(const Target& target, const Sources& sources);
/// /api/v1/probes: the runs on demand, newest first; with `id` the one.
Response probes_endpoint(const Target& target, const Sources& sources);
Response probe_endpoint(std::string_view id, const Target& target, const Sources& sources);
/// POST /api/v1/probes: asks for a run.
Response ask_probe_endpoint(const Request& request, const Target& target, const Sources& sources);
/// A run on demand as the API shows it.
std::string demand_text(const DemandRun& run, SharedTime now);

/// /api/v1/links/FROM/TO, and below it /series and /histogram.
Response link_endpoint(const Link& link, const Target& target, const Sources& sources);
Response series_endpoint(const Link& link, const Target& target, const Sources& sources);
Response histogram_endpoint(const Link& link, const Target& target, const Sources& sources);

/// /api/v1/links/FROM/TO/profile: the hours of the week.
Response profile_endpoint(const Link& link, const Target& target, const Sources& sources);
/// /api/v1/detours: the best way through a third site, for each pair.
Response detours_endpoint(const Target& target, const Sources& sources);
Response explain_endpoint(const Link& link, const Target& target, const Sources& sources);
Response path_endpoint(const Link& link, const Target& target, const Sources& sources);

/// The body of /api/v1/sites, also the data of a `sites` event.
std::string sites_text(const Sources& sources);

/// What the site's agent is: "ok", "silent", "never" (not heard since the coordinator started), "no_agent".
std::string_view agent_state(const SiteSpec& site, const Sources& sources);

/// Every ordered pair of sites with an agent at `from`, in the order of the configuration.
std::vector<Link> links_of(const Mesh& mesh);

/// A cell of the live matrix; of an instant of the past its rules are those that were raised then.
class PresentMatrix {
 public:
  PresentMatrix(const Sources& sources, SharedTime at);
  Cell cell(const Link& link, const CellQuery& query) const;
  /// Matrix::each_cell
  void each_cell(const CellQuery& query, const Matrix::EachCell& each) const;

 private:
  const Mesh& mesh_;
  const Matrix& matrix_;
  std::optional<DegradedLinks> then_;  ///< nullopt: it is the present
};

/// Cells that the live matrix cannot reach: a matrix of its own, fed from the history; safe on another thread, for it
/// owns copies of all that it needs.
class HistoricMatrix {
 public:
  /// With `only` set it is asked for this link alone, for all of its metrics.
  explicit HistoricMatrix(const Sources& sources, const std::optional<Link>& only = {});
  Cell cell(const Link& link, const CellQuery& query) const;
  void each_cell(const CellQuery& query, const Matrix::EachCell& each) const;
  const Mesh& mesh() const { return mesh_; }
  /// What is wrong with asking for this: ewma goes over single results, which may be gone.
  std::optional<std::string> problem(const CellQuery& query) const;

 private:
  /// Of the links that begin at a site.
  struct Known {
    std::map<SiteId, RollUp> windows;
    std::map<SiteId, RollUp> before;  ///< only of links whose window does not say all
    bool all_before = false;          ///< `before` holds whatever there is
  };
  Cell cell_of_results(const Link& link, const CellQuery& query) const;
  RollQuery roll_query(const Link& link, const CellQuery& query) const;
  /// The site's links, and those of sites that will be asked for next.
  Known& known(const Link& link, const CellQuery& query) const;
  const RollUp& before(Known& known, const Link& link, const CellQuery& query) const;
  /// What was degraded then, as the incidents of then say.
  void load_degraded(SharedTime at) const;
  Cell as_it_was(const Link& link, const CellQuery& query) const;

  Mesh mesh_;
  Matrix matrix_;
  mutable std::optional<SharedTime> degraded_as_of_;
  mutable DegradedLinks degraded_;
  std::shared_ptr<HistoryReader> history_;
  bool one_link_ = false;
  // What was read last: cells are asked for row by row, and the links of a site are stored together.
  using Key = std::tuple<std::optional<SiteId>, Probe, MetricMask, SharedTime, nanoseconds>;
  mutable std::optional<Key> loaded_;
  mutable std::unordered_map<SiteId, Known> known_;  ///< by the site where the links begin
  mutable std::optional<std::tuple<SiteId, Metric, SharedTime, nanoseconds>> results_loaded_;
  mutable std::unordered_map<SiteId, std::vector<Result>> results_;
};

/// How many results a query may read from the history before it is refused as too large.
inline constexpr double history_results_limit = 5e6;
/// The same for one explanation, which keeps them all.
inline constexpr double explained_results_limit = 2e5;
/// How many results a window may hold by the policy and the links' own intervals: of the mesh, or of one link.
double expected_results(const Sources& sources, Probe probe, nanoseconds window);
double expected_results(const Sources& sources, Probe probe, nanoseconds window, const Link& link);
/// The same, where it is answered from roll-ups: minutes and hours count as one each.
double expected_rolls(const Sources& sources, Probe probe, nanoseconds window);
double expected_rolls(const Sources& sources, Probe probe, nanoseconds window, const Link& link);

}  // namespace sonde::web
