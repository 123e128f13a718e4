// When a result is the agent's fault rather than the network's. Pure. What latency results need is judged where they
// are made (latency_interval.cpp): they are timed by the kernel, and suffer from late sends and full sockets only.
#pragma once

#include <cstdint>
#include <deque>
#include <optional>

#include "shared/base/time.h"
#include "shared/measure/result.h"

namespace sonde {

/// Share of the last 10 s in which some task waited for a CPU, from which on a host is busy.
inline constexpr double busy_pressure = 0.5;
/// How long the agent may wait for a CPU each time that it wants one, in the mean, until what userland times or carries
/// is not believed to be the network's doing.
inline constexpr nanoseconds starving_wait = std::chrono::milliseconds{1};

/// The scheduler's account of one thread since its start.
struct CpuAccount {
  nanoseconds waited{};     ///< ready to run without a CPU
  std::uint64_t turns = 0;  ///< how often it got one
};

/// What the host leaves to the agent. A busy host alone starves nobody: what waits may be work of lower priority that
/// the agent overtakes. So its own thread must have waited too, where the kernel tells that.
class Starvation {
 public:
  /// To be called about once a second, by the thread that measures.
  /// @param pressure share of the last 10 s in which some task waited, 0 to 1; nullopt: the kernel does not tell, and
  ///                 nothing is ever called starved
  /// @param account  nullopt: the kernel does not tell, and a busy host is taken for a starved agent
  void update(std::optional<double> pressure, const std::optional<CpuAccount>& account);
  /// Of the last ten updates, in the mean of all turns; nullopt before two of them, without a turn, or untold.
  [[nodiscard]] std::optional<nanoseconds> mean_wait() const;
  [[nodiscard]] bool starving() const;
  /// Tags a connect or throughput result `starved` while the agent is, with the details cpu_pressure and, where it is
  /// told, cpu_wait_s.
  void mark(Result& result) const;

 private:
  std::optional<double> pressure_;
  std::deque<CpuAccount> accounts_;
};

}  // namespace sonde
