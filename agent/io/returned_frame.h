// Reads the frame that the kernel gives back with a send stamp: which datagram was it? Octets in, values out.
#pragma once

#include <cstdint>
#include <optional>
#include <span>

#include "shared/base/endpoint.h"

namespace sonde::io {

struct ReturnedDatagram {
  Endpoint to;
  std::span<const std::uint8_t> payload;  ///< what is there of it: long frames are cut
};

/// The frame begins with whatever the device puts before IP (14 octets on Ethernet, none on a tunnel), so the IP header
/// is looked for: version, lengths and protocol have to fit. nullopt where nothing does. IPv4 without fragments, IPv6
/// without extension headers; an IPv4 destination stays IPv4, whatever the socket's family.
std::optional<ReturnedDatagram> read_returned_frame(std::span<const std::uint8_t> frame, bool cut);

}  // namespace sonde::io
