#include "agent/core/transfer_header.h"

#include <algorithm>

#include "shared/base/limits.h"

namespace sonde {

std::array<std::uint8_t, TransferHeader::size> encode(const TransferHeader& header) {
  std::array<std::uint8_t, TransferHeader::size> octets{};
  octets[0] = TransferHeader::magic;
  octets[1] = TransferHeader::version;
  std::ranges::copy(header.token, octets.begin() + 2);
  octets[18] = header.stream;
  return octets;
}

Expected<TransferHeader> decode_transfer_header(std::span<const std::uint8_t, TransferHeader::size> octets) {
  if (octets[0] != TransferHeader::magic) return fail("not a data connection");
  if (octets[1] != TransferHeader::version) return fail("data connection of another version");
  if (octets[18] >= limits::streams_per_run || octets[19] != 0) return fail("impossible stream number");
  TransferHeader header;
  std::ranges::copy(octets.subspan<2, 16>(), header.token.begin());
  header.stream = octets[18];
  return header;
}

}  // namespace sonde
