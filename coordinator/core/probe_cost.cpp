#include "coordinator/core/probe_cost.h"

#include <algorithm>
#include <string>

#include "shared/base/endpoint.h"
#include "shared/wire/stamp_probe.h"

namespace sonde {
namespace {

constexpr double udp_over_ipv4 = 20 + 8;
constexpr double udp_over_ipv6 = 40 + 8;
// Headers and acknowledgements on top of TCP payload: IPv6 and TCP with options 72 + half of 72 for each 1,428.
constexpr double tcp_share = 1 + (72.0 + 36.0) / 1428.0;

bool is_ipv4(const std::string& address) {
  const auto literal = IpAddress::parse(address);
  return literal && literal->family == IpAddress::Family::v4;
}

}  // namespace

double transfer_octets(double payload) { return payload * tcp_share; }

double throughput_run_octets(const ThroughputPolicy& policy) {
  return transfer_octets(static_cast<double>(policy.max_bytes.count)) * policy.iterations;
}

double latency_packet_octets(const SiteSpec& to) {
  wire::ProbeFormat format = to.has_agent ? wire::ProbeFormat::agents() : wire::ProbeFormat::base();
  format.mode = wire::StampMode::authenticated;
  const bool only_ipv4 = !to.addresses.empty() && std::ranges::all_of(to.addresses, is_ipv4);
  return static_cast<double>(format.octets()) + (only_ipv4 ? udp_over_ipv4 : udp_over_ipv6);
}

double small_probes_octets_per_second(const Policy& policy, const SiteSpec& to) {
  double octets = 0;
  if (policy.latency) octets += 2 * latency_packet_octets(to) * policy.latency->rate.per_second;
  if (policy.connect && (to.has_agent || to.connect)) octets += connect_run_octets / to_seconds(policy.connect->every);
  return octets;
}

}  // namespace sonde
