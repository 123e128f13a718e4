#include "coordinator/core/phases.h"

#include <algorithm>
#include <compare>
#include <cstdint>
#include <string_view>
#include <utility>
#include <vector>

#include "coordinator/core/merge.h"
#include "coordinator/core/terms_table.h"

namespace sonde {
namespace {

/// FNV-1a over the two names and a salt, finished as SplitMix64 does; equal on every platform and for ever.
std::uint64_t hash_of(const Link& link, std::uint64_t salt) {
  std::uint64_t hash = 0xCBF2'9CE4'8422'2325 ^ salt;
  const auto feed = [&](std::string_view text) {
    for (const char c : text) hash = (hash ^ static_cast<unsigned char>(c)) * 0x100'0000'01B3;
    hash = (hash ^ 0xFF) * 0x100'0000'01B3;
  };
  feed(link.from.str());
  feed(link.to.str());
  hash = (hash ^ (hash >> 30U)) * 0xBF58'476D'1CE4'E5B9;
  hash = (hash ^ (hash >> 27U)) * 0x94D0'49BB'1331'11EB;
  return hash ^ (hash >> 31U);
}

nanoseconds phase_of(const Link& link, std::uint64_t salt, nanoseconds every) {
  const double share = static_cast<double>(hash_of(link, salt) >> 11U) * 0x1p-53;
  return nanoseconds(static_cast<std::int64_t>(share * static_cast<double>(every.count())));
}

/// Sites that can join before a long list must be copied to grow.
constexpr std::size_t room_to_grow = 16;

bool same_intervals(const Policy& a, const Policy& b) {
  const auto latency = [](const Policy& policy) { return policy.latency ? policy.latency->every : nanoseconds(0); };
  const auto connect = [](const Policy& policy) { return policy.connect ? policy.connect->every : nanoseconds(0); };
  return latency(a) == latency(b) && connect(a) == connect(b);
}

LinkPhase make_phase(const Policy& policy, const SiteId& from, const SiteId& to) {
  LinkPhase phase;
  phase.link = {from, to};
  if (policy.latency) phase.latency_phase = phase_of(phase.link, 1, policy.latency->every);
  if (policy.connect) phase.connect_phase = phase_of(phase.link, 2, policy.connect->every);
  return phase;
}

}  // namespace

void place_phases(const Mesh& mesh, const Cast& cast, const Policy& before, std::vector<LinkPhase>& phases) {
  if (!same_intervals(mesh.policy, before)) phases.clear();
  std::vector<std::uint32_t> dropped;
  std::vector<LinkPhase> fresh;
  if (phases.empty()) fresh.reserve(cast.sites.size() * (cast.sites.size() + room_to_grow));
  const TermsTable terms(mesh, cast);
  std::uint32_t next = 0;
  for (std::uint32_t from = 0; from < cast.sites.size(); ++from) {
    const SiteId& source = cast.sites[from]->site;
    while (next < phases.size() && phases[next].link.from < source) dropped.push_back(next++);
    const auto row = std::partition_point(phases.begin() + next, phases.end(),
                                          [&](const LinkPhase& phase) { return phase.link.from == source; });
    const auto end = static_cast<std::uint32_t>(row - phases.begin());
    for (std::uint32_t to = 0; to < cast.sites.size(); ++to) {
      if (!terms.has_latency(from, to)) continue;
      const SiteId& sink = cast.sites[to]->site;
      if (next < end && phases[next].link.to == sink) {  // nearly always
        ++next;
        continue;
      }
      auto order = std::strong_ordering::greater;
      while (next < end && (order = phases[next].link.to <=> sink) < 0) dropped.push_back(next++);
      if (next < end && order == 0)
        ++next;
      else
        fresh.push_back(make_phase(mesh.policy, source, sink));
    }
    while (next < end) dropped.push_back(next++);
  }
  while (next < phases.size()) dropped.push_back(next++);
  if (phases.empty())
    phases = std::move(fresh);
  else
    merge_in_place(phases, dropped, std::move(fresh),
                   [](const LinkPhase& a, const LinkPhase& b) { return a.link < b.link; });
}

}  // namespace sonde
