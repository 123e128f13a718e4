#include "shared/wire/stamp_packet.h"

#include <algorithm>
#include <cmath>

#include "shared/base/error.h"

namespace sonde::wire {
namespace {

constexpr std::int64_t second_ns = 1'000'000'000;
/// Seconds from 1900-01-01 to 1970-01-01 (RFC 5905, figure 4).
constexpr std::uint64_t ntp_epoch_gap = 2'208'988'800U;

constexpr std::size_t at_sequence = 0;
constexpr std::size_t at_sent = 4;
constexpr std::size_t at_error = 12;
constexpr std::size_t at_ssid = 14;
constexpr std::size_t at_received = 16;
constexpr std::size_t at_sender_sequence = 24;
constexpr std::size_t at_sender_sent = 28;
constexpr std::size_t at_sender_error = 36;
constexpr std::size_t at_sender_ttl = 40;

template <typename Number>
void put(std::span<std::uint8_t> octets, std::size_t at, Number number) {
  for (std::size_t i = sizeof(Number); i-- > 0;) {
    octets[at + i] = static_cast<std::uint8_t>(number & 0xFFU);
    if constexpr (sizeof(Number) > 1) number = static_cast<Number>(number >> 8U);
  }
}

template <typename Number>
Number get(std::span<const std::uint8_t> octets, std::size_t at) {
  std::uint64_t number = 0;
  for (std::size_t i = 0; i < sizeof(Number); ++i) number = number << 8U | octets[at + i];
  return static_cast<Number>(number);
}

std::uint16_t to_bits(const ErrorEstimate& error) {
  SONDE_ASSERT(error.multiplier > 0 && error.scale < 64);
  const unsigned s = error.synchronised ? 0x8000U : 0U;
  const unsigned z = error.ntp_format ? 0U : 0x4000U;
  return static_cast<std::uint16_t>(s | z | unsigned{error.scale} << 8U | error.multiplier);
}

std::optional<ErrorEstimate> from_bits(std::uint16_t bits) {
  ErrorEstimate error;
  error.synchronised = (bits & 0x8000U) != 0;
  error.ntp_format = (bits & 0x4000U) == 0;
  error.scale = static_cast<std::uint8_t>((bits >> 8U) & 0x3FU);
  error.multiplier = static_cast<std::uint8_t>(bits & 0xFFU);
  return error.multiplier == 0 ? std::nullopt : std::optional(error);
}

}  // namespace

NtpStamp NtpStamp::from_wall(WallTime t) {
  std::int64_t seconds = to_ns(t) / second_ns;
  std::int64_t rest = to_ns(t) % second_ns;
  if (rest < 0) {
    --seconds;
    rest += second_ns;
  }
  const std::uint64_t fraction = ((static_cast<std::uint64_t>(rest) << 32U) + second_ns / 2) / second_ns;
  // The fraction of .9999999999 rounds up to a whole second, which the addition carries over.
  const NtpStamp stamp{((static_cast<std::uint64_t>(seconds) + ntp_epoch_gap) << 32U) + fraction};
  return stamp.bits == 0 ? NtpStamp{1} : stamp;
}

std::optional<WallTime> NtpStamp::wall() const {
  if (bits == 0) return std::nullopt;
  std::uint64_t seconds = bits >> 32U;
  if (seconds < ntp_epoch_gap) seconds += std::uint64_t{1} << 32U;
  const auto rest = static_cast<std::int64_t>(((bits & 0xFFFF'FFFFU) * std::uint64_t{second_ns} + (1U << 31U)) >> 32U);
  return wall_from_ns(static_cast<std::int64_t>(seconds - ntp_epoch_gap) * second_ns + rest);
}

ErrorEstimate ErrorEstimate::of(std::optional<nanoseconds> error) {
  if (!error) return {};
  const double units = std::max(1.0, std::ceil(to_seconds(*error) * 0x1.0p32));
  ErrorEstimate estimate{.synchronised = true, .scale = 0};
  double multiplier = units;
  while (multiplier > 255 && estimate.scale < 63) {
    ++estimate.scale;
    multiplier = std::ceil(std::ldexp(units, -estimate.scale));
  }
  estimate.multiplier = static_cast<std::uint8_t>(std::min(multiplier, 255.0));
  return estimate;
}

double ErrorEstimate::seconds() const { return std::ldexp(multiplier, scale - 32); }

StampPacket encode(const SenderPacket& packet) {
  StampPacket octets{};
  put(octets, at_sequence, packet.sequence);
  put(octets, at_sent, packet.sent_at.bits);
  put(octets, at_error, to_bits(packet.error));
  put(octets, at_ssid, packet.ssid);
  return octets;
}

StampPacket encode(const ReflectorPacket& packet) {
  StampPacket octets{};
  put(octets, at_sequence, packet.sequence);
  put(octets, at_sent, packet.sent_at.bits);
  put(octets, at_error, to_bits(packet.error));
  put(octets, at_ssid, packet.ssid);
  put(octets, at_received, packet.received_at.bits);
  put(octets, at_sender_sequence, packet.sender_sequence);
  put(octets, at_sender_sent, packet.sender_sent_at.bits);
  put(octets, at_sender_error, packet.sender_error);
  put(octets, at_sender_ttl, packet.sender_ttl);
  return octets;
}

std::optional<SenderPacket> decode_sender(std::span<const std::uint8_t> octets) {
  if (octets.size() < stamp_base_octets) return std::nullopt;
  const auto error = from_bits(get<std::uint16_t>(octets, at_error));
  if (!error) return std::nullopt;
  return SenderPacket{.sequence = get<std::uint32_t>(octets, at_sequence),
                      .sent_at = {get<std::uint64_t>(octets, at_sent)},
                      .error = *error,
                      .ssid = get<std::uint16_t>(octets, at_ssid)};
}

std::optional<ReflectorPacket> decode_reflector(std::span<const std::uint8_t> octets) {
  if (octets.size() < stamp_base_octets) return std::nullopt;
  const auto error = from_bits(get<std::uint16_t>(octets, at_error));
  if (!error) return std::nullopt;
  return ReflectorPacket{.sequence = get<std::uint32_t>(octets, at_sequence),
                         .sent_at = {get<std::uint64_t>(octets, at_sent)},
                         .error = *error,
                         .ssid = get<std::uint16_t>(octets, at_ssid),
                         .received_at = {get<std::uint64_t>(octets, at_received)},
                         .sender_sequence = get<std::uint32_t>(octets, at_sender_sequence),
                         .sender_sent_at = {get<std::uint64_t>(octets, at_sender_sent)},
                         .sender_error = get<std::uint16_t>(octets, at_sender_error),
                         .sender_ttl = octets[at_sender_ttl]};
}

std::uint16_t error_bits(std::span<const std::uint8_t> sender_octets) {
  return get<std::uint16_t>(sender_octets, at_error);
}

void set_sent_at(std::span<std::uint8_t> packet, WallTime at) {
  SONDE_ASSERT(packet.size() >= stamp_base_octets);
  put(packet, at_sent, NtpStamp::from_wall(at).bits);
}

bool mark_tlvs(std::span<std::uint8_t> tlv_area) {
  while (!tlv_area.empty()) {
    const bool whole_header = tlv_area.size() >= tlv::header_octets;
    const std::size_t length = whole_header ? tlv::header_octets + get<std::uint16_t>(tlv_area, 2) : 0;
    std::uint8_t& flags = tlv_area[0];
    if (!whole_header || length > tlv_area.size()) {
      flags |= tlv::malformed;
      return false;
    }
    const bool known = tlv_area[1] == tlv::extra_padding;
    flags = static_cast<std::uint8_t>(known ? flags & ~tlv::unrecognised : flags | tlv::unrecognised);
    tlv_area = tlv_area.subspan(length);
  }
  return true;
}

}  // namespace sonde::wire
