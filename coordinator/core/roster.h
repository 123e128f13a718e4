// Which agents are there, and what each said of itself last. Pure: fed with decoded messages and the time.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "shared/base/event.h"
#include "shared/base/ids.h"
#include "shared/base/time.h"
#include "shared/wire/messages.h"

namespace sonde {

/// An agent that was not heard for this long is silent.
inline constexpr nanoseconds agent_silence = std::chrono::seconds(15);

struct AgentStatus {
  std::optional<SharedTime> last_heard;  ///< any message; nullopt: never since the coordinator started
  std::optional<MonoTime> last_heard_mono;
  std::optional<SharedTime> connected_at;   ///< of the current session
  wire::Hello hello;                        ///< the last one
  wire::Heartbeat heartbeat;                ///< the last one
  std::optional<nanoseconds> clock_offset;  ///< coarse: the coordinator's clock at receipt minus the agent's at sending
  std::uint64_t results = 0;                ///< stored since the coordinator started
};

}  // namespace sonde
