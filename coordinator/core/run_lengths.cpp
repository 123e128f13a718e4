#include "coordinator/core/run_lengths.h"

#include <algorithm>

namespace sonde {

bool RunLengths::on_result(const Result& result, const ThroughputPolicy& policy) {
  if (result.probe != Probe::throughput || result.outcome != Outcome::ok || !result.started_at) return false;
  const nanoseconds shortest = policy.run_duration();
  const auto known = measured_.find(result.link());
  const nanoseconds planned = std::max(known == measured_.end() ? nanoseconds(0) : known->second, shortest);
  const nanoseconds took = result.finished_at - *result.started_at;
  const nanoseconds wanted = result.has(Tag::slot_ended) ? 2 * planned : from_seconds(to_seconds(took) * spare);
  const nanoseconds length = std::clamp(wanted, shortest, std::max(shortest, policy.run_max_duration()));
  if (std::abs(to_seconds(length - planned)) < worth_a_change * to_seconds(planned)) return false;
  measured_[result.link()] = length;
  return true;
}

}  // namespace sonde
