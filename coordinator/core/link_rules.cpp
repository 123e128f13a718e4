#include "coordinator/core/link_rules.h"

#include <algorithm>

namespace sonde {
namespace {

bool names(const std::vector<SiteId>& sites, const SiteId& site) {
  return sites.empty() || std::ranges::find(sites, site) != sites.end();
}

bool is_in(const SiteSpec& site, const std::string& group) {
  return std::ranges::find(site.groups, group) != site.groups.end();
}

}  // namespace

bool takes_from(const LinkRule& rule, const SiteSpec& from) {
  return (!rule.group || is_in(from, *rule.group)) && names(rule.from, from.site);
}

bool takes_to(const LinkRule& rule, const SiteSpec& to) {
  return (!rule.group || is_in(to, *rule.group)) && names(rule.to, to.site);
}

bool matches(const LinkRule& rule, const SiteSpec& from, const SiteSpec& to) {
  return takes_from(rule, from) && takes_to(rule, to);
}

LinkTerms terms_of(const Mesh& mesh, const SiteSpec& from, const SiteSpec& to) {
  for (const LinkRule& rule : mesh.links)
    if (matches(rule, from, to)) return {rule.measured, rule.measured && rule.throughput, rule.every};
  return {};
}

bool has_latency(const Mesh& mesh, const SiteSpec& from, const SiteSpec& to) {
  return from.site != to.site && from.has_agent && (to.inbound || !to.has_agent) && terms_of(mesh, from, to).measured;
}

Exceptions exceptions_of(const Mesh& mesh) {
  Exceptions out;
  if (mesh.links.empty()) return out;
  for (const SiteSpec& from : mesh.sites)
    for (const SiteSpec& to : mesh.sites) {
      if (from.site == to.site) continue;
      const LinkTerms terms = terms_of(mesh, from, to);
      if (!terms.measured)
        out.unmeasured.insert({from.site, to.site});
      else if (!terms.throughput)
        out.no_throughput.insert({from.site, to.site});
    }
  return out;
}

bool can_transfer(const SiteSpec& from, const SiteSpec& to) {
  return from.has_agent && to.has_agent && (from.inbound || to.inbound);
}

bool has_throughput(const Mesh& mesh, const SiteSpec& from, const SiteSpec& to) {
  return from.site != to.site && can_transfer(from, to) && terms_of(mesh, from, to).throughput;
}

}  // namespace sonde
