// STAMP test packets: RFC 8762 section 4 (unauthenticated mode) with the session id and the TLV frame of RFC 8972
// sections 3 and 4. Pure: octets in, values out. All numbers are big endian on the wire.
//
//   octet  sender packet (RFC 8762, 4.2.1)      reflector packet (RFC 8762, 4.3.1)
//    0- 3  sequence number                      the reflector's own sequence number
//    4-11  send timestamp                       send timestamp (t3)
//   12-13  error estimate                       error estimate
//   14-15  SSID (RFC 8972, 3)                   SSID, copied
//   16-23  zero                                 receive timestamp (t2)
//   24-27  zero                                 sender's sequence number, copied
//   28-35  zero                                 sender's timestamp, copied
//   36-37  zero                                 sender's error estimate, copied
//   38-39  zero                                 zero
//      40  zero                                 TTL or hop limit with which the sender's packet arrived
//   41-43  zero                                 zero
//   44-    TLVs (RFC 8972, 4)                   the same TLVs, flags set by the reflector
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>

#include "shared/base/time.h"

namespace sonde::wire {

inline constexpr std::size_t stamp_base_octets = 44;

using StampPacket = std::array<std::uint8_t, stamp_base_octets>;

/// A 64-bit NTP timestamp (RFC 5905, 6): seconds since 1900 modulo 2^32 and a binary fraction. All zero bits mean "no
/// time". Read within 1970-01-01 to 2106-02-07, the range in which no two instants share a timestamp.
struct NtpStamp {
  std::uint64_t bits = 0;
  bool operator==(const NtpStamp&) const = default;

  /// Exact to the nearest nanosecond both ways: from_wall(t).wall() == t within that range.
  static NtpStamp from_wall(WallTime t);
  /// nullopt for "no time".
  std::optional<WallTime> wall() const;
};

/// How good the sender of a packet believes its clock to be (RFC 4656, 4.1.2): +- multiplier * 2^(scale - 32) seconds.
/// `ntp_format` false is the Z bit: the timestamp beside it is in PTP format (RFC 8186).
struct ErrorEstimate {
  bool synchronised = false;
  bool ntp_format = true;
  std::uint8_t scale = 32;      ///< 0 to 63
  std::uint8_t multiplier = 1;  ///< never 0 on the wire; a packet with 0 is refused
  bool operator==(const ErrorEstimate&) const = default;

  /// The least representable bound that is not below `error`, synchronised; without an error: unsynchronised, 1 s.
  static ErrorEstimate of(std::optional<nanoseconds> error);
  double seconds() const;
};

struct SenderPacket {
  std::uint32_t sequence = 0;
  NtpStamp sent_at;
  ErrorEstimate error;
  std::uint16_t ssid = 0;
  bool operator==(const SenderPacket&) const = default;
};

struct ReflectorPacket {
  std::uint32_t sequence = 0;
  NtpStamp sent_at;
  ErrorEstimate error;
  std::uint16_t ssid = 0;
  NtpStamp received_at;
  std::uint32_t sender_sequence = 0;
  NtpStamp sender_sent_at;
  std::uint16_t sender_error = 0;  ///< the sender's error estimate, its bits as they came
  std::uint8_t sender_ttl = 0;
  bool operator==(const ReflectorPacket&) const = default;
};

/// Both need ErrorEstimate::multiplier > 0 and scale < 64.
StampPacket encode(const SenderPacket& packet);
StampPacket encode(const ReflectorPacket& packet);

/// nullopt where there are fewer than 44 octets or the error estimate's multiplier is 0. Octets that must be zero are
/// not looked at (RFC 8762, 4.2.1), and neither is what follows the base packet.
std::optional<SenderPacket> decode_sender(std::span<const std::uint8_t> octets);
std::optional<ReflectorPacket> decode_reflector(std::span<const std::uint8_t> octets);

/// The sender's error estimate as it must be copied; octets as for decode_sender.
std::uint16_t error_bits(std::span<const std::uint8_t> sender_octets);

/// Puts t1 or t3 into an encoded packet (both stand in octets 4 to 11), as late as possible before it leaves.
void set_sent_at(std::span<std::uint8_t> packet, WallTime at);

namespace tlv {
inline constexpr std::size_t header_octets = 4;
inline constexpr std::uint8_t unrecognised = 0x80;  ///< U
inline constexpr std::uint8_t malformed = 0x40;     ///< M
inline constexpr std::uint8_t integrity = 0x20;     ///< I: the HMAC TLV did not verify
inline constexpr std::uint8_t extra_padding = 1;    ///< RFC 8972, 4.1
}  // namespace tlv

/// What a reflector does to the flags of a TLV area that it has copied from a request (RFC 8972, 4): U is cleared where
/// the type is known (only Extra Padding so far) and set otherwise; the first TLV whose length leaves the packet gets M
/// and ends the walk, the rest stays as it came. True where all TLVs were well formed.
bool mark_tlvs(std::span<std::uint8_t> tlv_area);

}  // namespace sonde::wire
