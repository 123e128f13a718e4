#include "agent/core/latency_sender.h"

#include <algorithm>
#include <functional>

#include "shared/base/error.h"
#include "shared/base/limits.h"
#include "shared/wire/stamp_packet.h"

namespace sonde {
namespace {

/// The two clocks are read one after the other; a change of their difference beyond this and beyond what slewing
/// explains (500 ppm, doubled) is a step.
constexpr nanoseconds step_threshold = std::chrono::milliseconds(2);

/// True where the stream may go on as it is; what its clocks are known to be may change.
bool same_stream(const LatencyStreamPlan& a, const LatencyStreamPlan& b) {
  return a.to == b.to && a.rate == b.rate && a.every == b.every && a.timeout == b.timeout && a.phase == b.phase &&
         a.stateful == b.stateful && a.format == b.format && a.key == b.key && a.dscp == b.dscp;
}

}  // namespace

void LatencyOutput::clear() {
  probes.clear();
  lateness.clear();
  results.clear();
  closed.clear();
  events.clear();
  far_runs.clear();
}

LatencySender::LatencySender(Families families, std::uint64_t seed, bool keep_probes)
    : families_(families), random_(seed), keep_probes_(keep_probes) {}

void LatencySender::configure(LatencyPlan plan) {
  SONDE_ASSERT(plan.streams.size() <= limits::sites);
  waiting_ = std::move(plan);
}

void LatencySender::burst(const LatencyBurst& burst) {
  if (!plan_ || bursts_.size() >= most_bursts) return;
  const std::uint16_t ssid = new_ssid();
  streams_.emplace(ssid, LatencyStream({.plan = burst.stream,
                                        .to = usable(burst.stream.addresses),
                                        .epoch = burst.start,
                                        .start = burst.start,
                                        .end = burst.start + burst.stream.every,
                                        .ssid = ssid,
                                        .seed = random_.next()}));
  bursts_.insert(ssid);
  clock_changed_ = true;  // its wake is not set yet
}

void LatencySender::set_clock(const ClockMap& clock) {
  if (!clock.known || clock == clock_) return;
  clock_ = clock;
  clock_changed_ = true;
}

SharedNow LatencySender::shared(const Now& now) const { return {now.mono, now.wall, clock_.shared(now.wall)}; }

void LatencySender::clock_was_set() {
  step_clock();
  last_now_.reset();
  clock_was_set_ = true;
}

void LatencySender::step_clock() {
  ++counters_.clock_steps;
  for (auto& [ssid, stream] : streams_) stream.on_clock_step();
  clock_changed_ = true;
}

void LatencySender::watch_clock(const Now& now, LatencyOutput& out) {
  if (std::exchange(clock_was_set_, false)) out.events.push_back({Severity::warning, "latency_clock_stepped", {}});
  if (last_now_) {
    const nanoseconds moved = (now.wall - last_now_->wall) - (now.mono - last_now_->mono);
    const nanoseconds allowed = step_threshold + (now.mono - last_now_->mono) / 1000;
    if (moved > allowed || moved < -allowed) {
      out.events.push_back({Severity::warning, "latency_clock_stepped", {{"by_s", std::to_string(to_seconds(moved))}}});
      step_clock();
    }
  }
  last_now_ = now;
}

void LatencySender::tick(const Now& now, LatencyOutput& out) {
  watch_clock(now, out);
  out.far_runs.insert(out.far_runs.end(), far_runs_.begin(), far_runs_.end());
  far_runs_.clear();
  if (!clock_.known) return;
  const SharedNow present = shared(now);
  if (waiting_ && present.shared >= waiting_->effective_at) apply_plan(present, out);
  if (clock_changed_) reschedule_all(present);
  while (!wakes_.empty() && wakes_.front().first <= now.mono) {
    const std::uint16_t ssid = wakes_.front().second;
    std::ranges::pop_heap(wakes_, std::greater());
    wakes_.pop_back();
    LatencyStream& stream = streams_.at(ssid);
    LatencyStream::Turn turn = stream.tick(present, identity_);
    if (turn.probe) {
      out.probes.push_back(*turn.probe);
      out.lateness.push_back(*turn.lateness);
      ++counters_.sent;
    }
    counters_.missed += turn.missed;
    for (const Result& result : turn.results)
      counters_.lost_stamps += static_cast<std::uint64_t>(result.detail("lost_stamps").value_or(0));
    std::ranges::move(turn.results, std::back_inserter(out.results));
    std::ranges::move(turn.closed, std::back_inserter(out.closed));
    if (bursts_.contains(ssid) && stream.over()) {
      bursts_.erase(ssid);
      streams_.erase(ssid);
      continue;
    }
    schedule(ssid, std::max(stream.next_deadline(present), now.mono + nanoseconds(1)));
  }
}

bool LatencySender::judges(MonoTime now) const {
  return std::ranges::any_of(
      wakes_, [&](const auto& wake) { return wake.first <= now && streams_.at(wake.second).closes_by(now); });
}

void LatencySender::schedule(std::uint16_t ssid, MonoTime at) {
  wakes_.emplace_back(at, ssid);
  std::ranges::push_heap(wakes_, std::greater());
}

std::optional<MonoTime> LatencySender::next_deadline(const Now& now) const {
  if (!clock_.known) return std::nullopt;
  if (clock_changed_) return now.mono;
  std::optional<MonoTime> deadline;
  if (!wakes_.empty()) deadline = wakes_.front().first;
  if (waiting_) {
    const MonoTime due = now.mono + (waiting_->effective_at - clock_.shared(now.wall));
    deadline = deadline ? std::min(*deadline, due) : due;
  }
  return deadline;
}

void LatencySender::apply_plan(const SharedNow& now, LatencyOutput& out) {
  const std::optional<LatencyPlan> before = std::exchange(plan_, std::exchange(waiting_, std::nullopt));
  identity_.self = plan_->self;
  identity_.generation = plan_->generation;
  identity_.own_clock_error = plan_->own_clock_error;
  std::map<SiteId, std::uint16_t> kept;
  const bool same_base = before && before->epoch == plan_->epoch && before->self == plan_->self;
  for (const LatencyStreamPlan& wanted : plan_->streams) {
    const auto running = by_site_.find(wanted.to);
    if (!same_base || running == by_site_.end()) continue;
    LatencyStream& stream = streams_.at(running->second);
    if (!same_stream(stream.setup().plan, wanted) || stream.setup().to != usable(wanted.addresses)) continue;
    stream.update_clocks(wanted);
    kept.insert(*running);
  }
  std::erase_if(streams_, [&](const auto& entry) {
    if (bursts_.contains(entry.first)) return false;
    const auto at = kept.find(entry.second.setup().plan.to);
    return at == kept.end() || at->second != entry.first;
  });
  by_site_ = std::move(kept);
  by_endpoint_.clear();
  double per_second = 0;
  for (const LatencyStreamPlan& wanted : plan_->streams) per_second += wanted.rate.per_second;
  wake_slot_ = wake_slot(per_second);
  for (const LatencyStreamPlan& wanted : plan_->streams)
    if (!by_site_.contains(wanted.to)) start_stream(wanted, now, out);
  for (const auto& [ssid, stream] : streams_)
    if (stream.setup().to && !bursts_.contains(ssid)) by_endpoint_.emplace(*stream.setup().to, ssid);
  reschedule_all(now);
}

void LatencySender::start_stream(const LatencyStreamPlan& plan, const SharedNow& now, LatencyOutput& out) {
  const std::uint16_t ssid = new_ssid();
  const auto to = usable(plan.addresses);
  if (!to) out.events.push_back({Severity::warning, "latency_no_address", {{"to", plan.to.str()}}});
  streams_.emplace(ssid, LatencyStream({.plan = plan,
                                        .to = to,
                                        .epoch = plan_->epoch,
                                        .start = std::max(now.shared, plan_->effective_at),
                                        .ssid = ssid,
                                        .seed = random_.next(),
                                        .wake_slot = wake_slot_,
                                        .keep_probes = keep_probes_}));
  by_site_.emplace(plan.to, ssid);
}

std::optional<Endpoint> LatencySender::usable(const std::vector<Endpoint>& addresses) const {
  const auto reachable = [this](const Endpoint& endpoint) {
    return endpoint.address.family == IpAddress::Family::v4 ? families_.v4 : families_.v6;
  };
  const auto first = std::ranges::find_if(addresses, reachable);
  return first == addresses.end() ? std::nullopt : std::optional(*first);
}

std::uint16_t LatencySender::new_ssid() {
  static_assert(limits::sites < 0xFFFF / 2, "or a free SSID takes long to find");
  while (true) {
    const auto ssid = static_cast<std::uint16_t>(1 + random_.below(0xFFFF));
    if (!streams_.contains(ssid)) return ssid;
  }
}

void LatencySender::reschedule_all(const SharedNow& now) {
  clock_changed_ = false;
  wakes_.clear();
  for (const auto& [ssid, stream] : streams_) schedule(ssid, stream.next_deadline(now));
}

LatencyStream* LatencySender::find(std::uint16_t ssid) {
  const auto at = streams_.find(ssid);
  return at == streams_.end() ? nullptr : &at->second;
}

LatencyStream* LatencySender::find_without_ssid(const Endpoint& from, const wire::ReflectorPacket& reply) {
  for (const std::uint16_t ssid : bursts_) {
    LatencyStream* burst = find(ssid);
    if (burst->setup().to == from && burst->has_sent(reply.sender_sequence, reply.sender_sent_at)) return burst;
  }
  const auto at = by_endpoint_.find(from);
  return at == by_endpoint_.end() ? nullptr : find(at->second);
}

void LatencySender::on_packet(MonoTime now, const Packet& packet) {
  const wire::StampMode mode = wire::mode_of(packet.octets);
  const auto reply = wire::decode_reflector(packet.octets, mode);
  LatencyStream* stream = reply ? find(reply->ssid) : nullptr;
  // A reflector that knows RFC 8762 only leaves these octets zero.
  if (reply && reply->ssid == 0) stream = find_without_ssid(packet.from, *reply);
  if (stream == nullptr || stream->setup().to != packet.from || stream->setup().plan.format.mode != mode) {
    ++counters_.foreign;
    return;
  }
  const LatencyStreamPlan& plan = stream->setup().plan;
  const wire::StampKey* key = plan.key ? &*plan.key : nullptr;
  if (!wire::reply_verifies(plan.format, packet.octets, key)) {
    ++counters_.unverified;
    return;
  }
  const LatencyReply heard{.packet = *reply,
                           .extras = wire::read_extras(plan.format, packet.octets, key),
                           .received_at = packet.received_at,
                           .kernel_stamp = packet.kernel_stamp,
                           .ttl = packet.ttl,
                           .traffic_class = packet.traffic_class};
  switch (stream->on_reply(now, heard)) {
    case ReplyFate::in_time:
      ++counters_.replies;
      if (auto news = stream->far_news(heard)) far_runs_.push_back(*std::move(news));
      return;
    case ReplyFate::late: ++counters_.late; return;
    case ReplyFate::duplicate: ++counters_.duplicates; return;
    case ReplyFate::unknown: ++counters_.foreign; return;
  }
}

void LatencySender::on_user_stamp(std::uint16_t ssid, std::uint32_t sequence, WallTime at) {
  if (LatencyStream* stream = find(ssid)) stream->on_user_stamp(sequence, at);
}

void LatencySender::on_kernel_stamp(std::uint16_t ssid, std::uint32_t sequence, SendStamp kind, WallTime at) {
  if (LatencyStream* stream = find(ssid)) stream->on_kernel_stamp(sequence, kind, at);
}

void LatencySender::on_lost_here(std::uint16_t ssid, std::uint32_t sequence) {
  ++counters_.lost_here;
  if (LatencyStream* stream = find(ssid)) stream->on_lost_here(sequence);
}

void LatencySender::on_socket_drops(std::uint64_t packets) {
  for (auto& [ssid, stream] : streams_) stream.on_socket_drops(packets);
}

void LatencySender::on_unreachable(const Endpoint& to, std::string_view reason) {
  const auto at = by_endpoint_.find(to);
  if (at == by_endpoint_.end()) return;
  if (LatencyStream* stream = find(at->second)) stream->on_unreachable(reason);
}

}  // namespace sonde
