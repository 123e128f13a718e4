// Whose fault a slow connect was: an accept queue that overflowed drops SYNs as a lossy network does. Pure.
#pragma once

#include <cstddef>
#include <cstdint>
#include <deque>
#include <unordered_map>

#include "shared/base/ids.h"
#include "shared/base/time.h"
#include "shared/measure/result.h"

namespace sonde {

/// Fed with the ListenOverflows counter of every host, as its agent's heartbeats carry it once a second.
class ListenOverflows {
 public:
  /// Of one site; the oldest is dropped for one more.
  static constexpr std::size_t most_spans = 64;
  /// How old the agent's reading may be when the heartbeat comes.
  static constexpr nanoseconds reading_age = std::chrono::milliseconds(1500);

  void on_heartbeat(const SiteId& site, SharedTime now, std::uint64_t count);
  /// A connect result whose SYN had to be sent again, or was never answered, while the counter of its to-site rose, is
  /// tagged `starved` and gets the detail far_listen_overflows. What was measured while no heartbeats came stays as it
  /// is.
  void judge(Result& result) const;

 private:
  struct Span {
    SharedTime since;
    SharedTime until;
    std::uint64_t rise = 0;
  };
  struct Site {
    std::uint64_t count = 0;
    SharedTime heard;
    std::deque<Span> spans;
  };
  std::unordered_map<SiteId, Site> sites_;
};

}  // namespace sonde
