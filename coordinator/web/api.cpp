#include "coordinator/web/api.h"

#include <fmt/format.h>

#include <algorithm>
#include <cstdint>
#include <utility>
#include <vector>

#include "coordinator/web/endpoints.h"
#include "coordinator/web/page.h"

namespace sonde::web {
namespace {

using Endpoint = Response (*)(const Target&, const Sources&);
struct Route {
  std::string_view path;
  Endpoint endpoint;
};
constexpr Route routes[] = {
    {"/api/v1/matrix", matrix_endpoint},
    {"/api/v1/sites", sites_endpoint},
    {"/api/v1/timetable", timetable_endpoint},
    {"/api/v1/timetable/audit", audit_endpoint},
    {"/api/v1/incidents", incidents_endpoint},
    {"/api/v1/silences", silences_endpoint},
    {"/api/v1/results", results_endpoint},
    {"/api/v1/report", report_endpoint},
    {"/api/v1/probes", probes_endpoint},
    {"/api/v1/detours", detours_endpoint},
    {"/api/v1/events", events_endpoint},
    {"/api/v1/openapi.json", openapi_endpoint},
    {"/metrics", prometheus_endpoint},
    {"/healthz", health_endpoint},
    {"/readyz", ready_endpoint},
};

constexpr std::string_view probes_path = "/api/v1/probes";
constexpr std::string_view silences_path = "/api/v1/silences";
constexpr std::string_view incidents_path = "/api/v1/incidents";
constexpr std::string_view acknowledge_suffix = "/acknowledge";

/// What stands behind `path` and a slash; nullopt where the target is not below it.
std::optional<std::string_view> below(std::string_view path, const Target& target) {
  std::string_view rest = target.path;
  if (!rest.starts_with(path) || !rest.substr(path.size()).starts_with('/')) return std::nullopt;
  rest.remove_prefix(path.size() + 1);
  return rest;
}

/// The ID of /api/v1/incidents/ID/acknowledge.
std::optional<std::string_view> acknowledged_id(const Target& target) {
  auto rest = below(incidents_path, target);
  if (!rest || !rest->ends_with(acknowledge_suffix)) return std::nullopt;
  rest->remove_suffix(acknowledge_suffix.size());
  return rest;
}

/// The methods that work at a path.
std::vector<std::string_view> methods_at(const Target& target) {
  if (acknowledged_id(target)) return {"POST", "DELETE"};
  if (target.path == probes_path || target.path == silences_path) return {"GET", "HEAD", "POST"};
  if (below(silences_path, target)) return {"GET", "HEAD", "DELETE"};
  return {"GET", "HEAD"};
}

/// What changes something.
Response change(const Request& request, const Target& target, const Sources& sources) {
  if (const auto id = acknowledged_id(target)) return acknowledge_endpoint(*id, request, target, sources);
  if (const auto id = below(silences_path, target)) return end_silence_endpoint(*id, request, target, sources);
  return target.path == silences_path ? add_silence_endpoint(request, target, sources)
                                      : ask_probe_endpoint(request, target, sources);
}

using LinkEndpoint = Response (*)(const Link&, const Target&, const Sources&);
struct LinkRoute {
  std::string_view suffix;
  LinkEndpoint endpoint;
};
constexpr LinkRoute link_routes[] = {
    {"", link_endpoint},
    {"/series", series_endpoint},
    {"/histogram", histogram_endpoint},
    {"/profile", profile_endpoint},
    {"/explain", explain_endpoint},
    {"/path", path_endpoint},
};
constexpr std::string_view links_prefix = "/api/v1/links/";

/// No script or style but the page's own files, no frame around it, no other host.
constexpr std::string_view content_security_policy =
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; connect-src 'self'; "
    "base-uri 'none'; form-action 'none'; frame-ancestors 'none'";

Response plain_text(unsigned status, std::string text) {
  Response response;
  response.status = status;
  response.content_type = "text/plain; charset=utf-8";
  response.body = std::move(text);
  return response;
}

/// FNV-1a: tells versions of a file apart, no more.
std::string entity_tag(std::string_view bytes) {
  std::uint64_t hash = 0xcbf29ce484222325U;
  for (const char c : bytes) hash = (hash ^ static_cast<unsigned char>(c)) * 0x100000001b3U;
  return fmt::format("\"{:016x}\"", hash);
}

std::optional<Response> page_response(const Request& request, const Target& target) {
  const auto file = page_file(target.path);
  if (!file) return std::nullopt;
  const std::string tag = entity_tag(file->bytes);
  Response response;
  response.content_type = file->content_type;
  response.headers = {{"ETag", tag}, {"Cache-Control", "no-cache"}};
  if (request.if_none_match.find(tag) != std::string::npos)
    response.status = 304;
  else
    response.body = std::string(file->bytes);
  return response;
}

/// FROM/TO with or without a suffix; the names of sites hold no slash.
std::optional<Response> link_response(const Target& target, const Sources& sources) {
  std::string_view rest = target.path;
  if (!rest.starts_with(links_prefix)) return std::nullopt;
  rest.remove_prefix(links_prefix.size());
  const auto slash = rest.find('/');
  if (slash == std::string_view::npos) return std::nullopt;
  const std::string_view from_name = rest.substr(0, slash);
  rest.remove_prefix(slash + 1);
  const auto end = rest.find('/');
  const std::string_view to_name = rest.substr(0, end);
  const std::string_view suffix = end == std::string_view::npos ? std::string_view() : rest.substr(end);
  for (const LinkRoute& route : link_routes) {
    if (route.suffix != suffix) continue;
    for (const std::string_view name : {from_name, to_name}) {
      const auto site = SiteId::parse(name);
      if (!site || sources.mesh.site(*site) == nullptr)
        return error_response(404, fmt::format("unknown site '{}'; /api/v1/sites lists them", name));
    }
    if (from_name == to_name) return error_response(404, "a link leads from one site to another");
    return route.endpoint({SiteId::known(from_name), SiteId::known(to_name)}, target, sources);
  }
  return std::nullopt;
}

std::optional<Response> route(const Request& request, const Target& target, const Sources& sources) {
  for (const Route& route : routes)
    if (route.path == target.path) return route.endpoint(target, sources);
  if (auto response = link_response(target, sources)) return response;
  if (const auto id = below(probes_path, target)) return probe_endpoint(*id, target, sources);
  if (const auto id = below(silences_path, target)) return silence_endpoint(*id, target, sources);
  if (const auto id = below(incidents_path, target)) return incident_endpoint(*id, target, sources);
  if (auto response = page_response(request, target)) return response;
  if (target.path == "/")
    return plain_text(404,
                      "This coordinator was built without the web page (SONDE_PAGE=OFF).\n"
                      "The matrix is at /api/v1/matrix, everything else is described at /api/v1/openapi.json.\n");
  return std::nullopt;
}

void add_headers(Response& response) {
  response.headers.emplace_back("X-Content-Type-Options", "nosniff");
  response.headers.emplace_back("Referrer-Policy", "no-referrer");
  response.headers.emplace_back("Content-Security-Policy", content_security_policy);
  for (const auto& [name, value] : response.headers)
    if (name == "Cache-Control") return;
  response.headers.emplace_back("Cache-Control", "no-store");
}

/// So that a deferred answer has the same headers.
void add_headers_later(Response& response) {
  if (auto* deferred = std::get_if<Deferred>(&response.body)) {
    response.body = Deferred([inner = std::move(*deferred)] {
      Response late = inner();
      add_headers(late);
      return late;
    });
  } else {
    add_headers(response);
  }
}

Response answer(const Request& request, const Sources& sources) {
  const auto target = parse_target(request.target);
  if (!target) return error_response(400, target.error().what);
  const std::vector<std::string_view> methods = methods_at(*target);
  const bool works = std::ranges::find(methods, request.method) != methods.end();
  const bool reads = request.method == "GET" || request.method == "HEAD";
  if (works && !reads) return change(request, *target, sources);
  auto response = route(request, *target, sources);
  if (!response)
    return error_response(404, fmt::format("nothing is at {}; /api/v1/openapi.json lists what there is", target->path));
  if (works) return std::move(*response);
  const std::vector<std::string_view> but_last(methods.begin(), methods.end() - 1);
  Response refusal = error_response(
      405, fmt::format("only {} and {} work at {}", fmt::join(but_last, ", "), methods.back(), target->path));
  refusal.headers.emplace_back("Allow", fmt::format("{}", fmt::join(methods, ", ")));
  return refusal;
}

}  // namespace

Response handle(const Request& request, const Sources& sources) {
  Response response = answer(request, sources);
  add_headers_later(response);
  return response;
}

}  // namespace sonde::web
