// Whatever the packet: no reply, or one that is not longer than the request. What was understood is written and read
// back the same. Covers the transfer header too, the other binary format on the probe port.
#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

#include "agent/core/reflector.h"
#include "agent/core/transfer_header.h"
#include "shared/base/error.h"
#include "shared/wire/stamp_packet.h"
#include "shared/wire/stamp_probe.h"

namespace {

using namespace sonde;

void reflect(std::span<const std::uint8_t> octets) {
  const Endpoint sender{IpAddress::parse("192.0.2.1").value(), 50000};
  Reflector reflector;
  std::vector<std::uint8_t> reply;
  SONDE_ASSERT(!reflector.on_packet({sender, octets, wall_from_ns(1), 64}, reply) && reply.empty());  // a stranger
  reflector.set_members({sender.address});
  reflector.set_keys({{sender.address, {}}});
  if (!reflector.on_packet({sender, octets, wall_from_ns(1'700'000'000'000'000'000), 64}, reply)) {
    SONDE_ASSERT(reply.empty());
    return;
  }
  SONDE_ASSERT(reply.size() == octets.size());
  SONDE_ASSERT(wire::decode_reflector(reply, wire::mode_of(octets)).has_value());
  reflector.on_sent(sender, octets, wall_from_ns(1));
  const wire::StampKey key{};
  auto authenticated = wire::ProbeFormat::agents();
  authenticated.mode = wire::StampMode::authenticated;
  for (const auto& format : {wire::ProbeFormat::base(), wire::ProbeFormat::agents(), authenticated}) {
    wire::read_extras(format, reply, &key);
    wire::read_extras(format, octets, &key);
  }
}

void transfer_header(std::span<const std::uint8_t> octets) {
  if (octets.size() < TransferHeader::size) return;
  const auto shown = octets.first<TransferHeader::size>();
  const auto header = decode_transfer_header(shown);
  SONDE_ASSERT(!header || std::ranges::equal(encode(*header), shown));
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::span octets(data, size);
  if (const auto packet = wire::decode_sender(octets))
    SONDE_ASSERT(wire::decode_sender(wire::encode(*packet)) == packet);
  if (const auto packet = wire::decode_reflector(octets)) {
    SONDE_ASSERT(wire::decode_reflector(wire::encode(*packet)) == packet);
  }
  reflect(octets);
  transfer_header(octets);
  return 0;
}
