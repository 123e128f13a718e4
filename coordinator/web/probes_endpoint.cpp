// Runs on demand over HTTP: ask for one, see how far it is.
#include <fmt/format.h>

#include <nlohmann/json.hpp>

#include <charconv>
#include <cmath>
#include <utility>

#include "coordinator/core/reading.h"
#include "coordinator/web/endpoints.h"
#include "coordinator/web/json.h"

namespace sonde::web {
namespace {

constexpr std::string_view keys[] = {"from", "to", "probe"};

/// {"p5": .., "p50": .., "p95": .., "p99": .., "mean": .., "min": .., "max": .., "count": ..} of each distribution.
Json distributions_json(const Result& result) {
  Json all = Json::object();
  for (const auto& [metric, samples] : result.distributions) {
    const double unit = raw_per_unit(metric);
    const auto at = [&](double q) {
      const auto value = samples.quantile(q);
      return value ? number(*value / unit) : Json(nullptr);
    };
    Json one{{"unit", info(metric).unit}, {"count", samples.count()}};
    if (!samples.empty()) {
      one["min"] = static_cast<double>(samples.min()) / unit;
      one["max"] = static_cast<double>(samples.max()) / unit;
      one["mean"] = samples.mean().value_or(0) / unit;
    }
    for (const auto& [name, q] : {std::pair("p5", 0.05), {"p50", 0.5}, {"p95", 0.95}, {"p99", 0.99}}) one[name] = at(q);
    all[std::string(name(metric))] = std::move(one);
  }
  return all;
}

Json demand_json(const DemandRun& run, SharedTime now) {
  const nanoseconds wait = run.scheduled_at - now;
  Json json{{"id", std::to_string(run.id)},
            {"state", name(run.state)},
            {"probe", name(run.probe)},
            {"from", run.link.from.str()},
            {"to", run.link.to.str()},
            {"requested_by", run.by},
            {"requested_at", time(run.requested_at)},
            {"scheduled_at", time(run.scheduled_at)},
            {"wait_s", run.state == DemandState::queued ? seconds(std::max(wait, nanoseconds(0))) : Json(0.0)},
            {"length_s", seconds(run.length)},
            {"progress", {{"elapsed_s", seconds(run.elapsed)}, {"bytes", run.bytes}}},
            {"reason", run.reason.empty() ? Json(nullptr) : Json(run.reason)},
            {"result", nullptr}};
  if (!run.result) return json;
  Json result = result_json(*run.result);
  result["distributions"] = distributions_json(*run.result);
  json["result"] = std::move(result);
  return json;
}

unsigned status_of(DemandRefusal::Why why) {
  switch (why) {
    case DemandRefusal::Why::impossible:
    case DemandRefusal::Why::no_time: return 409;
    case DemandRefusal::Why::silent: return 503;
    case DemandRefusal::Why::too_many: return 429;
  }
  return 500;
}

struct Asked {
  Link link;
  Probe probe = Probe::latency;
};

std::string probe_names() {
  std::string names;
  for (std::size_t i = 0; i < probe_count; ++i)
    names += (names.empty() ? "" : ", ") + std::string(name(static_cast<Probe>(i)));
  return names;
}

std::expected<SiteId, Response> site_in(const Json& body, const char* key, const Mesh& mesh) {
  const auto found = body.find(key);
  if (found == body.end() || !found->is_string())
    return std::unexpected(error_response(400, fmt::format("the body's \"{}\" must be the name of a site", key)));
  const auto site = SiteId::parse(found->get<std::string>());
  if (site && mesh.site(*site) != nullptr) return *site;
  return std::unexpected(error_response(
      404, fmt::format("{}: unknown site '{}'; /api/v1/sites lists them", key, found->get<std::string>())));
}

std::expected<Asked, Response> read_body(const std::string& text, const Mesh& mesh) {
  const Json body = Json::parse(text, nullptr, false);
  if (!body.is_object())
    return std::unexpected(error_response(
        400, R"(the body must be a JSON object like {"from": "berlin", "to": "athens", "probe": "latency"})"));
  for (const auto& [key, value] : body.items())
    if (std::ranges::find(keys, key) == std::end(keys))
      return std::unexpected(error_response(400, fmt::format("unknown key '{}'; known are from, to, probe", key)));
  const auto from = site_in(body, "from", mesh);
  if (!from) return std::unexpected(from.error());
  const auto to = site_in(body, "to", mesh);
  if (!to) return std::unexpected(to.error());
  if (*from == *to) return std::unexpected(error_response(400, "a link leads from one site to another"));
  const auto kind = body.find("probe");
  const auto probe = kind != body.end() && kind->is_string() ? probe_named(kind->get<std::string>()) : std::nullopt;
  if (!probe) return std::unexpected(error_response(400, "the body's \"probe\" must be one of " + probe_names()));
  return Asked{{*from, *to}, *probe};
}

}  // namespace

std::string demand_text(const DemandRun& run, SharedTime now) { return to_text(demand_json(run, now)); }

Response ask_probe_endpoint(const Request& request, const Target& target, const Sources& sources) {
  Parameters parameters(target, sources.now);
  if (auto problem = parameters.problem()) return std::move(*problem);
  const auto holder = token_holder(request.authorization, sources.tokens);
  if (!holder) return holder.error();
  if (sources.demand == nullptr) return error_response(503, "this coordinator carries out no runs on demand");
  const auto asked = read_body(request.body, sources.mesh);
  if (!asked) return asked.error();
  const auto run = sources.demand->request(sources.now, asked->link, asked->probe, *holder, sources.agents);
  if (!run) {
    const DemandRefusal& refusal = run.error();
    Response response = error_response(status_of(refusal.why), refusal.what);
    if (refusal.wait)
      response.headers.emplace_back("Retry-After",
                                    fmt::format("{:.0f}", std::max(1.0, std::ceil(to_seconds(*refusal.wait)))));
    return response;
  }
  Response response = json_response(demand_json(*run, sources.now));
  response.status = 202;
  response.headers.emplace_back("Location", "/api/v1/probes/" + std::to_string(run->id));
  return response;
}

Response probes_endpoint(const Target& target, const Sources& sources) {
  Parameters parameters(target, sources.now);
  if (auto problem = parameters.problem()) return std::move(*problem);
  Json runs = Json::array();
  if (sources.demand != nullptr)
    for (auto run = sources.demand->runs().rbegin(); run != sources.demand->runs().rend(); ++run)
      runs.push_back(demand_json(*run, sources.now));
  return json_response(Json{{"at", time(sources.now)}, {"probes", std::move(runs)}});
}

Response probe_endpoint(std::string_view id, const Target& target, const Sources& sources) {
  Parameters parameters(target, sources.now);
  if (auto problem = parameters.problem()) return std::move(*problem);
  std::uint64_t number_asked = 0;
  const auto [end, error] = std::from_chars(id.data(), id.data() + id.size(), number_asked);
  const bool is_number = error == std::errc() && end == id.data() + id.size();
  const DemandRun* run = is_number && sources.demand != nullptr ? sources.demand->find(number_asked) : nullptr;
  if (run == nullptr)
    return error_response(404, fmt::format("no run on demand has the id '{}'; the last {} are at /api/v1/probes, "
                                           "results of older ones at /api/v1/results",
                                           id, Demand::most_kept));
  return json_response(demand_json(*run, sources.now));
}

}  // namespace sonde::web
