// What a mesh measures and how often: the `probes:` part of the coordinator's configuration, as values.
#pragma once

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
  bool operator==(const ThroughputPolicy&) const = default;
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
