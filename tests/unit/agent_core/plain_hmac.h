// HMAC-SHA-256 written down from FIPS 180-4 and RFC 2104 for the conformance tests: what Sonde itself uses (libsodium)
// has no part in it.
#pragma once

#include <array>
#include <bit>
#include <cstdint>
#include <vector>

namespace sonde::test {

using Bytes256 = std::array<std::uint8_t, 32>;

inline Bytes256 plain_sha256(std::vector<std::uint8_t> text) {
  static constexpr std::array<std::uint32_t, 64> k{
      0x428a2f98, 0x71374491, 0xb5c0fbcf, 0xe9b5dba5, 0x3956c25b, 0x59f111f1, 0x923f82a4, 0xab1c5ed5,
      0xd807aa98, 0x12835b01, 0x243185be, 0x550c7dc3, 0x72be5d74, 0x80deb1fe, 0x9bdc06a7, 0xc19bf174,
      0xe49b69c1, 0xefbe4786, 0x0fc19dc6, 0x240ca1cc, 0x2de92c6f, 0x4a7484aa, 0x5cb0a9dc, 0x76f988da,
      0x983e5152, 0xa831c66d, 0xb00327c8, 0xbf597fc7, 0xc6e00bf3, 0xd5a79147, 0x06ca6351, 0x14292967,
      0x27b70a85, 0x2e1b2138, 0x4d2c6dfc, 0x53380d13, 0x650a7354, 0x766a0abb, 0x81c2c92e, 0x92722c85,
      0xa2bfe8a1, 0xa81a664b, 0xc24b8b70, 0xc76c51a3, 0xd192e819, 0xd6990624, 0xf40e3585, 0x106aa070,
      0x19a4c116, 0x1e376c08, 0x2748774c, 0x34b0bcb5, 0x391c0cb3, 0x4ed8aa4a, 0x5b9cca4f, 0x682e6ff3,
      0x748f82ee, 0x78a5636f, 0x84c87814, 0x8cc70208, 0x90befffa, 0xa4506ceb, 0xbef9a3f7, 0xc67178f2};
  std::array<std::uint32_t, 8> hash{0x6a09e667, 0xbb67ae85, 0x3c6ef372, 0xa54ff53a,
                                    0x510e527f, 0x9b05688c, 0x1f83d9ab, 0x5be0cd19};
  const std::uint64_t bits = 8 * text.size();
  text.push_back(0x80);
  while (text.size() % 64 != 56) text.push_back(0);
  for (int shift = 56; shift >= 0; shift -= 8) text.push_back(static_cast<std::uint8_t>(bits >> shift));
  for (std::size_t block = 0; block < text.size(); block += 64) {
    std::array<std::uint32_t, 64> w{};
    for (std::size_t i = 0; i < 64; ++i) w.at(i / 4) = w.at(i / 4) << 8U | text[block + i];
    for (std::size_t i = 16; i < 64; ++i) {
      const std::uint32_t a = w.at(i - 15);
      const std::uint32_t b = w.at(i - 2);
      w.at(i) = w.at(i - 16) + (std::rotr(a, 7) ^ std::rotr(a, 18) ^ (a >> 3U)) + w.at(i - 7) +
                (std::rotr(b, 17) ^ std::rotr(b, 19) ^ (b >> 10U));
    }
    std::array<std::uint32_t, 8> h = hash;
    for (std::size_t i = 0; i < 64; ++i) {
      const std::uint32_t t1 = h[7] + (std::rotr(h[4], 6) ^ std::rotr(h[4], 11) ^ std::rotr(h[4], 25)) +
                               ((h[4] & h[5]) ^ (~h[4] & h[6])) + k.at(i) + w.at(i);
      const std::uint32_t t2 = (std::rotr(h[0], 2) ^ std::rotr(h[0], 13) ^ std::rotr(h[0], 22)) +
                               ((h[0] & h[1]) ^ (h[0] & h[2]) ^ (h[1] & h[2]));
      h = {t1 + t2, h[0], h[1], h[2], h[3] + t1, h[4], h[5], h[6]};
    }
    for (std::size_t i = 0; i < 8; ++i) hash.at(i) += h.at(i);
  }
  Bytes256 out{};
  for (std::size_t i = 0; i < 32; ++i) out.at(i) = static_cast<std::uint8_t>(hash.at(i / 4) >> (24 - 8 * (i % 4)));
  return out;
}

/// The first 16 octets, as STAMP has them (RFC 8762, 4.4).
inline std::vector<std::uint8_t> plain_hmac(const Bytes256& key, const std::vector<std::uint8_t>& text) {
  const auto keyed = [&](std::uint8_t pad) {
    std::vector<std::uint8_t> block(64, pad);
    for (std::size_t i = 0; i < key.size(); ++i) block[i] ^= key.at(i);
    return block;
  };
  std::vector<std::uint8_t> inner = keyed(0x36);
  inner.insert(inner.end(), text.begin(), text.end());
  const Bytes256 inside = plain_sha256(inner);
  std::vector<std::uint8_t> outer = keyed(0x5c);
  outer.insert(outer.end(), inside.begin(), inside.end());
  const Bytes256 digest = plain_sha256(outer);
  return {digest.begin(), digest.begin() + 16};
}

}  // namespace sonde::test
