#include "coordinator/core/cast.h"

#include <algorithm>
#include <cmath>
#include <map>
#include <numeric>
#include <string_view>
#include <utility>

#include "shared/base/random.h"

namespace sonde {

Cast cast_of(const Mesh& mesh, std::uint64_t seed) {
  Cast cast;
  for (const SiteSpec& site : mesh.sites) cast.sites.push_back(&site);
  std::ranges::sort(cast.sites, {}, [](const SiteSpec* site) -> const SiteId& { return site->site; });
  std::map<std::string_view, std::uint32_t> uplinks;
  for (const SiteSpec* site : cast.sites) {
    const auto unit = site->uplink ? uplinks.emplace(*site->uplink, cast.units).first->second : cast.units;
    cast.unit_of.push_back(unit);
    cast.units = std::max(cast.units, unit + 1);
  }
  std::vector<std::uint32_t> shuffled(cast.units);
  std::iota(shuffled.begin(), shuffled.end(), 0U);
  Random random(seed);
  for (std::uint32_t i = cast.units; i > 1; --i) std::swap(shuffled[i - 1], shuffled[random.below(i)]);
  for (std::uint32_t& unit : cast.unit_of) unit = shuffled[unit];
  return cast;
}

SiteIndex names_of(const Cast& cast) {
  std::vector<SiteId> names;
  names.reserve(cast.sites.size());
  for (const SiteSpec* site : cast.sites) names.push_back(site->site);
  return SiteIndex(std::move(names));
}

std::vector<std::uint32_t> places_in(const LinkTimes& times, const Cast& cast) {
  std::vector<std::uint32_t> places;
  places.reserve(cast.sites.size());
  for (const SiteSpec* site : cast.sites) places.push_back(times.place(site->site));
  return places;
}

std::vector<nanoseconds> guards_of(const Cast& cast, const std::map<SiteId, nanoseconds>& guards, double stretch) {
  std::vector<nanoseconds> out(cast.sites.size(), nanoseconds(0));
  if (guards.empty()) return out;
  for (std::size_t i = 0; i < out.size(); ++i)
    if (const auto guard = guards.find(cast.sites[i]->site); guard != guards.end())
      out[i] = nanoseconds(std::llround(stretch * static_cast<double>(guard->second.count())));
  return out;
}

nanoseconds granted_length(const ThroughputPolicy& policy, nanoseconds measured, double stretch) {
  const nanoseconds least = policy.run_duration();
  if (measured < least) return std::max(measured, policy.shortest_run());
  const nanoseconds longest = std::clamp(measured, least, std::max(least, policy.run_max_duration()));
  return least + nanoseconds(std::llround(stretch * static_cast<double>((longest - least).count())));
}

bool has_quiet_hours(const Mesh& mesh) {
  return std::ranges::any_of(mesh.sites, [](const SiteSpec& site) { return !site.quiet_hours.empty(); });
}

bool is_uniform(const Mesh& mesh) {
  return std::ranges::none_of(mesh.links, [](const LinkRule& rule) { return rule.every.has_value(); }) &&
         std::ranges::none_of(mesh.sites, [](const SiteSpec& site) { return site.bytes_per_month.has_value(); }) &&
         std::ranges::all_of(mesh.uplinks, [](const UplinkSpec& uplink) { return uplink.share >= 1; });
}

}  // namespace sonde
