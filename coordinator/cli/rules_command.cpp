#include "coordinator/cli/rules_command.h"

#include <fmt/format.h>

#include <nlohmann/json.hpp>

#include "coordinator/cli/http_client.h"
#include "coordinator/cli/json_read.h"
#include "coordinator/cli/rules_replay.h"
#include "coordinator/config.h"
#include "shared/base/units.h"
#include "shared/io/clock.h"
#include "shared/io/daemon.h"

namespace sonde::cli {
namespace {

/// A time, or a duration before now.
SharedTime instant(const std::string& text, SharedTime now) {
  if (const auto span = parse_duration(text)) return now - *span;
  return parse_time(text).value_or(now);
}

/// Lines out of pieces that are cut anywhere.
class Lines {
 public:
  explicit Lines(RulesReplay& replay) : replay_(replay) {}
  bool add(std::string_view bytes) {
    while (!bytes.empty()) {
      const auto end = bytes.find('\n');
      rest_ += bytes.substr(0, end);
      if (end == std::string_view::npos) break;
      if (const auto result = result_in(rest_)) replay_.on_result(*result);
      rest_.clear();
      bytes.remove_prefix(end + 1);
    }
    return true;
  }

 private:
  RulesReplay& replay_;
  std::string rest_;
};

Json incident_json(const Incident& incident) {
  const auto name_or_null = [](const std::string& name) { return name.empty() ? Json() : Json(name); };
  Json metrics = Json::array();
  for (const Metric metric : incident.metrics) metrics.push_back(name(metric));
  Json links = Json::array();
  for (const Link& link : incident.links) links.push_back(Json{{"from", link.from.str()}, {"to", link.to.str()}});
  const Cause& cause = incident.cause;
  return Json{{"id", incident.id},
              {"cause", name(cause.kind)},
              {"site", name_or_null(cause.site.str())},
              {"from", name_or_null(cause.link.from.str())},
              {"to", name_or_null(cause.link.to.str())},
              {"uplink", cause.kind == CauseKind::uplink ? Json(cause.name) : Json()},
              {"group", cause.kind == CauseKind::group ? Json(cause.name) : Json()},
              {"metrics", std::move(metrics)},
              {"severity", name(incident.severity)},
              {"state", incident.open() ? "open" : "closed"},
              {"started_at", format_rfc3339(incident.started_at)},
              {"ended_at", incident.ended_at ? Json(format_rfc3339(*incident.ended_at)) : Json()},
              {"confidence", incident.confidence},
              {"flapping", incident.flapping()},
              {"summary", incident.summary},
              {"links", std::move(links)}};
}

/// How many the coordinator itself has raised in that time, of those that results alone can show; nullopt: it does not
/// say.
std::optional<std::size_t> raised_then(const std::string& coordinator, SharedTime since, SharedTime until) {
  const auto reply = http_get(coordinator, "/api/v1/incidents");
  if (!reply || reply->status != 200) return std::nullopt;
  const Json answer = Json::parse(reply->body, nullptr, false);
  std::size_t count = 0;
  for (const Json& incident : at(answer, "incidents")) {
    const auto started = parse_time(text_at(incident, "started_at"));
    const auto kind = cause_kind_named(text_at(incident, "cause"));
    const bool seen = kind && *kind != CauseKind::agent_silent && *kind != CauseKind::coordinator;
    count += started && seen && *started >= since && *started < until ? 1U : 0U;
  }
  return count;
}

}  // namespace

RulesOutcome test_rules(const Options& options) {
  const auto text = io::read_file(options.config);
  if (!text) return {.json = {}, .errors = text.error().what + "\n", .bad_config = true};
  const auto parsed = parse_coordinator_config(*text, options.config, ConfigUse::plan);
  if (!parsed.value) return {.json = {}, .errors = config::to_text(parsed.diagnostics), .bad_config = true};
  const SharedTime now(io::read_clock().wall.time_since_epoch());
  const SharedTime since = instant(options.since, now);
  const SharedTime until = options.until.empty() ? now : instant(options.until, now);
  if (since >= until) return {.json = {}, .errors = "sonde: test rules: --since is not before --until\n"};
  RulesReplay replay(parsed.value->mesh, parsed.value->alerts, since);
  Lines lines(replay);
  const std::string path =
      fmt::format("/api/v1/results?since={}&until={}", url_encoded(format_rfc3339(since - RulesReplay::warm_up)),
                  url_encoded(format_rfc3339(until)));
  const auto reply = http_get(options.coordinator, path, [&](std::string_view piece) { return lines.add(piece); });
  if (!reply) return {.json = {}, .errors = fmt::format("sonde: {}\n", reply.error().what)};
  if (reply->status != 200)
    return {.json = {},
            .errors = fmt::format("sonde: {}{}: {}\n", options.coordinator, path,
                                  text_at(Json::parse(reply->body, nullptr, false), "error"))};
  replay.finish(until);
  Json incidents = Json::array();
  for (const Incident& incident : replay.incidents()) incidents.push_back(incident_json(incident));
  const auto then = raised_then(options.coordinator, since, until);
  return {.json = Json{{"mesh", parsed.value->mesh.name},
                       {"since", format_rfc3339(since)},
                       {"until", format_rfc3339(until)},
                       {"results", replay.results()},
                       {"raised_then", then ? Json(*then) : Json()},
                       {"incidents", std::move(incidents)}}
                      .dump(-1, ' ', false, Json::error_handler_t::replace),
          .errors = {}};
}

}  // namespace sonde::cli
