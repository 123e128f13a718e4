// The STAMP reflector: which packets are answered, and with what (RFC 8762, 4.3; RFC 8972, 3 and 4). Pure: packets and
// times in, a reply out.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <utility>
#include <vector>

#include "agent/core/latency_plan.h"
#include "agent/core/session_table.h"
#include "shared/base/endpoint.h"
#include "shared/base/prefix.h"
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

/// Which probes of a site have arrived? `from` are its addresses.
struct ArrivalQuery {
  std::uint64_t id = 0;
  std::vector<IpAddress> from;
  std::uint16_t ssid = 0;
  std::uint32_t first = 0;  ///< sequence numbers, both included
  std::uint32_t last = 0;
  WallTime sent_at;  ///< of the first one or earlier, on this host's clock
};

/// How a reply must leave.
struct ReplyOrders {
  wire::StampMode mode = wire::StampMode::open;
  const wire::StampKey* key = nullptr;  ///< that seal() signs with; valid until the members' keys are set anew
  std::uint8_t traffic_class = 0;
  bool stamp = false;  ///< the kernel's stamp of its departure is wanted: give it to on_sent()
};

/// Answers members and who is allowed, in the mode in which they ask, and never with more octets than came. Stateful:
/// each session, which is a source address, port and SSID, has a sequence number of its own that counts replies up from
/// 0. At most max_sessions are remembered; the one unused for longest makes room, and its sequence begins anew should
/// it come back.
class Reflector {
 public:
  static constexpr std::size_t max_sessions = SessionTable::capacity;

  struct Counters {
    std::uint64_t replies = 0;
    std::uint64_t strangers = 0;   ///< from no member's address, and from none that is allowed
    std::uint64_t bad_hmac = 0;    ///< authenticated, with a wrong HMAC or from somebody without a key: no answer
    std::uint64_t malformed = 0;   ///< shorter than a base packet, or with an impossible error estimate
    std::uint64_t bad_tlvs = 0;    ///< answered, with the M flag set
    std::uint64_t unverified = 0;  ///< answered, with the I flag set: a HMAC TLV that cannot be verified
    std::uint64_t evicted = 0;     ///< sessions forgotten for lack of room
    std::uint64_t follow_ups = 0;  ///< replies that told when the one before them really left
  };

  /// Sessions of addresses that are no longer members stay until they make room.
  void set_members(const std::vector<IpAddress>& members, WallTime now = {});
  /// Outsiders that are answered like members, such as routers.
  void set_allowed(std::vector<AddressPrefix> allowed) { allowed_ = std::move(allowed); }
  /// For authenticated requests. Where several have one address, each is tried.
  void set_keys(std::vector<MemberKey> keys);
  /// For those of outsiders. They are tried behind the members'.
  void set_outsider_keys(std::vector<OutsiderKey> keys) { outsider_keys_ = std::move(keys); }
  /// How good this host's clock is, for the error estimate of the replies.
  void set_clock_error(std::optional<nanoseconds> error) { clock_error_ = error; }
  /// The class that the mesh's probes have: beside 0 and a request's own the only one that a reply may be asked into.
  void set_dscp(std::uint8_t dscp) { dscp_ = dscp; }
  /// Names the time since this host's clock was stepped last, for those who ask; 0: nobody watches the clock. A start
  /// of the agent takes a random one, so that a step while it was not running does not hide.
  void set_clock_era(std::uint32_t era) { clock_era_ = era % (wire::most_clock_era + 1); }
  /// This host's clock was stepped. Tell it before the next request is answered.
  void on_clock_step() {
    if (clock_era_ != 0) clock_era_ = clock_era_ % wire::most_clock_era + 1;
  }
  /// This site's last throughput run, for those who ask; nullopt: there was none since the start.
  void set_load(const std::optional<SiteLoad>& load) { load_ = load.value_or(SiteLoad{}); }

  /// Overwrites `reply` with the answer, without t3: seal() puts it in. nullopt, and `reply` is left empty, where there
  /// is no answer.
  std::optional<ReplyOrders> on_packet(const ReceivedProbe& probe, std::vector<std::uint8_t>& reply);
  /// Puts t3 in and signs where that is needed; just before the reply leaves.
  static void seal(std::span<std::uint8_t> reply, const ReplyOrders& orders, WallTime leaving);
  /// When a reply really left: the kernel's stamp and the packet that it is of, of which the base packet is enough. The
  /// session's next reply tells it.
  void on_sent(const Endpoint& to, std::span<const std::uint8_t> reply, WallTime at);

  /// Distinct probes, over all sessions of that site with that SSID (a NAT may have given it another port). Not known
  /// where one of the addresses was no member's yet when the probes were sent, or where some may have been forgotten.
  ReceivedRuns::Count count_arrivals(const ArrivalQuery& query) const;

  const Counters& counters() const { return counters_; }
  std::size_t sessions() const { return sessions_.size(); }

 private:
  bool admits(const IpAddress& from) const;
  std::span<const MemberKey> keys_of(const IpAddress& from) const;
  const wire::StampKey* key_for(const ReceivedProbe& probe, wire::StampMode mode) const;
  void answer_extensions(const ReceivedProbe& probe, ReflectorSession& session, std::span<std::uint8_t> reply,
                         ReplyOrders& orders);

  struct Admitted {
    IpAddress address;
    WallTime since;
  };
  std::vector<Admitted> members_;  ///< sorted by address
  WallTime forgotten_{};           ///< probes of some session that came until then are forgotten
  std::vector<AddressPrefix> allowed_;
  std::vector<MemberKey> keys_;  ///< sorted by address
  std::vector<OutsiderKey> outsider_keys_;
  std::optional<nanoseconds> clock_error_;
  std::uint8_t dscp_ = 0;
  SiteLoad load_;
  std::uint32_t clock_era_ = 0;
  SessionTable sessions_;
  Counters counters_;
};

}  // namespace sonde
