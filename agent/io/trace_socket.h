// The socket of a path trace: probes with a TTL of their own and without fragmentation, replies, and the ICMP errors
// that come for them. No privilege is needed: the kernel hands a socket the errors of its own packets (ip(7),
// IP_RECVERR). Linux only.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "agent/core/trace_probe.h"
#include "shared/base/endpoint.h"
#include "shared/base/error.h"
#include "shared/base/time.h"
#include "shared/io/fd.h"

namespace sonde::io {

/// Non-blocking, connected to one reflector.
class TraceSocket {
 public:
  struct Plan {
    Endpoint to;
    std::optional<IpAddress> from;  ///< the agent's own address, where it listens on one
    std::uint16_t port = 0;  ///< the same for each trace, so that flows can be compared; any other where it is taken
    std::uint8_t dscp = 0;   ///< of the latency probes
    std::uint16_t ssid = 1;  ///< not 0
  };

  /// Fails where there is no route, or no such family.
  static Expected<TraceSocket> open(const Plan& plan);

  int fd() const { return fd_.get(); }
  Endpoint local() const;
  /// Octets of IP and UDP headers before the payload.
  std::uint32_t header_octets() const { return v6_ ? 48 : 28; }
  /// Of the IP packet of a STAMP base packet without anything behind it.
  std::uint32_t least_octets() const;

  /// 0, or an errno. EMSGSIZE: longer than the interface allows.
  int send(const TraceProbe& probe);
  /// Everything that came since; takes it out of the socket.
  std::vector<TraceAnswer> receive();

 private:
  TraceSocket(Fd fd, bool v6, const Plan& plan) : fd_(std::move(fd)), v6_(v6), plan_(plan) {}
  bool receive_reply(std::vector<TraceAnswer>& out);
  bool receive_error(std::vector<TraceAnswer>& out);
  std::optional<nanoseconds> rtt_of(std::uint32_t sequence, std::optional<WallTime> stamp) const;

  Fd fd_;
  bool v6_;
  Plan plan_;
  std::vector<WallTime> sent_;  ///< by sequence
  /// More than any reply: no probe is longer than an interface allows.
  std::vector<std::uint8_t> room_ = std::vector<std::uint8_t>(65'536);
};

}  // namespace sonde::io
