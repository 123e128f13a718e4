// What Sonde's own probes carry behind the base packet, and what their replies said. Pure. The TLVs of a stream are the
// same in each of its probes, so that their length does not change.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>

#include "shared/measure/site_load.h"
#include "shared/wire/stamp_hmac.h"
#include "shared/wire/stamp_packet.h"
#include "shared/wire/stamp_tlv.h"

namespace sonde::wire {

/// What a stream asks of the far reflector beside the base packet.
struct ProbeFormat {
  bool follow_up = false;              ///< when the reply before it really left
  bool class_of_service = false;       ///< with which DSCP and ECN the probe arrived there
  bool load = false;                   ///< the far site's last throughput run
  bool timestamp_information = false;  ///< how it comes by its stamps
  bool direct_measurement = false;     ///< its counters of the session
  StampMode mode = StampMode::open;    ///< authenticated: with a HMAC over the base packet and a HMAC TLV
  bool operator==(const ProbeFormat&) const = default;

  /// RFC 8762 alone: what a reflector that is not ours gets.
  static constexpr ProbeFormat base() { return {}; }
  /// Between agents: 100 octets in all.
  static constexpr ProbeFormat agents() { return {.follow_up = true, .class_of_service = true, .load = true}; }

  std::size_t octets() const;
};

/// A probe as it leaves; holds the longest one that a ProbeFormat can describe.
class ProbeOctets {
 public:
  static constexpr std::size_t capacity = 232;

  operator std::span<const std::uint8_t>() const { return std::span(octets_).first(size_); }
  std::span<std::uint8_t> writable() { return std::span(octets_).first(size_); }
  std::size_t size() const { return size_; }

  /// Grows by `count` zero octets and gives them out. Needs room.
  std::span<std::uint8_t> grow(std::size_t count);

 private:
  std::array<std::uint8_t, capacity> octets_{};
  std::size_t size_ = 0;
};

/// What is new in each probe of a stream.
struct ProbeValues {
  SenderPacket base;
  std::uint8_t dscp = 0;   ///< 0 to 63, of this probe and wanted for its reply
  std::uint32_t sent = 0;  ///< probes of this session, this one included (Direct Measurement)
};

/// `key` is needed in authenticated mode, and not used in the open one.
ProbeOctets build_probe(const ProbeFormat& format, const ProbeValues& values, const StampKey* key = nullptr);

/// What a reply says behind its base packet; nullopt where it does not, or not to be used.
struct ReplyExtras {
  std::optional<FollowUp> follow_up;
  std::optional<ClassOfService> class_of_service;
  std::optional<SiteLoad> load;
  std::uint32_t clock_era =
      0;  ///< of the far site: another number means that its clock was stepped; 0: it does not tell
  std::optional<TimestampInformation> timestamp_information;
  std::optional<DirectMeasurement> direct_measurement;
  bool operator==(const ReplyExtras&) const = default;
};

/// In authenticated mode: whether the base packet's HMAC is right. Always true in the open one.
bool reply_verifies(const ProbeFormat& format, std::span<const std::uint8_t> reply, const StampKey* key);

/// Reads the TLVs of a reply to a probe of this format, as RFC 8972, 4 wants a sender to: skips a TLV with U, stops at
/// M, believes none where one has I. An area that is not laid out as the probe's was comes from a reflector that does
/// not know TLVs: nothing is read from it, and neither from a reply with SSID 0 or one whose HMAC TLV does not verify.
ReplyExtras read_extras(const ProbeFormat& format, std::span<const std::uint8_t> reply, const StampKey* key = nullptr);

}  // namespace sonde::wire
