// What one agent saw when it looked at the way to another site: the routers hop by hop, the path MTU, its own
// interface. Values only; how they are come by is agent/core/path_tracer.h, what they mean
// coordinator/core/path_evidence.h.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "shared/base/time.h"

namespace sonde {

/// What came back from a probe whose TTL ended there.
enum class HopKind : std::uint8_t {
  silent,       ///< nothing
  router,       ///< a router's "time exceeded" (ICMP, RFC 792; ICMPv6, RFC 4443, 3.3)
  target,       ///< the far reflector's reply: this is the far site
  refused,      ///< the far host's "port unreachable": it is there, and nobody listens
  unreachable,  ///< a router's "unreachable" of any other kind: it goes no further from there
};
inline constexpr std::size_t hop_kind_count = 5;

struct Hop {
  HopKind kind = HopKind::silent;
  std::string address;             ///< as IpAddress::str() has it; empty where it is silent
  std::optional<nanoseconds> rtt;  ///< to the first answer; userland's sending time, the kernel's stamp of the arrival
  bool operator==(const Hop&) const = default;
};

/// A counter of the interface that the route uses, as the kernel keeps it (struct rtnl_link_stats64).
struct InterfaceCounter {
  std::string name;          ///< "tx_dropped"
  std::uint64_t total = 0;   ///< at the end, since the interface was made
  std::uint64_t change = 0;  ///< from the beginning of the taking to its end
  bool operator==(const InterfaceCounter&) const = default;
};

/// One flow (the same addresses, ports and DSCP for every probe), so that routers which spread flows over several ways
/// keep it on one (Augustin et al., "Avoiding traceroute anomalies with Paris traceroute", 2006).
struct PathTrace {
  SharedTime began_at;
  nanoseconds took{0};
  std::string source;      ///< "192.0.2.10:7102"; traces whose flows differ may differ without any change of routing
  std::string target;      ///< "192.0.2.20:7101"
  std::vector<Hop> hops;   ///< [0] is the first; at most limits::hops_per_trace, no silent one at the end
  bool reached = false;    ///< the far reflector answered
  std::uint32_t sent = 0;  ///< small probes with a TTL that reaches everywhere
  std::uint32_t answered = 0;  ///< of these
  /// The longest IP packet, in octets, that arrived at the far site from here; 0: not known. Of a reflector that does
  /// not count by itself (no agent): that came back.
  std::uint32_t mtu = 0;
  std::string mtu_told_by;      ///< the router that refused longer ones ("fragmentation needed"); empty: none did
  bool mtu_black_hole = false;  ///< longer ones vanish and nobody says so (RFC 2923, 2.1)
  std::string interface;        ///< that the route leaves by; empty: not known
  std::uint32_t interface_mtu = 0;
  std::vector<InterfaceCounter> counters;
  std::string trouble;  ///< why something is missing; empty: nothing is
  bool operator==(const PathTrace&) const = default;
};

}  // namespace sonde
