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

  RollQuery rolls(RollLevel coarsest) const {
    MetricMask metrics = mask_of(metric) | mask_of(source_of(metric));
    if (metric == Metric::rtt_loaded_ratio) metrics |= mask_of(Metric::rtt);
    return {.from = link.from,
            .to = link.to,
            .probe = info(metric).probe,
            .metrics = metrics,
            .since = at - window,
            .until = at,
            .coarsest = coarsest};
  }
  Json head() const {
    return Json{{"mesh", mesh},           {"from", link.from.str()},   {"to", link.to.str()},
                {"metric", name(metric)}, {"unit", info(metric).unit}, {"window_s", seconds(window)},
                {"at", time(at)}};
  }
};

Json point_json(const RollUp& roll, Metric metric, nanoseconds step, SharedTime end) {
  Json point{{"start", time(end - step)}, {"count", 0}};
  for (const Stat stat : series_stats) {
    const WindowValue value = roll.value(metric, stat);
    point["count"] = value.count;
    point[std::string(name(stat))] = number(value.value);
  }
  return point;
}

/// The coarsest level of which a step holds at least two.
RollLevel level_for(nanoseconds step) {
  for (const RollLevel level : {RollLevel::hour, RollLevel::minute})
    if (step >= 2 * span_of(level)) return level;
  return RollLevel::raw;
}

Response series_answer(const LinkWindow& query, nanoseconds step) {
  // What is kept as minutes or hours only cannot be drawn more finely.
  const RollLevel finest = query.history->finest(query.at - query.window);
  step = std::max(step, span_of(finest));
  const RollLevel level = std::max(finest, level_for(step));
  const auto points = (query.window + step - nanoseconds(1)) / step;
  std::vector<RollUp> rolls(static_cast<std::size_t>(points));
  query.history->roll_ups(query.rolls(level), [&](const SiteId&, SharedTime end, const RollUp& roll) {
    // A minute or an hour counts in the point in which it ends.
    const auto back = std::clamp<std::int64_t>((query.at - end) / step, 0, points - 1);
    rolls[static_cast<std::size_t>(points - 1 - back)].merge(roll);
  });
  Json list = Json::array();
  for (auto k = points - 1; k >= 0; --k)
    list.push_back(
        point_json(rolls[static_cast<std::size_t>(points - 1 - k)], query.metric, step, query.at - k * step));
  Json json = query.head();
  json["step_s"] = seconds(step);
  json["level"] = name(level);
  json["points"] = std::move(list);
  return json_response(json);
}

/// All samples of the window: the results' distributions merged, or the results' values as samples.
Distribution merged(const LinkWindow& query) {
  Distribution all;
  query.history->roll_ups(query.rolls(RollLevel::hour), [&](const SiteId&, SharedTime, const RollUp& roll) {
    if (const MetricRoll* found = roll.find(query.metric)) all.merge(found->samples);
  });
  return all;
}

Response histogram_answer(const LinkWindow& query) {
  const Distribution all = merged(query);
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
  const double results = expected_rolls(sources, info(query.metric).probe, query.window, link);
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
  if (query.history == nullptr) return no_store_response();
  return deferred_response([query = std::move(query), step] { return series_answer(query, step); });
}

Response histogram_endpoint(const Link& link, const Target& target, const Sources& sources) {
  Parameters parameters(target, sources.now);
  LinkWindow query = link_window(parameters, link, sources);
  if (auto problem = parameters.problem()) return std::move(*problem);
  if (query.history == nullptr) return no_store_response();
  return deferred_response([query = std::move(query)] { return histogram_answer(query); });
}

}  // namespace sonde::web
