#include "shared/wire/stamp_probe.h"

#include <algorithm>

#include "shared/base/error.h"
#include "shared/wire/octets.h"

namespace sonde::wire {
namespace {

struct Part {
  TlvType type;
  std::size_t value_octets;
};

constexpr std::size_t most_parts = 6;

/// The TLVs of a format, in the order in which they stand.
class Layout {
 public:
  explicit Layout(const ProbeFormat& format) {
    if (format.follow_up) add({TlvType::follow_up_telemetry, FollowUp::octets});
    if (format.class_of_service) add({TlvType::class_of_service, ClassOfService::octets});
    if (format.load) add({TlvType::load, load_octets});
    if (format.timestamp_information) add({TlvType::timestamp_information, TimestampInformation::octets});
    if (format.direct_measurement) add({TlvType::direct_measurement, DirectMeasurement::octets});
    if (format.mode == StampMode::authenticated && !empty()) add({TlvType::hmac, hmac_octets});
  }
  bool empty() const { return count_ == 0; }
  std::span<const Part> parts() const& { return std::span(parts_).first(count_); }
  std::span<const Part> parts() const&& = delete;  // it would outlive what it looks into

 private:
  void add(const Part& part) { parts_[count_++] = part; }

  std::array<Part, most_parts> parts_{};
  std::size_t count_ = 0;
};

void read_value(const TlvView<const std::uint8_t>& found, ReplyExtras& extras) {
  switch (static_cast<TlvType>(found.type())) {
    case TlvType::follow_up_telemetry: extras.follow_up = read_follow_up(found.value()); return;
    case TlvType::class_of_service: extras.class_of_service = read_class_of_service(found.value()); return;
    case TlvType::load:
      extras.load = read_load(found.value());
      if (extras.load) extras.clock_era = read_clock_era(found.value());
      return;
    case TlvType::timestamp_information:
      extras.timestamp_information = read_timestamp_information(found.value());
      return;
    case TlvType::direct_measurement: extras.direct_measurement = read_direct_measurement(found.value()); return;
    case TlvType::extra_padding:
    case TlvType::hmac: return;
  }
}

/// True where the area holds exactly these TLVs, whatever their flags.
bool laid_out_as(const Layout& layout, std::span<const std::uint8_t> area) {
  TlvWalk walk(area);
  for (const Part& part : layout.parts()) {
    const auto found = walk.next();
    if (!found || found->type() != static_cast<std::uint8_t>(part.type) || found->value().size() != part.value_octets)
      return false;
  }
  return walk.rest().empty();
}

}  // namespace

std::size_t ProbeFormat::octets() const {
  std::size_t sum = base_octets(mode);
  const Layout layout(*this);
  for (const Part& part : layout.parts()) sum += tlv::header_octets + part.value_octets;
  return sum;
}

std::span<std::uint8_t> ProbeOctets::grow(std::size_t count) {
  SONDE_ASSERT(size_ + count <= capacity);
  const auto grown = std::span(octets_).subspan(size_, count);
  size_ += count;
  return grown;
}

ProbeOctets build_probe(const ProbeFormat& format, const ProbeValues& values, const StampKey* key) {
  ProbeOctets probe;
  write(values.base, format.mode, probe.grow(base_octets(format.mode)));
  const Layout layout(format);
  for (const Part& part : layout.parts()) {
    const auto header = probe.grow(tlv::header_octets);
    header[0] = tlv::unrecognised;
    header[1] = static_cast<std::uint8_t>(part.type);
    put(header, 2, static_cast<std::uint16_t>(part.value_octets));
    const auto value = probe.grow(part.value_octets);
    if (part.type == TlvType::class_of_service) write(ClassOfService{.dscp_wanted = values.dscp}, value);
    if (part.type == TlvType::direct_measurement) write(DirectMeasurement{.sender_sent = values.sent}, value);
    if (part.type == TlvType::load) write(SiteLoad{}, value);
  }
  if (format.mode == StampMode::open) return probe;
  SONDE_ASSERT(key != nullptr);
  const std::span<std::uint8_t> packet = probe.writable();
  if (const auto place = find_hmac(packet.subspan(base_octets(format.mode))))
    sign_area(packet, format.mode, *place, *key);
  sign_base(packet, *key);
  return probe;
}

bool reply_verifies(const ProbeFormat& format, std::span<const std::uint8_t> reply, const StampKey* key) {
  return format.mode == StampMode::open || (key != nullptr && base_verifies(reply, *key));
}

ReplyExtras read_extras(const ProbeFormat& format, std::span<const std::uint8_t> reply, const StampKey* key) {
  const auto base = decode_reflector(reply, format.mode);
  if (!base || base->ssid == 0) return {};
  const auto area = reply.subspan(base_octets(format.mode));
  if (!laid_out_as(Layout(format), area)) return {};
  if (const auto place = find_hmac(area))
    if (key == nullptr || !area_verifies(reply, format.mode, *place, *key)) return {};
  ReplyExtras extras;
  bool stopped = false;
  TlvWalk walk(area);
  while (const auto found = walk.next()) {
    if ((found->flags() & tlv::integrity) != 0) return {};
    if ((found->flags() & tlv::malformed) != 0) stopped = true;
    if (!stopped && (found->flags() & tlv::unrecognised) == 0) read_value(*found, extras);
  }
  return extras;
}

}  // namespace sonde::wire
