// Results made by hand, for the tests of the coordinator.
#pragma once

#include <initializer_list>
#include <string_view>
#include <utility>
#include <vector>

#include "coordinator/core/mesh.h"
#include "shared/measure/result.h"

namespace sonde::test {

/// 2026-11-20T12:00:00Z and so many seconds.
inline SharedTime at_s(double seconds) { return shared_from_ns(1'795'176'000'000'000'000) + from_seconds(seconds); }

inline Result make_result(std::uint64_t seq, Probe probe, double finished_s, Outcome outcome = Outcome::ok,
                          std::string_view from = "berlin", std::string_view to = "athens") {
  Result result;
  result.id = {SiteId::known(from), 77, seq};
  result.to = SiteId::known(to);
  result.probe = probe;
  result.outcome = outcome;
  result.scheduled_at = at_s(finished_s - 10);
  if (outcome != Outcome::skipped && outcome != Outcome::busy) result.started_at = at_s(finished_s - 10);
  result.finished_at = at_s(finished_s);
  return result;
}

/// A latency result whose samples of `metric` are given in milliseconds.
inline Result latency_result(std::uint64_t seq, double finished_s, const std::vector<double>& samples_ms,
                             Metric metric = Metric::rtt) {
  Result result = make_result(seq, Probe::latency, finished_s);
  Distribution samples;
  for (const double ms : samples_ms) samples.add(from_seconds(ms / 1e3).count());
  result.distributions.push_back({metric, samples});
  return result;
}

inline Result with_ratio(Result result, Metric metric, std::uint64_t hits, std::uint64_t tries) {
  result.ratios.push_back({metric, hits, tries});
  return result;
}

inline Result with_value(Result result, Metric metric, double value) {
  result.values.push_back({metric, value});
  return result;
}

inline std::vector<const Result*> pointers(const std::vector<Result>& results) {
  std::vector<const Result*> found;
  for (const Result& result : results) found.push_back(&result);
  return found;
}

/// berlin, athens and gdansk with agents, and a reflector without a TCP port.
inline Mesh make_mesh() {
  Mesh mesh;
  mesh.name = "test";
  for (const char* name : {"berlin", "athens", "gdansk"}) {
    SiteSpec site;
    site.site = SiteId::known(name);
    mesh.sites.push_back(site);
  }
  SiteSpec router;
  router.site = SiteId::known("edge-router");
  router.has_agent = false;
  mesh.sites.push_back(router);
  return mesh;
}

}  // namespace sonde::test
