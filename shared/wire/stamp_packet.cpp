#include "shared/wire/stamp_packet.h"

#include <algorithm>
#include <cmath>

#include "shared/base/error.h"
#include "shared/wire/octets.h"

namespace sonde::wire {
namespace {

constexpr std::int64_t second_ns = 1'000'000'000;
/// Seconds from 1900-01-01 to 1970-01-01 (RFC 5905, figure 4).
constexpr std::uint64_t ntp_epoch_gap = 2'208'988'800U;

/// Where the fields stand (RFC 8972, figures 1 to 4); the sequence number is always first.
struct Offsets {
  std::size_t sent;
  std::size_t error;
  std::size_t ssid;
  std::size_t received;
  std::size_t sender_sequence;
  std::size_t sender_sent;
  std::size_t sender_error;
  std::size_t sender_ttl;
};
constexpr Offsets open_offsets{4, 12, 14, 16, 24, 28, 36, 40};
constexpr Offsets authenticated_offsets{16, 24, 26, 32, 48, 64, 72, 80};

const Offsets& offsets(StampMode mode) { return mode == StampMode::open ? open_offsets : authenticated_offsets; }

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

namespace {

/// What both packets begin with; everything behind it is zero.
template <typename Packet>
void write_head(const Packet& packet, StampMode mode, std::span<std::uint8_t> octets) {
  SONDE_ASSERT(octets.size() >= base_octets(mode));
  const Offsets& at = offsets(mode);
  std::ranges::fill(octets.first(base_octets(mode)), std::uint8_t{0});
  put(octets, 0, packet.sequence);
  put(octets, at.sent, packet.sent_at.bits);
  put(octets, at.error, to_bits(packet.error));
  put(octets, at.ssid, packet.ssid);
}

}  // namespace

void write(const SenderPacket& packet, StampMode mode, std::span<std::uint8_t> octets) {
  write_head(packet, mode, octets);
}

void write(const ReflectorPacket& packet, StampMode mode, std::span<std::uint8_t> octets) {
  write_head(packet, mode, octets);
  const Offsets& at = offsets(mode);
  put(octets, at.received, packet.received_at.bits);
  put(octets, at.sender_sequence, packet.sender_sequence);
  put(octets, at.sender_sent, packet.sender_sent_at.bits);
  put(octets, at.sender_error, packet.sender_error);
  put(octets, at.sender_ttl, packet.sender_ttl);
}

StampPacket encode(const SenderPacket& packet) {
  StampPacket octets{};
  write(packet, StampMode::open, octets);
  return octets;
}

StampPacket encode(const ReflectorPacket& packet) {
  StampPacket octets{};
  write(packet, StampMode::open, octets);
  return octets;
}

std::optional<SenderPacket> decode_sender(std::span<const std::uint8_t> octets, StampMode mode) {
  if (octets.size() < base_octets(mode)) return std::nullopt;
  const Offsets& at = offsets(mode);
  const auto error = from_bits(get<std::uint16_t>(octets, at.error));
  if (!error) return std::nullopt;
  return SenderPacket{.sequence = get<std::uint32_t>(octets, 0),
                      .sent_at = {get<std::uint64_t>(octets, at.sent)},
                      .error = *error,
                      .ssid = get<std::uint16_t>(octets, at.ssid)};
}

std::optional<ReflectorPacket> decode_reflector(std::span<const std::uint8_t> octets, StampMode mode) {
  if (octets.size() < base_octets(mode)) return std::nullopt;
  const Offsets& at = offsets(mode);
  const auto error = from_bits(get<std::uint16_t>(octets, at.error));
  if (!error) return std::nullopt;
  return ReflectorPacket{.sequence = get<std::uint32_t>(octets, 0),
                         .sent_at = {get<std::uint64_t>(octets, at.sent)},
                         .error = *error,
                         .ssid = get<std::uint16_t>(octets, at.ssid),
                         .received_at = {get<std::uint64_t>(octets, at.received)},
                         .sender_sequence = get<std::uint32_t>(octets, at.sender_sequence),
                         .sender_sent_at = {get<std::uint64_t>(octets, at.sender_sent)},
                         .sender_error = get<std::uint16_t>(octets, at.sender_error),
                         .sender_ttl = octets[at.sender_ttl]};
}

std::uint16_t error_bits(std::span<const std::uint8_t> sender_octets, StampMode mode) {
  return get<std::uint16_t>(sender_octets, offsets(mode).error);
}

StampMode mode_of(std::span<const std::uint8_t> octets) {
  if (octets.size() < authenticated_offsets.sent) return StampMode::open;
  const auto between = octets.subspan(4, authenticated_offsets.sent - 4);
  const bool zero = std::ranges::all_of(between, [](std::uint8_t octet) { return octet == 0; });
  return zero ? StampMode::authenticated : StampMode::open;
}

std::optional<PacketName> name_of(std::span<const std::uint8_t> octets) {
  const StampMode mode = mode_of(octets);
  if (octets.size() < authenticated_offsets.ssid + 2) return std::nullopt;
  return PacketName{get<std::uint32_t>(octets, 0), get<std::uint16_t>(octets, offsets(mode).ssid), mode};
}

void set_sent_at(std::span<std::uint8_t> packet, WallTime at, StampMode mode) {
  SONDE_ASSERT(packet.size() >= base_octets(mode));
  put(packet, offsets(mode).sent, NtpStamp::from_wall(at).bits);
}

}  // namespace sonde::wire
