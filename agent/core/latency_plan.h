// What the latency path is told to do: this agent's part of the timetable, with names already resolved.
#pragma once

#include <cstdint>
#include <optional>
#include <vector>

#include "shared/base/endpoint.h"
#include "shared/base/ids.h"
#include "shared/base/prefix.h"
#include "shared/base/time.h"
#include "shared/base/units.h"
#include "shared/wire/stamp_probe.h"

namespace sonde {

/// A key that this site shares with the one that has this address.
struct MemberKey {
  IpAddress address;
  wire::StampKey key{};
  bool operator==(const MemberKey&) const = default;
};

/// The key of somebody outside the mesh, or of several in one range.
struct OutsiderKey {
  AddressPrefix range;
  wire::StampKey key{};
  bool operator==(const OutsiderKey&) const = default;
};

/// One stream of probes from this site to another.
struct LatencyStreamPlan {
  SiteId to;
  std::vector<Endpoint> addresses;      ///< in order of preference; the first of a family that the socket has is used
  ProbeRate rate;                       ///< > 0
  nanoseconds every{0};                 ///< a result each; >= 1 ms
  nanoseconds timeout{0};               ///< > 0; a reply after it is late
  nanoseconds phase{0};                 ///< the intervals begin at epoch + k * every + phase
  bool stateful = true;                 ///< the far side is one of our agents, whose reflector counts by itself
  wire::ProbeFormat format;             ///< what its probes carry; a reflector that is not ours gets the base packet
  std::optional<wire::StampKey> key{};  ///< needed where the format's mode is authenticated
  std::uint8_t dscp = 0;                ///< 0 to 63, of its probes and wanted for their replies
  bool shares_clock = false;            ///< both hosts run on one kernel clock (equal boot ids)
  std::optional<nanoseconds> far_clock_error;  ///< +- against UTC, where known
  nanoseconds least_delay{0};                  ///< nothing gets there faster; 0: the distance is not known
  bool operator==(const LatencyStreamPlan&) const = default;
};

struct LatencyPlan {
  Generation generation;
  SiteId self;
  SharedTime effective_at;  ///< nothing of this plan is sent earlier; the plan before it goes on until then
  SharedTime epoch;
  std::vector<LatencyStreamPlan> streams;    ///< at most limits::sites, one for each `to`
  std::vector<IpAddress> members;            ///< whose probes the reflector answers, from any port
  std::vector<AddressPrefix> allowed{};      ///< outsiders whose probes it answers, too
  std::vector<MemberKey> keys{};             ///< for authenticated probes; several may have one address
  std::vector<OutsiderKey> outsider_keys{};  ///< for those of outsiders
  std::optional<nanoseconds> own_clock_error;
  std::uint8_t dscp = 0;  ///< of this agent's probes: the class that replies may be asked into
  bool operator==(const LatencyPlan&) const = default;
};

/// One stream beside the plan's, for a run on demand: one result, of what it sends in [start, start + stream.every).
struct LatencyBurst {
  LatencyStreamPlan stream;  ///< its phase is 0
  SharedTime start;
};

}  // namespace sonde
