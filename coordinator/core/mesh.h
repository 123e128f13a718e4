// What the operator declared: the sites and what is measured between them. Made by coordinator/config.h, or by hand in
// tests.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "shared/base/ids.h"
#include "shared/base/location.h"
#include "shared/schedule/policy.h"
#include "shared/schedule/timetable.h"

namespace sonde {

/// A rule for the links that it matches. Lists that are empty match every site.
struct LinkRule {
  std::vector<SiteId> from;
  std::vector<SiteId> to;
  std::optional<std::string> group;  ///< both sites are in it
  bool measured = true;              ///< false: no probe at all
  bool throughput = true;            ///< false: no throughput runs
  std::optional<nanoseconds> every;  ///< of throughput runs; nullopt: as probes.throughput says
  bool operator==(const LinkRule&) const = default;
};

struct UplinkSpec {
  std::string name;
  double share = 1;  ///< of the time in which throughput runs may use it, above 0 to 1
  bool operator==(const UplinkSpec&) const = default;
};

struct SiteSpec {
  SiteId site;
  std::vector<std::string> addresses;
  std::uint16_t port = 7101;
  std::optional<Location> location;
  std::optional<std::string> uplink;  ///< sites that name the same one share a bottleneck
  std::vector<std::string> groups;
  bool inbound = true;
  bool has_agent = true;  ///< false: declared with `reflector:`; then addresses and port are the reflector's
  std::optional<ConnectTarget> connect;  ///< only without an agent
  std::string public_key;                ///< Z85; filled in from keys.agents, empty until then
  std::optional<Bytes> bytes_per_month;  ///< what all probes together may send and receive
  std::vector<DailyHours> quiet_hours;   ///< no throughput run at this site then
  bool operator==(const SiteSpec&) const = default;
};

struct Mesh {
  std::string name;
  std::vector<SiteSpec> sites;  ///< in the order of the configuration, which is the order of the matrix
  Policy policy;
  std::vector<LinkRule> links;  ///< the first that matches a link holds
  std::vector<UplinkSpec> uplinks;
  bool operator==(const Mesh&) const = default;

  const SiteSpec* site(const SiteId& id) const;
};

}  // namespace sonde
