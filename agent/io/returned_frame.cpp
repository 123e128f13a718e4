#include "agent/io/returned_frame.h"

#include <algorithm>
#include <initializer_list>

#include "shared/wire/octets.h"

namespace sonde::io {
namespace {

using wire::get;
using Octets = std::span<const std::uint8_t>;

constexpr std::size_t v4_header = 20;
constexpr std::size_t v6_header = 40;
constexpr std::size_t udp_header = 8;
constexpr std::uint8_t udp = 17;

/// Whether a packet that says that it is `said` octets long may be what is left of the frame.
bool length_fits(std::size_t said, std::size_t left, bool cut) { return cut ? said >= left : said == left; }

std::optional<ReturnedDatagram> read_udp(const IpAddress& to, Octets packet) {
  if (packet.size() < udp_header) return std::nullopt;
  return ReturnedDatagram{{to, get<std::uint16_t>(packet, 2)}, packet.subspan(udp_header)};
}

std::optional<ReturnedDatagram> read_ip(Octets packet, bool cut) {
  if (packet.empty()) return std::nullopt;
  IpAddress to;
  if (packet[0] >> 4U == 4 && packet.size() >= v4_header) {
    const std::size_t header = (packet[0] & 0x0FU) * std::size_t{4};
    const bool fits = length_fits(get<std::uint16_t>(packet, 2), packet.size(), cut);
    if (header < v4_header || header > packet.size() || packet[9] != udp || !fits) return std::nullopt;
    std::ranges::copy(packet.subspan(16, 4), to.octets.begin());
    return read_udp(to, packet.subspan(header));
  }
  if (packet[0] >> 4U == 6 && packet.size() >= v6_header) {
    const bool fits = length_fits(v6_header + get<std::uint16_t>(packet, 4), packet.size(), cut);
    if (packet[6] != udp || !fits) return std::nullopt;
    to.family = IpAddress::Family::v6;
    std::ranges::copy(packet.subspan(24, 16), to.octets.begin());
    return read_udp(to, packet.subspan(v6_header));
  }
  return std::nullopt;
}

}  // namespace

std::optional<ReturnedDatagram> read_returned_frame(std::span<const std::uint8_t> frame, bool cut) {
  for (const std::size_t link_header : std::initializer_list<std::size_t>{14, 0, 18, 4, 22, 16})
    if (link_header < frame.size())
      if (const auto found = read_ip(frame.subspan(link_header), cut)) return found;
  return std::nullopt;
}

}  // namespace sonde::io
