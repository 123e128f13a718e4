// The STAMP reflector: which packets are answered, and with what (RFC 8762, 4.3; RFC 8972, 3 and 4). Pure: packets and
// times in, a reply out.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <set>
#include <span>
#include <vector>

#include "agent/core/session_table.h"
#include "shared/base/endpoint.h"
#include "shared/base/time.h"
#include "shared/measure/site_load.h"

namespace sonde {

/// A packet as it came from the socket.
struct ReceivedProbe {
  Endpoint from;
  std::span<const std::uint8_t> octets;
  WallTime received_at;            ///< t2
  std::uint8_t ttl = 0;            ///< as it arrived; 0: unknown
  std::uint8_t traffic_class = 0;  ///< as it arrived: DSCP in the upper six bits, ECN in the lower two
};

/// How a reply must leave.
struct ReplyOrders {
  std::uint8_t traffic_class = 0;
  bool stamp = false;  ///< the kernel's stamp of its departure is wanted: give it to on_sent()
};

/// Answers members only, and never with more octets than came. Stateful: each session, which is a source address, port
/// and SSID, has a sequence number of its own that counts replies up from 0. At most max_sessions are remembered; the
/// one unused for longest makes room, and its sequence begins anew should it come back.
class Reflector {
 public:
  static constexpr std::size_t max_sessions = SessionTable::capacity;

  struct Counters {
    std::uint64_t replies = 0;
    std::uint64_t strangers = 0;   ///< not from a member's address
    std::uint64_t malformed = 0;   ///< shorter than a base packet, or with an impossible error estimate
    std::uint64_t bad_tlvs = 0;    ///< answered, with the M flag set
    std::uint64_t unverified = 0;  ///< answered, with the I flag set: a HMAC TLV that cannot be verified
    std::uint64_t evicted = 0;     ///< sessions forgotten for lack of room
    std::uint64_t follow_ups = 0;  ///< replies that told when the one before them really left
  };

  /// Sessions of addresses that are no longer members stay until they make room.
  void set_members(const std::vector<IpAddress>& members);
  /// How good this host's clock is, for the error estimate of the replies.
  void set_clock_error(std::optional<nanoseconds> error) { clock_error_ = error; }
  /// The class that the mesh's probes have: beside 0 and a request's own the only one that a reply may be asked into.
  void set_dscp(std::uint8_t dscp) { dscp_ = dscp; }
  /// This site's last throughput run, for those who ask; nullopt: there was none since the start.
  void set_load(const std::optional<SiteLoad>& load) { load_ = load.value_or(SiteLoad{}); }

  /// Overwrites `reply` with the answer, without t3: the caller puts it in with wire::set_sent_at just before sending.
  /// nullopt, and `reply` is left empty, where there is no answer.
  std::optional<ReplyOrders> on_packet(const ReceivedProbe& probe, std::vector<std::uint8_t>& reply);
  /// When a reply really left: the kernel's stamp and the packet that it is of, of which the base packet is enough. The
  /// session's next reply tells it.
  void on_sent(const Endpoint& to, std::span<const std::uint8_t> reply, WallTime at);

  const Counters& counters() const { return counters_; }
  std::size_t sessions() const { return sessions_.size(); }

 private:
  ReplyOrders answer_extensions(const ReceivedProbe& probe, ReflectorSession& session, std::span<std::uint8_t> area);

  std::set<IpAddress> members_;
  std::optional<nanoseconds> clock_error_;
  std::uint8_t dscp_ = 0;
  SiteLoad load_;
  SessionTable sessions_;
  Counters counters_;
};

}  // namespace sonde
