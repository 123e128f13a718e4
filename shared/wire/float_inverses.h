// A distribution's sum of 1/x as the first release put it on the wire. Private to codec.cpp.
#pragma once

#include <algorithm>
#include <cmath>
#include <cstdint>

#include "shared/measure/distribution.h"

namespace sonde::wire {

/// What readers of the first release expect: the sum of 1/x.
inline double inverses_as_float(Wide sum) {
  return std::ldexp(static_cast<double>(sum.high), 64 - Distribution::inverse_bits) +
         std::ldexp(static_cast<double>(sum.low), -Distribution::inverse_bits);
}

/// What writers of the first release say, as near as it can be.
inline Wide inverses_from_float(double sum) {
  const double high = std::ldexp(std::max(0.0, sum), Distribution::inverse_bits - 64);
  if (!(high < 0x1p64)) return {~std::uint64_t{0}, ~std::uint64_t{0}};
  const auto whole = static_cast<std::uint64_t>(high);
  const double rest = std::ldexp(high - static_cast<double>(whole), 64);
  return {whole, rest < 0x1p64 ? static_cast<std::uint64_t>(rest) : ~std::uint64_t{0}};
}

}  // namespace sonde::wire
