// The STAMP reflector: which packets are answered, and with what (RFC 8762, 4.3; RFC 8972, 3 and 4). Pure: packets and
// times in, a reply out.
#pragma once

#include <cstddef>
#include <cstdint>
#include <list>
#include <map>
#include <optional>
#include <set>
#include <span>
#include <vector>

#include "shared/base/endpoint.h"
#include "shared/base/time.h"

namespace sonde {

/// A packet as it came from the socket.
struct ReceivedProbe {
  Endpoint from;
  std::span<const std::uint8_t> octets;
  WallTime received_at;  ///< t2
  std::uint8_t ttl = 0;  ///< as it arrived; 0: unknown
};

/// Answers members only, and never with more octets than came. Stateful: each session, which is a source address, port
/// and SSID, has a sequence number of its own that counts replies up from 0. At most max_sessions are remembered; the
/// one unused for longest makes room, and its sequence begins anew should it come back.
class Reflector {
 public:
  static constexpr std::size_t max_sessions = 8192;

  struct Counters {
    std::uint64_t replies = 0;
    std::uint64_t strangers = 0;  ///< not from a member's address
    std::uint64_t malformed = 0;  ///< shorter than a base packet, or with an impossible error estimate
    std::uint64_t bad_tlvs = 0;   ///< answered, with the M flag set
    std::uint64_t evicted = 0;    ///< sessions forgotten for lack of room
  };

  /// Sessions of addresses that are no longer members stay until they make room.
  void set_members(const std::vector<IpAddress>& members);
  /// How good this host's clock is, for the error estimate of the replies.
  void set_clock_error(std::optional<nanoseconds> error) { clock_error_ = error; }

  /// Overwrites `reply` with the answer, without t3: the caller puts it in with wire::set_sent_at just before sending.
  /// False, and `reply` is left empty, where there is no answer.
  bool on_packet(const ReceivedProbe& probe, std::vector<std::uint8_t>& reply);

  const Counters& counters() const { return counters_; }
  std::size_t sessions() const { return sessions_.size(); }

 private:
  struct Key {
    Endpoint from;
    std::uint16_t ssid = 0;
    auto operator<=>(const Key&) const = default;
  };
  struct Session {
    std::uint32_t next = 0;
    std::list<Key>::iterator recency;
  };
  std::uint32_t next_sequence(const Key& key);

  std::set<IpAddress> members_;
  std::optional<nanoseconds> clock_error_;
  std::map<Key, Session> sessions_;
  std::list<Key> by_recency_;  ///< the most recently used first
  Counters counters_;
};

}  // namespace sonde
