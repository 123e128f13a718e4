#include "shared/base/endpoint.h"

#include <fmt/format.h>

#include <charconv>
#include <cstddef>
#include <optional>
#include <span>
#include <vector>

namespace sonde {
namespace {

std::optional<std::array<std::uint8_t, 4>> parse_v4(std::string_view text) {
  std::array<std::uint8_t, 4> octets{};
  for (std::size_t i = 0; i < 4; ++i) {
    unsigned value = 0;
    const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
    const auto digits = static_cast<std::size_t>(end - text.data());
    if (error != std::errc() || value > 255 || digits > 3 || (digits > 1 && text[0] == '0')) return std::nullopt;
    octets[i] = static_cast<std::uint8_t>(value);
    text.remove_prefix(digits);
    if (i == 3) break;
    if (!text.starts_with('.')) return std::nullopt;
    text.remove_prefix(1);
  }
  return text.empty() ? std::optional(octets) : std::nullopt;
}

/// Appends the groups of one side of "::" (or of the whole text) as octets; the last group may be dotted IPv4.
bool parse_v6_side(std::string_view text, std::vector<std::uint8_t>& octets) {
  if (text.empty()) return true;
  while (true) {
    const std::size_t colon = text.find(':');
    const std::string_view group = text.substr(0, colon);
    if (colon == std::string_view::npos && group.find('.') != std::string_view::npos) {
      const auto v4 = parse_v4(group);
      if (v4) octets.insert(octets.end(), v4->begin(), v4->end());
      return v4.has_value();
    }
    unsigned value = 0;
    const auto [end, error] = std::from_chars(group.data(), group.data() + group.size(), value, 16);
    if (error != std::errc() || end != group.data() + group.size() || group.size() > 4) return false;
    octets.push_back(static_cast<std::uint8_t>(value >> 8U));
    octets.push_back(static_cast<std::uint8_t>(value & 0xFFU));
    if (colon == std::string_view::npos) return true;
    text.remove_prefix(colon + 1);
  }
}

std::optional<std::array<std::uint8_t, 16>> parse_v6(std::string_view text) {
  std::vector<std::uint8_t> head;
  std::vector<std::uint8_t> tail;
  const std::size_t gap = text.find("::");
  const bool has_gap = gap != std::string_view::npos;
  if (!parse_v6_side(text.substr(0, gap), head)) return std::nullopt;
  if (has_gap && !parse_v6_side(text.substr(gap + 2), tail)) return std::nullopt;
  const std::size_t filled = head.size() + tail.size();
  if (has_gap ? filled > 14 : filled != 16) return std::nullopt;
  std::array<std::uint8_t, 16> octets{};
  std::copy(head.begin(), head.end(), octets.begin());
  std::copy(tail.rbegin(), tail.rend(), octets.rbegin());
  return octets;
}

struct ZeroRun {
  std::size_t begin = 8;
  std::size_t length = 0;
};

/// The longest run of two or more zero groups, the first of equals (RFC 5952, 4.2.3).
ZeroRun longest_zero_run(std::span<const unsigned, 8> groups) {
  ZeroRun best;
  for (std::size_t i = 0; i < 8;) {
    std::size_t end = i;
    while (end < 8 && groups[end] == 0) ++end;
    if (end - i > best.length && end - i >= 2) best = {i, end - i};
    i = end + 1;
  }
  return best;
}

std::string format_v6(const std::array<std::uint8_t, 16>& octets) {
  std::array<unsigned, 8> groups{};
  for (std::size_t i = 0; i < 8; ++i) groups[i] = static_cast<unsigned>(octets[2 * i] << 8U | octets[2 * i + 1]);
  const ZeroRun zeros = longest_zero_run(groups);
  std::string text;
  for (std::size_t i = 0; i < 8; ++i) {
    if (i == zeros.begin) {
      text += "::";
      i += zeros.length - 1;
      continue;
    }
    if (!text.empty() && !text.ends_with(':')) text += ':';
    text += fmt::format("{:x}", groups[i]);
  }
  return text;
}

}  // namespace

Expected<IpAddress> IpAddress::parse(std::string_view text) {
  IpAddress address;
  if (const auto v4 = parse_v4(text)) {
    std::copy(v4->begin(), v4->end(), address.octets.begin());
    return address;
  }
  if (const auto v6 = parse_v6(text)) {
    address.family = Family::v6;
    address.octets = *v6;
    return address;
  }
  return fail(fmt::format("'{}' is not an IPv4 or IPv6 address", text.substr(0, 80)));
}

std::string IpAddress::str() const {
  if (family == Family::v4) return fmt::format("{}.{}.{}.{}", octets[0], octets[1], octets[2], octets[3]);
  return format_v6(octets);
}

std::string Endpoint::str() const {
  return address.family == IpAddress::Family::v4 ? fmt::format("{}:{}", address.str(), port)
                                                 : fmt::format("[{}]:{}", address.str(), port);
}

}  // namespace sonde
