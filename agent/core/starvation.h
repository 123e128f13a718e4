// When a result is the agent's fault rather than the network's. Pure. What latency results need is judged where they
// are made (latency_interval.cpp): they are timed by the kernel, and suffer from late sends and full sockets only.
#pragma once

#include "shared/measure/result.h"

namespace sonde {

/// Share of the last 10 s in which some task waited for a CPU, from which on what userland times or carries is not
/// believed to be the network's doing.
inline constexpr double starving_pressure = 0.5;

/// Tags a connect or throughput result `starved`, with the detail cpu_pressure, where the host was that busy.
void mark_starved(Result& result, double cpu_pressure);

}  // namespace sonde
