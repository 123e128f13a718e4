// Which level of the history answers which part of a window: hours and minutes that lie in it whole, raw results at its
// edges, as far as each is kept. Pure.
#pragma once

#include <array>
#include <cstdint>
#include <vector>

#include "coordinator/core/rollup.h"

namespace sonde::store {

inline constexpr std::size_t level_count = 3;
/// From which instant on each level (by its number) is complete, in ns.
using Kept = std::array<std::int64_t, level_count>;

/// (begin, end] out of one level; of a level with a span both are multiples of it.
struct Piece {
  RollLevel level = RollLevel::raw;
  std::int64_t begin = 0;
  std::int64_t end = 0;
  bool operator==(const Piece&) const = default;
};

/// Covers (since, until] without gap or overlap, in the order of time. Where only a coarse level is kept, the piece
/// that holds `since` counts whole and the one that `until` cuts does not, so that windows side by side never count
/// anything twice; a window inside one such piece is answered by the whole of it. Uses nothing coarser than `coarsest`,
/// unless nothing finer is kept.
std::vector<Piece> pieces_of(std::int64_t since, std::int64_t until, const Kept& kept, RollLevel coarsest);

/// The finest level that is kept at an instant; hours where none is.
RollLevel finest_at(std::int64_t ns, const Kept& kept);

}  // namespace sonde::store
