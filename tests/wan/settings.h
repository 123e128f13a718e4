// How a path's settings are written, in a topology file and in a command: `delay=40ms loss=5% up=0`.
#pragma once

#include <string_view>
#include <vector>

#include "shared/base/error.h"
#include "tests/wan/path.h"

namespace sonde::wan {

/// Changes one setting: delay jitter reorder_by (durations), rate (a bit rate or `unlimited`), queue (a duration or a
/// size), bucket (a size), loss reorder duplicate (`5%` or `0.05`), loss_burst (a number from 1), mtu, up (0 or 1).
/// `loss` of 1 loses everything. On an error nothing changes.
Expected<void> change(PathSettings& settings, std::string_view key, std::string_view value);

/// Every key that change() knows.
std::vector<std::string_view> setting_names();

/// What no single change can see: jitter above delay.
Expected<void> check(const PathSettings& settings);

}  // namespace sonde::wan
