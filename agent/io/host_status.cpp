#include "agent/io/host_status.h"

#include <algorithm>
#include <cstdio>
#include <cstdlib>
#include <fstream>
#include <random>
#include <sstream>
#include <string>
#include <vector>

#include "shared/io/clock.h"

namespace sonde::io {

std::optional<double> read_cpu_pressure() {
  std::ifstream in("/proc/pressure/cpu");
  std::string line;
  double percent = 0;
  if (!std::getline(in, line) || std::sscanf(line.c_str(), "some avg10=%lf", &percent) != 1) return std::nullopt;
  return percent / 100;
}

std::optional<CpuAccount> read_own_cpu_account() {
  std::ifstream in("/proc/thread-self/schedstat");
  std::int64_t ran = 0;
  std::int64_t waited = 0;
  CpuAccount account;
  if (!(in >> ran >> waited >> account.turns) || account.turns == 0) return std::nullopt;
  account.waited = nanoseconds{waited};
  return account;
}

std::uint64_t read_listen_overflows() {
  std::ifstream in("/proc/net/netstat");
  std::string names;
  std::string values;
  while (std::getline(in, names) && std::getline(in, values)) {
    if (!names.starts_with("TcpExt:")) continue;
    std::istringstream name_words(names);
    std::istringstream value_words(values);
    std::string name;
    std::string value;
    while (name_words >> name && value_words >> value)
      if (name == "ListenOverflows") return std::strtoull(value.c_str(), nullptr, 10);
  }
  return 0;
}

std::uint64_t random_seed() {
  std::random_device device;
  return std::uint64_t{device()} << 32U | device();
}

wire::Heartbeat host_status(const LatencyStats& stats, const std::deque<nanoseconds>& slot_lateness) {
  wire::Heartbeat status;
  status.clock_error = kernel_clock_error();
  status.clock_synchronised = kernel_clock_synchronised();
  status.send_lateness_p50 = stats.lateness.p50;
  status.send_lateness_p99 = stats.lateness.p99;
  status.send_lateness_max = stats.lateness.max;
  status.hold_p50 = stats.hold.p50;
  status.hold_p99 = stats.hold.p99;
  status.hold_max = stats.hold.max;
  if (!slot_lateness.empty()) {
    std::vector<nanoseconds> sorted(slot_lateness.begin(), slot_lateness.end());
    std::ranges::sort(sorted);
    status.slot_lateness_p50 = sorted[(sorted.size() - 1) / 2];
    status.slot_lateness_p99 = sorted[(sorted.size() - 1) * 99 / 100];
    status.slot_lateness_max = sorted.back();
  }
  status.socket_drops = stats.socket_drops;
  status.lost_stamps = stats.sender.lost_stamps;
  status.results_dropped = stats.results_dropped;
  status.real_time = stats.real_time;
  const std::optional<double> pressure = read_cpu_pressure();
  status.cpu_pressure_known = pressure.has_value();
  status.cpu_pressure = pressure.value_or(0);
  status.listen_overflows = read_listen_overflows();
  return status;
}

}  // namespace sonde::io
