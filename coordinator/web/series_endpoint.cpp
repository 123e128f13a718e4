#include <fmt/format.h>

#include <nlohmann/json.hpp>

#include <algorithm>
#include <cmath>
#include <optional>
#include <utility>
#include <vector>

#include "coordinator/web/csv.h"
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
  Format format = Format::json;

  [[nodiscard]] Response csv(std::string table, std::string_view what) const {
    return csv_response(std::move(table),
                        fmt::format("{}-{}-{}-{}", link.from.str(), link.to.str(), name(metric), what));
  }
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

/// A window cut into equal steps, the newest of which ends with it.
class Steps {
 public:
  /// What is kept as minutes or hours only cannot be drawn more finely, so `step` is the least length.
  Steps(const LinkWindow& query, nanoseconds step) : at_(query.at) {
    const RollLevel finest = query.history->finest(query.at - query.window);
    step_ = std::max(step, span_of(finest));
    level_ = std::max(finest, level_for(step_));
    count_ = (query.window + step_ - nanoseconds(1)) / step_;
  }
  [[nodiscard]] nanoseconds step() const { return step_; }
  [[nodiscard]] RollLevel level() const { return level_; }
  [[nodiscard]] std::size_t count() const { return static_cast<std::size_t>(count_); }
  /// A minute or an hour counts in the step in which it ends.
  [[nodiscard]] std::size_t step_of(SharedTime end) const {
    return static_cast<std::size_t>(count_ - 1 - std::clamp<std::int64_t>((at_ - end) / step_, 0, count_ - 1));
  }
  [[nodiscard]] SharedTime end_of(std::size_t k) const {
    return at_ - (count_ - 1 - static_cast<std::int64_t>(k)) * step_;
  }
  void describe(Json& json) const {
    json["step_s"] = seconds(step_);
    json["level"] = name(level_);
  }

 private:
  SharedTime at_;
  nanoseconds step_{};
  RollLevel level_ = RollLevel::raw;
  std::int64_t count_ = 0;
};

Response series_answer(const LinkWindow& query, nanoseconds step) {
  const Steps steps(query, step);
  std::vector<RollUp> rolls(steps.count());
  query.history->roll_ups(query.rolls(steps.level()), [&](const SiteId&, SharedTime end, const RollUp& roll) {
    rolls[steps.step_of(end)].merge(roll);
  });
  Json list = Json::array();
  for (std::size_t k = 0; k < rolls.size(); ++k)
    list.push_back(point_json(rolls[k], query.metric, steps.step(), steps.end_of(k)));
  if (query.format == Format::csv)
    return query.csv(csv_of(list, {"start", "count", "p5", "p50", "p95", "mean", "min", "max"}), "series");
  Json json = query.head();
  steps.describe(json);
  json["points"] = std::move(list);
  return json_response(json);
}

Json buckets_json(const Distribution& all, double raw) {
  Json buckets = Json::array();
  if (all.zeros() > 0) buckets.push_back(Json{{"low", 0.0}, {"high", 0.0}, {"count", all.zeros()}});
  for (const auto& [index, count] : all.buckets())
    buckets.push_back(Json{{"low", std::pow(Distribution::gamma, index - 1) / raw},
                           {"high", std::pow(Distribution::gamma, index) / raw},
                           {"count", count}});
  return buckets;
}

/// Which of the whole window's buckets have how many samples of this step: [[place, count], ...].
Json places_json(const Distribution& part, const Distribution& all) {
  Json places = Json::array();
  const std::size_t zero = all.zeros() > 0 ? 1 : 0;
  if (part.zeros() > 0) places.push_back(Json::array({0, part.zeros()}));
  for (const auto& [index, count] : part.buckets()) {
    const auto found = std::ranges::lower_bound(all.buckets(), index, {}, &Distribution::Bucket::first);
    places.push_back(Json::array({zero + static_cast<std::size_t>(found - all.buckets().begin()), count}));
  }
  return places;
}

