// One throughput run as the to-site sees it: accepted, streams attached, go, data, report, drained.
#pragma once

#include <string>
#include <vector>

#include "agent/core/transfer_types.h"

namespace sonde {

/// Made when an offer was accepted; done() when every connection is gone.
class TransferResponder {
 public:
  /// Where the far side listens; of use only where this side opens the connections.
  struct Whereabouts {
    std::vector<std::string> addresses;
    std::uint16_t port = 0;
  };
  TransferResponder(const wire::TransferOffer& offer, const Whereabouts& far, TransferNow now, TransferOut& out);

  /// nullopt: the offer can be accepted; else why not.
  static std::optional<std::string> refusal(const wire::TransferOffer& offer);

  void on_ready(TransferNow now, TransferOut& out);
  void on_ended(TransferNow now, const wire::TransferFinished& finished, TransferOut& out);
  void on_drained(TransferNow now, TransferOut& out);
  void on_abort(TransferNow now, TransferOut& out);
  /// The other half of a duplex run is over: so is this one.
  void on_other_half_over(TransferNow now, TransferOut& out);
  void tick(TransferNow now, TransferOut& out);

  MonoTime next_deadline() const { return deadline_; }
  bool done() const { return phase_ == Phase::done; }
  const wire::Token& token() const { return offer_.token; }
  const SiteId& peer() const { return offer_.link.from; }
  bool is_duplex() const { return offer_.probe == Probe::duplex; }
  /// nullopt while no data may flow.
  std::optional<TransferRunning> running() const;
  void on_progress(std::uint64_t bytes) { bytes_ = bytes; }

 private:
  enum class Phase : std::uint8_t { attaching, receiving, draining, done };

  void end(TransferNow now, TransferOut& out);
  void finish(TransferOut& out, Outcome outcome, std::string reason);
  void drain(TransferNow now, TransferOut& out);

  const wire::TransferOffer offer_;
  Phase phase_ = Phase::attaching;
  MonoTime deadline_;
  std::optional<TransferActivity> activity_;  ///< once data may flow
  MonoTime active_since_;
  std::uint64_t bytes_ = 0;
  bool end_asked_ = false;
};

}  // namespace sonde
