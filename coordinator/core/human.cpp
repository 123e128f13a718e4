#include "coordinator/core/human.h"

#include <fmt/format.h>

#include <cmath>
#include <cstdint>
#include <iterator>
#include <span>
#include <utility>

namespace sonde {
namespace {

struct Prefix {
  double factor;
  std::string_view name;
};
constexpr Prefix times[] = {{1e-9, "ns"}, {1e-6, "us"}, {1e-3, "ms"}, {1, "s"}};
constexpr Prefix rates[] = {{1, "bit/s"}, {1e3, "kbit/s"}, {1e6, "Mbit/s"}, {1e9, "Gbit/s"}, {1e12, "Tbit/s"}};
constexpr Prefix sizes[] = {{1, "B"}, {1e3, "kB"}, {1e6, "MB"}, {1e9, "GB"}, {1e12, "TB"}};

constexpr double longest_seconds = 1000.0 * 365.25 * 86'400;

/// From here on the three digits would round to 1000, which is 1 of the next prefix.
constexpr double next_prefix_at = 999.5;

std::string three_digits(double value) {
  const double magnitude = std::abs(value);
  if (magnitude == 0) return "0";
  if (magnitude >= 99.95) return fmt::format("{:.0f}", value);
  if (magnitude >= 9.995) return fmt::format("{:.1f}", value);
  return fmt::format("{:.2f}", value);
}

std::string with_prefix(double value, std::span<const Prefix> prefixes) {
  const Prefix* chosen = &prefixes.front();
  for (const Prefix& prefix : prefixes)
    if (std::abs(value) / chosen->factor >= next_prefix_at) chosen = &prefix;
  return fmt::format("{} {}", three_digits(value / chosen->factor), chosen->name);
}

}  // namespace

std::string human(double value, std::string_view unit) {
  if (unit == "ratio") return three_digits(value * 100) + " %";
  if (unit == "s") return value == 0 ? "0 s" : with_prefix(value, times);
  if (unit == "bit/s") return with_prefix(value, rates);
  return three_digits(value);
}

std::string human_age(double seconds) {
  constexpr std::pair<std::int64_t, std::string_view> parts[] = {{86'400, "d"}, {3600, "h"}, {60, "min"}, {1, "s"}};
  if (!(std::abs(seconds) < longest_seconds)) return "?";
  auto rest = std::llround(std::abs(seconds));
  std::string out = seconds < 0 && rest > 0 ? "-" : "";
  for (std::size_t i = 0; i < std::size(parts); ++i) {
    const auto [length, name] = parts[i];
    if (rest < length && i + 1 < std::size(parts)) continue;
    out += fmt::format("{} {}", rest / length, name);
    rest %= length;
    if (i + 1 < std::size(parts) && rest / parts[i + 1].first > 0)
      out += fmt::format(" {} {}", rest / parts[i + 1].first, parts[i + 1].second);
    break;
  }
  return out;
}

std::string human_stretch(double seconds) {
  return std::abs(seconds) < 60 ? fmt::format("{:.3g} s", seconds) : human_age(seconds);
}

std::string human_bytes(double bytes) { return with_prefix(bytes, sizes); }

}  // namespace sonde
