// A site's book of throughput runs: at most one at a time, in either role, whatever the timetable says; with full
// duplex one in each role.
//
// A duplex run is two transfers that begin and end together. The site that was told to do it offers the one, and the
// far side, when it accepts, offers the other, whose token follows from the first one's. The site that began opens the
// connections of both.
#pragma once

#include <map>
#include <optional>
#include <string>
#include <vector>

#include "agent/core/transfer_initiator.h"
#include "agent/core/transfer_iterations.h"
#include "agent/core/transfer_responder.h"
#include "agent/core/transfer_types.h"
#include "shared/schedule/timetable.h"

namespace sonde {

/// Every start() is answered by exactly one Result sooner or later. An order that comes while a run is ending waits for
/// it up to busy_retry_for; one order can wait.
class TransferDesk {
 public:
  explicit TransferDesk(SiteId self) : self_(std::move(self)) {}

  /// `token` is random and new. order.link.from is this site.
  void start(TransferNow now, const ThroughputOrder& order, const wire::Token& token, TransferOut& out);
  /// `from` is known to be the sender (by its key). Messages of other kinds are none of this class' business: ignored.
  void on_message(TransferNow now, const SiteId& from, const wire::Message& message, TransferOut& out);
  void on_report(TransferNow now, const TransferReport& report, TransferOut& out);
  void tick(TransferNow now, TransferOut& out);
  std::optional<MonoTime> next_deadline() const;

  /// The policy, and where the others are; runs that are under way are not touched.
  void set_timetable(const Timetable& timetable);
  /// As the timetable's policy says.
  void set_full_duplex(bool on) { full_duplex_ = on; }

  /// The timetable that is in force here: who offers a run by an older one missed the new one, and is told so.
  void set_generation(Generation in_force) { in_force_ = in_force; }

  bool busy() const { return initiator_ || responder_; }
  bool can_send() const { return !initiator_ && (full_duplex_ || !responder_) && !in_duplex(); }
  bool can_receive() const { return !responder_ && (full_duplex_ || !initiator_) && !in_duplex(); }
  /// The runs in which data may flow now: at most one, with full duplex or in a duplex run one out and one in.
  std::vector<TransferRunning> running() const;
  const TransferStats& stats() const { return stats_; }

 private:
  struct Waiting {
    ThroughputOrder order;
    wire::Token token{};
    MonoTime until;
  };

  bool in_duplex() const { return (initiator_ && initiator_->is_duplex()) || (responder_ && responder_->is_duplex()); }
  bool can_begin(const ThroughputOrder& order) const { return order.probe == Probe::duplex ? !busy() : can_send(); }
  bool is_twin(const SiteId& from, const wire::TransferOffer& offer) const;
  std::optional<TransferResponder::Whereabouts> whereabouts(const SiteId& site, bool twin) const;
  void begin_twin(TransferNow now, const wire::TransferOffer& offer, TransferOut& out);
  void end_other_half(TransferNow now, TransferOut& out);
  void begin(TransferNow now, const ThroughputOrder& order, const wire::Token& token, TransferOut& out);
  void on_offer(TransferNow now, const SiteId& from, const wire::TransferOffer& offer, TransferOut& out);
  void tidy(TransferNow now, TransferOut& out);
  bool begin_iteration(TransferNow now, TransferOut& out);
  void refuse_busy(TransferNow now, const ThroughputOrder& order, TransferOut& out) const;
  TransferInitiator* initiator_for(const SiteId& from, const wire::Token& token);
  TransferResponder* responder_for(const SiteId& from, const wire::Token& token);

  const SiteId self_;
  std::optional<TransferInitiator> initiator_;
  std::optional<TransferIterations> iterations_;  ///< of the run that initiator_ is a part of, where it has several
  std::optional<TransferResponder> responder_;
  std::optional<Waiting> waiting_;
  bool full_duplex_ = false;
  std::string congestion_;
  std::map<SiteId, TransferResponder::Whereabouts> members_;
  Generation in_force_;
  TransferStats stats_;
};

}  // namespace sonde
