// What a site's throughput runs did last, as its own wall clock has it. A latency sample whose flight overlaps such a
// run measures the loaded path and not the idle one.
#pragma once

#include <cstdint>
#include <optional>

#include "shared/base/time.h"

namespace sonde {

/// What the site does, or did, in its last throughput run; the numbers are those of the wire (docs/protocol.md).
enum class LoadRole : std::uint8_t { none = 0, sends = 1, receives = 2, both = 3 };

/// With role `none` there was no run since the site's agent started; the times mean nothing then.
struct SiteLoad {
  LoadRole role = LoadRole::none;
  WallTime start;               ///< on that site's clock
  std::optional<WallTime> end;  ///< nullopt: still running
  bool operator==(const SiteLoad&) const = default;
};

}  // namespace sonde
