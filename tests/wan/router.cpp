#include "tests/wan/router.h"

#include <algorithm>
#include <array>

#include "shared/base/error.h"

namespace sonde::wan {
namespace {

constexpr std::size_t v4_header = 20;
constexpr std::size_t v6_header = 40;
constexpr std::size_t icmp_header = 8;
/// Of the packet that is told of: RFC 1812, 4.3.2.3 wants as much as fits; this is its headers and a STAMP base packet.
constexpr std::size_t quoted_octets = 128;
constexpr std::uint8_t router_ttl = 64;
constexpr std::uint8_t next_header_icmp = 1;
constexpr std::uint8_t next_header_icmp6 = 58;

std::uint8_t octet(std::span<const std::byte> packet, std::size_t at) {
  return std::to_integer<std::uint8_t>(packet[at]);
}

void put16(std::span<std::byte> packet, std::size_t at, std::uint32_t value) {
  packet[at] = std::byte(value >> 8U & 0xFFU);
  packet[at + 1] = std::byte(value & 0xFFU);
}

IpAddress address_at(std::span<const std::byte> packet, std::size_t at, IpAddress::Family family) {
  IpAddress address;
  address.family = family;
  const std::size_t size = family == IpAddress::Family::v4 ? 4 : 16;
  for (std::size_t i = 0; i < size; ++i) address.octets[i] = octet(packet, at + i);
  return address;
}

void put_address(std::span<std::byte> packet, std::size_t at, const IpAddress& address) {
  const std::size_t size = address.family == IpAddress::Family::v4 ? 4 : 16;
  for (std::size_t i = 0; i < size; ++i) packet[at + i] = std::byte(address.octets[i]);
}

/// RFC 1071.
std::uint32_t sum_of(std::span<const std::byte> octets) {
  std::uint32_t sum = 0;
  for (std::size_t i = 0; i < octets.size(); ++i) sum += std::uint32_t{octet(octets, i)} << (i % 2 == 0 ? 8U : 0U);
  return sum;
}

std::uint32_t checksum(std::uint32_t sum) {
  while (sum > 0xFFFF) sum = (sum & 0xFFFFU) + (sum >> 16U);
  return ~sum & 0xFFFFU;
}

void sign_v4(std::span<std::byte> packet) {
  const auto header = packet.first((octet(packet, 0) & 0x0FU) * std::size_t{4});
  put16(header, 10, 0);
  put16(header, 10, checksum(sum_of(header)));
}

struct Icmp {
  std::uint8_t type = 0;
  std::uint8_t code = 0;
  std::uint32_t mtu = 0;
};

std::vector<std::byte> icmp_about(const IpAddress& router, std::span<const std::byte> packet, const Icmp& what) {
  const auto view = view_ip(packet);
  SONDE_ASSERT(view.has_value());
  const bool v4 = router.family == IpAddress::Family::v4;
  const auto quoted = packet.first(std::min(packet.size(), quoted_octets));
  const std::size_t head = v4 ? v4_header : v6_header;
  std::vector<std::byte> out(head + icmp_header + quoted.size());
  const std::span icmp = std::span(out).subspan(head);
  icmp[0] = std::byte(what.type);
  icmp[1] = std::byte(what.code);
  put16(icmp, 6, what.mtu);
  std::ranges::copy(quoted, icmp.begin() + icmp_header);
  if (v4) {
    out[0] = std::byte{0x45};
    put16(out, 2, static_cast<std::uint32_t>(out.size()));
    out[8] = std::byte(router_ttl);
    out[9] = std::byte(next_header_icmp);
    put_address(out, 12, router);
    put_address(out, 16, view->from);
    sign_v4(out);
    put16(icmp, 2, checksum(sum_of(icmp)));
    return out;
  }
  out[0] = std::byte{0x60};
  put16(out, 4, static_cast<std::uint32_t>(icmp.size()));
  out[6] = std::byte(next_header_icmp6);
  out[7] = std::byte(router_ttl);
  put_address(out, 8, router);
  put_address(out, 24, view->from);
  // The pseudo header of RFC 8200, 8.1: addresses, length, next header.
  const auto addresses = std::span<const std::byte>(out).subspan(8, 32);
  put16(icmp, 2,
        checksum(sum_of(addresses) + static_cast<std::uint32_t>(icmp.size()) + next_header_icmp6 + sum_of(icmp)));
  return out;
}

}  // namespace

Routers routers_of(const Routers& all, IpAddress::Family family) {
  Routers met;
  for (const auto& router : all)
    if (!router || router->family == family) met.push_back(router);
  return met;
}

std::optional<IpView> view_ip(std::span<const std::byte> packet) {
  if (packet.size() < v4_header) return std::nullopt;
  const unsigned version = octet(packet, 0) >> 4U;
  if (version == 4) {
    const std::size_t header = (octet(packet, 0) & 0x0FU) * std::size_t{4};
    if (header < v4_header || header > packet.size()) return std::nullopt;
    const auto family = IpAddress::Family::v4;
    return IpView{address_at(packet, 12, family), address_at(packet, 16, family), octet(packet, 8)};
  }
  if (version != 6 || packet.size() < v6_header) return std::nullopt;
  const auto family = IpAddress::Family::v6;
  return IpView{address_at(packet, 8, family), address_at(packet, 24, family), octet(packet, 7)};
}

void count_down(std::span<std::byte> packet, std::uint8_t by) {
  const bool v4 = octet(packet, 0) >> 4U == 4;
  const std::size_t at = v4 ? 8 : 7;
  packet[at] = std::byte(octet(packet, at) - by);
  if (v4) sign_v4(packet);
}

std::vector<std::byte> time_exceeded(const IpAddress& router, std::span<const std::byte> packet) {
  const bool v4 = router.family == IpAddress::Family::v4;
  return icmp_about(router, packet, {.type = static_cast<std::uint8_t>(v4 ? 11 : 3)});
}

std::vector<std::byte> too_big(const IpAddress& router, std::span<const std::byte> packet, std::uint32_t mtu) {
  const bool v4 = router.family == IpAddress::Family::v4;
  return icmp_about(router, packet,
                    v4 ? Icmp{.type = 3, .code = 4, .mtu = mtu} : Icmp{.type = 2, .code = 0, .mtu = mtu});
}

}  // namespace sonde::wan
