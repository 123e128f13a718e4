// Interarrival jitter as RFC 3550 section 6.4.1 estimates it.
#pragma once

#include <optional>

#include "shared/base/time.h"

namespace sonde {

/// J += (|D| - J) / 16, D = the difference of two consecutive transits, in order of arrival. A transit is t2 - t1; the
/// offset between the two clocks cancels. The state lives as long as the stream, across results.
class Jitter {
 public:
  void on_transit(nanoseconds transit);
  /// Forgets the last transit, not the estimate: for a clock step, across which no difference may be taken.
  void break_sequence() { last_.reset(); }
  /// nullopt before the second transit.
  std::optional<double> seconds() const;

 private:
  std::optional<nanoseconds> last_;
  std::optional<double> estimate_ns_;
};

}  // namespace sonde
