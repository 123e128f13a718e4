#include "agent/core/reflector_tlvs.h"

#include <algorithm>

namespace sonde {
namespace {

namespace tlv = wire::tlv;
using wire::TlvType;
using Tlv = wire::TlvView<std::uint8_t>;

void mark_all(std::span<std::uint8_t> area, std::uint8_t flag) {
  wire::TlvWalk walk(area);
  while (const auto found = walk.next())
    found->flags() = static_cast<std::uint8_t>((found->flags() & tlv::unrecognised) | flag);
}

/// A mesh's members may choose among the classes that the mesh uses anyway; nobody gets his replies into another one.
void answer_class(const Tlv& found, const TlvAnswers& answers, TlvOutcome& outcome) {
  auto service = *wire::read_class_of_service(found.value());
  service.dscp_received = static_cast<std::uint8_t>(answers.traffic_class >> 2U);
  service.ecn_received = answers.traffic_class & 3U;
  service.refused = service.dscp_wanted != 0 && service.dscp_wanted != service.dscp_received &&
                    service.dscp_wanted != answers.dscp_permitted;
  outcome.dscp = service.refused ? service.dscp_received : service.dscp_wanted;
  wire::write(service, found.value());
}

void answer(TlvType type, const Tlv& found, const TlvAnswers& answers, TlvOutcome& outcome) {
  switch (type) {
    case TlvType::class_of_service: answer_class(found, answers, outcome); return;
    case TlvType::timestamp_information: wire::write(answers.stamps, found.value()); return;
    case TlvType::direct_measurement: {
      wire::DirectMeasurement counters = answers.counters;
      counters.sender_sent = wire::read_direct_measurement(found.value())->sender_sent;
      wire::write(counters, found.value());
      return;
    }
    case TlvType::follow_up_telemetry:
      outcome.follow_up_asked = true;
      wire::write(answers.follow_up, found.value());
      return;
    case TlvType::load:
      wire::write(answers.load, found.value());
      wire::write_clock_era(answers.clock_era, found.value());
      return;
    case TlvType::extra_padding:
    case TlvType::hmac: return;
  }
}

/// RFC 8972, 4.7: a follow-up of a wrong length is given back with its fields zeroed.
void refuse_length(TlvType type, const Tlv& found) {
  found.flags() = tlv::malformed;
  if (type == TlvType::follow_up_telemetry)
    std::ranges::fill(found.value().first(std::min<std::size_t>(found.value().size(), 12)), std::uint8_t{0});
}

/// The packet ends within this one.
void refuse_cut(std::span<std::uint8_t> rest) {
  const bool known = rest.size() > 1 && wire::known_type(rest[1]);
  rest[0] = static_cast<std::uint8_t>(tlv::malformed | (known ? 0U : tlv::unrecognised));
}

TlvOutcome answer_each(std::span<std::uint8_t> area, const TlvAnswers& answers) {
  TlvOutcome outcome;
  wire::TlvWalk walk(area);
  while (const auto found = walk.next()) {
    const auto type = wire::known_type(found->type());
    if (!type || (*type == TlvType::load && !wire::is_load(found->value()))) {
      found->flags() = tlv::unrecognised;
      continue;
    }
    if (!wire::length_fits(*type, found->value().size())) {
      refuse_length(*type, *found);
      outcome.malformed = true;
      return outcome;
    }
    found->flags() = 0;
    answer(*type, *found, answers, outcome);
  }
  if (!walk.rest().empty()) {
    refuse_cut(walk.rest());
    outcome.malformed = true;
  }
  return outcome;
}

}  // namespace

TlvTrust verify_tlvs(std::span<const std::uint8_t> request, wire::StampMode mode, const wire::StampKey* key) {
  const auto area = request.subspan(wire::base_octets(mode));
  const auto place = wire::find_hmac(area);
  if (!place) return wire::may_lack_hmac(area, mode) ? TlvTrust::not_asked : TlvTrust::failed;
  const bool verified = key != nullptr && wire::area_verifies(request, mode, *place, *key);
  return verified ? TlvTrust::verified : TlvTrust::failed;
}

TlvOutcome answer_tlvs(std::span<std::uint8_t> packet, wire::StampMode mode, TlvTrust trust, const wire::StampKey* key,
                       const TlvAnswers& answers) {
  const auto area = packet.subspan(wire::base_octets(mode));
  if (trust == TlvTrust::failed) {
    mark_all(area, tlv::integrity);
    return {.integrity_failed = true, .dscp = {}};
  }
  const TlvOutcome outcome = answer_each(area, answers);
  if (trust == TlvTrust::verified && !outcome.malformed)
    if (const auto place = wire::find_hmac(area)) wire::sign_area(packet, mode, *place, *key);
  return outcome;
}

}  // namespace sonde
