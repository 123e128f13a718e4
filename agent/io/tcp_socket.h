// The few things that every TCP probe does with a socket, over plain descriptors.
#pragma once

#include <cstdint>
#include <optional>
#include <string>

#include "agent/core/arrival_count.h"
#include "shared/base/endpoint.h"
#include "shared/base/time.h"
#include "shared/io/fd.h"

namespace sonde::io {

/// The part of the kernel's TCP_INFO that Sonde reads (linux/tcp.h). Of one socket, since it was made.
struct TcpFacts {
  std::uint32_t total_retransmits = 0;  ///< tcpi_total_retrans: segments, SYNs among them
  std::uint32_t data_segments_out = 0;  ///< tcpi_data_segs_out: with data, resent ones too
  std::uint64_t bytes_acked = 0;        ///< tcpi_bytes_acked: counts the SYN as one
  nanoseconds rtt{0};                   ///< tcpi_rtt, smoothed; 0: no sample yet
  nanoseconds min_rtt{0};               ///< tcpi_min_rtt; 0: no sample yet
  nanoseconds since_last_ack{0};        ///< tcpi_last_ack_recv
  nanoseconds busy{0};
  nanoseconds rwnd_limited{0};
  nanoseconds sndbuf_limited{0};
  std::uint64_t delivery_rate = 0;  ///< octets per second
  std::uint32_t mss = 0;            ///< tcpi_snd_mss
  ArrivalFacts arrivals;
  std::uint32_t segments_out = 0;  ///< under way (RFC 6675's pipe), and octets not yet sent, in segments rounded up
};

/// nullopt where the kernel refuses (not a TCP socket).
std::optional<TcpFacts> read_tcp_facts(int fd);

/// True where the socket's receiving side holds no octet, neither in order nor behind a hole (SO_MEMINFO).
bool holds_nothing(int fd);

/// A new non-blocking TCP socket on which connect() was called.
struct StartedConnect {
  Fd socket;
  int error = 0;  ///< 0 or EINPROGRESS: going on; else errno, and the socket is of no use
};
/// `source`: the address to connect from, where it is of the target's family; nullopt leaves it to the kernel.
StartedConnect start_connect(const Endpoint& target, const std::optional<IpAddress>& source);

/// Asks for a congestion control by the kernel's name for it; 0, or errno. An empty name leaves it to the kernel.
int set_congestion_control(int fd, const std::string& name);
/// nullopt where this process may use it; else why not, with what there is.
std::optional<std::string> no_congestion_control(const std::string& name);

/// The socket's pending error (SO_ERROR), 0 for none.
int pending_error(int fd);

/// Lets this thread, a mover of data, go before the host's other work where the agent may (CAP_SYS_NICE): a link must
/// not run dry because a busy host has no time to fill it.
void go_first(const char* thread_name);

/// Closes with a reset (SO_LINGER 0): nothing lingers, no TIME_WAIT on either side.
void reset_connection(Fd& socket);

}  // namespace sonde::io
