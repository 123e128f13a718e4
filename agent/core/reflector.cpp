#include "agent/core/reflector.h"

#include <algorithm>

#include "shared/wire/stamp_packet.h"

namespace sonde {

void Reflector::set_members(const std::vector<IpAddress>& members) { members_ = {members.begin(), members.end()}; }

bool Reflector::on_packet(const ReceivedProbe& probe, std::vector<std::uint8_t>& reply) {
  reply.clear();
  if (!members_.contains(probe.from.address)) {
    ++counters_.strangers;
    return false;
  }
  const auto request = wire::decode_sender(probe.octets);
  if (!request) {
    ++counters_.malformed;
    return false;
  }
  const wire::StampPacket base = wire::encode(wire::ReflectorPacket{
      .sequence = next_sequence({probe.from, request->ssid}),
      .sent_at = {},
      .error = wire::ErrorEstimate::of(clock_error_),
      .ssid = request->ssid,
      .received_at = wire::NtpStamp::from_wall(probe.received_at),
      .sender_sequence = request->sequence,
      .sender_sent_at = request->sent_at,
      .sender_error = wire::error_bits(probe.octets),
      .sender_ttl = probe.ttl,
  });
  reply.assign(probe.octets.begin(), probe.octets.end());
  std::ranges::copy(base, reply.begin());
  if (!wire::mark_tlvs(std::span(reply).subspan(wire::stamp_base_octets))) ++counters_.bad_tlvs;
  ++counters_.replies;
  return true;
}

std::uint32_t Reflector::next_sequence(const Key& key) {
  const auto known = sessions_.find(key);
  if (known != sessions_.end()) {
    by_recency_.splice(by_recency_.begin(), by_recency_, known->second.recency);
    return known->second.next++;
  }
  if (sessions_.size() >= max_sessions) {
    sessions_.erase(by_recency_.back());
    by_recency_.pop_back();
    ++counters_.evicted;
  }
  by_recency_.push_front(key);
  sessions_.emplace(key, Session{1, by_recency_.begin()});
  return 0;
}

}  // namespace sonde
