// One look at the way to another site: first the hops, then the path MTU. Pure: the time and answers in, probes out.
// What each probe is and why: docs/alerts.md, "Evidence of the way".
#pragma once

#include <cstdint>
#include <optional>
#include <string>

#include "agent/core/hop_search.h"
#include "agent/core/mtu_search.h"
#include "agent/core/trace_probe.h"
#include "shared/base/time.h"
#include "shared/measure/path_trace.h"

namespace sonde {

class PathTracer {
 public:
  struct Plan {
    std::uint32_t least = 0;          ///< octets of the IP packet that a small probe makes
    std::uint32_t interface_mtu = 0;  ///< 0: not known, and the path MTU is not looked for
    bool counts = true;               ///< the far site has an agent: its reflector counts by itself
  };
  static constexpr nanoseconds timeout = std::chrono::seconds(1);
  /// Between two probes: 100 in a second, whatever the way is.
  static constexpr nanoseconds pace = std::chrono::milliseconds(10);
  /// After this time it ends with what it has.
  static constexpr nanoseconds longest = std::chrono::seconds(30);

  PathTracer(MonoTime now, const Plan& plan) : plan_(plan), ends_(now + longest) {}

  /// The probe to send now. Call it until it is empty.
  std::optional<TraceProbe> tick(MonoTime now);
  void on_answer(const TraceAnswer& answer);
  /// When to call tick() again, if no answer comes; max once it is done.
  MonoTime next_deadline() const;
  bool done() const { return done_; }
  /// Hops, path MTU and trouble; the rest is left as it is.
  void fill(PathTrace& trace) const;

 private:
  void begin_mtu();

  Plan plan_;
  MonoTime ends_;
  MonoTime not_before_ = MonoTime::min();
  std::uint32_t sequence_ = 0;
  HopSearch hops_{timeout};
  std::optional<MtuSearch> mtu_;
  bool paced_ = false;  ///< the last tick() sent nothing for the pace's sake
  bool cut_short_ = false;
  bool done_ = false;
};

}  // namespace sonde
