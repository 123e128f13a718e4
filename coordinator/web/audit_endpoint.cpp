#include <fmt/format.h>

#include <nlohmann/json.hpp>

#include <unordered_map>
#include <utility>

#include "coordinator/core/audit.h"
#include "coordinator/web/endpoints.h"
#include "coordinator/web/json.h"

namespace sonde::web {
namespace {

constexpr std::size_t runs_at_once = 1000;

struct AuditJob {
  Mesh mesh;
  Timetable timetable;
  std::shared_ptr<HistoryReader> history;
  Probe probe;
  SharedTime since;
  SharedTime until;
  std::unordered_map<Link, nanoseconds> usual;

  Response operator()() const {
    ResultFilter filter;
    filter.since = since;
    filter.until = until;
    filter.probe = probe;
    const auto cursor = history->open(filter);
    std::vector<AuditedRun> runs;
    for (auto some = cursor->next(runs_at_once); !some.empty(); some = cursor->next(runs_at_once))
      for (const Result& result : some) runs.push_back(audited(result));
    return answer(audit(probe, runs, mesh, timetable, since, until, usual));
  }

  Response answer(const Audit& audit) const {
    Json outcomes = Json::object();
    for (const auto& [outcome, count] : audit.outcomes) outcomes[std::string(name(outcome))] = count;
    Json errors{{"p50", nullptr}, {"p99", nullptr}, {"max", nullptr}};
    if (audit.start_error)
      errors = Json{{"p50", audit.start_error->p50}, {"p99", audit.start_error->p99}, {"max", audit.start_error->max}};
    const auto optional = [](const std::optional<std::uint64_t>& count) { return count ? Json(*count) : Json(); };
    Json sites = Json::object();
    for (const auto& [site, use] : audit.of_site)
      sites[site.str()] = Json{{"measured", use.measured}, {"planned", use.planned}};
    Json uplinks = Json::object();
    for (const auto& [uplink, use] : audit.of_uplink)
      uplinks[uplink] = Json{{"measured", use.measured}, {"planned", use.planned}};
    return json_response(Json{{"probe", name(probe)},
                              {"runs", audit.runs},
                              {"overlaps", optional(audit.overlaps)},
                              {"overlaps_within_clock_error", optional(audit.overlaps_within_clock_error)},
                              {"missed", audit.missed()},
                              {"busy", audit.busy},
                              {"skipped", audit.skipped},
                              {"unreported", audit.unreported},
                              {"start_error_s", std::move(errors)},
                              {"clock_error_s", seconds(audit.clock_error)},
                              {"outcomes", std::move(outcomes)},
                              {"utilisation", std::move(sites)},
                              {"uplinks", std::move(uplinks)},
                              {"since", time(since)},
                              {"until", time(until)},
                              {"generation", timetable.generation.number}});
  }
};

}  // namespace

Response audit_endpoint(const Target& target, const Sources& sources) {
  Parameters parameters(target, sources.now);
  const Probe probe = parameters.probe("probe").value_or(Probe::throughput);
  const nanoseconds window = parameters.window(std::chrono::hours(24));
  const SharedTime at = parameters.at();
  if (auto problem = parameters.problem()) return std::move(*problem);
  if (sources.history == nullptr) return no_store_response();
  const double results = expected_results(sources, probe, window);
  if (results > history_results_limit)
    return error_response(400,
                          fmt::format("window: holds about {:.0f} runs, at most {:.0f} are audited at once; ask for a "
                                      "shorter window",
                                      results, history_results_limit));
  AuditJob job{sources.mesh, sources.timetable, sources.history, probe, at - window, at, {}};
  if (sources.lengths != nullptr) job.usual = sources.lengths->usual();
  return deferred_response(std::move(job));
}

}  // namespace sonde::web
