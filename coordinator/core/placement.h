// Where each throughput run goes: packed anew, placed around what repeats more often, or kept from the timetable
// before. Pure; private to planner.cpp.
#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <span>
#include <vector>

#include "coordinator/core/packing.h"
#include "coordinator/core/slot_board.h"
#include "shared/base/time.h"

namespace sonde {

struct Placement {
  std::vector<std::int64_t> starts;  ///< of each run, ns
  std::vector<std::uint32_t> rounds;
  std::uint32_t round_count = 0;
  nanoseconds cycle{0};  ///< when the last one ends
};

/// Whether a run may start there (quiet hours); where not, the next start that is worth a try.
using Allowed = std::function<std::optional<std::int64_t>(std::size_t run, std::int64_t start)>;

/// All within one interval, back to back.
Placement place_packed(const Packing& packing);

/// Runs with intervals of their own, one after another into the first gap: those of the lowest turn first, those of one
/// turn, which have one interval, in the order of their packing; nullopt where one finds no gap. `allowed` may be
/// empty.
std::optional<Placement> place_periodic(std::span<const SlotBoard::Run> runs, std::span<const std::int64_t> turns,
                                        std::uint32_t units, const Allowed& allowed);

struct Kept {
  std::uint32_t run = 0;
  std::int64_t start = 0;
};

/// Runs that had a start (in order of start) keep it; the others go into gaps before `limit`, where needed by moving
/// one run out of the way to a gap elsewhere. Nullopt where one finds no place.
std::optional<Placement> place_again(std::span<const SlotBoard::Run> runs, std::uint32_t units, nanoseconds period,
                                     std::span<const Kept> before, nanoseconds limit, const Allowed& allowed);

}  // namespace sonde
