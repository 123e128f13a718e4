// What a mesh measures and how often: the `probes:` part of the coordinator's configuration, as values.
#pragma once

#include <algorithm>
#include <cstdint>
#include <optional>
#include <string>

#include "shared/base/time.h"
#include "shared/base/units.h"

namespace sonde {

/// One STAMP stream for each link; a result every `every`.
struct LatencyPolicy {
  ProbeRate rate{5};
  nanoseconds every = std::chrono::seconds(10);
  nanoseconds timeout = std::chrono::seconds(2);
  std::uint8_t dscp = 0;  ///< 0 to 63: the class (RFC 2474) of probes and replies where an agent has none of its own
  bool authenticated = false;  ///< probes carry a HMAC (RFC 8762, 4.2.2) where there is a key, unless an agent differs
  bool operator==(const LatencyPolicy&) const = default;
};

struct ConnectPolicy {
  nanoseconds every = std::chrono::seconds(30);
  nanoseconds timeout = std::chrono::seconds(10);
  bool operator==(const ConnectPolicy&) const = default;
};

struct ThroughputPolicy {
  /// nullopt is `auto`: 1 h, or 1.25 x the cycle where that is longer.
  std::optional<nanoseconds> every;
  nanoseconds duration = std::chrono::seconds(5);
  nanoseconds max_duration = std::chrono::seconds(60);
  Bytes max_bytes{128'000'000};
  std::uint32_t streams = 1;
  bool full_duplex = false;  ///< a site may send in one run and receive in another at the same time
  std::string congestion;    ///< the sender's TCP congestion control; empty: as its kernel has it
  /// Measurements in one run, back to back in its slot; duration, max_duration and max_bytes hold for each of them.
  std::uint32_t iterations = 1;
  bool operator==(const ThroughputPolicy&) const = default;

  /// Below this the handshakes leave too little of an iteration's share of the slot.
  static constexpr nanoseconds least_repeated_duration = std::chrono::milliseconds(500);
  /// Of all iterations of a run.
  nanoseconds run_duration() const { return duration * iterations; }
  nanoseconds run_max_duration() const { return max_duration * iterations; }
  /// However soon earlier runs were over, no slot is planned for less: handshakes, an agent that begins late.
  nanoseconds shortest_run() const {
    return std::min(run_duration(), iterations * nanoseconds(std::chrono::seconds(1)));
  }
};

/// nullopt: that probe is off.
struct Policy {
  std::optional<LatencyPolicy> latency = LatencyPolicy{};
  std::optional<ConnectPolicy> connect = ConnectPolicy{};
  std::optional<ThroughputPolicy> throughput = ThroughputPolicy{};
  nanoseconds autonomy = std::chrono::hours(24);
  bool operator==(const Policy&) const = default;
};

}  // namespace sonde
