#include "shared/base/prefix.h"

#include <fmt/format.h>

#include <charconv>

namespace sonde {
namespace {

/// The octet's bits that count, where `length` bits count in all.
std::uint8_t mask(unsigned length, std::size_t octet) {
  const auto before = static_cast<unsigned>(octet * 8);
  if (length >= before + 8) return 0xFF;
  if (length <= before) return 0;
  return static_cast<std::uint8_t>(0xFFU << (8 - (length - before)));
}

}  // namespace

Expected<AddressPrefix> AddressPrefix::parse(std::string_view text) {
  const std::size_t slash = text.find('/');
  const auto address = IpAddress::parse(text.substr(0, slash));
  if (!address) return std::unexpected(address.error());
  const unsigned most = address->family == IpAddress::Family::v4 ? 32 : 128;
  AddressPrefix prefix{*address, most};
  if (slash == std::string_view::npos) return prefix;
  const std::string_view digits = text.substr(slash + 1);
  const auto [end, error] = std::from_chars(digits.begin(), digits.end(), prefix.length);
  if (error != std::errc() || end != digits.end() || prefix.length > most)
    return fail(fmt::format("the prefix length is not a number from 0 to {}", most));
  for (std::size_t i = 0; i < most / 8; ++i)
    if ((address->octets[i] & ~mask(prefix.length, i)) != 0)
      return fail(fmt::format("the address has bits behind the first {}", prefix.length));
  return prefix;
}

bool AddressPrefix::contains(const IpAddress& other) const {
  if (other.family != address.family) return false;
  for (std::size_t i = 0; i < address.octets.size() && i * 8 < length; ++i)
    if ((other.octets[i] & mask(length, i)) != address.octets[i]) return false;
  return true;
}

std::string AddressPrefix::str() const { return fmt::format("{}/{}", address.str(), length); }

}  // namespace sonde
