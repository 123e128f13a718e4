#include "agent/io/tcp_socket.h"

#include <fmt/format.h>
#include <linux/sock_diag.h>
#include <linux/tcp.h>
#include <netinet/in.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <chrono>
#include <cstring>
#include <fstream>

namespace sonde::io {
namespace {

union SocketAddress {
  sockaddr any;
  sockaddr_in v4;
  sockaddr_in6 v6;
};

socklen_t fill(SocketAddress& out, const Endpoint& endpoint) {
  std::memset(&out, 0, sizeof out);
  if (endpoint.address.family == IpAddress::Family::v4) {
    out.v4.sin_family = AF_INET;
    out.v4.sin_port = htons(endpoint.port);
    std::memcpy(&out.v4.sin_addr, endpoint.address.octets.data(), 4);
    return sizeof out.v4;
  }
  out.v6.sin6_family = AF_INET6;
  out.v6.sin6_port = htons(endpoint.port);
  std::memcpy(&out.v6.sin6_addr, endpoint.address.octets.data(), 16);
  return sizeof out.v6;
}

}  // namespace

std::optional<TcpFacts> read_tcp_facts(int fd) {
  tcp_info raw{};
  socklen_t size = sizeof raw;
  if (::getsockopt(fd, IPPROTO_TCP, TCP_INFO, &raw, &size) != 0) return std::nullopt;
  using std::chrono::microseconds;
  TcpFacts facts;
  facts.total_retransmits = raw.tcpi_total_retrans;
  facts.data_segments_out = raw.tcpi_data_segs_out;
  facts.bytes_acked = raw.tcpi_bytes_acked;
  facts.rtt = microseconds(raw.tcpi_rtt);
  // The kernel says "no sample yet" with all bits set.
  facts.min_rtt = raw.tcpi_min_rtt == ~0U ? microseconds(0) : microseconds(raw.tcpi_min_rtt);
  facts.since_last_ack = std::chrono::milliseconds(raw.tcpi_last_ack_recv);
  facts.busy = microseconds(raw.tcpi_busy_time);
  facts.rwnd_limited = microseconds(raw.tcpi_rwnd_limited);
  facts.sndbuf_limited = microseconds(raw.tcpi_sndbuf_limited);
  facts.delivery_rate = raw.tcpi_delivery_rate;
  facts.mss = raw.tcpi_snd_mss;
  facts.arrivals = {raw.tcpi_bytes_received, raw.tcpi_data_segs_in, raw.tcpi_rcv_ooopack, raw.tcpi_rcv_mss};
  const std::uint32_t gone = raw.tcpi_sacked + raw.tcpi_lost;
  const std::uint32_t there = raw.tcpi_unacked + raw.tcpi_retrans;
  facts.segments_out = there > gone ? there - gone : 0;
  if (facts.mss > 0) facts.segments_out += (raw.tcpi_notsent_bytes + facts.mss - 1) / facts.mss;
  return facts;
}

bool holds_nothing(int fd) {
  std::array<std::uint32_t, SK_MEMINFO_VARS> memory{};
  socklen_t size = sizeof memory;
  return ::getsockopt(fd, SOL_SOCKET, SO_MEMINFO, memory.data(), &size) == 0 && memory[SK_MEMINFO_RMEM_ALLOC] == 0;
}

StartedConnect start_connect(const Endpoint& target, const std::optional<IpAddress>& source) {
  SocketAddress address;
  const socklen_t size = fill(address, target);
  StartedConnect started;
  started.socket = Fd(::socket(address.any.sa_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0));
  if (started.socket && source && source->family == target.address.family) {
    const int no_port_yet = 1;  // the port is chosen with the target, so that none runs out
    ::setsockopt(started.socket.get(), IPPROTO_IP, IP_BIND_ADDRESS_NO_PORT, &no_port_yet, sizeof no_port_yet);
    SocketAddress own;
    const socklen_t own_size = fill(own, {*source, 0});
    if (::bind(started.socket.get(), &own.any, own_size) != 0) {
      started.error = errno;
      return started;
    }
  }
  if (!started.socket || ::connect(started.socket.get(), &address.any, size) != 0) started.error = errno;
  return started;
}

int set_congestion_control(int fd, const std::string& name) {
  if (name.empty()) return 0;
  const int done = ::setsockopt(fd, IPPROTO_TCP, TCP_CONGESTION, name.data(), static_cast<socklen_t>(name.size()));
  return done == 0 ? 0 : errno;
}

std::optional<std::string> no_congestion_control(const std::string& name) {
  const Fd socket(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0));
  const int error = set_congestion_control(socket.get(), name);
  if (error == 0) return std::nullopt;
  std::string there;
  std::ifstream list("/proc/sys/net/ipv4/tcp_available_congestion_control");
  std::getline(list, there);
  const char* what = error == EPERM ? "only root may use" : "this kernel has no";
  return fmt::format("{} congestion control '{}' (it has: {})", what, name, there);
}

int pending_error(int fd) {
  int error = 0;
  socklen_t size = sizeof error;
  return ::getsockopt(fd, SOL_SOCKET, SO_ERROR, &error, &size) == 0 ? error : errno;
}

void go_first(const char* thread_name) {
  constexpr int nice = -10;
  ::prctl(PR_SET_NAME, thread_name);
  ::setpriority(PRIO_PROCESS, static_cast<id_t>(::gettid()), nice);
}

void reset_connection(Fd& socket) {
  if (!socket) return;
  const linger now{1, 0};
  ::setsockopt(socket.get(), SOL_SOCKET, SO_LINGER, &now, sizeof now);
  socket.reset();
}

}  // namespace sonde::io
