// What a cause is called and which links it lies on.
#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cmath>

#include "coordinator/core/causes.h"

namespace sonde {
namespace {

constexpr std::array<std::string_view, cause_kind_count> kind_names{
    "site_down", "egress",       "ingress",       "uplink", "group",       "link",  "pair",
    "all",       "agent_silent", "agent_starved", "clock",  "coordinator", "budget"};

bool touches(const Mesh& mesh, const SiteId& id, const Cause& cause) {
  const SiteSpec* site = mesh.site(id);
  if (site == nullptr) return false;
  if (cause.kind == CauseKind::uplink) return site->uplink == cause.name;
  return std::ranges::find(site->groups, cause.name) != site->groups.end();
}

bool lies_on(const Cause& cause, const Mesh& mesh, const Link& link) {
  switch (cause.kind) {
    case CauseKind::egress: return link.from == cause.site;
    case CauseKind::ingress: return link.to == cause.site;
    case CauseKind::site_down:
    case CauseKind::agent_silent: return link.from == cause.site || link.to == cause.site;
    case CauseKind::agent_starved:
    case CauseKind::clock: return link.from == cause.site;
    case CauseKind::link: return link == cause.link;
    case CauseKind::pair: return link == cause.link || (link.from == cause.link.to && link.to == cause.link.from);
    case CauseKind::uplink: return touches(mesh, link.from, cause) != touches(mesh, link.to, cause);
    case CauseKind::group: return touches(mesh, link.from, cause) || touches(mesh, link.to, cause);
    case CauseKind::all:
    case CauseKind::coordinator: return true;
    case CauseKind::budget: return false;
  }
  return false;
}

}  // namespace

std::string_view name(CauseKind kind) { return kind_names.at(static_cast<std::size_t>(kind)); }

std::optional<CauseKind> cause_kind_named(std::string_view wanted) {
  for (std::size_t i = 0; i < kind_names.size(); ++i)
    if (kind_names[i] == wanted) return static_cast<CauseKind>(i);
  return std::nullopt;
}

double weight_of_bad() { return std::log((1 - missed) / false_alarm); }
double weight_of_good() { return std::log(missed / (1 - false_alarm)); }

std::string describe(const Cause& cause) {
  switch (cause.kind) {
    case CauseKind::site_down: return fmt::format("{} is down", cause.site.str());
    case CauseKind::egress: return fmt::format("{} egress", cause.site.str());
    case CauseKind::ingress: return fmt::format("{} ingress", cause.site.str());
    case CauseKind::uplink: return fmt::format("uplink {}", cause.name);
    case CauseKind::group: return fmt::format("group {}", cause.name);
    case CauseKind::link: return fmt::format("{} -> {}", cause.link.from.str(), cause.link.to.str());
    case CauseKind::pair: return fmt::format("{} and {}", cause.link.from.str(), cause.link.to.str());
    case CauseKind::all: return "the whole mesh";
    case CauseKind::agent_silent: return fmt::format("agent of {} is silent", cause.site.str());
    case CauseKind::agent_starved: return fmt::format("agent of {} is starved", cause.site.str());
    case CauseKind::clock: return fmt::format("clock of {}", cause.site.str());
    case CauseKind::coordinator: return "the coordinator is cut off";
    case CauseKind::budget: return fmt::format("budget of {}", cause.site.str());
  }
  return "";
}

bool covers(const Cause& cause, const Mesh& mesh, const Link& link, bool loop) {
  return lies_on(cause, mesh, link) || (loop && lies_on(cause, mesh, {link.to, link.from}));
}

bool involves(const Cause& cause, const Mesh& mesh, const SiteId& site) {
  switch (cause.kind) {
    case CauseKind::uplink:
    case CauseKind::group: return touches(mesh, site, cause);
    case CauseKind::link:
    case CauseKind::pair: return cause.link.from == site || cause.link.to == site;
    case CauseKind::all:
    case CauseKind::coordinator: return true;
    case CauseKind::site_down:
    case CauseKind::egress:
    case CauseKind::ingress:
    case CauseKind::agent_silent:
    case CauseKind::agent_starved:
    case CauseKind::clock:
    case CauseKind::budget: return cause.site == site;
  }
  return false;
}

}  // namespace sonde