/// A row for each bucket of each step that has something in it.
Json course_rows(const std::vector<Distribution>& parts, const Steps& steps, double raw) {
  Json rows = Json::array();
  for (std::size_t k = 0; k < parts.size(); ++k)
    for (Json& bucket : buckets_json(parts[k], raw)) {
      Json row{{"start", time(steps.end_of(k) - steps.step())}};
      row.update(bucket);
      rows.push_back(std::move(row));
    }
  return rows;
}

/// All samples of the window, and with a step those of each: the results' distributions merged, or the results' values.
Response histogram_answer(const LinkWindow& query, std::optional<nanoseconds> step) {
  const std::optional<Steps> steps = step ? std::optional<Steps>(std::in_place, query, *step) : std::nullopt;
  Distribution all;
  std::vector<Distribution> parts(steps ? steps->count() : 0);
  query.history->roll_ups(query.rolls(steps ? steps->level() : RollLevel::hour),
                          [&](const SiteId&, SharedTime end, const RollUp& roll) {
                            const MetricRoll* found = roll.find(query.metric);
                            if (found == nullptr) return;
                            all.merge(found->samples);
                            if (steps) parts[steps->step_of(end)].merge(found->samples);
                          });
  const double raw = raw_per_unit(query.metric);
  if (query.format == Format::csv)
    return query.csv(steps ? csv_of(course_rows(parts, *steps, raw), {"start", "low", "high", "count"})
                           : csv_of(buckets_json(all, raw), {"low", "high", "count"}),
                     "histogram");
  Json json = query.head();
  json["count"] = all.count();
  json["min"] = all.empty() ? Json() : number(static_cast<double>(all.min()) / raw);
  json["max"] = all.empty() ? Json() : number(static_cast<double>(all.max()) / raw);
  json["buckets"] = buckets_json(all, raw);
  if (!steps) return json_response(json);
  steps->describe(json);
  Json list = Json::array();
  for (std::size_t k = 0; k < parts.size(); ++k)
    list.push_back(Json{{"start", time(steps->end_of(k) - steps->step())},
                        {"count", parts[k].count()},
                        {"places", places_json(parts[k], all)}});
  json["steps"] = std::move(list);
  return json_response(json);
}

/// Reads what both endpoints share; `refuse` covers a window that holds too much.
LinkWindow link_window(Parameters& parameters, const Link& link, const Sources& sources) {
  LinkWindow query{
      sources.history, sources.mesh.name,      link, parameters.metric(), parameters.window(std::chrono::hours(1)),
      parameters.at(), take_format(parameters)};
  const double results = expected_rolls(sources, info(query.metric).probe, query.window, link);
  if (results > history_results_limit)
    parameters.refuse(400, fmt::format("window: holds about {:.0f} results, at most {:.0f} are read at once; ask for a "
                                       "shorter window",
                                       results, history_results_limit));
  return query;
}

/// A 120th of the window where none is given.
nanoseconds step_of(Parameters& parameters, const LinkWindow& query, std::optional<nanoseconds> given) {
  const nanoseconds shortest = std::chrono::seconds(1);
  const nanoseconds step = given.value_or(std::max(shortest, query.window / points_by_default));
  if (query.window / step >= points_limit)
    parameters.refuse(400, fmt::format("step: gives more than {} points; ask for a longer one", points_limit));
  return step;
}

}  // namespace

Response series_endpoint(const Link& link, const Target& target, const Sources& sources) {
  Parameters parameters(target, sources.now);
  LinkWindow query = link_window(parameters, link, sources);
  const nanoseconds step = step_of(parameters, query, parameters.duration("step"));
  if (auto problem = parameters.problem()) return std::move(*problem);
  if (query.history == nullptr) return no_store_response();
  return deferred_response([query = std::move(query), step] { return series_answer(query, step); });
}

Response histogram_endpoint(const Link& link, const Target& target, const Sources& sources) {
  Parameters parameters(target, sources.now);
  LinkWindow query = link_window(parameters, link, sources);
  std::optional<nanoseconds> step = parameters.duration("step");
  if (step) step = step_of(parameters, query, step);
  if (auto problem = parameters.problem()) return std::move(*problem);
  if (query.history == nullptr) return no_store_response();
  return deferred_response([query = std::move(query), step] { return histogram_answer(query, step); });
}

}  // namespace sonde::web
