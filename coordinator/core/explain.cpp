#include "coordinator/core/explain.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>

#include "coordinator/core/human.h"

namespace sonde {
namespace {

constexpr std::array<std::string_view, 4> weight_names{"bad", "warning", "notice", "info"};
constexpr std::array probes{Probe::latency, Probe::connect, Probe::throughput};

const std::vector<Result>& results_of(const ExplainInput& input, Probe probe) {
  if (probe == Probe::latency) return input.latency;
  return probe == Probe::connect ? input.connect : input.throughput;
}

void explain_silence(const ExplainInput& input, std::vector<Finding>& out) {
  const std::string site = input.link.from.str();
  if (input.from.last_heard && input.from.heard(input.now)) return;
  if (!input.from.last_heard) {
    out.push_back(
        {"agent_never_heard",
         Weight::bad,
         fmt::format("The agent of {} was not heard since the coordinator started; nothing new is known of this "
                     "link until it is.",
                     site),
         {}});
    return;
  }
  const double age = to_seconds(input.now - *input.from.last_heard);
  out.push_back(
      {"agent_silent",
       Weight::bad,
       fmt::format("The agent of {} was last heard {} ago. It may be measuring on; its results come when it is "
                   "back.",
                   site, human_age(age)),
       {{"age_s", age}}});
}

std::string newest_failure(const std::vector<Result>& results) {
  for (auto result = results.rbegin(); result != results.rend(); ++result)
    if (was_tried(result->outcome) && result->outcome != Outcome::ok)
      return result->reason.empty() ? std::string(name(result->outcome))
                                    : fmt::format("{} ({})", name(result->outcome), result->reason);
  return "no reason is known";
}

void explain_state(const ExplainInput& input, Probe probe, std::vector<Finding>& out) {
  const auto cell = input.cells.find(probe);
  if (cell == input.cells.end()) return;
  const double age = cell->second.age_s.value_or(0);
  switch (cell->second.state) {
    case CellState::none:
      out.push_back(
          {"not_measured", Weight::notice, fmt::format("The configuration has no {} on this link.", name(probe)), {}});
      return;
    case CellState::paused:
      out.push_back({"paused", Weight::notice, fmt::format("An operator paused {} on this link.", name(probe)), {}});
      return;
    case CellState::never:
      out.push_back({"never", Weight::warning, fmt::format("No {} result has come yet.", name(probe)), {}});
      return;
    case CellState::down:
      out.push_back({"down",
                     Weight::bad,
                     fmt::format("The last two {} runs brought no value: {}.", name(probe),
                                 newest_failure(results_of(input, probe))),
                     {}});
      return;
    case CellState::stale:
      out.push_back({"stale",
                     Weight::warning,
                     fmt::format("{} results have stopped coming: the newest is {} old.", name(probe), human_age(age)),
                     {{"age_s", age}}});
      return;
    case CellState::agent_silent:
    case CellState::unsynced:
    case CellState::degraded:
    case CellState::ok: return;
  }
}

void explain_incidents(const ExplainInput& input, std::vector<Finding>& out) {
  for (const auto& [summary, age] : input.incidents)
    out.push_back({"incident",
                   Weight::bad,
                   fmt::format("An incident explains this link, for {} now: {}.", human_age(to_seconds(age)), summary),
                   {{"age_s", to_seconds(age)}}});
  for (const std::string& path : input.paths)
    out.push_back({"path", Weight::warning, fmt::format("At its onset the way was seen: {}.", path), {}});
}

/// The next instant of base + k * every from `now` on.
SharedTime next_of(SharedTime base, nanoseconds every, SharedTime now) {
  if (now <= base || every <= nanoseconds(0)) return base;
  return base + ((now - base + every - nanoseconds(1)) / every) * every;
}

void explain_timetable(const ExplainInput& input, std::vector<Finding>& out) {
  const Timetable& timetable = input.timetable;
  const SharedTime from = std::max(input.now, timetable.effective_at);
  const auto tell = [&](std::string_view code, Probe probe, SharedTime at) {
    const double wait = to_seconds(at - input.now);
    out.push_back({code,
                   Weight::info,
                   fmt::format("The next {} run begins in {}.", name(probe), human_age(wait)),
                   {{"wait_s", wait}}});
  };
  const auto slot = std::ranges::find(timetable.slots, input.link, &ThroughputSlot::link);
  if (timetable.policy.throughput && slot != timetable.slots.end() && timetable.throughput_every > nanoseconds(0))
    tell("next_throughput", Probe::throughput, next_of(timetable.epoch + slot->start, timetable.interval(*slot), from));
  const auto phase = std::ranges::find(timetable.phases, input.link, &LinkPhase::link);
  if (timetable.policy.connect && phase != timetable.phases.end())
    tell("next_connect", Probe::connect,
         next_of(timetable.epoch + phase->connect_phase, timetable.policy.connect->every, from));
}

void explain_starved(const ExplainInput& input, std::vector<Finding>& out) {
  std::uint64_t all = 0;
  std::uint64_t starved = 0;
  for (const Probe probe : probes)
    for (const Result& result : results_of(input, probe)) {
      ++all;
      starved += result.has(Tag::starved) ? 1U : 0U;
    }
  if (starved == 0) return;
  std::string why;
  const wire::Heartbeat& status = input.from.heartbeat;
  if (input.from.last_heard)
    why = fmt::format(" The agent of {} now sends up to {} late (p99), {} of the time some task waits for a CPU.",
                      input.link.from.str(), human(to_seconds(status.send_lateness_p99), "s"),
                      human(status.cpu_pressure, "ratio"));
  out.push_back({"starved",
                 Weight::warning,
                 fmt::format("{} are the agents' fault and not the network's: a host had too little CPU or no room for "
                             "the work.{}",
                             count_of(starved, all, "results"), why),
                 {{"starved", static_cast<double>(starved)}, {"results", static_cast<double>(all)}}});
}

}  // namespace

std::string_view name(Weight weight) { return weight_names.at(static_cast<std::size_t>(weight)); }

std::string count_of(std::uint64_t part, std::uint64_t whole, std::string_view things) {
  return fmt::format("{} of {} {}", part, whole, things);
}

std::string failures_in(const std::vector<Result>& results) {
  std::map<Outcome, std::uint64_t> counts;
  for (const Result& result : results)
    if (result.outcome != Outcome::ok) ++counts[result.outcome];
  std::string text;
  for (const auto& [outcome, count] : counts)
    text += fmt::format("{}{} {}", text.empty() ? "" : ", ", count, name(outcome));
  return text;
}

std::uint64_t count_failed(const std::vector<Result>& results) {
  return static_cast<std::uint64_t>(std::ranges::count_if(
      results, [](const Result& result) { return was_tried(result.outcome) && result.outcome != Outcome::ok; }));
}

Distribution merged(const std::vector<Result>& results, Metric metric) {
  Distribution all;
  for (const Result& result : results)
    if (const DistributionValue* samples = result.distribution_of(metric)) all.merge(samples->samples);
  return all;
}

std::vector<double> values_of(const std::vector<Result>& results, Metric metric) {
  std::vector<double> values;
  for (const Result& result : results)
    if (const SingleValue* value = result.value_of(metric); value != nullptr && result.outcome == Outcome::ok)
      values.push_back(value->value);
  std::ranges::sort(values);
  return values;
}

double median_of(const std::vector<double>& values) {
  SONDE_ASSERT(!values.empty());
  return values[(values.size() - 1) / 2];
}

std::vector<Finding> explain(const ExplainInput& input) {
  std::vector<Finding> out;
  const SiteSpec* from = input.mesh.site(input.link.from);
  if (from == nullptr || !from->has_agent) {
    out.push_back({"no_agent",
                   Weight::notice,
                   fmt::format("There is no agent at {}: it is measured from elsewhere, and measures nothing itself.",
                               input.link.from.str()),
                   {}});
    return out;
  }
  explain_incidents(input, out);
  explain_silence(input, out);
  for (const Probe probe : probes) explain_state(input, probe, out);
  explain_starved(input, out);
  explain_latency(input, out);
  explain_connect(input, out);
  explain_throughput(input, out);
  explain_timetable(input, out);
  std::ranges::stable_sort(out, {}, &Finding::weight);
  if (std::ranges::all_of(out, [](const Finding& finding) { return finding.weight == Weight::info; }))
    out.insert(out.begin(), {"well",
                             Weight::info,
                             fmt::format("Nothing is unusual on {} -> {} in the last {}.", input.link.from.str(),
                                         input.link.to.str(), human_age(to_seconds(input.window))),
                             {}});
  return out;
}

}  // namespace sonde
