// What this host says of its own fitness to measure.
#pragma once

#include <cstdint>
#include <deque>
#include <optional>

#include "agent/core/starvation.h"
#include "agent/io/latency_path.h"
#include "shared/base/time.h"
#include "shared/wire/messages.h"

namespace sonde::io {

/// Share of the last 10 s in which some task waited for a CPU (/proc/pressure/cpu, "some avg10"), 0 to 1; nullopt where
/// the kernel does not tell.
std::optional<double> read_cpu_pressure();

/// The scheduler's account of the calling thread (/proc/thread-self/schedstat); nullopt where the kernel does not tell.
std::optional<CpuAccount> read_own_cpu_account();

/// How often an accept queue of this network namespace was full (/proc/net/netstat, TcpExt ListenOverflows); 0 where
/// the kernel does not tell.
std::uint64_t read_listen_overflows();

/// From the system's source of randomness: no two starts of an agent draw the same.
std::uint64_t random_seed();

/// What the next heartbeats say of the measurer: the kernel's figures, those of the packet thread, and how late the
/// last throughput slots began. What the session and the clock's estimate know is left as it is.
wire::Heartbeat host_status(const LatencyStats& stats, const std::deque<nanoseconds>& slot_lateness);

}  // namespace sonde::io
