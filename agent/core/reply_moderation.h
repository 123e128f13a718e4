// When a busy reflector looks at its socket again. Pure.
//
// Being woken costs several times what a reply costs. Where requests come often, the reflector therefore lets some
// gather, as a network card does with interrupts. That takes nothing from what is measured: t2 and t3 are the kernel's
// stamps, and every sender takes the time between them off its round trip (RFC 8762, 4.2.1).
#pragma once

#include <cstddef>
#include <optional>

#include "shared/base/time.h"

namespace sonde {

class ReplyModeration {
 public:
  /// From this rate on, in requests a second, gathering saves more than it costs.
  static constexpr double busy_rate = 500;
  /// How long the first of those that gather waits for its reply. A host's clock drifts by half a microsecond in it.
  static constexpr nanoseconds gather_for = std::chrono::milliseconds(5);
  /// The rate is that of the last such window, and of the present one where that is longer.
  static constexpr nanoseconds window = std::chrono::milliseconds(50);

  /// `requests` were read at `now`, which never falls. When to read again; nullopt: as soon as one comes.
  std::optional<MonoTime> after_reading(MonoTime now, std::size_t requests);

 private:
  MonoTime began_;
  std::size_t seen_ = 0;
  bool busy_ = false;
};

}  // namespace sonde
