#include "shared/io/clock.h"

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

}  // namespace sonde::io
