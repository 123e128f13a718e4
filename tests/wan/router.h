// The routers of an emulated path, as far as a traceroute can see them: they count the TTL down and answer with ICMP.
// Pure: octets in, octets out.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <vector>

#include "shared/base/endpoint.h"

namespace sonde::wan {

/// nullopt: a router that never answers.
using Routers = std::vector<std::optional<IpAddress>>;

/// Those that a packet of this family meets, in order: the silent ones, and those that have an address of it.
Routers routers_of(const Routers& all, IpAddress::Family family);

/// Of an IPv4 or IPv6 packet.
struct IpView {
  IpAddress from;
  IpAddress to;
  std::uint8_t ttl = 0;
};
std::optional<IpView> view_ip(std::span<const std::byte> packet);

/// Counts the TTL down; IPv4's checksum follows. The packet is one that view_ip() understands.
void count_down(std::span<std::byte> packet, std::uint8_t by);

/// "Time exceeded" (RFC 792; RFC 4443, 3.3) about the packet, to its sender.
std::vector<std::byte> time_exceeded(const IpAddress& router, std::span<const std::byte> packet);
/// "Fragmentation needed" (RFC 1191, 4), "packet too big" (RFC 4443, 3.2).
std::vector<std::byte> too_big(const IpAddress& router, std::span<const std::byte> packet, std::uint32_t mtu);

}  // namespace sonde::wan
