// HMAC-SHA-256 cut to 128 bits, as STAMP has it: over the base packet in authenticated mode (RFC 8762, 4.4), over the
// TLVs in the HMAC TLV (RFC 8972, 4.8). Pure.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>

#include "shared/wire/stamp_tlv.h"

namespace sonde::wire {

/// What two sites share; nobody else has it.
using StampKey = std::array<std::uint8_t, 32>;
using StampDigest = std::array<std::uint8_t, hmac_octets>;

/// Of `front` and `back` as one text.
StampDigest stamp_digest(const StampKey& key, std::span<const std::uint8_t> front,
                         std::span<const std::uint8_t> back = {});

/// Octets 96 to 111 of an authenticated packet, of octets 0 to 95: the last thing that is done to it before it leaves.
/// Needs stamp_authenticated_octets.
void sign_base(std::span<std::uint8_t> packet, const StampKey& key);
/// In constant time. False where the packet is too short.
bool base_verifies(std::span<const std::uint8_t> packet, const StampKey& key);

/// Where the HMAC TLV of an area stands.
struct HmacPlace {
  std::size_t at = 0;   ///< of its first octet
  bool proper = false;  ///< it has 16 octets, and nothing but Extra Padding is behind it
};
/// nullopt where there is none.
std::optional<HmacPlace> find_hmac(std::span<const std::uint8_t> area);

/// Fills the HMAC TLV at `place` of the area behind the base packet: over the packet's sequence number and all TLVs
/// before it. Needs a proper place.
void sign_area(std::span<std::uint8_t> packet, StampMode mode, const HmacPlace& place, const StampKey& key);
/// In constant time; false where the place is not proper.
bool area_verifies(std::span<const std::uint8_t> packet, StampMode mode, const HmacPlace& place, const StampKey& key);

/// Whether the area may be used in this mode without a HMAC TLV: always in the open one; in the authenticated one only
/// where it is empty or a single Extra Padding.
bool may_lack_hmac(std::span<const std::uint8_t> area, StampMode mode);

}  // namespace sonde::wire
