#include "agent/core/arrival_count.h"

#include <algorithm>

namespace sonde {

std::uint64_t ArrivalCount::add(const ArrivalFacts& now) {
  const std::uint32_t segments = now.segments - seen_.segments;
  const std::uint32_t behind_hole = std::min(now.out_of_order - seen_.out_of_order, segments);
  const std::uint64_t moved = now.in_order > seen_.in_order ? now.in_order - seen_.in_order : 0;
  seen_ = now;
  in_order_ += moved;
  const std::uint64_t in_turn = segments - behind_hole;
  const std::uint64_t new_in_turn = std::min(moved, in_turn * now.mss);
  counted_ += std::uint64_t{behind_hole} * now.mss + new_in_turn;
  repeated_ += in_turn - (new_in_turn + now.mss - 1) / now.mss;
  counted_ = std::max(counted_, in_order_);
  const std::uint64_t fresh = counted_ > told_ ? counted_ - told_ : 0;
  told_ += fresh;
  return fresh;
}

}  // namespace sonde
