// Octets made shorter and what they were again: zstd, and numbers taken apart before it. Pure. Private to this room.
#pragma once

#include <cstdint>
#include <span>
#include <vector>

namespace sonde::store {

using Octets = std::vector<std::uint8_t>;

/// zstd; empty where it would not be shorter.
Octets compress(std::span<const std::uint8_t> octets);
/// False where the octets are not what compress() has made of so many as `out` has.
bool decompress(std::span<const std::uint8_t> packed, std::span<std::uint8_t> out);

/// Numbers (base-128 varints, as a column holds them) taken apart: of each one octet that says how large it is and its
/// leading bits, which compress() makes shorter, and the bits below, which are as they are: nobody can guess the last
/// nanoseconds of a time, and an entropy coder that sees them among the others only learns less of these.
/// Empty where the octets are something else, hold a number of 2^61 or more, or would not become shorter.
Octets split_numbers(std::span<const std::uint8_t> octets);
/// False where the octets are not what split_numbers() has made of so many as `out` has.
bool join_numbers(std::span<const std::uint8_t> packed, std::span<std::uint8_t> out);

}  // namespace sonde::store
