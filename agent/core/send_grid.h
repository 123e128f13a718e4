// When the probes of one stream leave: stratified random, one uniformly random instant in each period, drawn for each
// stream by itself. Such samples are unbiased for time averages (PASTA holds to within a period) and never bunch.
#pragma once

#include <cstdint>
#include <optional>

#include "shared/base/random.h"
#include "shared/base/time.h"

namespace sonde {

/// What an agent's instants are rounded down to, so that one wake serves all streams that are due in it: waking up is
/// most of what a probe costs. As long as its probes are apart in the mean, since more of them would queue behind each
/// other on the way out: whole milliseconds, 1 ms to 4 ms; 1 ms below 100 probes a second, where few would meet.
nanoseconds wake_slot(double probes_per_second);

/// Period m is [base + m period, base + (m + 1) period). Instants are rounded down to the slots of shared time, those
/// of 1 ms where a period has fewer than ten of the slots asked for; periods below 2 ms are not rounded.
class SendGrid {
 public:
  SendGrid(SharedTime base, nanoseconds period, nanoseconds slot, std::uint64_t seed);

  /// Goes on with the first whole period that begins at or after `from`.
  void start(SharedTime from);
  SharedTime next() const { return next_; }
  /// The next instant where it is due, and moves on; nullopt where none is.
  std::optional<SharedTime> pop_due(SharedTime now);

 private:
  void draw();
  SharedTime base_;
  nanoseconds period_;
  nanoseconds slot_;
  Random random_;
  std::int64_t index_ = 0;
  SharedTime next_;
};

}  // namespace sonde
