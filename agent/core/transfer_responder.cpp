#include "agent/core/transfer_responder.h"

#include "shared/base/limits.h"

namespace sonde {

namespace lim = transfer_limits;

std::optional<std::string> TransferResponder::refusal(const wire::TransferOffer& offer) {
  if (offer.streams < 1 || offer.streams > limits::streams_per_run) return "streams must be 1 to 64";
  if (offer.duration.count() <= 0 || offer.duration > offer.max_duration || offer.max_duration > lim::longest_run)
    return "duration must be above 0 and at most max_duration, and that at most 1 h";
  if (offer.max_bytes.count == 0) return "max_bytes must be above 0";
  if (offer.probe != Probe::throughput && offer.probe != Probe::duplex) return "no transfer belongs to such a probe";
  return std::nullopt;
}

TransferResponder::TransferResponder(const wire::TransferOffer& offer, const Whereabouts& far, TransferNow now,
                                     TransferOut& out)
    : offer_(offer), deadline_(now.mono + lim::attach) {
  out.messages.push_back({peer(), wire::TransferAnswer{offer_.token, Outcome::ok, {}}});
  ReceiveStreams command;
  command.token = offer_.token;
  command.streams = offer_.streams;
  command.duration = offer_.duration;
  command.max_duration = offer_.max_duration;
  command.max_bytes = offer_.max_bytes;
  command.may_settle = !is_duplex();
  command.timeout = lim::open;
  if (offer_.receiver_opens) {
    command.addresses = far.addresses;
    command.port = far.port;
  }
  out.commands.push_back(std::move(command));
}

void TransferResponder::on_ready(TransferNow now, TransferOut& out) {
  if (phase_ != Phase::attaching) return;
  out.messages.push_back({peer(), wire::TransferGo{offer_.token}});
  active_since_ = now.mono;
  activity_ =
      TransferActivity{offer_.link, is_duplex() ? TransferRole::both : TransferRole::receives, now.wall, std::nullopt};
  out.activities.push_back(*activity_);
  phase_ = Phase::receiving;
  deadline_ = now.mono + offer_.max_duration + lim::receiver_spare;
}

void TransferResponder::on_ended(TransferNow now, const wire::TransferFinished& finished, TransferOut& out) {
  if (phase_ != Phase::receiving && phase_ != Phase::attaching) return;
  out.messages.push_back({peer(), finished});
  phase_ = Phase::draining;
  deadline_ = now.mono + lim::drain + lim::mover_end;
}

void TransferResponder::on_drained(TransferNow now, TransferOut& out) {
  if (phase_ == Phase::attaching || phase_ == Phase::receiving)
    finish(out, Outcome::reset, "the receiving side lost its connections");
  end(now, out);
}

/// The sender's reset has come through the queue behind its last data, or was waited for long enough.
void TransferResponder::end(TransferNow now, TransferOut& out) {
  phase_ = Phase::done;
  if (!activity_ || activity_->end) return;
  activity_->end = now.wall;
  out.activities.push_back(*activity_);
}

std::optional<TransferRunning> TransferResponder::running() const {
  if (!activity_ || activity_->end) return std::nullopt;
  return TransferRunning{*activity_, active_since_, bytes_};
}

void TransferResponder::on_abort(TransferNow now, TransferOut& out) {
  if (phase_ == Phase::attaching || phase_ == Phase::receiving || phase_ == Phase::draining) drain(now, out);
}

void TransferResponder::on_other_half_over(TransferNow now, TransferOut& out) {
  if (phase_ == Phase::receiving && !end_asked_) out.commands.push_back(EndReceiving{offer_.token});
  end_asked_ = true;
  if (phase_ != Phase::attaching) return;
  finish(out, Outcome::reset, "the other direction of the duplex run ended before this one began");
  drain(now, out);
}

void TransferResponder::tick(TransferNow now, TransferOut& out) {
  if (phase_ == Phase::done || now.mono < deadline_) return;
  switch (phase_) {
    case Phase::attaching:
      finish(out, Outcome::timeout, "the data connections did not arrive in time");
      return drain(now, out);
    case Phase::receiving:
      finish(out, Outcome::timeout, "the receiving side did not end in time");
      return drain(now, out);
    case Phase::draining: return end(now, out);
    case Phase::done: return;
  }
}

void TransferResponder::finish(TransferOut& out, Outcome outcome, std::string reason) {
  wire::TransferFinished finished;
  finished.token = offer_.token;
  finished.outcome = outcome;
  finished.reason = std::move(reason);
  out.messages.push_back({peer(), std::move(finished)});
}

void TransferResponder::drain(TransferNow now, TransferOut& out) {
  out.commands.push_back(StopReceiving{offer_.token});
  phase_ = Phase::draining;
  deadline_ = now.mono + lim::mover_end;
}

}  // namespace sonde
