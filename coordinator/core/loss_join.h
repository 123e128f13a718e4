// The far half of a loss: which of a result's probes reached the far agent's reflector. Pure.
//
// The sender cannot tell the direction of what was lost behind the last reply of a result, its tail
// (docs/measurements.md, "Loss by direction"). The far agent can. So before such a result is stored, its far agent is
// asked, and what it says enters the result: one value, stored and shown once. Results of a site leave in the order in
// which they came.
#pragma once

#include <cstddef>
#include <cstdint>
#include <deque>
#include <functional>
#include <optional>
#include <unordered_map>
#include <utility>
#include <vector>

#include "coordinator/core/ingest.h"
#include "shared/base/ids.h"
#include "shared/base/time.h"
#include "shared/measure/direction_loss.h"
#include "shared/measure/result.h"
#include "shared/wire/messages.h"

namespace sonde {

class LossJoin {
 public:
  /// A result waits no longer than this for its far half.
  static constexpr nanoseconds patience = std::chrono::seconds(1);
  /// Over this many results that wait, nothing more is asked, and everything is let go as it is.
  static constexpr std::size_t most_waiting = 200'000;

  struct Counters {
    std::uint64_t decided = 0;
    std::uint64_t unknown = 0;     ///< the far agent could not tell, or was not there
    std::uint64_t unanswered = 0;  ///< it did not answer in time
  };
  struct Out {
    std::vector<std::pair<SiteId, wire::ArrivalQuestions>> questions;
    std::vector<StoreBatch> ready;
  };

  /// At start, with what is stored, oldest first.
  void restore(const Result& result);
  /// `can_answer` says whether a site's agent is connected.
  void add(MonoTime now, StoreBatch batch, const std::function<bool(const SiteId&)>& can_answer, Out& out);
  /// From the agent of `site`; answers that nobody waits for are passed over.
  void on_answers(const SiteId& site, const wire::ArrivalAnswers& answers, Out& out);
  /// The site will send again what waits.
  void drop(const SiteId& site);
  void tick(MonoTime now, Out& out);

  const Counters& counters() const { return counters_; }
  std::size_t waiting() const { return waiting_; }

 private:
  struct Held {
    StoreBatch batch;
    MonoTime deadline;
    std::uint64_t first_id = 0;                         ///< ids of its questions count up from here
    std::vector<std::optional<std::uint64_t>> answers;  ///< received; by question
    std::vector<std::size_t> asked;                     ///< index of the result; by question
    std::size_t open = 0;
  };
  struct Asked {
    SiteId from;  ///< whose batch it is in
    SiteId of;
    std::size_t question = 0;
  };

  void ask(Held& held, const std::function<bool(const SiteId&)>& can_answer, Out& out);
  void release(const SiteId& site, std::optional<MonoTime> now, Out& out);
  void finish(Held& held);

  std::unordered_map<SiteId, std::deque<Held>> held_;
  std::unordered_map<std::uint64_t, Asked> asked_;
  struct Joined {
    std::uint64_t ssid = 0;
    TailShares shares;  ///< of its tail
  };
  std::unordered_map<Link, Joined> joined_;  ///< links whose newest result was joined
  std::uint64_t next_id_ = 1;
  std::size_t waiting_ = 0;
  Counters counters_;
};

/// The tail that the sender has left open; nullopt where it has none.
std::optional<LossTail> open_tail(const Result& result);
/// Puts the far half in: `loss`, `loss_loaded` and the details that go with them, and far_received.
void join_tail(Result& result, const LossTail& tail, std::uint64_t received);
/// Takes out again what a later reply said of the tail before, which is counted already with these shares.
void leave_out_previous(Result& result, const TailShares& counted);

}  // namespace sonde
