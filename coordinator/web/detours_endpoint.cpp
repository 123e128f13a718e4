#include <nlohmann/json.hpp>

#include <algorithm>
#include <map>
#include <unordered_map>
#include <utility>

#include "coordinator/core/detour.h"
#include "coordinator/web/csv.h"
#include "coordinator/web/endpoints.h"
#include "coordinator/web/json.h"

namespace sonde::web {
namespace {

/// A table for each hour is kept meanwhile.
constexpr nanoseconds longest_window = std::chrono::hours(24 * 7);
constexpr double table_fields_limit = 5e7;

struct DetoursJob {
  std::string mesh;
  std::vector<SiteId> sites;
  std::shared_ptr<HistoryReader> history;
  nanoseconds window;
  SharedTime at;
  Format format = Format::json;

  Response operator()() const {
    const nanoseconds hour = span_of(RollLevel::hour);
    const auto count = static_cast<std::size_t>((window + hour - nanoseconds(1)) / hour);
    std::unordered_map<SiteId, std::size_t> places;
    for (std::size_t i = 0; i < sites.size(); ++i) places.emplace(sites[i], i);
    DelayTable whole(sites.size());
    std::vector<DelayTable> hours(count, DelayTable(sites.size()));
    for (std::size_t from = 0; from < sites.size(); ++from) {
      // Of one row at a time, so that a large mesh need not be kept as distributions.
      std::map<std::size_t, std::vector<RollUp>> row;
      const RollQuery query{.from = sites[from],
                            .probe = Probe::latency,
                            .metrics = mask_of(Metric::rtt),
                            .since = at - window,
                            .until = at};
      history->roll_ups(query, [&](const SiteId& to, SharedTime end, const RollUp& roll) {
        const auto place = places.find(to);
        if (place == places.end()) return;
        const auto back = std::clamp<std::int64_t>((at - end) / hour, 0, static_cast<std::int64_t>(count) - 1);
        auto& rolls = row.try_emplace(place->second, count).first->second;
        rolls[static_cast<std::size_t>(back)].merge(roll);
      });
      for (const auto& [to, rolls] : row) {
        RollUp all;
        for (std::size_t i = 0; i < count; ++i) {
          hours[i].at(from, to) = rolls[i].value(Metric::rtt, Stat::p50).value;
          all.merge(rolls[i]);
        }
        whole.at(from, to) = all.value(Metric::rtt, Stat::p50).value;
      }
    }
    return answer(best_detours(whole, hours));
  }

  Response answer(const std::vector<Detour>& detours) const {
    Json list = Json::array();
    for (const Detour& detour : detours) {
      const double held =
          detour.comparable > 0 ? static_cast<double>(detour.held) / static_cast<double>(detour.comparable) : 0.0;
      list.push_back(Json{{"from", sites[detour.from].str()},
                          {"to", sites[detour.to].str()},
                          {"via", sites[detour.via].str()},
                          {"direct_s", number(detour.direct_s)},
                          {"via_s", number(detour.via_s)},
                          {"gain_s", number(detour.gain_s())},
                          {"gain_ratio", number(detour.gain_s() / detour.direct_s)},
                          {"hours", detour.comparable},
                          {"held_ratio", detour.comparable > 0 ? number(held) : Json()}});
    }
    if (format == Format::csv)
      return csv_response(
          csv_of(list, {"from", "to", "via", "direct_s", "via_s", "gain_s", "gain_ratio", "held_ratio", "hours"}),
          "detours");
    return json_response(Json{{"mesh", mesh},
                              {"metric", "rtt"},
                              {"stat", "p50"},
                              {"unit", "s"},
                              {"window_s", seconds(window)},
                              {"at", time(at)},
                              {"detours", std::move(list)}});
  }
};

}  // namespace

Response detours_endpoint(const Target& target, const Sources& sources) {
  Parameters parameters(target, sources.now);
  DetoursJob job{sources.mesh.name, {},
                 sources.history,   parameters.window(std::chrono::hours(24)),
                 parameters.at(),   take_format(parameters)};
  for (const SiteSpec& site : sources.mesh.sites) job.sites.push_back(site.site);
  const double fields = static_cast<double>(job.sites.size() * job.sites.size()) * to_seconds(job.window) / 3600;
  if (job.window > longest_window || fields > table_fields_limit)
    parameters.refuse(400, "window: too long for detours of this mesh; ask for a shorter one, at most 7d");
  if (auto problem = parameters.problem()) return std::move(*problem);
  if (job.history == nullptr) return no_store_response();
  return deferred_response(std::move(job));
}

}  // namespace sonde::web
