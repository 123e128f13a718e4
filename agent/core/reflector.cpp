#include "agent/core/reflector.h"

#include <algorithm>

#include "agent/core/reflector_tlvs.h"
#include "shared/wire/stamp_packet.h"

namespace sonde {
namespace {

std::uint8_t class_of(std::uint8_t dscp) { return static_cast<std::uint8_t>(dscp << 2U); }

}  // namespace

void Reflector::set_members(const std::vector<IpAddress>& members) { members_ = {members.begin(), members.end()}; }

std::optional<ReplyOrders> Reflector::on_packet(const ReceivedProbe& probe, std::vector<std::uint8_t>& reply) {
  reply.clear();
  if (!members_.contains(probe.from.address)) {
    ++counters_.strangers;
    return std::nullopt;
  }
  const auto request = wire::decode_sender(probe.octets);
  if (!request) {
    ++counters_.malformed;
    return std::nullopt;
  }
  const SessionTable::Touched touched = sessions_.touch({probe.from, request->ssid});
  if (touched.evicted) ++counters_.evicted;
  ReflectorSession& session = touched.session;
  ++session.received;
  reply.assign(probe.octets.begin(), probe.octets.end());
  const wire::ReflectorPacket base{.sequence = session.replies,
                                   .sent_at = {},
                                   .error = wire::ErrorEstimate::of(clock_error_),
                                   .ssid = request->ssid,
                                   .received_at = wire::NtpStamp::from_wall(probe.received_at),
                                   .sender_sequence = request->sequence,
                                   .sender_sent_at = request->sent_at,
                                   .sender_error = wire::error_bits(probe.octets),
                                   .sender_ttl = probe.ttl};
  wire::write(base, wire::StampMode::open, reply);
  const ReplyOrders orders = answer_extensions(probe, session, std::span(reply).subspan(wire::stamp_base_octets));
  ++session.replies;
  ++counters_.replies;
  return orders;
}

ReplyOrders Reflector::answer_extensions(const ReceivedProbe& probe, ReflectorSession& session,
                                         std::span<std::uint8_t> area) {
  // Without a wish of the sender's the reply has the class that the probe had.
  const auto received_dscp = static_cast<std::uint8_t>(probe.traffic_class >> 2U);
  if (area.empty()) return {.traffic_class = class_of(received_dscp), .stamp = false};
  const auto sync = clock_error_ ? wire::SyncSource::ntp : wire::SyncSource::free_running;
  TlvAnswers answers{.follow_up = {},
                     .counters = {0, session.received, session.replies + 1},
                     .stamps = {sync, wire::StampMethod::software, sync, wire::StampMethod::software},
                     .load = load_,
                     .traffic_class = probe.traffic_class,
                     .dscp_permitted = dscp_};
  const bool known = session.replies > 0 && session.stamp.bits != 0 && session.stamped == session.replies - 1;
  if (known) answers.follow_up = {session.stamped, session.stamp, wire::StampMethod::software};
  const TlvOutcome outcome = answer_tlvs(area, answers);
  if (outcome.malformed) ++counters_.bad_tlvs;
  if (outcome.integrity_failed) ++counters_.unverified;
  if (known && outcome.follow_up_asked) ++counters_.follow_ups;
  return {.traffic_class = class_of(outcome.dscp.value_or(received_dscp)), .stamp = outcome.follow_up_asked};
}

void Reflector::on_sent(const Endpoint& to, std::span<const std::uint8_t> reply, WallTime at) {
  const auto packet = wire::decode_reflector(reply);
  if (!packet) return;
  ReflectorSession* session = sessions_.find({to, packet->ssid});
  if (session == nullptr || packet->sequence != session->replies - 1) return;
  session->stamped = packet->sequence;
  session->stamp = wire::NtpStamp::from_wall(at);
}

}  // namespace sonde
