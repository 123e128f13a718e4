// The three clocks of the system, as types that cannot be mixed up.
//
// MonoTime    this host's CLOCK_MONOTONIC. Measures durations; never leaves its host.
// WallTime    this host's CLOCK_REALTIME. Kernel packet stamps are of this clock. Never measures a duration across a
// step. SharedTime  the coordinator's CLOCK_REALTIME as this process knows it (its own wall time plus an estimated
// offset). All
//             times in messages, results, timetables and HTTP are of this clock.
// All are counted in nanoseconds; WallTime and SharedTime since 1970-01-01T00:00:00Z without leap seconds.
#pragma once

#include <chrono>
#include <cstdint>
#include <string>
#include <string_view>

#include "shared/base/error.h"

namespace sonde {

using std::chrono::nanoseconds;

template <typename Tag>
struct TaggedClock {
  using rep = std::int64_t;
  using period = std::nano;
  using duration = nanoseconds;
  using time_point = std::chrono::time_point<TaggedClock>;
  static constexpr bool is_steady = false;
};

using MonoTime = TaggedClock<struct MonoTag>::time_point;
using WallTime = TaggedClock<struct WallTag>::time_point;
using SharedTime = TaggedClock<struct SharedTag>::time_point;

/// The present, read once in each turn of a loop and passed down.
struct Now {
  MonoTime mono;
  WallTime wall;
};

template <typename TimePoint>
constexpr std::int64_t to_ns(TimePoint t) {
  return t.time_since_epoch().count();
}
constexpr MonoTime mono_from_ns(std::int64_t ns) { return MonoTime(nanoseconds(ns)); }
constexpr WallTime wall_from_ns(std::int64_t ns) { return WallTime(nanoseconds(ns)); }
constexpr SharedTime shared_from_ns(std::int64_t ns) { return SharedTime(nanoseconds(ns)); }

constexpr double to_seconds(nanoseconds d) { return static_cast<double>(d.count()) / 1e9; }
/// Rounds to the nearest nanosecond; the caller keeps |seconds| below 292 years.
nanoseconds from_seconds(double seconds);

/// How a host's wall clock maps to shared time: shared = wall + offset, true within +-error. `known` is false until the
/// first estimate; then offset is 0 and error is meaningless.
struct ClockMap {
  nanoseconds offset{0};
  nanoseconds error{0};
  bool known = false;

  SharedTime shared(WallTime wall) const { return SharedTime(wall.time_since_epoch() + offset); }
  WallTime wall(SharedTime shared) const { return WallTime(shared.time_since_epoch() - offset); }
  bool operator==(const ClockMap&) const = default;
};

/// RFC 3339 in UTC with six digits of fraction: 2026-11-20T12:25:56.123456Z.
std::string format_rfc3339(SharedTime t);
/// Accepts RFC 3339 with any number of fraction digits and any numeric offset, or seconds since 1970 with an optional
/// fraction.
Expected<SharedTime> parse_time(std::string_view text);

}  // namespace sonde
