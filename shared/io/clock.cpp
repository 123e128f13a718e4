#include "shared/io/clock.h"

#include <sys/timex.h>
#include <time.h>

namespace sonde::io {
namespace {

std::int64_t read_ns(clockid_t id) {
  timespec t{};
  clock_gettime(id, &t);
  return t.tv_sec * 1'000'000'000 + t.tv_nsec;
}

}  // namespace

Now read_clock() { return {mono_from_ns(read_ns(CLOCK_MONOTONIC)), wall_from_ns(read_ns(CLOCK_REALTIME))}; }

std::optional<nanoseconds> kernel_clock_error() {
  timex state{};
  const int status = adjtimex(&state);
  if (status < 0 || status == TIME_ERROR || (state.status & STA_UNSYNC) != 0 || state.maxerror <= 0)
    return std::nullopt;
  // systemd-timesyncd sets both errors to 0, and the kernel lets maxerror grow from there: that is no bound. Who knows
  // its error (chrony, ntpd) states an estimate as well.
  if (state.esterror <= 0) return std::nullopt;
  return std::chrono::microseconds(state.maxerror);
}

bool kernel_clock_synchronised() {
  timex state{};
  const int status = adjtimex(&state);
  return status >= 0 && status != TIME_ERROR && (state.status & STA_UNSYNC) == 0;
}

}  // namespace sonde::io
