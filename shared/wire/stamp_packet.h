// STAMP test packets: RFC 8762 section 4 with the session id of RFC 8972 section 3, in both modes. Pure: octets in,
// values out. All numbers are big endian on the wire; octets that are not named are zero. The TLVs behind the base
// packet are shared/wire/stamp_tlv.h, the HMAC of the authenticated mode shared/wire/stamp_hmac.h.
//
//   open   authenticated  sender packet              reflector packet
//    0- 3    0-  3        sequence number            the reflector's own sequence number
//    4-11   16- 23        send timestamp             send timestamp (t3)
//   12-13   24- 25        error estimate             error estimate
//   14-15   26- 27        SSID (RFC 8972, 3)         SSID, copied
//   16-23   32- 39                                   receive timestamp (t2)
//   24-27   48- 51                                   sender's sequence number, copied
//   28-35   64- 71                                   sender's timestamp, copied
//   36-37   72- 73                                   sender's error estimate, copied
//      40   80                                       TTL or hop limit with which the sender's packet arrived
//           96-111        HMAC over octets 0-95      HMAC over octets 0-95
//   44-    112-           TLVs (RFC 8972, 4)         the same TLVs, answered
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>

#include "shared/base/time.h"

namespace sonde::wire {

/// Unauthenticated ("open") and authenticated mode (RFC 8762, 4).
enum class StampMode : std::uint8_t { open, authenticated };

inline constexpr std::size_t stamp_base_octets = 44;
inline constexpr std::size_t stamp_authenticated_octets = 112;

constexpr std::size_t base_octets(StampMode mode) {
  return mode == StampMode::open ? stamp_base_octets : stamp_authenticated_octets;
}

/// A base packet of the open mode.
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

/// Into the first base_octets(mode) of `octets`, HMAC left zero. Both need ErrorEstimate::multiplier > 0 and scale
/// < 64.
void write(const SenderPacket& packet, StampMode mode, std::span<std::uint8_t> octets);
void write(const ReflectorPacket& packet, StampMode mode, std::span<std::uint8_t> octets);
/// The same as a packet of the open mode.
StampPacket encode(const SenderPacket& packet);
StampPacket encode(const ReflectorPacket& packet);

/// nullopt where there are fewer octets than a base packet has or the error estimate's multiplier is 0. Octets that
/// must be zero are not looked at (RFC 8762, 4.2.1), and neither are the HMAC and what follows the base packet.
std::optional<SenderPacket> decode_sender(std::span<const std::uint8_t> octets, StampMode mode = StampMode::open);
std::optional<ReflectorPacket> decode_reflector(std::span<const std::uint8_t> octets, StampMode mode = StampMode::open);

/// The sender's error estimate as it must be copied; octets as for decode_sender.
std::uint16_t error_bits(std::span<const std::uint8_t> sender_octets, StampMode mode = StampMode::open);

/// What a packet is known by, on either way.
struct PacketName {
  std::uint32_t sequence = 0;
  std::uint16_t ssid = 0;
  StampMode mode = StampMode::open;
};

/// Octets 4 to 15 are zero in the authenticated mode, and cannot be in the open one, where the error estimate is there.
StampMode mode_of(std::span<const std::uint8_t> octets);
/// Its first 28 octets are enough; nullopt where there are fewer.
std::optional<PacketName> name_of(std::span<const std::uint8_t> octets);

/// Puts t1 or t3 into an encoded packet, as late as possible before it leaves.
void set_sent_at(std::span<std::uint8_t> packet, WallTime at, StampMode mode = StampMode::open);

}  // namespace sonde::wire
