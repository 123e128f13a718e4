// When the probes of one stream leave: stratified random, one uniformly random instant in each period, drawn for each
// stream by itself. Such samples are unbiased for time averages (PASTA holds to within a period) and never bunch.
#pragma once

#include <cstdint>
#include <optional>

#include "shared/base/random.h"
#include "shared/base/time.h"

namespace sonde {

/// Period m is [base + m period, base + (m + 1) period). Instants are rounded down to whole milliseconds of shared
/// time, so that one wake serves all streams that are due in it; periods below 2 ms are not rounded.
class SendGrid {
 public:
  SendGrid(SharedTime base, nanoseconds period, std::uint64_t seed);

  /// Goes on with the first whole period that begins at or after `from`.
  void start(SharedTime from);
  SharedTime next() const { return next_; }
  /// The next instant where it is due, and moves on; nullopt where none is.
  std::optional<SharedTime> pop_due(SharedTime now);

 private:
  void draw();
  SharedTime base_;
  nanoseconds period_;
  Random random_;
  std::int64_t index_ = 0;
  SharedTime next_;
};

}  // namespace sonde
