// The NewTimetable of every agent of a mesh: what is the same for all (members, policy, quiet hours) is encoded once,
// and only an agent's own slots and phases for each of them.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>

#include "shared/schedule/site_index.h"
#include "shared/wire/codec.h"

namespace sonde::wire {

class TimetableEncoder {
 public:
  /// Of `timetable` everything but slots and phases is taken; it need not live on.
  explicit TimetableEncoder(const Timetable& timetable);

  /// The octets of encode(NewTimetable) for the same timetable with these slots and phases, given by their indices.
  Buffer message(std::span<const ThroughputSlot> slots, std::span<const std::uint32_t> own_slots,
                 std::span<const LinkPhase> phases, std::span<const std::uint32_t> own_phases) const;

 private:
  SiteIndex members_;
  Buffer before_slots_;
  Buffer between_;
  Buffer behind_phases_;  ///< up to the packed slots, which are last
};

}  // namespace sonde::wire
