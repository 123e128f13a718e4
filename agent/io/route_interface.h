// The interface that packets to somebody leave by, and its counters, from rtnetlink (no privilege is needed). Linux
// only.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "shared/base/endpoint.h"

namespace sonde::io {

struct RouteInterface {
  std::string name;
  std::uint32_t mtu = 0;
  /// In the kernel's order: "rx_packets" and so on, and "carrier_changes".
  std::vector<std::pair<std::string, std::uint64_t>> counters;
};

/// nullopt where there is no route, or the kernel does not tell.
std::optional<RouteInterface> route_interface(const IpAddress& to, const std::optional<IpAddress>& from);

}  // namespace sonde::io
