// What this host says of its own fitness to measure.
#pragma once

#include <cstdint>

namespace sonde::io {

/// Share of the last 10 s in which some task waited for a CPU (/proc/pressure/cpu, "some avg10"), 0 to 1; 0 where the
/// kernel does not tell.
double read_cpu_pressure();

/// How often an accept queue of this network namespace was full (/proc/net/netstat, TcpExt ListenOverflows); 0 where
/// the kernel does not tell.
std::uint64_t read_listen_overflows();

}  // namespace sonde::io
