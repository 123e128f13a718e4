#include "agent/core/transfer_initiator.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>

#include "shared/base/limits.h"
#include "shared/measure/throughput.h"

namespace sonde {
namespace {

namespace lim = transfer_limits;

constexpr std::uint32_t bits(Tag tag) { return static_cast<std::uint32_t>(tag); }
/// What the far side may say of a run; the rest of its tags is not its business.
constexpr std::uint32_t peer_tags = bits(Tag::upper_bound) | bits(Tag::budget_ended) | bits(Tag::slot_ended) |
                                    bits(Tag::settled) | bits(Tag::few_segments) | bits(Tag::starved);

bool is_possible(double value) { return std::isfinite(value) && value >= 0; }

bool may_report(Metric metric) { return metric == Metric::throughput || metric == Metric::throughput_total; }

/// The time that data may flow in what is left of the slot, less a reserve for the handshakes and the reports.
nanoseconds time_for_data(const ThroughputOrder& order, MonoTime now) {
  const nanoseconds left = order.slot_end - lim::slot_guard - now;
  const nanoseconds reserve =
      std::clamp<nanoseconds>(left / 8, std::chrono::milliseconds(100), std::chrono::seconds(3));
  return std::min(order.max_duration, left - reserve);
}

}  // namespace

TransferInitiator::TransferInitiator(const ThroughputOrder& order, const wire::Token& token, TransferNow now,
                                     TransferOut& out)
    : order_(order),
      token_(token),
      began_shared_(now.shared),
      began_mono_(now.mono),
      retry_until_(now.mono + lim::busy_retry_for) {
  if (time_for_data(order_, now.mono) < lim::shortest_run) {
    failure_ = Outcome::skipped;
    failure_reason_ = "too little of the slot was left";
    conclude(now, out);
    return;
  }
  offer(now, out);
}

void TransferInitiator::enter(Phase phase, MonoTime deadline) {
  phase_ = phase;
  deadline_ = deadline;
}

void TransferInitiator::offer(TransferNow now, TransferOut& out) {
  const nanoseconds longest = std::max(time_for_data(order_, now.mono), lim::shortest_run);
  wire::TransferOffer message;
  message.token = token_;
  message.generation = order_.generation;
  message.round = order_.round;
  message.link = order_.link;
  message.streams = order_.streams;
  message.duration = std::min(order_.duration, longest);
  message.max_duration = longest;
  message.max_bytes = order_.max_bytes;
  message.probe = order_.probe;
  message.receiver_opens = order_.receiver_opens;
  // Its connections may come before its answer.
  if (order_.receiver_opens && !mover_runs_) {
    out.commands.push_back(open_streams());
    mover_runs_ = true;
  }
  out.messages.push_back({peer(), message});
  enter(Phase::offered, std::min(now.mono + lim::answer, order_.slot_end));
}

OpenStreams TransferInitiator::open_streams() const {
  OpenStreams command;
  command.token = token_;
  command.addresses = order_.addresses;
  command.port = order_.port;
  command.streams = order_.streams;
  command.max_bytes = order_.max_bytes;
  command.congestion = order_.congestion;
  command.accepts = order_.receiver_opens;
  command.timeout = order_.receiver_opens ? lim::answer + lim::busy_retry_for + 2 * lim::open : lim::open;
  return command;
}

void TransferInitiator::on_answer(TransferNow now, const wire::TransferAnswer& answer, TransferOut& out) {
  if (phase_ != Phase::offered) return;
  if (answer.outcome == Outcome::busy) return on_busy(now, answer.reason, out);
  if (answer.outcome != Outcome::ok) {
    const bool outdated = answer.outcome == Outcome::skipped;
    failure_ = outdated ? Outcome::skipped : Outcome::refused;
    failure_reason_ = (outdated ? "the far agent has a newer timetable: " : "the far agent refused: ") + answer.reason;
    return conclude(now, out);
  }
  if (!order_.receiver_opens) out.commands.push_back(open_streams());
  mover_runs_ = true;
  started_at_ = shared(now);
  enter(Phase::opening, std::min(now.mono + 2 * lim::open, order_.slot_end - lim::slot_guard));
}

void TransferInitiator::on_busy(TransferNow now, const std::string& reason, TransferOut& out) {
  if (now.mono + lim::busy_retry_every < std::min(retry_until_, order_.slot_end))
    return enter(Phase::retrying, now.mono + lim::busy_retry_every);
  failure_ = Outcome::busy;
  failure_reason_ = "the far agent is busy: " + reason;
  conclude(now, out);
}

void TransferInitiator::on_streams_open(TransferNow now, TransferOut&) {
  if (phase_ != Phase::opening) return;
  enter(Phase::opened, std::min(now.mono + lim::go, order_.slot_end - lim::slot_guard));
}

void TransferInitiator::on_go(TransferNow now, TransferOut& out) {
  // The far side may see the last stream before our mover reports it.
  if (phase_ != Phase::opened && phase_ != Phase::opening) return;
  started_at_ = shared(now);
  active_since_ = now.mono;
  activity_ =
      TransferActivity{order_.link, is_duplex() ? TransferRole::both : TransferRole::sends, now.wall, std::nullopt};
  out.activities.push_back(*activity_);
  out.commands.push_back(StartWriting{token_});
  enter(Phase::writing, order_.slot_end - lim::slot_guard);
}

void TransferInitiator::on_finished(TransferNow now, const wire::TransferFinished& finished, TransferOut& out) {
  if (phase_ == Phase::offered || phase_ == Phase::retrying || phase_ == Phase::done || finished_) return;
  finished_ = finished;
  if (phase_ != Phase::ending) stop_writing(now, out);
  conclude_if_complete(now, out);
}

void TransferInitiator::on_abort(TransferNow now, const std::string& reason, TransferOut& out) {
  if (phase_ == Phase::done) return;
  if (!failure_) {
    failure_ = Outcome::reset;
    failure_reason_ = "the far agent gave up: " + reason;
  }
  if (!mover_runs_) return conclude(now, out);
  finished_ = wire::TransferFinished{token_, Outcome::reset, failure_reason_, 0, {}, {}};
  if (phase_ != Phase::ending) stop_writing(now, out);
}

void TransferInitiator::on_sender_ended(TransferNow now, const SenderEnded& ended, TransferOut& out) {
  if (phase_ == Phase::done || !mover_runs_) return;
  mover_runs_ = false;
  sender_ = ended.stats;
  if (phase_ != Phase::ending) {
    failure_ = ended.outcome == Outcome::ok ? Outcome::reset : ended.outcome;
    failure_reason_ = ended.reason;
    // While writing, the far side may have ended the run and its report be on its way.
    if (phase_ != Phase::writing) {
      out.messages.push_back({peer(), wire::TransferAbort{token_, ended.reason}});
      return conclude(now, out);
    }
    enter(Phase::ending, now.mono + lim::last_report);
  }
  conclude_if_complete(now, out);
}

void TransferInitiator::stop_writing(TransferNow now, TransferOut& out) {
  if (mover_runs_) out.commands.push_back(StopSending{token_});
  enter(Phase::ending, now.mono + lim::last_report);
}

void TransferInitiator::fail(TransferNow now, Outcome outcome, std::string reason, TransferOut& out) {
  failure_ = outcome;
  failure_reason_ = reason;
  out.messages.push_back({peer(), wire::TransferAbort{token_, std::move(reason)}});
  if (!mover_runs_) return conclude(now, out);
  finished_ = wire::TransferFinished{token_, outcome, failure_reason_, 0, {}, {}};
  stop_writing(now, out);
}

void TransferInitiator::tick(TransferNow now, TransferOut& out) {
  if (phase_ != Phase::done && now.mono >= deadline_) on_deadline(now, out);
}

void TransferInitiator::on_deadline(TransferNow now, TransferOut& out) {
  switch (phase_) {
    case Phase::offered: return fail(now, Outcome::timeout, "the far agent did not answer the offer", out);
    case Phase::retrying: return offer(now, out);
    case Phase::opening: return fail(now, Outcome::timeout, "the data connections did not come up in time", out);
    case Phase::opened: return fail(now, Outcome::timeout, "the far agent did not say go", out);
    case Phase::writing: return stop_writing(now, out);  // the slot ends; the far side still reports what it saw
    case Phase::ending:
      if (!failure_ && !finished_) {
        failure_ = Outcome::timeout;
        failure_reason_ = "the far agent did not report";
        out.messages.push_back({peer(), wire::TransferAbort{token_, failure_reason_}});
      }
      return conclude(now, out);
    case Phase::done: return;
  }
}

void TransferInitiator::conclude_if_complete(TransferNow now, TransferOut& out) {
  if (phase_ == Phase::ending && finished_ && !mover_runs_ && !waits_for_other_half()) conclude(now, out);
}

void TransferInitiator::on_other_half(TransferNow now, const wire::TransferFinished& received, TransferOut& out) {
  other_half_ = received;
  conclude_if_complete(now, out);
}

void TransferInitiator::conclude(TransferNow now, TransferOut& out) {
  phase_ = Phase::done;
  if (mover_runs_) out.commands.push_back(StopSending{token_});
  if (activity_) {
    const nanoseconds drain = sender_ && sender_->rtt ? *sender_->rtt : nanoseconds{0};
    activity_->end = now.wall + drain;
    out.activities.push_back(*activity_);
  }
  Result result;
  result.id.from = order_.link.from;
  result.to = order_.link.to;
  result.probe = order_.probe;
  if (order_.twin) result.set(Tag::on_demand);
  result.generation = order_.generation;
  result.round = order_.round;
  result.scheduled_at = order_.scheduled_at;
  result.finished_at = shared(now);
  result.outcome = failure_.value_or(Outcome::ok);
  result.reason = failure_reason_;
  // A report of the far side says more than our own view of how the connections ended.
  if (finished_ && (!failure_ || finished_->outcome == Outcome::ok)) {
    result.outcome = finished_->outcome;
    result.reason = finished_->reason;
  }
  if (result.reason.size() > limits::text_bytes) result.reason.resize(limits::text_bytes);
  if (result.outcome != Outcome::skipped && result.outcome != Outcome::busy)
    result.started_at = started_at_.value_or(shared(now));
  add_report(result);
  add_sender(result);
  add_other_half(result);
  out.results.push_back(std::move(result));
}

/// What is measured while both directions run has a metric of its own, and is a detail where it has none.
void TransferInitiator::add_value(Result& result, const SingleValue& value) const {
  if (!is_duplex())
    result.values.push_back(value);
  else if (value.metric == Metric::throughput)
    result.values.push_back({Metric::throughput_duplex, value.value});
  else
    result.details.push_back({value.metric == Metric::retransmits ? "retransmits" : "total_bps", value.value});
}

void TransferInitiator::add_other_half(Result& result) const {
  if (!other_half_) return;
  for (const SingleValue& value : other_half_->values)
    if (value.metric == Metric::throughput) result.details.push_back({"other_way_bps", value.value});
  for (const Detail& detail : other_half_->details)
    if (detail.name == "bytes") result.details.push_back({"other_way_bytes", detail.value});
}

void TransferInitiator::add_report(Result& result) {
  if (!finished_) return;
  result.tags |= finished_->tags & peer_tags;
  for (const SingleValue& value : finished_->values) {
    const bool good = may_report(value.metric) && is_possible(value.value) && result.value_of(value.metric) == nullptr;
    if (!good)
      ++refused_values_;
    else if (result.outcome == Outcome::ok)
      add_value(result, value);
  }
  for (const Detail& detail : finished_->details) {
    const bool good = is_possible(detail.value) && !detail.name.empty() &&
                      detail.name.size() <= limits::site_name_length &&
                      result.details.size() < limits::details_per_result;
    if (good)
      result.details.push_back(detail);
    else
      ++refused_values_;
  }
}

void TransferInitiator::add_sender(Result& result) const {
  if (!sender_) return;
  const SenderStats& s = *sender_;
  // A run that was over within a few reads is too short for either side's clock.
  const bool enough_reads = result.detail("reads").value_or(throughput_min_reads) >= throughput_min_reads;
  const bool has_total = s.bytes_acked > 0 && s.acked_in.count() > 0 && enough_reads;
  if (result.outcome == Outcome::ok) {
    if (has_total) {
      std::erase_if(result.values, [](const SingleValue& v) { return v.metric == Metric::throughput_total; });
      std::erase_if(result.details, [](const Detail& d) { return d.name == "total_bps"; });
      add_value(result, {Metric::throughput_total, 8 * static_cast<double>(s.bytes_acked) / to_seconds(s.acked_in)});
    }
    add_value(result, {Metric::retransmits, static_cast<double>(s.retransmits)});
  }
  result.details.push_back({"total_at_sender", has_total ? 1.0 : 0.0});
  result.details.push_back({"bytes_acked", static_cast<double>(s.bytes_acked)});
  if (s.min_rtt) result.details.push_back({"min_rtt_s", to_seconds(*s.min_rtt)});
  if (s.rtt) result.details.push_back({"tcpi_rtt_s", to_seconds(*s.rtt)});
  std::uint64_t segments = 0;
  for (const StreamStats& stream : s.streams) segments += stream.segments;
  if (!s.streams.empty()) result.details.push_back({"packets", static_cast<double>(segments)});
  if (s.streams.size() > 1)
    for (std::size_t i = 0; i < s.streams.size(); ++i) {
      result.details.push_back({fmt::format("stream_{}_packets", i), static_cast<double>(s.streams[i].segments)});
      result.details.push_back(
          {fmt::format("stream_{}_retransmits", i), static_cast<double>(s.streams[i].retransmits)});
    }
  const ThroughputLimit limit = throughput_limit(s.acked_in, s.busy, s.rwnd_limited, s.sndbuf_limited);
  result.details.push_back({"limited_by", static_cast<double>(limit)});
  if (s.busy.count() <= 0) return;
  const double busy = to_seconds(s.busy);
  const double rwnd = to_seconds(s.rwnd_limited) / busy;
  const double sndbuf = to_seconds(s.sndbuf_limited) / busy;
  result.details.push_back({"busy_s", busy});
  result.details.push_back({"rwnd_limited_ratio", rwnd});
  result.details.push_back({"sndbuf_limited_ratio", sndbuf});
  result.details.push_back({"congestion_limited_ratio", std::max(0.0, 1 - rwnd - sndbuf)});
}

MonoTime TransferInitiator::next_deadline() const { return deadline_; }

std::optional<TransferRunning> TransferInitiator::running() const {
  if (!activity_ || activity_->end) return std::nullopt;
  return TransferRunning{*activity_, active_since_, bytes_};
}

}  // namespace sonde
