// Upper bounds of what the probes put on the wire, for budgets and `sonde plan`: octets of IP packets.
#pragma once

#include "coordinator/core/mesh.h"

namespace sonde {

inline constexpr double seconds_per_day = 86'400;
/// A month of 31 days, so that a budget holds in every month.
inline constexpr double seconds_per_month = 31 * seconds_per_day;

/// Octets of one throughput run with all its iterations, with headers and acknowledgements.
double throughput_run_octets(const ThroughputPolicy& policy);
/// Octets of a handshake, its end and some retransmissions: seven segments of 80.
inline constexpr double connect_run_octets = 7 * 80;
/// Octets of TCP payload with its headers and acknowledgements.
double transfer_octets(double payload);
/// Octets of one latency probe to this site, and of its reply. Each agent decides by itself whether its probes are
/// authenticated, and only it knows its keys, so they count as if they were; IPv6 counts where an address may be one.
double latency_packet_octets(const SiteSpec& to);
/// Octets a second of the latency stream and the connect runs of one link to this site, both directions together.
double small_probes_octets_per_second(const Policy& policy, const SiteSpec& to);

}  // namespace sonde
