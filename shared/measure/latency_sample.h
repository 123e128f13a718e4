// What the four stamps of one answered probe say. Pure arithmetic, done before any statistics: an impossible set of
// stamps is refused here and never averaged in.
//
//   t1 send (sender's clock)   t2 arrival at the reflector   t3 reply leaves it (reflector's clock)   t4 reply arrives
//
// Differences are only taken between stamps of one clock, except t2 - t1 and t4 - t3, which contain the offset between
// the two clocks and say so.
#pragma once

#include <cstdint>
#include <expected>
#include <optional>

#include "shared/base/time.h"

namespace sonde {

struct ProbeStamps {
  std::optional<WallTime> scheduled;      ///< t1, kernel, entry into the queueing discipline (SCM_TSTAMP_SCHED)
  std::optional<WallTime> sent;           ///< t1, kernel, in the driver (SCM_TSTAMP_SND)
  std::optional<WallTime> user_sent;      ///< t1, userland, just before the system call: the fallback for `sent`
  std::optional<WallTime> reflector_in;   ///< t2
  std::optional<WallTime> reflector_out;  ///< t3
  std::optional<WallTime> received;       ///< t4
  bool received_by_kernel = true;         ///< false: t4 is a userland stamp
  bool reflector_out_by_kernel = false;   ///< false: t3 is the packet's own, taken before it left; true: a follow-up's
};

struct LatencySample {
  nanoseconds rtt{0};                     ///< (t4 - t1) - (t3 - t2), t1 in the driver; never negative
  std::optional<nanoseconds> rtt_host;    ///< the same with t1 at the queueing discipline; never below rtt
  std::optional<nanoseconds> host_queue;  ///< rtt_host - rtt: time in our own queue
  nanoseconds forward{0};                 ///< t2 - t1: one-way delay plus (far clock - own clock); any sign
  nanoseconds backward{0};                ///< t4 - t3: one-way delay back minus that offset; any sign
  WallTime t1;
  WallTime t2;
  bool user_clock = false;  ///< t1 or t4 was taken in userland
};

enum class StampFault : std::uint8_t {
  missing,     ///< one of the four is not there
  impossible,  ///< they contradict each other: a reply before its request, a negative round trip
};

/// (RFC 8762, section 4; RFC 2681 for the round trip.)
std::expected<LatencySample, StampFault> make_sample(const ProbeStamps& stamps);

/// True where the two samples, `apart` from each other, can belong to two clocks of which neither was stepped in
/// between. Every sample bounds the far clock's offset: -(t4 - t3) <= offset <= t2 - t1; two clocks drift apart by no
/// more than 1,000 ppm (two kernels slewing at 500 ppm each).
bool same_clocks(const LatencySample& earlier, const LatencySample& later, nanoseconds apart);

}  // namespace sonde
