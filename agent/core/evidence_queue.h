// The coordinator's orders to look at a way: which is next, and which cannot wait any longer. Pure.
#pragma once

#include <cstddef>
#include <deque>
#include <optional>
#include <vector>

#include "shared/base/time.h"
#include "shared/wire/messages.h"

namespace sonde {

class EvidenceQueue {
 public:
  /// Orders that wait; one more is answered with a trouble.
  static constexpr std::size_t most_orders = 32;

  /// Those that are answered without a look.
  using Refused = std::vector<wire::EvidenceTaken>;

  void add(MonoTime now, SharedTime shared, const wire::EvidenceOrder& order, Refused& refused);
  /// The next one to carry out, which leaves the queue: urgent ones first, those at leisure only while no throughput
  /// run is under way here (`busy`).
  std::optional<wire::EvidenceOrder> take(MonoTime now, SharedTime shared, bool busy, Refused& refused);
  std::size_t size() const { return waiting_.size(); }

 private:
  struct Waiting {
    wire::EvidenceOrder order;
    MonoTime until;
  };
  std::deque<Waiting> waiting_;
};

}  // namespace sonde
