// Whether somebody has set this host's wall clock: any step, however small, as the kernel sees it. Slewing is none.
#pragma once

#include "shared/io/fd.h"

namespace sonde::io {

class ClockWatch {
 public:
  /// Where the kernel has no such watch the object is there and false.
  ClockWatch();
  explicit operator bool() const { return static_cast<bool>(timer_); }
  /// True once after each time that the clock was set since the last call.
  bool was_set();

 private:
  Fd timer_;
};

}  // namespace sonde::io
