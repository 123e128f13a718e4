// The iterations of one throughput run: several measurements back to back in one slot, and one result of them all.
// Pure.
#pragma once

#include <cstdint>
#include <optional>
#include <vector>

#include "agent/core/transfer_types.h"

namespace sonde {

/// Each iteration is a transfer of its own: offered, opened and ended like a run with one. It gets an even share of
/// what is left of the slot, so that one which ends early leaves its time to those behind it.
class TransferIterations {
 public:
  TransferIterations(ThroughputOrder order, const wire::Token& token);

  /// What to do next; slot_end is that of the iteration.
  ThroughputOrder order(MonoTime now) const;
  /// Differs for each iteration, and from the token of a duplex run's other half.
  wire::Token token() const;
  /// The result of the iteration that was begun last. Nullopt: begin another; else this is the run's result.
  ///
  /// An iteration that fails ends the run: its outcome is the run's, and what came before is in the details. One that
  /// found the slot over, or the far site in another run, ends it too; the outcome is ok then, with the tag slot_ended.
  std::optional<Result> on_result(Result result);
  /// User data of the iterations so far, as the receiver saw them.
  std::uint64_t bytes() const;

 private:
  Result combined() const;

  const ThroughputOrder order_;
  const wire::Token token_;
  std::vector<Result> done_;  ///< all ok
};

}  // namespace sonde
