// Silences over HTTP: set one, see them, end one; acknowledge an incident.
#include <fmt/format.h>

#include <nlohmann/json.hpp>

#include <algorithm>
#include <utility>

#include "coordinator/web/endpoints.h"
#include "coordinator/web/incident_json.h"
#include "coordinator/web/json.h"

namespace sonde::web {
namespace {

constexpr std::string_view silence_keys[] = {"matchers", "author", "reason", "starts_at", "ends_at", "duration"};
constexpr std::string_view acknowledge_keys[] = {"author", "reason"};
constexpr std::string_view example = R"({"matchers": {"site": "athens"}, "reason": "new router", "duration": "2h"})";

/// {"site": ["athens"], "severity": ["info", "warning"]}
Json match_json(const IncidentMatch& match) {
  Json out = Json::object();
  for (const auto& [key, value] : words_of(match)) out[key].push_back(value);
  return out;
}

Json silence_json(const Silence& silence, SharedTime now) {
  return Json{{"id", silence.id},
              {"state", name(silence.state(now))},
              {"matchers", match_json(silence.match)},
              {"author", silence.author},
              {"token", silence.token},
              {"reason", silence.reason},
              {"created_at", time(silence.created_at)},
              {"starts_at", time(silence.starts_at)},
              {"ends_at", time(silence.ends_at)},
              {"ended_by", silence.ended_by.empty() ? Json() : Json(silence.ended_by)}};
}

/// With the occurrence that is now, or comes next.
Json window_json(const MaintenanceWindow& window, SharedTime now) {
  const auto at = occurrence(window, now);
  const std::string_view state = !at ? "expired" : at->contains(now) ? "active" : "pending";
  return Json{{"name", window.name},
              {"state", state},
              {"matchers", match_json(window.match)},
              {"author", window.author},
              {"reason", window.reason},
              {"starts_at", at ? time(at->starts_at) : Json()},
              {"ends_at", at ? time(at->ends_at) : Json()},
              {"until", time(window.until)}};
}

/// Collects the first thing that is wrong with a body.
class Body {
 public:
  Body(const std::string& text, std::span<const std::string_view> keys, std::string_view like) {
    json_ = text.empty() ? Json::object() : Json::parse(text, nullptr, false);
    if (!json_.is_object()) {
      refuse(fmt::format("the body must be a JSON object like {}", like));
      return;
    }
    for (const auto& [key, value] : json_.items())
      if (std::ranges::find(keys, key) == keys.end())
        refuse(fmt::format("unknown key '{}'; known are {}", key, fmt::join(keys, ", ")));
  }

  std::string text(const char* key) {
    const auto found = find(key);
    if (found == nullptr) return {};
    if (found->is_string()) return found->get<std::string>();
    refuse(fmt::format("the body's \"{}\" must be a text", key));
    return {};
  }
  std::optional<SharedTime> time(const char* key) {
    if (find(key) == nullptr) return std::nullopt;
    const auto parsed = parse_time(text(key));
    if (parsed) return *parsed;
    refuse(fmt::format("the body's \"{}\" is {}; write it like 2026-01-02T03:04:05Z", key, parsed.error().what));
    return std::nullopt;
  }
  std::optional<nanoseconds> duration(const char* key) {
    if (find(key) == nullptr) return std::nullopt;
    const auto parsed = parse_duration(text(key));
    if (parsed && parsed->count() > 0) return *parsed;
    refuse(fmt::format("the body's \"{}\" is no duration above zero; write it like 90m or 2h", key));
    return std::nullopt;
  }
  IncidentMatch match(const char* key) {
    IncidentMatch out;
    const auto found = find(key);
    if (found == nullptr) return out;
    if (!found->is_object()) {
      refuse(fmt::format("the body's \"{}\" must be an object like {{\"site\": \"athens\"}}", key));
      return out;
    }
    for (const auto& [name, value] : found->items()) {
      const Json list = value.is_array() ? value : Json::array({value});
      for (const Json& item : list) {
        const auto added = item.is_string()
                               ? add_match(out, name, item.get<std::string>())
                               : fail(fmt::format("the matcher '{}' must be a text or a list of texts", name));
        if (!added) refuse(added.error().what);
      }
    }
    return out;
  }
  void refuse(std::string what) {
    if (!problem_) problem_ = std::move(what);
  }
  std::optional<Response> problem() const {
    return problem_ ? std::optional(error_response(400, *problem_)) : std::nullopt;
  }

 private:
  const Json* find(const char* key) const {
    const auto found = json_.is_object() ? json_.find(key) : json_.end();
    return found == json_.end() || found->is_null() ? nullptr : &*found;
  }

