#include "agent/core/latency_stream.h"

#include <algorithm>
#include <iterator>
#include <span>
#include <utility>

#include "shared/base/error.h"

namespace sonde {
namespace {

/// Further behind than this many intervals the host was asleep: the grid goes on from the present.
constexpr int intervals_to_catch_up = 3;

nanoseconds period_of(const ProbeRate& rate) {
  SONDE_ASSERT(rate.per_second > 0);
  return std::max(nanoseconds(1), from_seconds(1.0 / rate.per_second));
}

/// Probes of one interval for which room is made at once.
constexpr std::size_t most_reserved = 10'000;

/// A reply that took longer than this to get through its own host's queue was stamped across a step of that clock.
constexpr nanoseconds longest_departure = std::chrono::seconds(10);

/// A probe that leaves later than this is no longer a random one: missed.
nanoseconds latest_send(nanoseconds period) {
  return std::clamp<nanoseconds>(period / 2, std::chrono::milliseconds(5), std::chrono::milliseconds(100));
}

}  // namespace

/// Each arrival there has a number R of its own; one that comes again is the same reply twice.
void SentProbe::on_further_reply(std::uint32_t reflector_sequence) {
  const auto known = std::span(copies).first(std::min<std::size_t>(extra_copies, copies.size()));
  if (reflector_sequence == reflected || std::ranges::find(known, reflector_sequence) != known.end()) {
    ++duplicate_replies;
    return;
  }
  const bool earlier = static_cast<std::int32_t>(reflector_sequence - reflected) < 0;
  const std::uint32_t copy = earlier ? std::exchange(reflected, reflector_sequence) : reflector_sequence;
  if (extra_copies < copies.size()) copies.at(extra_copies) = copy;
  ++extra_copies;
}

LatencyStream::LatencyStream(Setup setup)
    : setup_(std::move(setup)),
      grid_(setup_.epoch + setup_.plan.phase, period_of(setup_.plan.rate), setup_.wake_slot, setup_.seed),
      period_(period_of(setup_.plan.rate)) {
  SONDE_ASSERT(setup_.plan.format.mode == wire::StampMode::open || setup_.plan.key);
  SONDE_ASSERT(setup_.ssid != 0 && setup_.plan.every > nanoseconds(0) && setup_.plan.timeout > nanoseconds(0));
  // Intervals are counted from the epoch; there is none before it.
  setup_.start = std::max(setup_.start, setup_.epoch + setup_.plan.phase);
  grid_.start(setup_.start);
}

void LatencyStream::update_clocks(const LatencyStreamPlan& plan) {
  setup_.plan.shares_clock = plan.shares_clock;
  setup_.plan.far_clock_error = plan.far_clock_error;
  setup_.plan.least_delay = plan.least_delay;
}

LatencyStream::Turn LatencyStream::tick(const SharedNow& now, const Identity& identity) {
  Turn turn;
  take_instants(now, identity, turn);
  close_due(now, identity, turn);
  return turn;
}

void LatencyStream::take_instants(const SharedNow& now, const Identity& identity, Turn& turn) {
  const nanoseconds reach = intervals_to_catch_up * setup_.plan.every;
  const bool asleep = now.shared - grid_.next() > reach;
  const bool set_back = grid_.next() - now.shared > reach + 2 * period_;
  if (asleep) turn.missed += static_cast<std::uint64_t>((now.shared - grid_.next()) / period_);
  if ((asleep || set_back) && now.shared >= setup_.start) grid_.start(now.shared);
  std::optional<SharedTime> last;
  while (!sent_all()) {
    const auto due = grid_.pop_due(now.shared);
    if (!due) break;
    LatencyInterval& interval = interval_of(*due, now);
    ++interval.planned;
    // Of several that are due only the last one leaves, or they would bunch.
    if (last) {
      ++interval_of(*last, now).missed;
      ++turn.missed;
    }
    last = due;
  }
  if (!last) return;
  if (now.shared - *last <= latest_send(period_)) return send(*last, now, identity, turn);
  ++interval_of(*last, now).missed;
  ++turn.missed;
}

LatencyInterval& LatencyStream::interval_of(SharedTime instant, const SharedNow& now) {
  const nanoseconds every = setup_.plan.every;
  const SharedTime base = setup_.epoch + setup_.plan.phase;
  const nanoseconds since = instant - base;
  const std::int64_t number = since / every - (since % every < nanoseconds(0) ? 1 : 0);
  for (auto interval = open_.rbegin(); interval != open_.rend(); ++interval)
    if (interval->number == number) return *interval;
  const SharedTime begin = base + number * every;
  LatencyInterval& opened = open_.emplace_back();
  opened.number = number;
  opened.scheduled_at = std::max(begin, setup_.start);
  opened.closes = now.mono + std::max(nanoseconds(0), begin + every - now.shared);
  opened.late_closed = std::exchange(late_closed_, 0);
  // Its probes need no more room than this, unless the clock map moves.
  opened.probes.reserve(std::min<std::size_t>(static_cast<std::size_t>(every / period_) + 2, most_reserved));
  return opened;
}

void LatencyStream::send(SharedTime instant, const SharedNow& now, const Identity& identity, Turn& turn) {
  LatencyInterval& interval = interval_of(instant, now);
  if (!setup_.to) {
    interval.unreachable = "it has no address of a family that this agent's listen address has";
    return;
  }
  // An older interval may only take further probes while it is the newest one: the numbers run on without gaps.
  LatencyInterval& newest = open_.back();
  SentProbe& probe = newest.probes.emplace_back();
  probe.sequence = next_sequence_++;
  probe.sent = now.mono;
  probe.sent_at = now.shared;
  probe.clock_steps = clock_steps_;
  probe.stamp_in_packet = wire::NtpStamp::from_wall(now.wall);
  probe.stamps.user_sent = now.wall;
  probe.dscp_sent = setup_.plan.dscp;
  newest.closes = std::max(newest.closes, now.mono + setup_.plan.timeout);
  const wire::SenderPacket packet{.sequence = probe.sequence,
                                  .sent_at = probe.stamp_in_packet,
                                  .error = wire::ErrorEstimate::of(identity.own_clock_error),
                                  .ssid = setup_.ssid};
  const wire::ProbeValues values{.base = packet, .dscp = setup_.plan.dscp, .sent = next_sequence_};
  const wire::StampKey* key = setup_.plan.key ? &*setup_.plan.key : nullptr;
  turn.probe =
      OutgoingProbe{*setup_.to, wire::build_probe(setup_.plan.format, values, key), setup_.ssid, probe.sequence};
  turn.lateness = now.shared - instant;
  if (*turn.lateness > late_send) ++newest.late_sends;
}

void LatencyStream::close_due(const SharedNow& now, const Identity& identity, Turn& turn) {
  while (!open_.empty() && open_.front().closes <= now.mono) {
    LatencyInterval interval = std::move(open_.front());
    open_.pop_front();
    std::vector<SentProbe> later;
    for (const LatencyInterval& next : open_) later.insert(later.end(), next.probes.begin(), next.probes.end());
    turn.results.push_back(close_interval(interval, later, estimators_,
                                          {.self = identity.self,
                                           .generation = identity.generation,
                                           .stream = setup_.plan,
                                           .own_clock_error = identity.own_clock_error,
                                           .ssid = setup_.ssid,
                                           .finished_at = now.shared,
                                           .loads = identity.loads}));
    if (setup_.keep_probes) std::ranges::move(interval.probes, std::back_inserter(turn.closed));
  }
}

MonoTime LatencyStream::next_deadline(const SharedNow& now) const {
  MonoTime deadline = sent_all() ? MonoTime::max() : now.mono + (grid_.next() - now.shared);
  if (!open_.empty()) deadline = std::min(deadline, open_.front().closes);
  return deadline;
}

SentProbe* LatencyStream::find(std::uint32_t sequence) {
  for (auto interval = open_.rbegin(); interval != open_.rend(); ++interval)
    if (SentProbe* probe = interval->find(sequence)) return probe;
  return nullptr;
}

bool LatencyStream::has_sent(std::uint32_t sequence, wire::NtpStamp stamp) {
  const SentProbe* probe = find(sequence);
  return probe != nullptr && probe->stamp_in_packet == stamp;
}

ReplyFate LatencyStream::on_reply(MonoTime now, const LatencyReply& reply) {
  const wire::ReflectorPacket& packet = reply.packet;
  SentProbe* probe = find(packet.sender_sequence);
  if (probe == nullptr) {
    const auto back = static_cast<std::int32_t>(next_sequence_ - packet.sender_sequence);
    if (back <= 0) return ReplyFate::unknown;
    ++(open_.empty() ? late_closed_ : open_.back().late_closed);
    return ReplyFate::late;
  }
  if (packet.sender_sent_at != probe->stamp_in_packet) return ReplyFate::unknown;
  if (reply.extras.follow_up) take_follow_up(*reply.extras.follow_up);
  if (probe->answered) {
    probe->on_further_reply(packet.sequence);
    return ReplyFate::duplicate;
  }
  probe->answered = true;
  probe->received = now;
  probe->late = now - probe->sent > setup_.plan.timeout;
  probe->reflected = packet.sequence;
  probe->ttl = packet.sender_ttl;
  if (packet.error.ntp_format) {
    probe->stamps.reflector_in = packet.received_at.wall();
    probe->stamps.reflector_out = packet.sent_at.wall();
  }
  probe->stamps.received = reply.received_at;
  probe->stamps.received_by_kernel = reply.kernel_stamp;
  take_extras(reply, *probe);
  return probe->late ? ReplyFate::late : ReplyFate::in_time;
}

std::optional<FarRun> LatencyStream::far_news(const LatencyReply& reply) {
  const auto& load = reply.extras.load;
  if (!load || *load == far_load_) return std::nullopt;
  const auto t1 = reply.packet.sender_sent_at.wall();
  const auto t2 = reply.packet.received_at.wall();
  const auto t3 = reply.packet.sent_at.wall();
  if (!t1 || !t2 || !t3) return std::nullopt;
  far_load_ = *load;
  return far_run(setup_.plan.to, *load, *t1, *t2, *t3, reply.received_at);
}

void LatencyStream::take_extras(const LatencyReply& reply, SentProbe& probe) const {
  probe.ttl_back = reply.ttl;
  probe.far_load = reply.extras.load;
  probe.far_clock_era = reply.extras.clock_era;
  probe.far_stamps = reply.extras.timestamp_information;
  probe.far_counts = reply.extras.direct_measurement;
  if (!reply.extras.class_of_service) return;
  const wire::ClassOfService& service = *reply.extras.class_of_service;
  probe.dscp_there = service.dscp_received;
  if (reply.traffic_class && !service.refused) probe.dscp_back = static_cast<std::uint8_t>(*reply.traffic_class >> 2U);
}

/// The true t3 of an earlier reply, which is named by the reflector's number of it: the sender's own would be off by
/// one for each probe lost on the way there.
void LatencyStream::take_follow_up(const wire::FollowUp& follow_up) {
  const auto at = follow_up.sent_at.wall();
  if (!at) return;
  for (auto interval = open_.rbegin(); interval != open_.rend(); ++interval) {
    for (auto probe = interval->probes.rbegin(); probe != interval->probes.rend(); ++probe) {
      if (!probe->answered || probe->reflected != follow_up.sequence) continue;
      // Userland read the clock just before it handed the reply over; anything else is another clock by now.
      ProbeStamps& stamps = probe->stamps;
      if (!stamps.reflector_out || *at < *stamps.reflector_out || *at - *stamps.reflector_out > longest_departure)
        return;
      stamps.reflector_out = at;
      stamps.reflector_out_by_kernel = true;
      return;
    }
  }
}

void LatencyStream::on_user_stamp(std::uint32_t sequence, WallTime at) {
  if (SentProbe* probe = find(sequence)) probe->stamps.user_sent = at;
}

void LatencyStream::on_kernel_stamp(std::uint32_t sequence, SendStamp kind, WallTime at) {
  SentProbe* probe = find(sequence);
  if (probe == nullptr) return;
  (kind == SendStamp::sent ? probe->stamps.sent : probe->stamps.scheduled) = at;
}

void LatencyStream::on_lost_here(std::uint32_t sequence) {
  if (SentProbe* probe = find(sequence)) probe->lost_here = true;
}

void LatencyStream::on_unreachable(std::string_view reason) {
  if (!open_.empty()) open_.back().unreachable = reason;
}

void LatencyStream::on_socket_drops(std::uint64_t packets) {
  for (LatencyInterval& interval : open_) interval.socket_drops += packets;
}

void LatencyStream::on_clock_step() {
  for (LatencyInterval& interval : open_)
    for (SentProbe& probe : interval.probes)
      if (!probe.answered) probe.across_step = true;
  ++clock_steps_;
}

}  // namespace sonde
