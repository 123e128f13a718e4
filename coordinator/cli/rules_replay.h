// `sonde rules test`: the history once more, under other rules. Pure: results in, incidents out.
//
// Every agent counts as heard all the time: what the history knows of an agent that was silent are its results, which
// came later. So incidents of silent agents, and of a coordinator that was cut off, are not found again.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "coordinator/core/incidents.h"
#include "coordinator/core/mesh.h"
#include "coordinator/core/roster.h"
#include "shared/base/time.h"
#include "shared/measure/result.h"

namespace sonde::cli {

/// A line of GET /api/v1/results as far as rules look at it: of a distribution its median stands for all samples.
std::optional<Result> result_in(std::string_view line);

class RulesReplay {
 public:
  /// What is usual is learnt from results of so long before the beginning.
  static constexpr nanoseconds warm_up = std::chrono::hours(1);
  /// As often as a coordinator looks for causes.
  static constexpr nanoseconds judge_every = std::chrono::seconds(1);

  RulesReplay(const Mesh& mesh, const AlertPolicy& policy, SharedTime since);
  /// Results by finished_at; what finished before the beginning only teaches. Of unknown sites they are left out.
  void on_result(const Result& result);
  /// As it would stand at the end.
  void finish(SharedTime until);

  /// All that would have been raised, the oldest first.
  std::vector<Incident> incidents() const;
  std::uint64_t results() const { return results_; }

 private:
  void judge(SharedTime now);

  SharedTime since_;
  Incidents incidents_;
  AgentStatuses agents_;
  std::optional<SharedTime> judged_;
  std::map<std::string, Incident> all_;  ///< as each was last, by id
  std::uint64_t results_ = 0;
};

}  // namespace sonde::cli
