#include "shared/wire/stamp_tlv.h"

#include <algorithm>

#include "shared/base/error.h"

namespace sonde::wire {
namespace {

constexpr std::size_t load_mark_at = 0;
constexpr std::size_t load_role_at = 4;
constexpr std::size_t load_start_at = 8;
constexpr std::size_t load_end_at = 16;

SyncSource sync_source(std::uint8_t code) {
  return code <= static_cast<std::uint8_t>(SyncSource::free_running) ? static_cast<SyncSource>(code) : SyncSource::none;
}

StampMethod stamp_method(std::uint8_t code) {
  return code <= static_cast<std::uint8_t>(StampMethod::control_plane) ? static_cast<StampMethod>(code)
                                                                       : StampMethod::none;
}

}  // namespace

std::optional<TlvType> known_type(std::uint8_t type) {
  switch (static_cast<TlvType>(type)) {
    case TlvType::extra_padding:
    case TlvType::timestamp_information:
    case TlvType::class_of_service:
    case TlvType::direct_measurement:
    case TlvType::follow_up_telemetry:
    case TlvType::hmac:
    case TlvType::load: return static_cast<TlvType>(type);
  }
  return std::nullopt;
}

bool length_fits(TlvType type, std::size_t value_octets) {
  switch (type) {
    case TlvType::extra_padding: return true;
    case TlvType::timestamp_information: return value_octets >= TimestampInformation::octets;
    case TlvType::class_of_service: return value_octets == ClassOfService::octets;
    case TlvType::direct_measurement: return value_octets == DirectMeasurement::octets;
    case TlvType::follow_up_telemetry: return value_octets == FollowUp::octets;
    case TlvType::hmac: return value_octets == hmac_octets;
    case TlvType::load: return value_octets == load_octets;
  }
  return false;
}

void write(const TimestampInformation& value, std::span<std::uint8_t> octets) {
  SONDE_ASSERT(octets.size() >= TimestampInformation::octets);
  octets[0] = static_cast<std::uint8_t>(value.sync_in);
  octets[1] = static_cast<std::uint8_t>(value.method_in);
  octets[2] = static_cast<std::uint8_t>(value.sync_out);
  octets[3] = static_cast<std::uint8_t>(value.method_out);
}

std::optional<TimestampInformation> read_timestamp_information(std::span<const std::uint8_t> value) {
  if (value.size() < TimestampInformation::octets) return std::nullopt;
  return TimestampInformation{sync_source(value[0]), stamp_method(value[1]), sync_source(value[2]),
                              stamp_method(value[3])};
}

// DSCP1 has the first six bits, DSCP2 the next six, then two bits of ECN and two of RP; 16 bits are reserved.
void write(const ClassOfService& value, std::span<std::uint8_t> octets) {
  SONDE_ASSERT(octets.size() == ClassOfService::octets);
  SONDE_ASSERT(value.dscp_wanted < 64 && value.dscp_received < 64 && value.ecn_received < 4);
  const unsigned bits = unsigned{value.dscp_wanted} << 10U | unsigned{value.dscp_received} << 4U |
                        unsigned{value.ecn_received} << 2U | (value.refused ? 1U : 0U);
  put(octets, 0, static_cast<std::uint16_t>(bits));
  put(octets, 2, std::uint16_t{0});
}

std::optional<ClassOfService> read_class_of_service(std::span<const std::uint8_t> value) {
  if (value.size() != ClassOfService::octets) return std::nullopt;
  const unsigned bits = get<std::uint16_t>(value, 0);
  return ClassOfService{.dscp_wanted = static_cast<std::uint8_t>(bits >> 10U),
                        .dscp_received = static_cast<std::uint8_t>((bits >> 4U) & 0x3FU),
                        .ecn_received = static_cast<std::uint8_t>((bits >> 2U) & 3U),
                        .refused = (bits & 3U) != 0};
}

void write(const DirectMeasurement& value, std::span<std::uint8_t> octets) {
  SONDE_ASSERT(octets.size() == DirectMeasurement::octets);
  put(octets, 0, value.sender_sent);
  put(octets, 4, value.reflector_received);
  put(octets, 8, value.reflector_sent);
}

std::optional<DirectMeasurement> read_direct_measurement(std::span<const std::uint8_t> value) {
  if (value.size() != DirectMeasurement::octets) return std::nullopt;
  return DirectMeasurement{get<std::uint32_t>(value, 0), get<std::uint32_t>(value, 4), get<std::uint32_t>(value, 8)};
}

void write(const FollowUp& value, std::span<std::uint8_t> octets) {
  SONDE_ASSERT(octets.size() == FollowUp::octets);
  put(octets, 0, value.sequence);
  put(octets, 4, value.sent_at.bits);
  put(octets, 12, std::uint32_t{static_cast<std::uint8_t>(value.method)} << 24U);
}

std::optional<FollowUp> read_follow_up(std::span<const std::uint8_t> value) {
  if (value.size() != FollowUp::octets) return std::nullopt;
  return FollowUp{get<std::uint32_t>(value, 0), {get<std::uint64_t>(value, 4)}, stamp_method(value[12])};
}

void write(const SiteLoad& value, std::span<std::uint8_t> octets) {
  SONDE_ASSERT(octets.size() == load_octets);
  std::ranges::fill(octets, std::uint8_t{0});
  put(octets, load_mark_at, load_mark);
  octets[load_role_at] = static_cast<std::uint8_t>(value.role);
  if (value.role == LoadRole::none) return;
  put(octets, load_start_at, NtpStamp::from_wall(value.start).bits);
  if (value.end) put(octets, load_end_at, NtpStamp::from_wall(*value.end).bits);
}

void write_clock_era(std::uint32_t era, std::span<std::uint8_t> octets) {
  SONDE_ASSERT(octets.size() == load_octets && era <= most_clock_era);
  put(octets, load_role_at, std::uint32_t{octets[load_role_at]} << 24U | era);
}

std::uint32_t read_clock_era(std::span<const std::uint8_t> value) {
  SONDE_ASSERT(is_load(value));
  return get<std::uint32_t>(value, load_role_at) & most_clock_era;
}

bool is_load(std::span<const std::uint8_t> value) {
  return value.size() == load_octets && get<std::uint32_t>(value, load_mark_at) == load_mark;
}

std::optional<SiteLoad> read_load(std::span<const std::uint8_t> value) {
  if (!is_load(value) || value[load_role_at] > static_cast<std::uint8_t>(LoadRole::both)) return std::nullopt;
  const auto role = static_cast<LoadRole>(value[load_role_at]);
  if (role == LoadRole::none) return SiteLoad{};
  const auto start = NtpStamp{get<std::uint64_t>(value, load_start_at)}.wall();
  const auto end = NtpStamp{get<std::uint64_t>(value, load_end_at)}.wall();
  if (!start || (end && *end < *start)) return std::nullopt;
  return SiteLoad{role, *start, end};
}

}  // namespace sonde::wire
