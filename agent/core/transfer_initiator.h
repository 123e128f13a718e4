// One throughput run as the from-site sees it: offer, open, go, write, end, and exactly one Result.
#pragma once

#include <optional>
#include <string>

#include "agent/core/transfer_types.h"

namespace sonde {

/// From construction until done(): effects go into `out`, and exactly one Result is among them when done() becomes
/// true. Whatever happens, it is done by slot_end + last_report + mover_end.
class TransferInitiator {
 public:
  TransferInitiator(const ThroughputOrder& order, const wire::Token& token, TransferNow now, TransferOut& out);

  void on_answer(TransferNow now, const wire::TransferAnswer& answer, TransferOut& out);
  void on_go(TransferNow now, TransferOut& out);
  void on_finished(TransferNow now, const wire::TransferFinished& finished, TransferOut& out);
  void on_abort(TransferNow now, const std::string& reason, TransferOut& out);
  void on_streams_open(TransferNow now, TransferOut& out);
  void on_sender_ended(TransferNow now, const SenderEnded& ended, TransferOut& out);
  void tick(TransferNow now, TransferOut& out);

  MonoTime next_deadline() const;
  bool done() const { return phase_ == Phase::done; }
  const wire::Token& token() const { return token_; }
  const SiteId& peer() const { return order_.link.to; }
  const ThroughputOrder& order() const { return order_; }
  bool is_duplex() const { return order_.probe == Probe::duplex; }
  /// What this site received in the other half of a duplex run: told beside the result of the half that it began.
  void on_other_half(TransferNow now, const wire::TransferFinished& received, TransferOut& out);
  /// nullopt while no data may flow.
  std::optional<TransferRunning> running() const;
  void on_progress(std::uint64_t bytes) { bytes_ = bytes; }
  /// Values in the far side's report that were left out because they are impossible.
  std::uint64_t refused_values() const { return refused_values_; }

 private:
  enum class Phase : std::uint8_t { offered, retrying, opening, opened, writing, ending, done };

  void offer(TransferNow now, TransferOut& out);
  void enter(Phase phase, MonoTime deadline);
  void on_busy(TransferNow now, const std::string& reason, TransferOut& out);
  void stop_writing(TransferNow now, TransferOut& out);
  void fail(TransferNow now, Outcome outcome, std::string reason, TransferOut& out);
  void conclude_if_complete(TransferNow now, TransferOut& out);
  void conclude(TransferNow now, TransferOut& out);
  void add_report(Result& result);
  void add_sender(Result& result) const;
  void add_value(Result& result, const SingleValue& value) const;
  void add_other_half(Result& result) const;
  OpenStreams open_streams() const;
  /// By the monotonic clock from the run's beginning on, when the offset was known: a wall clock that is set in a run
  /// would give it a wrong end, and the audit an overlap.
  SharedTime shared(TransferNow now) const { return began_shared_ + (now.mono - began_mono_); }
  bool waits_for_other_half() const { return is_duplex() && !order_.twin && !other_half_; }
  void on_deadline(TransferNow now, TransferOut& out);

  const ThroughputOrder order_;
  const wire::Token token_;
  SharedTime began_shared_;
  MonoTime began_mono_;
  Phase phase_ = Phase::offered;
  MonoTime deadline_;
  MonoTime retry_until_;
  std::optional<SharedTime> started_at_;
  std::optional<TransferActivity> activity_;  ///< once data may flow
  MonoTime active_since_;
  std::uint64_t bytes_ = 0;
  bool mover_runs_ = false;
  std::optional<Outcome> failure_;  ///< what ended the run from our side
  std::string failure_reason_;
  std::optional<wire::TransferFinished> finished_;
  std::optional<SenderStats> sender_;
  std::optional<wire::TransferFinished> other_half_;
  std::uint64_t refused_values_ = 0;
};

}  // namespace sonde
