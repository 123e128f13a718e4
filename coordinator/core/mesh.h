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
  bool operator==(const SiteSpec&) const = default;
};

struct Mesh {
  std::string name;
  std::vector<SiteSpec> sites;  ///< in the order of the configuration, which is the order of the matrix
  Policy policy;
  bool operator==(const Mesh&) const = default;

  const SiteSpec* site(const SiteId& id) const;
};

}  // namespace sonde
