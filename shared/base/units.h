// Quantities with their unit in the type, and how operators write them.
#pragma once

#include <compare>
#include <cstdint>
#include <string>
#include <string_view>

#include "shared/base/error.h"
#include "shared/base/time.h"

namespace sonde {

struct Bytes {
  std::uint64_t count = 0;
  auto operator<=>(const Bytes&) const = default;
};

struct BitsPerSecond {
  double value = 0;
  auto operator<=>(const BitsPerSecond&) const = default;
};

/// Probes per second of one stream.
struct ProbeRate {
  double per_second = 0;
  auto operator<=>(const ProbeRate&) const = default;
};

/// `500us 500ms 10s 15m 6h 7d 5y` (a year has 365 days); a fraction is allowed (`1.5s`); never negative.
Expected<nanoseconds> parse_duration(std::string_view text);
/// `64MB` (10^6) or `256MiB` (2^20), also B kB KiB GB GiB TB TiB.
Expected<Bytes> parse_size(std::string_view text);
/// `10Gbit/s`, also bit/s kbit/s Mbit/s.
Expected<BitsPerSecond> parse_bit_rate(std::string_view text);
/// `5/s`, also `300/m`.
Expected<ProbeRate> parse_probe_rate(std::string_view text);

/// The shortest of the forms above that gives the same value back: 10s, 1m30s is written 90s.
std::string format_duration(nanoseconds d);
std::string format_size(Bytes size);

}  // namespace sonde
