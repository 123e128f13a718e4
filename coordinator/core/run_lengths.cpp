#include "coordinator/core/run_lengths.h"

#include <algorithm>
#include <numeric>
#include <span>

#include "coordinator/core/planner.h"

namespace sonde {

void RunLengths::History::add(const Result& result, bool settled) {
  took_s[runs % remembered] = static_cast<float>(to_seconds(result.finished_at - *result.started_at));
  // A run that began late because its agent was busy says nothing of the next one.
  const float setup_s = static_cast<float>(std::max(0.0, to_seconds(*result.started_at - result.scheduled_at)));
  least_setup_s = runs == 0 ? setup_s : std::min(least_setup_s, setup_s);
  ++runs;
  settled_in_turn = settled ? settled_in_turn + 1 : 0;
}

nanoseconds RunLengths::wanted(const History& history, const Result& result, nanoseconds planned,
                               const ThroughputPolicy& policy) const {
  const nanoseconds duration = policy.run_duration();
  const nanoseconds longest = std::max(duration, policy.run_max_duration());
  if (result.has(Tag::slot_ended)) return std::clamp(2 * planned, std::min(duration, longest), longest);
  const float took_s = *std::ranges::max_element(std::span(history.took_s).first(history.known()));
  const nanoseconds needed = from_seconds(spare * took_s + history.least_setup_s);
  const bool is_shorter = planned < duration && history.settled_in_turn > 0;
  const bool may_be_shorter = is_shorter || history.settled_in_turn >= enough_for_shorter;
  return std::clamp(needed, may_be_shorter ? policy.shortest_run() : duration, longest);
}

void RunLengths::restore(const Timetable& timetable, const ThroughputPolicy& policy) {
  const nanoseconds duration = policy.run_duration();
  if (!timetable.policy.throughput || timetable.policy.throughput->run_duration() != duration) return;
  for (const ThroughputSlot& slot : timetable.slots)
    if (slot.length - slot_overhead != duration) measured_.set(slot.link, slot.length - slot_overhead);
}

bool RunLengths::on_result(const Result& result, const ThroughputPolicy& policy) {
  if (result.probe != Probe::throughput || result.outcome != Outcome::ok || !result.started_at ||
      result.finished_at < *result.started_at || result.has(Tag::on_demand))
    return false;
  const Link link = result.link();
  History& history = histories_[link];
  history.add(result, result.has(Tag::settled) || result.has(Tag::budget_ended));
  const nanoseconds planned = measured_.of(link).value_or(policy.run_duration());
  const nanoseconds length = wanted(history, result, planned, policy);
  if (std::abs(to_seconds(length - planned)) < worth_a_change * to_seconds(planned)) return false;
  measured_.set(link, length);
  return true;
}

std::unordered_map<Link, nanoseconds> RunLengths::usual() const {
  std::unordered_map<Link, nanoseconds> out;
  out.reserve(histories_.size());
  for (const auto& [link, history] : histories_) {
    const auto newest = std::span(history.took_s).first(history.known());
    const double sum = std::accumulate(newest.begin(), newest.end(), 0.0);
    out.emplace(link, from_seconds(sum / static_cast<double>(newest.size())));
  }
  return out;
}

}  // namespace sonde
