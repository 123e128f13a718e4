#include <nlohmann/json.hpp>

#include <memory>
#include <utility>

#include "coordinator/web/endpoints.h"
#include "coordinator/web/json.h"

namespace sonde::web {
namespace {

std::optional<double> distance_m(const SiteSpec& a, const SiteSpec& b) {
  if (!a.location || !b.location) return std::nullopt;
  return great_circle_m(*a.location, *b.location);
}

Json cell_json(Metric metric, Stat stat, const Cell& cell) {
  Json json{{"stat", name(stat)},  {"unit", info(metric).unit},   {"value", number(cell.value)},
            {"count", cell.count}, {"age_s", number(cell.age_s)}, {"state", name(cell.state)}};
  if (cell.few()) json["few"] = true;
  if (metric == Metric::delay) json["error_s"] = number(cell.error_s);
  return json;
}

struct LinkQuery {
  nanoseconds window;
  SharedTime at;
  std::optional<Stat> stat;  ///< nullopt: what is shown first of each metric
};

template <typename CellOf>
Json direction_json(const Mesh& mesh, const Link& link, const LinkQuery& query, const CellOf& cell_of) {
  Json json{{"from", link.from.str()}, {"to", link.to.str()}, {"cells", nullptr}};
  const SiteSpec* from = mesh.site(link.from);
  if (from == nullptr || !from->has_agent) return json;
  Json cells = Json::object();
  for (const MetricInfo& metric : all_metrics()) {
    const Stat stat =
        query.stat && stat_applies(metric.metric, *query.stat) ? *query.stat : default_stat(metric.metric);
    const Cell cell = cell_of(link, CellQuery{metric.metric, stat, query.window, query.at});
    cells[std::string(metric.name)] = cell_json(metric.metric, stat, cell);
  }
  json["cells"] = std::move(cells);
  return json;
}

Json site_json(const SiteSpec& site) {
  return Json{{"name", site.site.str()}, {"addresses", site.addresses},
              {"port", site.port},       {"uplink", site.uplink ? Json(*site.uplink) : Json()},
              {"inbound", site.inbound}, {"agent", site.has_agent}};
}

/// Light in fibre needs this much longer than in vacuum (refractive index of silica at 1550 nm).
constexpr double fibre_index = 1.468;
constexpr double light_m_per_s = 299'792'458;

/// The least round trip that fibre along the great circle allows, and how near rtt comes to it (1: as fast as light).
template <typename CellOf>
Json efficiency_json(const Mesh& mesh, const Link& link, const LinkQuery& query, const CellOf& cell_of) {
  const auto distance = distance_m(*mesh.site(link.from), *mesh.site(link.to));
  if (!distance) return nullptr;
  const double fibre_s = 2 * *distance * fibre_index / light_m_per_s;
  const SiteSpec* from = mesh.site(link.from);
  Json json{{"fibre_rtt_s", number(fibre_s)}, {"rtt_min_s", nullptr}, {"ratio", nullptr}};
  if (!from->has_agent) return json;
  const auto least = cell_of(link, CellQuery{Metric::rtt, Stat::min, query.window, query.at}).value;
  json["rtt_min_s"] = number(least);
  if (least && *least > 0) json["ratio"] = number(fibre_s / *least);
  return json;
}

/// What both directions show of each metric that both have.
Json asymmetry_json(const Json& there, const Json& back) {
  Json json = Json::object();
  if (!there.is_object() || !back.is_object()) return json;
  for (const auto& [metric, cell] : there.items()) {
    const Json& a = cell.at("value");
    const Json& b = back.at(metric).at("value");
    if (!a.is_number() || !b.is_number()) continue;
    const double difference = a.get<double>() - b.get<double>();
    Json& entry = json[metric];
    entry = Json{{"difference", number(difference)}, {"ratio", nullptr}};
    if (b.get<double>() > 0) entry["ratio"] = number(a.get<double>() / b.get<double>());
  }
  return json;
}

template <typename CellOf>
Response answer(const Mesh& mesh, const Link& link, const LinkQuery& query, const CellOf& cell_of) {
  const SiteSpec* from = mesh.site(link.from);
  const SiteSpec* to = mesh.site(link.to);
  Json there = direction_json(mesh, link, query, cell_of);
  Json efficiency = efficiency_json(mesh, link, query, cell_of);
  Json back = direction_json(mesh, {link.to, link.from}, query, cell_of);
  Json asymmetry = asymmetry_json(there["cells"], back["cells"]);
  return json_response(Json{{"mesh", mesh.name},
                            {"from", link.from.str()},
                            {"to", link.to.str()},
                            {"window_s", seconds(query.window)},
                            {"at", time(query.at)},
                            {"distance_m", number(distance_m(*from, *to))},
                            {"efficiency", std::move(efficiency)},
                            {"asymmetry", std::move(asymmetry)},
                            {"sites", Json::array({site_json(*from), site_json(*to)})},
                            {"directions", Json::array({std::move(there), std::move(back)})}});
}

std::optional<Stat> take_stat(Parameters& parameters) {
  const auto text = parameters.text("stat");
  if (!text) return std::nullopt;
  const auto stat = stat_named(*text);
  if (!stat) parameters.refuse(400, "unknown stat '" + *text + "'; /api/v1/openapi.json lists them");
  return stat;
}

}  // namespace

Response link_endpoint(const Link& link, const Target& target, const Sources& sources) {
  Parameters parameters(target, sources.now);
  const LinkQuery query{parameters.window(std::chrono::hours(1)), parameters.at(), take_stat(parameters)};
  if (auto problem = parameters.problem()) return std::move(*problem);

  if (sources.matrix.reaches({Metric::rtt, Stat::p50, query.window, query.at}, sources.now) ||
      sources.history == nullptr) {
    const PresentMatrix matrix(sources, query.at);
    return answer(sources.mesh, link, query, [&](const Link& l, const CellQuery& q) { return matrix.cell(l, q); });
  }
  const double results =
      2 * static_cast<double>(metric_count) * expected_rolls(sources, Probe::latency, query.window, link);
  if (results > history_results_limit)
    return error_response(400, "window: too long for one answer; ask for a shorter one");
  return deferred_response([matrix = std::make_shared<const HistoricMatrix>(sources, link), link, query] {
    if (query.stat)
      if (const auto problem = matrix->problem({Metric::rtt, *query.stat, query.window, query.at}))
        return error_response(400, *problem);
    return answer(matrix->mesh(), link, query, [&](const Link& l, const CellQuery& q) { return matrix->cell(l, q); });
  });
}

}  // namespace sonde::web