  Json json_;
  std::optional<std::string> problem_;
};

/// The name of the token, or the answer that refuses.
std::expected<std::string, Response> may_change(const Request& request, const Target& target, const Sources& sources) {
  Parameters parameters(target, sources.now);
  if (auto problem = parameters.problem()) return std::unexpected(std::move(*problem));
  auto holder = token_holder(request.authorization, sources.tokens);
  if (!holder) return std::unexpected(std::move(holder).error());
  if (sources.silences == nullptr || sources.incidents == nullptr)
    return std::unexpected(error_response(503, "this coordinator keeps no silences"));
  return holder;
}

Response no_silence(std::string_view id) {
  return error_response(404, fmt::format("no silence has the id '{}'; /api/v1/silences lists them", id));
}

}  // namespace

Json hold_json(const Silences::Hold& hold) {
  Json silenced = Json::array();
  for (const Silence* one : hold.silences)
    silenced.push_back(Json{{"silence", one->id},
                            {"window", nullptr},
                            {"author", one->author},
                            {"reason", one->reason},
                            {"ends_at", time(one->ends_at)}});
  for (const auto& [window, ends] : hold.windows)
    silenced.push_back(Json{{"silence", nullptr},
                            {"window", window->name},
                            {"author", window->author},
                            {"reason", window->reason},
                            {"ends_at", time(ends)}});
  Json acknowledged;
  if (const Acknowledgement* by = hold.acknowledged; by != nullptr)
    acknowledged = Json{{"author", by->author}, {"token", by->token}, {"reason", by->reason}, {"at", time(by->at)}};
  return Json{{"held", hold.held}, {"acknowledged", std::move(acknowledged)}, {"silenced", std::move(silenced)}};
}

Response silences_endpoint(const Target& target, const Sources& sources) {
  Parameters parameters(target, sources.now);
  const auto state = parameters.text("state");
  const auto known = {SilenceState::pending, SilenceState::active, SilenceState::expired};
  if (state && std::ranges::none_of(known, [&](SilenceState one) { return name(one) == *state; }))
    parameters.refuse(400, fmt::format("unknown state '{}'; there are pending, active, expired", *state));
  if (auto problem = parameters.problem()) return std::move(*problem);
  Json silences = Json::array();
  Json windows = Json::array();
  const auto add = [&](Json& list, Json one) {
    if (!state || one["state"] == *state) list.push_back(std::move(one));
  };
  if (sources.silences != nullptr) {
    const auto& all = sources.silences->list();
    for (auto one = all.rbegin(); one != all.rend(); ++one) add(silences, silence_json(*one, sources.now));
    for (const MaintenanceWindow& one : sources.silences->windows()) add(windows, window_json(one, sources.now));
  }
  return json_response(
      Json{{"at", time(sources.now)}, {"silences", std::move(silences)}, {"windows", std::move(windows)}});
}

Response silence_endpoint(std::string_view id, const Target& target, const Sources& sources) {
  Parameters parameters(target, sources.now);
  if (auto problem = parameters.problem()) return std::move(*problem);
  const Silence* silence = sources.silences != nullptr ? sources.silences->find(id) : nullptr;
  return silence == nullptr ? no_silence(id) : json_response(silence_json(*silence, sources.now));
}

Response add_silence_endpoint(const Request& request, const Target& target, const Sources& sources) {
  const auto holder = may_change(request, target, sources);
  if (!holder) return holder.error();
  Body body(request.body, silence_keys, example);
  Silences::Wanted wanted{.match = body.match("matchers"),
                          .author = body.text("author"),
                          .token = *holder,
                          .reason = body.text("reason"),
                          .starts_at = body.time("starts_at"),
                          .ends_at = {}};
  const auto ends = body.time("ends_at");
  const auto duration = body.duration("duration");
  if (ends.has_value() == duration.has_value())
    body.refuse("a silence has an end: give either \"ends_at\", a time, or \"duration\", such as \"2h\"");
  if (auto problem = body.problem()) return std::move(*problem);
  // More than what is accepted anyway is not added up, so that nothing flows over.
  const nanoseconds length = std::min(duration.value_or(nanoseconds(0)), 2 * Silences::longest);
  wanted.ends_at = ends.value_or(std::max(wanted.starts_at.value_or(sources.now), sources.now) + length);
  const auto silence = sources.silences->add(sources.now, wanted);
  if (!silence) return error_response(400, silence.error().what);
  Response response = json_response(silence_json(*silence, sources.now));
  response.status = 201;
  response.headers.emplace_back("Location", "/api/v1/silences/" + silence->id);
  return response;
}

Response end_silence_endpoint(std::string_view id, const Request& request, const Target& target,
                              const Sources& sources) {
  const auto holder = may_change(request, target, sources);
  if (!holder) return holder.error();
  const Silence* silence = sources.silences->end(id, *holder, sources.now);
  return silence == nullptr ? no_silence(id) : json_response(silence_json(*silence, sources.now));
}

Response acknowledge_endpoint(std::string_view id, const Request& request, const Target& target,
                              const Sources& sources) {
  const auto holder = may_change(request, target, sources);
  if (!holder) return holder.error();
  const Incident* incident = sources.incidents->find(id);
  if (incident == nullptr)
    return error_response(404, fmt::format("no incident has the id '{}'; /api/v1/incidents lists them", id));
  if (request.method == "DELETE") {
    if (!sources.silences->withdraw(id, *holder))
      return error_response(404, fmt::format("nobody has acknowledged the incident '{}'", id));
    return json_response(incident_json(*incident, sources));
  }
  Body body(request.body, acknowledge_keys, R"({"author": "ann", "reason": "the provider knows"})");
  Acknowledgement by{.author = body.text("author"), .token = *holder, .reason = body.text("reason"), .at = sources.now};
  if (auto problem = body.problem()) return std::move(*problem);
  if (const auto done = sources.silences->acknowledge(*incident, std::move(by)); !done)
    return error_response(incident->open() ? 400 : 409, done.error().what);
  return json_response(incident_json(*incident, sources));
}

}  // namespace sonde::web
