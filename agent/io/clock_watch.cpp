#include "agent/io/clock_watch.h"

#include <sys/timerfd.h>

#include <cerrno>
#include <cstdint>

namespace sonde::io {

/// A timer on the wall clock that never comes: it is only there to be cancelled (timerfd_create(2)).
ClockWatch::ClockWatch() : timer_(::timerfd_create(CLOCK_REALTIME, TFD_NONBLOCK | TFD_CLOEXEC)) {
  if (!timer_) return;
  constexpr time_t never = 9'000'000'000;  // in the year 2255; the kernel's own times end in 2262
  itimerspec when{};
  when.it_value.tv_sec = never;
  if (::timerfd_settime(timer_.get(), TFD_TIMER_ABSTIME | TFD_TIMER_CANCEL_ON_SET, &when, nullptr) != 0) timer_.reset();
}

bool ClockWatch::was_set() {
  if (!timer_) return false;
  std::uint64_t ignored = 0;
  return ::read(timer_.get(), &ignored, sizeof ignored) < 0 && errno == ECANCELED;
}

}  // namespace sonde::io
