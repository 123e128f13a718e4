#include "agent/core/reflector.h"

#include <algorithm>

#include "agent/core/reflector_tlvs.h"
#include "shared/wire/stamp_hmac.h"
#include "shared/wire/stamp_packet.h"

namespace sonde {
namespace {

std::uint8_t class_of(std::uint8_t dscp) { return static_cast<std::uint8_t>(dscp << 2U); }

}  // namespace

void Reflector::set_members(const std::vector<IpAddress>& members, WallTime now) {
  std::vector<Admitted> admitted;
  for (const IpAddress& address : members) {
    const auto before = std::ranges::lower_bound(members_, address, {}, &Admitted::address);
    const bool known = before != members_.end() && before->address == address;
    admitted.push_back({address, known ? before->since : now});
  }
  members_ = std::move(admitted);
  std::ranges::sort(members_, {}, &Admitted::address);
}

ReceivedRuns::Count Reflector::count_arrivals(const ArrivalQuery& query) const {
  ReceivedRuns::Count sum{.known = !query.from.empty() && forgotten_ < query.sent_at, .received = 0};
  for (const IpAddress& address : query.from) {
    const auto member = std::ranges::lower_bound(members_, address, {}, &Admitted::address);
    sum.known &= member != members_.end() && member->address == address && member->since < query.sent_at;
    sessions_.each_of(address, query.ssid, [&](const ReflectorSession& session) {
      const ReceivedRuns::Count count = session.arrived.count(query.first, query.last);
      sum.known &= count.known;
      sum.received += count.received;
    });
  }
  return sum;
}

void Reflector::set_keys(std::vector<MemberKey> keys) {
  keys_ = std::move(keys);
  std::ranges::stable_sort(keys_, {}, &MemberKey::address);
}

bool Reflector::admits(const IpAddress& from) const {
  return std::ranges::binary_search(members_, from, {}, &Admitted::address) ||
         std::ranges::any_of(allowed_, [&](const AddressPrefix& prefix) { return prefix.contains(from); });
}

std::span<const MemberKey> Reflector::keys_of(const IpAddress& from) const {
  const auto found = std::ranges::equal_range(keys_, from, {}, &MemberKey::address);
  return {found.begin(), found.end()};
}

/// nullptr: there is none, or none that fits an authenticated packet.
const wire::StampKey* Reflector::key_for(const ReceivedProbe& probe, wire::StampMode mode) const {
  for (const MemberKey& member : keys_of(probe.from.address))
    if (mode == wire::StampMode::open || wire::base_verifies(probe.octets, member.key)) return &member.key;
  for (const OutsiderKey& outsider : outsider_keys_)
    if (outsider.range.contains(probe.from.address) &&
        (mode == wire::StampMode::open || wire::base_verifies(probe.octets, outsider.key)))
      return &outsider.key;
  return nullptr;
}

std::optional<ReplyOrders> Reflector::on_packet(const ReceivedProbe& probe, std::vector<std::uint8_t>& reply) {
  reply.clear();
  if (!admits(probe.from.address)) {
    ++counters_.strangers;
    return std::nullopt;
  }
  const wire::StampMode mode = wire::mode_of(probe.octets);
  ReplyOrders orders{.mode = mode, .key = key_for(probe, mode)};
  const bool whole = probe.octets.size() >= wire::base_octets(mode);
  if (whole && mode == wire::StampMode::authenticated && orders.key == nullptr) {
    ++counters_.bad_hmac;
    return std::nullopt;
  }
  const auto request = wire::decode_sender(probe.octets, mode);
  if (!request) {
    ++counters_.malformed;
    return std::nullopt;
  }
  const SessionTable::Touched touched = sessions_.touch({probe.from, request->ssid, mode});
  if (touched.evicted) {
    ++counters_.evicted;
    forgotten_ = std::max(forgotten_, touched.evicted_at);
  }
  ReflectorSession& session = touched.session;
  ++session.received;
  session.last_received = probe.received_at;
  session.arrived.add(request->sequence);
  reply.assign(probe.octets.begin(), probe.octets.end());
  const wire::ReflectorPacket base{.sequence = session.replies,
                                   .sent_at = {},
                                   .error = wire::ErrorEstimate::of(clock_error_),
                                   .ssid = request->ssid,
                                   .received_at = wire::NtpStamp::from_wall(probe.received_at),
                                   .sender_sequence = request->sequence,
                                   .sender_sent_at = request->sent_at,
                                   .sender_error = wire::error_bits(probe.octets, mode),
                                   .sender_ttl = probe.ttl};
  wire::write(base, mode, reply);
  answer_extensions(probe, session, reply, orders);
  ++session.replies;
  ++counters_.replies;
  return orders;
}

void Reflector::answer_extensions(const ReceivedProbe& probe, ReflectorSession& session, std::span<std::uint8_t> reply,
                                  ReplyOrders& orders) {
  // Without a wish of the sender's the reply has the class that the probe had.
  const auto received_dscp = static_cast<std::uint8_t>(probe.traffic_class >> 2U);
  orders.traffic_class = class_of(received_dscp);
  if (reply.size() == wire::base_octets(orders.mode)) return;
  const auto sync = clock_error_ ? wire::SyncSource::ntp : wire::SyncSource::free_running;
  TlvAnswers answers{.follow_up = {},
                     .counters = {0, session.received, session.replies + 1},
                     .stamps = {sync, wire::StampMethod::software, sync, wire::StampMethod::software},
                     .load = load_,
                     .clock_era = clock_era_,
                     .traffic_class = probe.traffic_class,
                     .dscp_permitted = dscp_};
  const bool known = session.replies > 0 && session.stamp.bits != 0 && session.stamped == session.replies - 1;
  if (known) answers.follow_up = {session.stamped, session.stamp, wire::StampMethod::software};
  const TlvTrust trust = verify_tlvs(probe.octets, orders.mode, orders.key);
  const TlvOutcome outcome = answer_tlvs(reply, orders.mode, trust, orders.key, answers);
  if (outcome.malformed) ++counters_.bad_tlvs;
  if (outcome.integrity_failed) ++counters_.unverified;
  if (known && outcome.follow_up_asked) ++counters_.follow_ups;
  orders.traffic_class = class_of(outcome.dscp.value_or(received_dscp));
  orders.stamp = outcome.follow_up_asked;
}

void Reflector::seal(std::span<std::uint8_t> reply, const ReplyOrders& orders, WallTime leaving) {
  wire::set_sent_at(reply, leaving, orders.mode);
  if (orders.mode == wire::StampMode::authenticated) wire::sign_base(reply, *orders.key);
}

void Reflector::on_sent(const Endpoint& to, std::span<const std::uint8_t> reply, WallTime at) {
  const auto name = wire::name_of(reply);
  if (!name) return;
  ReflectorSession* session = sessions_.find({to, name->ssid, name->mode});
  if (session == nullptr || name->sequence != session->replies - 1) return;
  session->stamped = name->sequence;
  session->stamp = wire::NtpStamp::from_wall(at);
}

}  // namespace sonde
