#include "shared/base/units.h"

#include <fmt/format.h>

#include <array>
#include <charconv>
#include <cmath>
#include <span>
#include <utility>

namespace sonde {
namespace {

struct Suffix {
  std::string_view text;
  double factor;
};

/// A number and one of the suffixes, with nothing before, between or behind but one optional blank.
Expected<double> parse_quantity(std::string_view text, std::span<const Suffix> suffixes, std::string_view example) {
  double number = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
  std::string_view rest(end, static_cast<std::size_t>(text.data() + text.size() - end));
  if (error != std::errc() || !std::isfinite(number) || number < 0)
    return fail(fmt::format("'{}' does not start with a number; write it like {}", text, example));
  if (rest.starts_with(' ')) rest.remove_prefix(1);
  for (const Suffix& suffix : suffixes)
    if (rest == suffix.text) return number * suffix.factor;
  if (rest.empty()) return fail(fmt::format("'{}' has no unit; write it like {}", text, example));
  return fail(fmt::format("'{}' has an unknown unit '{}'; write it like {}", text, rest, example));
}

constexpr std::array<Suffix, 8> durations{{{"ns", 1},
                                           {"us", 1e3},
                                           {"ms", 1e6},
                                           {"s", 1e9},
                                           {"m", 60e9},
                                           {"h", 3600e9},
                                           {"d", 86400e9},
                                           {"y", 365 * 86400e9}}};
constexpr std::array<Suffix, 9> sizes{{{"B", 1},
                                       {"kB", 1e3},
                                       {"MB", 1e6},
                                       {"GB", 1e9},
                                       {"TB", 1e12},
                                       {"KiB", 1024},
                                       {"MiB", 1024.0 * 1024},
                                       {"GiB", 1024.0 * 1024 * 1024},
                                       {"TiB", 1024.0 * 1024 * 1024 * 1024}}};
constexpr std::array<Suffix, 4> bit_rates{{{"bit/s", 1}, {"kbit/s", 1e3}, {"Mbit/s", 1e6}, {"Gbit/s", 1e9}}};
constexpr std::array<Suffix, 3> probe_rates{{{"/s", 1}, {"/m", 1.0 / 60}, {"/h", 1.0 / 3600}}};

/// The largest duration that is accepted: 100 years, far below the range of the type.
constexpr double max_duration_ns = 100.0 * 365.25 * 86400e9;
constexpr double max_size_bytes = 1e18;

}  // namespace

Expected<nanoseconds> parse_duration(std::string_view text) {
  const auto value = parse_quantity(text, durations, "500ms, 10s, 15m, 6h or 7d");
  if (!value) return std::unexpected(value.error());
  if (*value > max_duration_ns) return fail(fmt::format("'{}' is longer than 100 years", text));
  return nanoseconds(std::llround(*value));
}

Expected<Bytes> parse_size(std::string_view text) {
  const auto value = parse_quantity(text, sizes, "64MB or 256MiB");
  if (!value) return std::unexpected(value.error());
  if (*value > max_size_bytes) return fail(fmt::format("'{}' is larger than 1,000,000 TB", text));
  return Bytes{static_cast<std::uint64_t>(std::llround(*value))};
}

Expected<BitsPerSecond> parse_bit_rate(std::string_view text) {
  const auto value = parse_quantity(text, bit_rates, "100kbit/s, 50Mbit/s or 10Gbit/s");
  if (!value) return std::unexpected(value.error());
  return BitsPerSecond{*value};
}

Expected<ProbeRate> parse_probe_rate(std::string_view text) {
  const auto value = parse_quantity(text, probe_rates, "5/s");
  if (!value) return std::unexpected(value.error());
  return ProbeRate{*value};
}

std::string format_duration(nanoseconds d) {
  const std::int64_t ns = d.count();
  if (ns == 0) return "0s";
  constexpr std::array<std::pair<std::int64_t, std::string_view>, 7> units{{{86'400'000'000'000, "d"},
                                                                            {3'600'000'000'000, "h"},
                                                                            {60'000'000'000, "m"},
                                                                            {1'000'000'000, "s"},
                                                                            {1'000'000, "ms"},
                                                                            {1'000, "us"},
                                                                            {1, "ns"}}};
  for (const auto& [size, name] : units)
    if (ns % size == 0) return fmt::format("{}{}", ns / size, name);
  return fmt::format("{}ns", ns);
}

std::string format_size(Bytes size) {
  constexpr std::array<std::pair<std::uint64_t, std::string_view>, 5> units{
      {{1'000'000'000'000, "TB"}, {1'000'000'000, "GB"}, {1'000'000, "MB"}, {1'000, "kB"}, {1, "B"}}};
  for (const auto& [unit, name] : units)
    if (size.count >= unit && size.count % unit == 0) return fmt::format("{}{}", size.count / unit, name);
  return fmt::format("{}B", size.count);
}

}  // namespace sonde
