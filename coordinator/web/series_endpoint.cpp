#include <fmt/format.h>

#include <nlohmann/json.hpp>

#include <algorithm>
#include <cmath>
#include <utility>

#include "coordinator/web/endpoints.h"
#include "coordinator/web/json.h"

namespace sonde::web {
namespace {

constexpr std::int64_t points_limit = 5000;
constexpr std::int64_t points_by_default = 120;
constexpr Stat series_stats[] = {Stat::p5, Stat::p50, Stat::p95, Stat::mean, Stat::min, Stat::max};

struct LinkWindow {
  std::shared_ptr<HistoryReader> history;
  std::string mesh;
  Link link;
  Metric metric;
  nanoseconds window;
  SharedTime at;

  /// Only those inside the window, which the reader puts two others in front of.
  std::vector<Result> read() const {
    auto results = history->link_results(link, info(metric).probe, at - window, at);
    std::erase_if(results, [&](const Result& r) { return r.finished_at <= at - window || r.finished_at > at; });
    return results;
  }
  Json head() const {
    return Json{{"mesh", mesh},           {"from", link.from.str()},   {"to", link.to.str()},
                {"metric", name(metric)}, {"unit", info(metric).unit}, {"window_s", seconds(window)},
                {"at", time(at)}};
  }
};

Json point_json(const std::vector<const Result*>& results, Metric metric, nanoseconds step, SharedTime end) {
  Json point{{"start", time(end - step)}, {"count", 0}};
  for (const Stat stat : series_stats) {
    const auto value = aggregate(results, CellQuery{metric, stat, step, end});
    point["count"] = value.count;
    point[std::string(name(stat))] = number(value.value);
  }
  return point;
}

Response series_answer(const LinkWindow& query, nanoseconds step) {
  const auto results = query.read();
  const auto points = (query.window + step - nanoseconds(1)) / step;
  Json list = Json::array();
  auto next = results.begin();
  for (auto k = points - 1; k >= 0; --k) {
    const SharedTime end = query.at - k * step;
    std::vector<const Result*> bucket;
    for (; next != results.end() && next->finished_at <= end; ++next) bucket.push_back(&*next);
    list.push_back(point_json(bucket, query.metric, step, end));
  }
  Json json = query.head();
  json["step_s"] = seconds(step);
  json["points"] = std::move(list);
  return json_response(json);
}

/// All samples of the window: the results' distributions merged, or the results' values as samples.
Distribution merged(const std::vector<Result>& results, Metric metric) {
  Distribution all;
  for (const Result& result : results) {
    const Reading reading = reading_of(result);
    if (const auto samples = distribution_in(reading, metric)) all.merge(*samples);
    if (const auto value = value_in(reading, metric)) all.add(*value);
    if (const auto ratio = ratio_in(reading, metric); ratio && ratio->tries > 0)
      all.add(
          std::llround(raw_per_unit(metric) * static_cast<double>(ratio->hits) / static_cast<double>(ratio->tries)));
  }
  return all;
}

Response histogram_answer(const LinkWindow& query) {
  const Distribution all = merged(query.read(), query.metric);
  const double raw = raw_per_unit(query.metric);
  Json buckets = Json::array();
  if (all.zeros() > 0) buckets.push_back(Json{{"low", 0.0}, {"high", 0.0}, {"count", all.zeros()}});
  for (const auto& [index, count] : all.buckets())
    buckets.push_back(Json{{"low", std::pow(Distribution::gamma, index - 1) / raw},
                           {"high", std::pow(Distribution::gamma, index) / raw},
                           {"count", count}});
  Json json = query.head();
  json["count"] = all.count();
  json["min"] = all.empty() ? Json() : number(static_cast<double>(all.min()) / raw);
  json["max"] = all.empty() ? Json() : number(static_cast<double>(all.max()) / raw);
  json["buckets"] = std::move(buckets);
  return json_response(json);
}

/// Reads what both endpoints share; `refuse` covers a window that holds too much.
LinkWindow link_window(Parameters& parameters, const Link& link, const Sources& sources) {
  LinkWindow query{
      sources.history, sources.mesh.name, link, parameters.metric(), parameters.window(std::chrono::hours(1)),
      parameters.at()};
  const double results = expected_results(sources, info(query.metric).probe, query.window, link);
  if (results > history_results_limit)
    parameters.refuse(400, fmt::format("window: holds about {:.0f} results, at most {:.0f} are read at once; ask for a "
                                       "shorter window",
                                       results, history_results_limit));
  return query;
}

}  // namespace

Response series_endpoint(const Link& link, const Target& target, const Sources& sources) {
  Parameters parameters(target, sources.now);
  LinkWindow query = link_window(parameters, link, sources);
  const nanoseconds shortest = std::chrono::seconds(1);
  const nanoseconds step = parameters.duration("step").value_or(std::max(shortest, query.window / points_by_default));
  if (query.window / step >= points_limit)
    parameters.refuse(400, fmt::format("step: gives more than {} points; ask for a longer one", points_limit));
  if (auto problem = parameters.problem()) return std::move(*problem);
  if (query.history == nullptr) return error_response(503, "no store is open; look at the coordinator's log");
  Response response;
  response.body = Deferred([query = std::move(query), step] { return series_answer(query, step); });
  return response;
}

Response histogram_endpoint(const Link& link, const Target& target, const Sources& sources) {
  Parameters parameters(target, sources.now);
  LinkWindow query = link_window(parameters, link, sources);
  if (auto problem = parameters.problem()) return std::move(*problem);
  if (query.history == nullptr) return error_response(503, "no store is open; look at the coordinator's log");
  Response response;
  response.body = Deferred([query = std::move(query)] { return histogram_answer(query); });
  return response;
}

}  // namespace sonde::web
