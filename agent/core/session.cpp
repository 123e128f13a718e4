#include "agent/core/session.h"

#include <fmt/format.h>

#include <algorithm>
#include <utility>

#include "shared/base/limits.h"

namespace sonde {

Session::Session(SessionIdentity identity, Generation generation)
    : identity_(std::move(identity)), generation_(generation) {}

void Session::on_spool(const SpoolState& spool) {
  spool_ = spool;
  const std::uint64_t gone = spool.first_seq == 0 ? 0 : spool.first_seq - 1;
  acknowledged_ = std::max(acknowledged_, gone);
  sent_ = std::max(sent_, acknowledged_);
}

void Session::lose() {
  welcomed_ = false;
  fetching_ = false;
  sent_ = acknowledged_;
}

void Session::say_hello(MonoTime now, Out& out) {
  out.messages.emplace_back(wire::Hello{identity_.site, identity_.version, spool_.spool, spool_.last_seq, generation_,
                                        identity_.boot_id, identity_.port});
  next_hello_ = now + hello_every;
}

void Session::send_heartbeat(Now now, Out& out) {
  wire::Heartbeat heartbeat = status_;
  heartbeat.sent_at = now.wall;
  heartbeat.generation = generation_;
  heartbeat.spooled = spool_.last_seq + 1 - std::min(spool_.first_seq, spool_.last_seq + 1);
  out.messages.emplace_back(heartbeat);
  next_heartbeat_ = now.mono + heartbeat_every;
}

void Session::on_welcome(Now now, const wire::Welcome& welcome, Out& out) {
  if (!welcomed_) out.events.push_back({Severity::info, "coordinator_connected", {{"mesh", welcome.mesh}}});
  welcomed_ = true;
  out.welcome_last_seq = welcome.last_seq;
  acknowledged_ = spool_.first_seq == 0 ? 0 : spool_.first_seq - 1;
  sent_ = acknowledged_;
  progress_ = now.mono;
  next_heartbeat_ = now.mono;
}

void Session::on_acknowledge(Now now, const wire::Acknowledge& acknowledge, Out& out) {
  if (acknowledge.spool != spool_.spool || acknowledge.seq <= acknowledged_) return;
  if (acknowledge.seq > spool_.last_seq) {
    out.events.push_back({Severity::warning, "acknowledged_unsent", {{"seq", std::to_string(acknowledge.seq)}}});
    return;
  }
  acknowledged_ = acknowledge.seq;
  sent_ = std::max(sent_, acknowledged_);
  progress_ = now.mono;
  out.acknowledged = acknowledged_;
}

void Session::on_message(Now now, const wire::Message& message, Out& out) {
  last_heard_ = now.mono;
  if (const auto* welcome = std::get_if<wire::Welcome>(&message)) return on_welcome(now, *welcome, out);
  if (std::holds_alternative<wire::WhoAreYou>(message)) {
    lose();
    return say_hello(now.mono, out);
  }
  if (const auto* reply = std::get_if<wire::HeartbeatReply>(&message)) {
    clock_.watch(now);
    if (!clock_.add(now.mono, {reply->sent_at, reply->received_at, reply->replied_at, now.wall}))
      out.events.push_back({Severity::warning, "clock_exchange_impossible", {}});
    tell_steps(out);
    return;
  }
  if (const auto* update = std::get_if<wire::NewTimetable>(&message)) {
    if (update->timetable.generation < generation_) {
      out.events.push_back({Severity::warning,
                            "timetable_outdated",
                            {{"have", std::to_string(generation_.number)},
                             {"offered", std::to_string(update->timetable.generation.number)}}});
      return;
    }
    generation_ = update->timetable.generation;
    out.timetable = update->timetable;
    return;
  }
  if (const auto* acknowledge = std::get_if<wire::Acknowledge>(&message)) return on_acknowledge(now, *acknowledge, out);
  if (const auto* peers = std::get_if<wire::PeerFacts>(&message)) {
    out.peers = *peers;
    return;
  }
  if (const auto* order = std::get_if<wire::RunOrder>(&message)) {
    out.order = *order;
    return;
  }
  if (const auto* asked = std::get_if<wire::ArrivalQuestions>(&message)) {
    out.questions = asked->questions;
    return;
  }
  if (const auto* evidence = std::get_if<wire::EvidenceOrder>(&message)) {
    out.evidence = *evidence;
    return;
  }
  out.events.push_back({Severity::warning, "message_unexpected", {{"type", std::to_string(message.index())}}});
}

void Session::on_fetched(Now now, std::vector<Result> results, Out& out) {
  fetching_ = false;
  if (!welcomed_ || results.empty()) return;
  if (sent_ == acknowledged_) progress_ = now.mono;
  sent_ = std::max(sent_, results.back().id.seq);
  out.messages.emplace_back(wire::ResultBatch{std::move(results)});
  send_results(now.mono, out);
}

void Session::send_results(MonoTime now, Out& out) {
  if (!welcomed_ || fetching_) return;
  if (sent_ > acknowledged_ && now - progress_ >= resend_after) {
    out.events.push_back({Severity::warning,
                          "results_sent_again",
                          {{"after", std::to_string(acknowledged_)}, {"sent", std::to_string(sent_)}}});
    sent_ = acknowledged_;
    progress_ = now;
  }
  const bool window_open = sent_ - acknowledged_ < limits::results_in_flight;
  if (spool_.last_seq <= sent_ || !window_open) return;
  fetching_ = true;
  out.fetch_after = sent_;
}

void Session::tell_steps(Out& out) {
  if (std::exchange(steps_told_, clock_.steps()) != clock_.steps())
    out.events.push_back({Severity::warning, "clock_stepped", {}});
}

void Session::tick(Now now, Out& out) {
  clock_.watch(now);
  tell_steps(out);
  if (welcomed_ && last_heard_ && now.mono - *last_heard_ >= lost_after) {
    out.events.push_back({Severity::warning, "coordinator_silent", {}});
    lose();
  }
  if (!welcomed_) {
    if (now.mono >= next_hello_) say_hello(now.mono, out);
    return;
  }
  if (now.mono >= next_heartbeat_) send_heartbeat(now, out);
  send_results(now.mono, out);
}

MonoTime Session::next_deadline() const { return welcomed_ ? next_heartbeat_ : next_hello_; }

}  // namespace sonde
