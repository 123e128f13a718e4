#include <fmt/format.h>

#include <nlohmann/json.hpp>

#include <array>
#include <utility>

#include "coordinator/web/csv.h"
#include "coordinator/web/endpoints.h"
#include "coordinator/web/json.h"

namespace sonde::web {
namespace {

constexpr std::int64_t hours_of_a_day = 24;
constexpr std::int64_t hours_of_a_week = 7 * hours_of_a_day;
constexpr Stat profile_stats[] = {Stat::p5, Stat::p50, Stat::p95, Stat::mean, Stat::min, Stat::max};
constexpr std::array<std::string_view, 7> days{"monday", "tuesday",  "wednesday", "thursday",
                                               "friday", "saturday", "sunday"};

/// Hours since Monday, 0:00 UTC. 1970 began on a Thursday.
std::size_t hour_of_week(SharedTime inside) {
  constexpr std::int64_t thursday = 3;
  const std::int64_t hours = std::chrono::floor<std::chrono::hours>(inside.time_since_epoch()).count();
  const std::int64_t place = (hours + thursday * hours_of_a_day) % hours_of_a_week;
  return static_cast<std::size_t>(place < 0 ? place + hours_of_a_week : place);
}

struct ProfileJob {
  std::string mesh;
  Link link;
  Metric metric;
  nanoseconds window;
  SharedTime at;
  std::shared_ptr<HistoryReader> history;
  Format format = Format::json;

  Response operator()() const {
    MetricMask metrics = mask_of(metric) | mask_of(source_of(metric));
    if (metric == Metric::rtt_loaded_ratio) metrics |= mask_of(Metric::rtt);
    std::vector<RollUp> week(hours_of_a_week);
    const RollQuery query{.from = link.from,
                          .to = link.to,
                          .probe = info(metric).probe,
                          .metrics = metrics,
                          .since = at - window,
                          .until = at};
    history->roll_ups(query, [&](const SiteId&, SharedTime end, const RollUp& roll) {
      // What ends on the full hour belongs to the hour before.
      week[hour_of_week(end - nanoseconds(1))].merge(roll);
    });
    Json hours = Json::array();
    for (std::size_t i = 0; i < week.size(); ++i) {
      Json hour{{"day", days.at(i / hours_of_a_day)}, {"hour", i % hours_of_a_day}, {"count", 0}};
      for (const Stat stat : profile_stats) {
        const WindowValue value = week[i].value(metric, stat);
        hour["count"] = value.count;
        hour[std::string(name(stat))] = number(value.value);
      }
      hours.push_back(std::move(hour));
    }
    if (format == Format::csv)
      return csv_response(csv_of(hours, {"day", "hour", "count", "p5", "p50", "p95", "mean", "min", "max"}),
                          fmt::format("{}-{}-{}-profile", link.from.str(), link.to.str(), name(metric)));
    return json_response(Json{{"mesh", mesh},
                              {"from", link.from.str()},
                              {"to", link.to.str()},
                              {"metric", name(metric)},
                              {"unit", info(metric).unit},
                              {"window_s", seconds(window)},
                              {"at", time(at)},
                              {"hours", std::move(hours)}});
  }
};

}  // namespace

Response profile_endpoint(const Link& link, const Target& target, const Sources& sources) {
  Parameters parameters(target, sources.now);
  ProfileJob job{sources.mesh.name,      link,
                 parameters.metric(),    parameters.window(std::chrono::hours(hours_of_a_week * 4)),
                 parameters.at(),        sources.history,
                 take_format(parameters)};
  if (expected_rolls(sources, info(job.metric).probe, job.window, job.link) > history_results_limit)
    parameters.refuse(400, "window: too long for one answer; ask for a shorter one");
  if (auto problem = parameters.problem()) return std::move(*problem);
  if (job.history == nullptr) return no_store_response();
  return deferred_response(std::move(job));
}

}  // namespace sonde::web
