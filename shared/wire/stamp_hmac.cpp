#include "shared/wire/stamp_hmac.h"

#include <sodium/crypto_auth_hmacsha256.h>
#include <sodium/utils.h>

#include <algorithm>

#include "shared/base/error.h"

namespace sonde::wire {
namespace {

constexpr std::size_t signed_octets = 96;
constexpr std::size_t sequence_octets = 4;

StampDigest area_digest(std::span<const std::uint8_t> packet, StampMode mode, const HmacPlace& place,
                        const StampKey& key) {
  return stamp_digest(key, packet.first(sequence_octets), packet.subspan(base_octets(mode), place.at));
}

bool equal(std::span<const std::uint8_t> a, const StampDigest& b) {
  return a.size() == b.size() && sodium_memcmp(a.data(), b.data(), b.size()) == 0;
}

}  // namespace

StampDigest stamp_digest(const StampKey& key, std::span<const std::uint8_t> front, std::span<const std::uint8_t> back) {
  std::array<std::uint8_t, crypto_auth_hmacsha256_BYTES> whole{};
  crypto_auth_hmacsha256_state state;
  crypto_auth_hmacsha256_init(&state, key.data(), key.size());
  crypto_auth_hmacsha256_update(&state, front.data(), front.size());
  crypto_auth_hmacsha256_update(&state, back.data(), back.size());
  crypto_auth_hmacsha256_final(&state, whole.data());
  StampDigest digest;
  std::copy_n(whole.begin(), digest.size(), digest.begin());
  return digest;
}

void sign_base(std::span<std::uint8_t> packet, const StampKey& key) {
  SONDE_ASSERT(packet.size() >= stamp_authenticated_octets);
  std::ranges::copy(stamp_digest(key, packet.first(signed_octets)), packet.begin() + signed_octets);
}

bool base_verifies(std::span<const std::uint8_t> packet, const StampKey& key) {
  if (packet.size() < stamp_authenticated_octets) return false;
  return equal(packet.subspan(signed_octets, hmac_octets), stamp_digest(key, packet.first(signed_octets)));
}

std::optional<HmacPlace> find_hmac(std::span<const std::uint8_t> area) {
  std::optional<HmacPlace> place;
  std::size_t at = 0;
  TlvWalk walk(area);
  while (const auto found = walk.next()) {
    if (!place && found->type() == static_cast<std::uint8_t>(TlvType::hmac))
      place = HmacPlace{at, found->value().size() == hmac_octets};
    else if (place && found->type() != static_cast<std::uint8_t>(TlvType::extra_padding))
      place->proper = false;
    at += found->octets.size();
  }
  if (place && !walk.rest().empty()) place->proper = false;
  return place;
}

void sign_area(std::span<std::uint8_t> packet, StampMode mode, const HmacPlace& place, const StampKey& key) {
  SONDE_ASSERT(place.proper);
  const StampDigest digest = area_digest(packet, mode, place, key);
  std::ranges::copy(digest, packet.subspan(base_octets(mode) + place.at + tlv::header_octets).begin());
}

bool area_verifies(std::span<const std::uint8_t> packet, StampMode mode, const HmacPlace& place, const StampKey& key) {
  if (!place.proper) return false;
  const auto value = packet.subspan(base_octets(mode) + place.at + tlv::header_octets, hmac_octets);
  return equal(value, area_digest(packet, mode, place, key));
}

bool may_lack_hmac(std::span<const std::uint8_t> area, StampMode mode) {
  if (mode == StampMode::open || area.empty()) return true;
  TlvWalk walk(area);
  const auto only = walk.next();
  return only && walk.rest().empty() && only->type() == static_cast<std::uint8_t>(TlvType::extra_padding);
}

}  // namespace sonde::wire
