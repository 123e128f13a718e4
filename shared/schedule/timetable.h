// The timetable: who measures whom, when. Planned by the coordinator alone (coordinator/core/planner), carried out by
// the agents.
//
// All instants follow from the epoch: a throughput slot starts at epoch + k * throughput_every + start for k = 0, 1, 2
// ...; a latency interval of a link begins at epoch + k * latency.every + latency_phase, a connect run at epoch + k *
// connect.every + connect_phase. The epoch survives a new generation, so that a change of roster does not shift what
// need not move.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "shared/base/ids.h"
#include "shared/base/location.h"
#include "shared/base/time.h"
#include "shared/schedule/policy.h"

namespace sonde {

/// Where a site without an agent takes TCP connections.
struct ConnectTarget {
  std::string address;
  std::uint16_t port = 0;
  bool operator==(const ConnectTarget&) const = default;
};

/// A site as every agent must know it. The port is for UDP (STAMP) and TCP (connect, throughput); port + 1 is ZeroMQ
/// between agents.
struct Member {
  SiteId site;
  std::vector<std::string>
      addresses;  ///< IPv4, IPv6 or DNS names, in order of preference; 1 to limits::addresses_per_site
  std::uint16_t port = 7101;
  bool inbound = true;                   ///< false: nobody can open a connection or send a probe to it
  bool has_agent = true;                 ///< false: a plain reflector, a column only
  std::optional<ConnectTarget> connect;  ///< only without an agent; an agent takes connections at addresses and port
  std::string public_key;                ///< CURVE, 40 characters of Z85; empty without an agent
  std::optional<Location> location{};    ///< where it is, if the operator has said so
  std::uint32_t uplink = 0;              ///< sites with the same number share a bottleneck; 0: none that was named
  bool operator==(const Member&) const = default;
};

/// A span of every day, UTC; it may reach over midnight.
struct DailyHours {
  nanoseconds from{0};    ///< after midnight, below 24 h
  nanoseconds length{0};  ///< above 0, below 24 h
  bool operator==(const DailyHours&) const = default;
};

/// A site at which no throughput run may take place in some hours.
struct QuietSite {
  SiteId site;
  DailyHours hours;
  bool operator==(const QuietSite&) const = default;
};

/// Whether any of [start, start + length) lies in the hours.
bool is_quiet(const DailyHours& hours, SharedTime start, nanoseconds length);
/// Whether every run of [start + k * every, + length) meets one of the hours.
bool always_quiet(const std::vector<DailyHours>& hours, SharedTime start, nanoseconds every, nanoseconds length);

/// One place in the cycle for one throughput run.
struct ThroughputSlot {
  Round round;            ///< within the cycle, from 0
  Link link;              ///< direction of the data
  nanoseconds start{0};   ///< after the cycle's beginning
  nanoseconds length{0};  ///< everything must be over by start + length
  nanoseconds every{0};   ///< the link's own interval, which divides throughput_every; 0: throughput_every
  bool operator==(const ThroughputSlot&) const = default;
};

/// When a link's latency intervals and connect runs begin, within their interval.
struct LinkPhase {
  Link link;
  nanoseconds latency_phase{0};
  nanoseconds connect_phase{0};
  bool operator==(const LinkPhase&) const = default;
};

/// An agent is told of the slots of others over its uplink if all slots over it are no more than these, which go into
/// one message; else of its own alone.
inline constexpr std::size_t most_uplink_slots = 200'000;

struct Timetable {
  Generation generation;
  SharedTime effective_at;  ///< nothing of this generation starts earlier
  SharedTime epoch;
  Policy policy;
  /// The interval at which everything repeats; links may have shorter ones of their own. 0 without throughput.
  nanoseconds throughput_every{0};
  std::uint32_t rounds = 0;  ///< throughput rounds in one cycle
  nanoseconds cycle{0};      ///< all rounds back to back
  std::vector<Member> members;
  std::vector<ThroughputSlot> slots;  ///< ordered by start, then link
  std::vector<LinkPhase>
      phases;  ///< ordered by link; only links whose from-site has an agent and whose to-site takes probes
  std::vector<QuietSite> quiet;  ///< slots of these sites that would fall into the hours are left out
  bool operator==(const Timetable&) const = default;

  const Member* member(const SiteId& site) const;
  /// How often the slot comes.
  nanoseconds interval(const ThroughputSlot& slot) const {
    return slot.every > nanoseconds(0) ? slot.every : throughput_every;
  }
  /// Whether quiet hours of one of its sites leave this run out.
  bool is_quiet(const Link& link, SharedTime start, nanoseconds length) const;
  /// All but slots and phases.
  Timetable head() const;
  /// What one agent needs of it: all members, the slots that load its uplink (its own runs, and for its own probes to
  /// know of them those of sites that share its uplink, up to most_uplink_slots), the phases of the links that begin at
  /// it.
  Timetable for_site(const SiteId& site) const;
};

}  // namespace sonde
