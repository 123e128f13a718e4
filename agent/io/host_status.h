// What this host says of its own fitness to measure.
#pragma once

namespace sonde::io {

/// Share of the last 10 s in which some task waited for a CPU (/proc/pressure/cpu, "some avg10"), 0 to 1; 0 where the
/// kernel does not tell.
double read_cpu_pressure();

}  // namespace sonde::io
