// The TLVs behind a STAMP base packet (RFC 8972, section 4): their frame, their flags and their values. Pure: octets
// in, values out. What a reflector answers is agent/core/reflector_tlvs.h, what a probe carries
// shared/wire/stamp_probe.h.
//
//   octet 0     flags: U 0x80, M 0x40, I 0x20, the rest zero
//   octet 1     type
//   octets 2-3  length of the value
//   octets 4-   value
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>

#include "shared/measure/site_load.h"
#include "shared/wire/octets.h"
#include "shared/wire/stamp_packet.h"

namespace sonde::wire {

namespace tlv {
inline constexpr std::size_t header_octets = 4;
inline constexpr std::uint8_t unrecognised = 0x80;  ///< U
inline constexpr std::uint8_t malformed = 0x40;     ///< M
inline constexpr std::uint8_t integrity = 0x20;     ///< I: the HMAC TLV did not verify
}  // namespace tlv

/// RFC 8972, table 2. Location and Access Report are not understood: they are given back with U.
enum class TlvType : std::uint8_t {
  extra_padding = 1,
  timestamp_information = 3,
  class_of_service = 4,
  direct_measurement = 5,
  follow_up_telemetry = 7,
  hmac = 8,
  /// Sonde's own, from the range for experimental use (private use would need an enterprise number of ours). Its value
  /// begins with a mark, so that another experiment with this number is not taken for it.
  load = 251,
};

/// Whether the value of this type may have that length. Extra Padding may have any, Timestamp Information may carry
/// sub-TLVs behind its four octets, all others have one length only.
bool length_fits(TlvType type, std::size_t value_octets);
/// nullopt: a type that we do not understand.
std::optional<TlvType> known_type(std::uint8_t type);

/// One TLV where it stands. Octet is `std::uint8_t` or `const std::uint8_t`.
template <typename Octet>
struct TlvView {
  std::span<Octet> octets;  ///< header and value

  Octet& flags() const { return octets[0]; }
  std::uint8_t type() const { return octets[1]; }
  std::span<Octet> value() const { return octets.subspan(tlv::header_octets); }
};

/// Goes through a TLV area from its front. next() is nullopt at the end, and where what is left is too short for the
/// TLV that begins there; rest() is not empty then.
template <typename Octet>
class TlvWalk {
 public:
  explicit TlvWalk(std::span<Octet> area) : rest_(area) {}

  std::optional<TlvView<Octet>> next() {
    if (rest_.size() < tlv::header_octets) return std::nullopt;
    const std::size_t length = tlv::header_octets + get<std::uint16_t>(rest_, 2);
    if (length > rest_.size()) return std::nullopt;
    const TlvView<Octet> found{rest_.first(length)};
    rest_ = rest_.subspan(length);
    return found;
  }
  std::span<Octet> rest() const { return rest_; }

 private:
  std::span<Octet> rest_;
};

/// RFC 8972, table 7.
enum class SyncSource : std::uint8_t { none = 0, ntp = 1, ptp = 2, ssu_bits = 3, satellites = 4, free_running = 5 };
/// RFC 8972, table 9.
enum class StampMethod : std::uint8_t { none = 0, hardware = 1, software = 2, control_plane = 3 };

/// RFC 8972, 4.3: how the reflector came by t2 (in) and t3 (out).
struct TimestampInformation {
  static constexpr std::size_t octets = 4;
  SyncSource sync_in = SyncSource::none;
  StampMethod method_in = StampMethod::none;
  SyncSource sync_out = SyncSource::none;
  StampMethod method_out = StampMethod::none;
  bool operator==(const TimestampInformation&) const = default;
};

/// RFC 8972, 4.4.
struct ClassOfService {
  static constexpr std::size_t octets = 4;
  std::uint8_t dscp_wanted = 0;    ///< DSCP1: 0 to 63, for the reply
  std::uint8_t dscp_received = 0;  ///< DSCP2: 0 to 63, with which the probe arrived there
  std::uint8_t ecn_received = 0;   ///< 0 to 3
  bool refused = false;            ///< RP is 1: the reply has the probe's DSCP, the wanted one is not permitted there
  bool operator==(const ClassOfService&) const = default;
};

/// RFC 8972, 4.5. Counters of the session, modulo 2^32.
struct DirectMeasurement {
  static constexpr std::size_t octets = 12;
  std::uint32_t sender_sent = 0;
  std::uint32_t reflector_received = 0;
  std::uint32_t reflector_sent = 0;
  bool operator==(const DirectMeasurement&) const = default;
};

/// RFC 8972, 4.7: when the reply before this one really left. A zero stamp means that it is not known.
struct FollowUp {
  static constexpr std::size_t octets = 16;
  std::uint32_t sequence = 0;  ///< the REFLECTOR's number of that reply
  NtpStamp sent_at;
  StampMethod method = StampMethod::none;
  bool operator==(const FollowUp&) const = default;
};

inline constexpr std::size_t hmac_octets = 16;
inline constexpr std::size_t load_octets = 24;
/// "Snde", the first octets of the value of TlvType::load.
inline constexpr std::uint32_t load_mark = 0x536E'6465;
/// Three octets; 0 says nothing.
inline constexpr std::uint32_t most_clock_era = 0xFF'FFFF;

/// `value` has exactly the type's length. Reserved octets are written as zero.
void write(const TimestampInformation& value, std::span<std::uint8_t> octets);
void write(const ClassOfService& value, std::span<std::uint8_t> octets);
void write(const DirectMeasurement& value, std::span<std::uint8_t> octets);
void write(const FollowUp& value, std::span<std::uint8_t> octets);
void write(const SiteLoad& value, std::span<std::uint8_t> octets);
/// Into the value of a Load TLV, which write() has filled: the number that changes with each step of the site's clock.
void write_clock_era(std::uint32_t era, std::span<std::uint8_t> octets);

/// nullopt where the length is not the type's. Reserved octets are not looked at; codes beyond the tables are `none`.
std::optional<TimestampInformation> read_timestamp_information(std::span<const std::uint8_t> value);
std::optional<ClassOfService> read_class_of_service(std::span<const std::uint8_t> value);
std::optional<DirectMeasurement> read_direct_measurement(std::span<const std::uint8_t> value);
std::optional<FollowUp> read_follow_up(std::span<const std::uint8_t> value);
/// Also nullopt without the mark, with a role that does not exist, a run that ended before it began, or without a
/// start.
std::optional<SiteLoad> read_load(std::span<const std::uint8_t> value);
/// 1 to most_clock_era; 0: the site does not tell of steps of its clock. Needs is_load().
std::uint32_t read_clock_era(std::span<const std::uint8_t> value);
/// True where the value of a TLV with that type number is ours and not another experiment's.
bool is_load(std::span<const std::uint8_t> value);

}  // namespace sonde::wire
