#include "coordinator/store/bucket_bounds.h"

#include <algorithm>
#include <array>
#include <limits>

namespace sonde::store {
namespace {

__extension__ using uint128 = unsigned __int128;

using Bounds = std::array<std::uint64_t, highest_bound + 1>;

/// gamma = 101 / 99, with 40 bits below the point.
constexpr unsigned below_point = 40;
constexpr std::uint64_t gamma_above = 101;
constexpr std::uint64_t gamma_below = 99;

constexpr Bounds make_bounds() {
  Bounds bounds{};
  const auto most = static_cast<std::uint64_t>(std::numeric_limits<std::int64_t>::max());
  uint128 power = uint128{1} << below_point;
  for (std::uint64_t& bound : bounds) {
    bound = static_cast<std::uint64_t>(std::min<uint128>(power >> below_point, most));
    if (bound < most) power = power * gamma_above / gamma_below;
  }
  return bounds;
}

constexpr Bounds all = make_bounds();

}  // namespace

std::uint64_t bound_of(std::int64_t index) {
  return index < 0 ? 0 : all[static_cast<std::size_t>(std::min(index, highest_bound))];
}

std::int64_t bucket_with(std::uint64_t sample, std::int64_t from) {
  // Mostly a few steps away.
  constexpr std::int64_t steps = 16;
  from = std::clamp<std::int64_t>(from, 0, highest_bound);
  for (std::int64_t i = from; i < std::min(from + steps, highest_bound); ++i)
    if (all[static_cast<std::size_t>(i)] >= sample) return i;
  const auto found = std::lower_bound(all.begin() + from, all.end(), sample);
  return std::min<std::int64_t>(found - all.begin(), highest_bound);
}

}  // namespace sonde::store
