// Big-endian numbers in octets, for the binary formats of shared/wire.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>

namespace sonde::wire {

/// Needs octets.size() >= at + sizeof(Number), as does get().
template <typename Number>
void put(std::span<std::uint8_t> octets, std::size_t at, Number number) {
  for (std::size_t i = sizeof(Number); i-- > 0;) {
    octets[at + i] = static_cast<std::uint8_t>(number & 0xFFU);
    if constexpr (sizeof(Number) > 1) number = static_cast<Number>(number >> 8U);
  }
}

template <typename Number>
Number get(std::span<const std::uint8_t> octets, std::size_t at) {
  std::uint64_t number = 0;
  for (std::size_t i = 0; i < sizeof(Number); ++i) number = number << 8U | octets[at + i];
  return static_cast<Number>(number);
}

}  // namespace sonde::wire
