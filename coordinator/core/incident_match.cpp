// Which incidents a silence means.
#include <fmt/format.h>

#include <algorithm>
#include <array>

#include "coordinator/core/silences.h"

namespace sonde {
namespace {

template <typename T>
bool among(const std::vector<T>& list, const T& item) {
  return std::ranges::find(list, item) != list.end();
}

template <typename T>
Expected<void> add_known(std::vector<T>& list, std::optional<T> known, std::string_view key, std::string_view value,
                         std::string_view there_are) {
  if (!known) return fail(fmt::format("unknown {} '{}'; there are {}", key, value, there_are));
  if (!among(list, *known)) list.push_back(*known);
  return {};
}

std::string cause_names() {
  std::string names;
  for (std::size_t i = 0; i < cause_kind_count; ++i)
    names += fmt::format("{}{}", i == 0 ? "" : ", ", name(static_cast<CauseKind>(i)));
  return names;
}

std::string rule_metrics() {
  std::string names;
  for (std::size_t i = 0; i < signal_count; ++i)
    names += fmt::format("{}{}", i == 0 ? "" : ", ", name(metric_of(static_cast<Signal>(i))));
  return names;
}

std::optional<Metric> rule_metric(std::string_view value) {
  const auto metric = metric_named(value);
  return metric && signal_of(*metric) ? metric : std::nullopt;
}

std::optional<SiteId> site_named(std::string_view value) {
  auto site = SiteId::parse(value);
  return site ? std::optional(*std::move(site)) : std::nullopt;
}

Expected<void> add_name(std::vector<std::string>& list, std::string_view key, std::string_view value) {
  constexpr std::size_t longest = 63;
  const bool printable = std::ranges::none_of(value, [](char c) { return static_cast<unsigned char>(c) < 0x20; });
  if (value.empty() || value.size() > longest || !printable)
    return fail(fmt::format("'{}' is no name of a {}; it has 1 to {} characters", value, key, longest));
  if (!among(list, std::string(value))) list.emplace_back(value);
  return {};
}

bool in_group(const SiteSpec& site, const std::vector<std::string>& groups) {
  return std::ranges::any_of(site.groups, [&](const std::string& group) { return among(groups, group); });
}

bool behind(const SiteSpec& site, const std::vector<std::string>& uplinks) {
  return site.uplink && among(uplinks, *site.uplink);
}

/// Those on which the fault itself lies; the others suffer with them, for an answer needs both ways.
std::vector<Link> own_links(const Incident& incident) {
  std::vector<Link> own;
  for (const Link& link : incident.links) {
    if (incident.cause.kind == CauseKind::egress && link.from != incident.cause.site) continue;
    if (incident.cause.kind == CauseKind::ingress && link.to != incident.cause.site) continue;
    if (incident.cause.kind == CauseKind::link && link != incident.cause.link) continue;
    own.push_back(link);
  }
  return own;
}

/// Whether all of the incident lies at sites that `is_meant` takes.
template <typename IsMeant>
bool lies_at(const Incident& incident, const std::vector<Link>& links, const IsMeant& is_meant) {
  if (of_agent(incident.cause.kind)) return is_meant(incident.cause.site);
  return !links.empty() &&
         std::ranges::all_of(links, [&](const Link& link) { return is_meant(link.from) || is_meant(link.to); });
}

bool fits_place(const IncidentMatch& match, const Incident& incident, const Mesh& mesh) {
  if (match.sites.empty() && match.groups.empty() && match.uplinks.empty() && match.from.empty() && match.to.empty())
    return true;
  const std::vector<Link> links = own_links(incident);
  const auto of_mesh = [&](const auto& is_meant) {
    return lies_at(incident, links, [&](const SiteId& id) {
      const SiteSpec* site = mesh.site(id);
      return site != nullptr && is_meant(*site);
    });
  };
  if (!match.sites.empty() && !lies_at(incident, links, [&](const SiteId& id) { return among(match.sites, id); }))
    return false;
  if (!match.groups.empty() && !of_mesh([&](const SiteSpec& site) { return in_group(site, match.groups); }))
    return false;
  if (!match.uplinks.empty() && !of_mesh([&](const SiteSpec& site) { return behind(site, match.uplinks); }))
    return false;
  if (match.from.empty() && match.to.empty()) return true;
  return !links.empty() && std::ranges::all_of(links, [&](const Link& link) {
    return (match.from.empty() || among(match.from, link.from)) && (match.to.empty() || among(match.to, link.to));
  });
}

}  // namespace

Expected<void> add_match(IncidentMatch& match, std::string_view key, std::string_view value) {
  if (key == "mesh") return add_name(match.meshes, key, value);
  if (key == "group") return add_name(match.groups, key, value);
  if (key == "uplink") return add_name(match.uplinks, key, value);
  if (key == "cause") return add_known(match.causes, cause_kind_named(value), key, value, cause_names());
  if (key == "metric") return add_known(match.metrics, rule_metric(value), key, value, rule_metrics());
  if (key == "severity")
    return add_known(match.severities, alert_severity_named(value), key, value, "info, warning, critical");
  constexpr std::string_view sites = "those of /api/v1/sites";
  if (key == "site") return add_known(match.sites, site_named(value), key, value, sites);
  if (key == "from") return add_known(match.from, site_named(value), key, value, sites);
  if (key == "to") return add_known(match.to, site_named(value), key, value, sites);
  return fail(fmt::format("unknown matcher '{}'; there are {}", key, fmt::join(match_keys, ", ")));
}

std::vector<std::pair<std::string, std::string>> words_of(const IncidentMatch& match) {
  std::vector<std::pair<std::string, std::string>> out;
  for (const std::string& mesh : match.meshes) out.emplace_back("mesh", mesh);
  for (const SiteId& site : match.sites) out.emplace_back("site", site.str());
  for (const SiteId& site : match.from) out.emplace_back("from", site.str());
  for (const SiteId& site : match.to) out.emplace_back("to", site.str());
  for (const std::string& group : match.groups) out.emplace_back("group", group);
  for (const std::string& uplink : match.uplinks) out.emplace_back("uplink", uplink);
  for (const CauseKind cause : match.causes) out.emplace_back("cause", name(cause));
  for (const Metric metric : match.metrics) out.emplace_back("metric", name(metric));
  for (const AlertSeverity severity : match.severities) out.emplace_back("severity", name(severity));
  return out;
}

Expected<void> check_match(const IncidentMatch& match, const Mesh& mesh) {
  for (const std::string& other : match.meshes)
    if (other != mesh.name) return fail(fmt::format("this is the mesh '{}', not '{}'", mesh.name, other));
  for (const auto* list : {&match.sites, &match.from, &match.to})
    for (const SiteId& site : *list)
      if (mesh.site(site) == nullptr)
        return fail(fmt::format("unknown site '{}'; /api/v1/sites lists them", site.str()));
  for (const std::string& group : match.groups)
    if (std::ranges::none_of(mesh.sites, [&](const SiteSpec& site) { return in_group(site, {group}); }))
      return fail(fmt::format("no site is in the group '{}'", group));
  for (const std::string& uplink : match.uplinks)
    if (std::ranges::none_of(mesh.sites, [&](const SiteSpec& site) { return behind(site, {uplink}); }))
      return fail(fmt::format("no site names the uplink '{}'", uplink));
  return {};
}

bool matches(const IncidentMatch& match, const Incident& incident, const Mesh& mesh) {
  if (match.empty()) return false;
  if (!match.meshes.empty() && !among(match.meshes, mesh.name)) return false;
  if (!match.causes.empty() && !among(match.causes, incident.cause.kind)) return false;
  if (!match.severities.empty() && !among(match.severities, incident.severity)) return false;
  if (!match.metrics.empty() && (incident.metrics.empty() || !std::ranges::all_of(incident.metrics, [&](Metric metric) {
                                   return among(match.metrics, metric);
                                 })))
    return false;
  return fits_place(match, incident, mesh);
}

}  // namespace sonde
