#include "agent/core/transfer_desk.h"

#include <fmt/format.h>

#include <algorithm>

namespace sonde {
namespace {

namespace lim = transfer_limits;

template <typename... Cases>
struct Overloaded : Cases... {
  using Cases::operator()...;
};

/// What a twin's slot has beyond its data: the time to set it up. The run that it belongs to keeps the real slot.
constexpr nanoseconds twin_spare = std::chrono::seconds(5);

wire::Token twin_of(wire::Token token) {
  token.back() ^= 0xffU;
  return token;
}

}  // namespace

void TransferDesk::set_timetable(const Timetable& timetable) {
  const auto& policy = timetable.policy.throughput;
  full_duplex_ = policy && policy->full_duplex;
  congestion_ = policy ? policy->congestion : std::string();
  members_.clear();
  for (const Member& member : timetable.members)
    if (member.has_agent && member.site != self_) members_[member.site] = {member.addresses, member.port};
}

void TransferDesk::start(TransferNow now, const ThroughputOrder& order, const wire::Token& token, TransferOut& out) {
  SONDE_ASSERT(order.link.from == self_);
  ++stats_.started;
  if (can_begin(order)) return begin(now, order, token, out);
  if (waiting_) return refuse_busy(now, order, out);
  waiting_ = Waiting{order, token, std::min(now.mono + lim::busy_retry_for, order.slot_end)};
}

void TransferDesk::begin(TransferNow now, const ThroughputOrder& order, const wire::Token& token, TransferOut& out) {
  if (order.iterations > 1 && order.probe == Probe::throughput) {
    iterations_.emplace(order, token);
    initiator_.emplace(iterations_->order(now.mono), iterations_->token(), now, out);
  } else {
    initiator_.emplace(order, token, now, out);
  }
  tidy(now, out);
}

/// After an iteration has brought its result, the newest in `out`: true where the run goes on with another.
bool TransferDesk::begin_iteration(TransferNow now, TransferOut& out) {
  if (!iterations_) return false;
  SONDE_ASSERT(!out.results.empty());
  Result part = std::move(out.results.back());
  out.results.pop_back();
  if (auto whole = iterations_->on_result(std::move(part))) {
    out.results.push_back(*std::move(whole));
    iterations_.reset();
    return false;
  }
  initiator_.emplace(iterations_->order(now.mono), iterations_->token(), now, out);
  return true;
}

void TransferDesk::refuse_busy(TransferNow now, const ThroughputOrder& order, TransferOut& out) const {
  Result result;
  result.id.from = order.link.from;
  result.to = order.link.to;
  result.probe = order.probe;
  result.generation = order.generation;
  result.round = order.round;
  result.scheduled_at = order.scheduled_at;
  result.finished_at = now.shared;
  result.outcome = Outcome::busy;
  result.reason = "this site is in another run";
  out.results.push_back(std::move(result));
}

TransferInitiator* TransferDesk::initiator_for(const SiteId& from, const wire::Token& token) {
  return initiator_ && initiator_->peer() == from && initiator_->token() == token ? &*initiator_ : nullptr;
}

TransferResponder* TransferDesk::responder_for(const SiteId& from, const wire::Token& token) {
  return responder_ && responder_->peer() == from && responder_->token() == token ? &*responder_ : nullptr;
}

void TransferDesk::on_message(TransferNow now, const SiteId& from, const wire::Message& message, TransferOut& out) {
  const auto at_initiator = [&](const wire::Token& token, auto&& act) {
    if (TransferInitiator* run = initiator_for(from, token))
      act(*run);
    else
      ++stats_.stray_messages;
  };
  std::visit(
      Overloaded{
          [&](const wire::TransferOffer& m) { on_offer(now, from, m, out); },
          [&](const wire::TransferAnswer& m) { at_initiator(m.token, [&](auto& run) { run.on_answer(now, m, out); }); },
          [&](const wire::TransferGo& m) { at_initiator(m.token, [&](auto& run) { run.on_go(now, out); }); },
          [&](const wire::TransferFinished& m) {
            at_initiator(m.token, [&](auto& run) {
              run.on_finished(now, m, out);
              end_other_half(now, out);
            });
          },
          [&](const wire::TransferAbort& m) {
            if (TransferResponder* run = responder_for(from, m.token))
              run->on_abort(now, out);
            else
              at_initiator(m.token, [&](auto& own) { own.on_abort(now, m.reason, out); });
          },
          [](const auto&) {},
      },
      message);
  tidy(now, out);
}

void TransferDesk::on_offer(TransferNow now, const SiteId& from, const wire::TransferOffer& offer, TransferOut& out) {
  const auto answer = [&](Outcome outcome, std::string reason) {
    out.messages.push_back({from, wire::TransferAnswer{offer.token, outcome, std::move(reason)}});
  };
  if (offer.link.from != from || offer.link.to != self_) {
    ++stats_.answered_refused;
    return answer(Outcome::refused, "the link is not from you to me");
  }
  if (auto why = TransferResponder::refusal(offer)) {
    ++stats_.answered_refused;
    return answer(Outcome::refused, std::move(*why));
  }
  const bool twin = is_twin(from, offer);
  if (!twin && offer.generation < in_force_) {
    ++stats_.answered_outdated;
    return answer(Outcome::skipped,
                  fmt::format("the run is of timetable {}, in force is {}", offer.generation.number, in_force_.number));
  }
  const bool free = offer.probe == Probe::duplex ? twin || !busy() : can_receive();
  if (!free) {
    ++stats_.answered_busy;
    return answer(Outcome::busy,
                  responder_ ? "receiving from " + responder_->peer().str() : "sending to " + initiator_->peer().str());
  }
  const auto far = whereabouts(from, twin);
  if (offer.receiver_opens && !far) {
    ++stats_.answered_refused;
    return answer(Outcome::refused, "I am to open the connections, and know no address of yours");
  }
  ++stats_.accepted;
  responder_.emplace(offer, far.value_or(TransferResponder::Whereabouts{}), now, out);
  if (offer.probe == Probe::duplex && !twin) begin_twin(now, offer, out);
}

bool TransferDesk::is_twin(const SiteId& from, const wire::TransferOffer& offer) const {
  return offer.probe == Probe::duplex && !responder_ && initiator_ && initiator_->is_duplex() &&
         initiator_->peer() == from && offer.token == twin_of(initiator_->token());
}

/// Who was told to do a duplex run was told where the far side is, too.
std::optional<TransferResponder::Whereabouts> TransferDesk::whereabouts(const SiteId& site, bool twin) const {
  if (twin) return TransferResponder::Whereabouts{initiator_->order().addresses, initiator_->order().port};
  const auto member = members_.find(site);
  return member == members_.end() ? std::nullopt : std::optional(member->second);
}

void TransferDesk::begin_twin(TransferNow now, const wire::TransferOffer& offer, TransferOut& out) {
  ThroughputOrder order;
  order.link = {offer.link.to, offer.link.from};
  order.round = offer.round;
  order.generation = offer.generation;
  order.scheduled_at = now.shared;
  order.slot_end = now.mono + offer.max_duration + twin_spare;
  order.streams = offer.streams;
  order.duration = offer.duration;
  order.max_duration = offer.max_duration;
  order.max_bytes = offer.max_bytes;
  order.congestion = congestion_;
  order.probe = Probe::duplex;
  order.receiver_opens = true;
  order.twin = true;
  ++stats_.started;
  initiator_.emplace(order, twin_of(offer.token), now, out);
}

/// A rate that was taken while the other direction was idle is none of a duplex run.
void TransferDesk::end_other_half(TransferNow now, TransferOut& out) {
  if (responder_ && responder_->is_duplex()) responder_->on_other_half_over(now, out);
}

void TransferDesk::on_report(TransferNow now, const TransferReport& report, TransferOut& out) {
  const auto own = [&](const wire::Token& token) { return initiator_ && initiator_->token() == token; };
  const auto peers = [&](const wire::Token& token) { return responder_ && responder_->token() == token; };
  std::visit(Overloaded{
                 [&](const StreamsOpen& r) {
                   if (own(r.token)) initiator_->on_streams_open(now, out);
                 },
                 [&](const SenderEnded& r) {
                   if (own(r.token)) initiator_->on_sender_ended(now, r, out);
                 },
                 [&](const ReceiverReady& r) {
                   if (peers(r.token)) responder_->on_ready(now, out);
                 },
                 [&](const ReceiverEnded& r) {
                   if (!peers(r.finished.token)) return;
                   responder_->on_ended(now, r.finished, out);
                   if (responder_->is_duplex() && initiator_) initiator_->on_other_half(now, r.finished, out);
                 },
                 [&](const ReceiverDrained& r) {
                   if (peers(r.token)) responder_->on_drained(now, out);
                 },
                 [&](const TransferProgress& r) {
                   if (own(r.token)) initiator_->on_progress(r.bytes);
                   if (peers(r.token)) responder_->on_progress(r.bytes);
                 },
             },
             report);
  tidy(now, out);
}

void TransferDesk::tick(TransferNow now, TransferOut& out) {
  if (initiator_) initiator_->tick(now, out);
  if (responder_) responder_->tick(now, out);
  tidy(now, out);
}

void TransferDesk::tidy(TransferNow now, TransferOut& out) {
  while (initiator_ && initiator_->done()) {
    stats_.refused_values += initiator_->refused_values();
    if (begin_iteration(now, out)) continue;
    if (!out.results.empty() && out.results.back().outcome == Outcome::ok) ++stats_.finished_ok;
    if (initiator_->is_duplex()) end_other_half(now, out);
    initiator_.reset();
  }
  if (responder_ && responder_->done()) responder_.reset();
  if (!waiting_) return;
  if (can_begin(waiting_->order)) {
    const Waiting next = std::move(*waiting_);
    waiting_.reset();
    return begin(now, next.order, next.token, out);
  }
  if (now.mono < waiting_->until) return;
  refuse_busy(now, waiting_->order, out);
  waiting_.reset();
}

std::vector<TransferRunning> TransferDesk::running() const {
  std::vector<TransferRunning> runs;
  if (initiator_)
    if (auto run = initiator_->running()) {
      if (iterations_) run->bytes += iterations_->bytes();
      runs.push_back(*std::move(run));
    }
  if (responder_)
    if (auto run = responder_->running()) runs.push_back(*std::move(run));
  return runs;
}

std::optional<MonoTime> TransferDesk::next_deadline() const {
  std::optional<MonoTime> least;
  const auto consider = [&](MonoTime t) { least = least ? std::min(*least, t) : t; };
  if (initiator_) consider(initiator_->next_deadline());
  if (responder_) consider(responder_->next_deadline());
  if (waiting_) consider(waiting_->until);
  return least;
}

}  // namespace sonde
