// A small mesh with known contents, for the tests of the web room.
#pragma once

#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "coordinator/web/api.h"

namespace sonde::web::test {

inline const SiteId berlin = SiteId::known("berlin");
inline const SiteId athens = SiteId::known("athens");
inline const SiteId router = SiteId::known("edge-router");

inline SharedTime at_second(std::int64_t second) { return shared_from_ns(second * 1'000'000'000); }
inline constexpr std::int64_t present = 1'700'000'000;

/// A latency result of 10 s that finished at `second`, `samples` round trips of `rtt_ns`.
inline Result latency_result(const SiteId& from, const SiteId& to, std::uint64_t seq, std::int64_t second,
                             std::int64_t rtt_ns, std::uint64_t samples = 50) {
  Result result;
  result.id = {from, 7, seq};
  result.to = to;
  result.probe = Probe::latency;
  result.scheduled_at = at_second(second - 10);
  result.started_at = at_second(second - 10);
  result.finished_at = at_second(second);
  Distribution rtt;
  rtt.add(rtt_ns, samples);
  result.distributions.push_back({Metric::rtt, rtt});
  result.ratios.push_back({Metric::loss_rtt, 1, samples + 1});
  return result;
}

inline Result throughput_result(const SiteId& from, const SiteId& to, std::uint64_t seq, std::int64_t scheduled,
                                double started_after_s, double lasted_s) {
  Result result;
  result.id = {from, 7, seq};
  result.to = to;
  result.probe = Probe::throughput;
  result.scheduled_at = at_second(scheduled);
  result.started_at = at_second(scheduled) + from_seconds(started_after_s);
  result.finished_at = *result.started_at + from_seconds(lasted_s);
  result.values.push_back({Metric::throughput, 94.1e6});
  return result;
}

/// A history in memory.
class FakeHistory : public HistoryReader {
 public:
  std::vector<Result> results;
  std::size_t taken_at_most = 0;  ///< largest piece that was asked for

  std::vector<Result> link_results(const Link& link, Probe probe, SharedTime since, SharedTime until) override {
    std::vector<Result> found;
    for (const Result& result : results)
      if (result.link() == link && result.probe == probe && result.finished_at > since && result.finished_at <= until)
        found.push_back(result);
    return found;
  }

  std::vector<Result> site_results(const SiteId& from, Metric metric, SharedTime since, SharedTime until) override {
    std::vector<Result> found;
    for (const Result& result : results)
      if (result.id.from == from && result.probe == info(metric).probe && result.finished_at > since &&
          result.finished_at <= until)
        found.push_back(result);
    return found;
  }

  void roll_ups(const RollQuery& query, const EachRoll& each) override {
    for (const Result& result : results) {
      const bool wanted = result.id.from == query.from && (!query.to || result.to == *query.to) &&
                          result.probe == query.probe && result.finished_at > query.since &&
                          result.finished_at <= query.until;
      if (!wanted) continue;
      RollUp roll;
      roll.add(reading_of(result));
      each(result.to, result.finished_at, std::move(roll));
    }
  }
  Windows windows(std::span<const RollQuery> queries) override {
    Windows windows;
    for (const RollQuery& query : queries) {
      auto& window = windows.emplace_back();
      roll_ups(query, [&](const SiteId& to, SharedTime, const RollUp& roll) { window[to].merge(roll); });
    }
    return windows;
  }
  void roll_ups_before(const RollQuery& query, const EachRoll& each) override {
    RollQuery before = query;
    before.since = SharedTime::min();
    before.until = query.since;
    roll_ups(before, each);
  }
  std::vector<Incident> incidents;
  std::vector<Incident> incidents_at(SharedTime at) override {
    std::vector<Incident> found;
    for (const Incident& one : incidents)
      if (one.started_at <= at && (one.open() || *one.ended_at > at)) found.push_back(one);
    return found;
  }
  RollLevel level = RollLevel::raw;  ///< what is kept
  RollLevel finest(SharedTime) override { return level; }

  std::optional<SharedTime> finished_at(const RunId& id) override {
    for (const Result& result : results)
      if (result.id == id) return result.finished_at;
    return std::nullopt;
  }
  std::unique_ptr<ResultCursor> open(const ResultFilter& filter) override {
    auto cursor = std::make_unique<Cursor>();
    for (const Result& result : results) {
      if (filter.after && std::pair(result.finished_at, result.id) <= *filter.after) continue;
      if (filter.since && result.finished_at < *filter.since) continue;
      if (filter.until && result.finished_at >= *filter.until) continue;
      if (filter.from && result.id.from != *filter.from) continue;
      if (filter.to && result.to != *filter.to) continue;
      if (filter.probe && result.probe != *filter.probe) continue;
      if (filter.limit && cursor->results.size() >= *filter.limit) break;
      cursor->results.push_back(result);
    }
    return cursor;
  }

 private:
  struct Cursor : ResultCursor {
    std::vector<Result> results;
    std::size_t next_index = 0;
    std::vector<Result> next(std::size_t count) override {
      std::vector<Result> some;
      for (; some.size() < count && next_index < results.size(); ++next_index) some.push_back(results[next_index]);
      return some;
    }
  };
};

/// berlin and athens have agents and were heard just now; edge-router is a column only.
struct World {
  Mesh mesh;
  Timetable timetable;
  Matrix matrix;
  AgentStatuses agents;
  Counters counters;
  RunAudit audit;
  std::shared_ptr<FakeHistory> history = std::make_shared<FakeHistory>();
  SharedTime now = at_second(present);
  MonoTime mono = mono_from_ns(1'000'000'000'000);

  World() {
    mesh.name = "europe";
    for (const SiteId& site : {berlin, athens, router}) {
      SiteSpec spec;
      spec.site = site;
      spec.addresses = {"192.0.2.10"};
      spec.has_agent = site != router;
      mesh.sites.push_back(spec);
    }
    mesh.sites[0].location = Location{52.52, 13.40};
    mesh.sites[1].location = Location{37.98, 23.73};
    timetable.generation = {3};
    timetable.policy = mesh.policy;
    timetable.throughput_every = std::chrono::hours(1);
    matrix.set_mesh(mesh);
    matrix.set_throughput_intervals(timetable);
    for (const SiteId& site : {berlin, athens}) hear(site);
  }

  void hear(const SiteId& site) {
    agents[site].last_heard = now;
    agents[site].hello.agent_version = "1.2.3";
    matrix.on_heard(site, now);
  }
  void add(const Result& result) {
    matrix.on_result(result);
    history->results.push_back(result);
  }

  Sources sources() const {
    return {mesh, timetable, matrix, agents, counters, history, now, mono, true, true, "0.1.0", nullptr, {}, &audit};
  }
  /// The answer, with what is deferred carried out.
  Response ask(const std::string& target, const std::string& method = "GET") const {
    Response response = handle(Request{method, target, {}}, sources());
    while (auto* deferred = std::get_if<Deferred>(&response.body)) {
      Deferred job = std::move(*deferred);
      response = job();
    }
    return response;
  }
  std::string body(const std::string& target) const { return std::get<std::string>(ask(target).body); }
};

}  // namespace sonde::web::test
