// The bounds of the buckets of a Distribution as whole numbers, the same on every machine: what a packed block is
// predicted from must not hang on a logarithm's last bit. Pure. Private to this room.
#pragma once

#include <cstdint>

namespace sonde::store {

/// Buckets beyond this hold no sample of 63 bits.
inline constexpr std::int64_t highest_bound = 2200;

/// The greatest sample of bucket `index` (below 0: 0): floor(gamma^index), at most 2^63 - 1. It may differ by one from
/// what Distribution::add goes by.
std::uint64_t bound_of(std::int64_t index);
/// The least sample of the bucket.
inline std::uint64_t least_of(std::int64_t index) { return bound_of(index - 1) + (index > highest_bound ? 0 : 1); }
/// The bucket of a sample, 0 for 0; not below `from`, where the search begins.
std::int64_t bucket_with(std::uint64_t sample, std::int64_t from);

}  // namespace sonde::store
