// Reordering and duplication on the way there, from the reflector's sequence numbers.
#pragma once

#include <cstdint>
#include <span>

namespace sonde {

/// One probe that is known to have arrived: S is the sender's number, R the reflector's number of its first copy.
struct Arrival {
  std::uint32_t sent = 0;
  std::uint32_t reflected = 0;
  std::uint32_t extra_copies = 0;  ///< further arrivals of the same probe
  bool loaded = false;             ///< it met a throughput run: counted apart
};

struct OrderCounts {
  std::uint64_t arrived = 0;           ///< all of them
  std::uint64_t reordered = 0;         ///< all of them
  std::uint64_t extra_copies = 0;      ///< all of them
  std::uint64_t loaded_arrived = 0;    ///< of these, those that met a run
  std::uint64_t loaded_reordered = 0;  ///< of these, those that met a run
};

/// Counts over the arrivals whose S is not behind `last`; `arrivals` is ordered by S and may go on behind `last`, so
/// that a probe that was overtaken by the next interval's is seen to be. A probe is reordered where one with a higher S
/// arrived before it, which is RFC 4737's s < NextExp (section 3.3; ratio: 4.1). The reflector must be stateful.
OrderCounts count_order(std::span<const Arrival> arrivals, std::uint32_t last);

}  // namespace sonde
