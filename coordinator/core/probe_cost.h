// Upper bounds of what the probes put on the wire, for budgets and `sonde plan`.
#pragma once

#include "coordinator/core/mesh.h"

namespace sonde {

inline constexpr double seconds_per_day = 86'400;
/// A month of 31 days, so that a budget holds in every month.
inline constexpr double seconds_per_month = 31 * seconds_per_day;

/// Octets of one throughput run, with headers and acknowledgements.
double throughput_run_octets(const ThroughputPolicy& policy);
/// Octets a second of the latency stream and the connect runs of one link, both directions together.
double small_probes_octets_per_second(const Policy& policy);

}  // namespace sonde
