// Network addresses as values, without a socket header.
#pragma once

#include <array>
#include <compare>
#include <cstdint>
#include <string>
#include <string_view>

#include "shared/base/error.h"

namespace sonde {

/// An IPv4 or IPv6 address, network byte order; IPv4 fills the first four octets, the rest is zero.
struct IpAddress {
  enum class Family : std::uint8_t { v4, v6 };
  Family family = Family::v4;
  std::array<std::uint8_t, 16> octets{};
  auto operator<=>(const IpAddress&) const = default;

  /// Accepts dotted IPv4 and RFC 4291 IPv6 text; no names, no scope ids.
  static Expected<IpAddress> parse(std::string_view text);
  std::string str() const;
};

struct Endpoint {
  IpAddress address;
  std::uint16_t port = 0;
  auto operator<=>(const Endpoint&) const = default;
  /// "192.0.2.1:7101" or "[2001:db8::1]:7101"
  std::string str() const;
};

}  // namespace sonde
