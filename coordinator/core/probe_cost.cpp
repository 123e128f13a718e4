#include "coordinator/core/probe_cost.h"

namespace sonde {
namespace {

// IPv6 and UDP headers 48, STAMP 44 (RFC 8762), room for the extensions that Sonde uses 28 (RFC 8972: follow-up
// telemetry 20, class of service 8).
constexpr double latency_packet = 48 + 44 + 28;
// A handshake, its end and some retransmissions: seven segments of 80.
constexpr double connect_run = 7 * 80;
// Headers and acknowledgements on top of TCP payload: IPv6 and TCP with options 72 + half of 72 for each 1,428.
constexpr double tcp_share = 1 + (72.0 + 36.0) / 1428.0;

}  // namespace

double throughput_run_octets(const ThroughputPolicy& policy) {
  return static_cast<double>(policy.max_bytes.count) * tcp_share;
}

double small_probes_octets_per_second(const Policy& policy) {
  double octets = 0;
  if (policy.latency) octets += 2 * latency_packet * policy.latency->rate.per_second;
  if (policy.connect) octets += connect_run / to_seconds(policy.connect->every);
  return octets;
}

}  // namespace sonde
