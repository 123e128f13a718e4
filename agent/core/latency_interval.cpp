#include "agent/core/latency_interval.h"

#include <fmt/format.h>

#include <algorithm>
#include <limits>
#include <utility>

#include "shared/base/units.h"

namespace sonde {
namespace {

struct Counts {
  std::uint64_t sent = 0;
  std::uint64_t received = 0;
  std::uint64_t late = 0;
  std::uint64_t lost_here = 0;
  std::uint64_t duplicate_replies = 0;
  std::uint64_t lost_stamps = 0;
  std::uint64_t rejected = 0;
  std::uint64_t stepped = 0;
};

struct TimedSample {
  LatencySample sample;
  const SentProbe* probe = nullptr;
};

class ResultMaker {
 public:
  ResultMaker(const LatencyInterval& interval, std::span<const SentProbe> later, LatencyEstimators& estimators,
              const LatencyContext& context)
      : interval_(interval), later_(later), estimators_(estimators), context_(context) {}

  Result make() {
    count();
    collect_samples();
    describe();
    add_round_trips();
    add_one_way();
    add_losses();
    add_order();
    add_details();
    return std::move(result_);
  }

 private:
  void count();
  void collect_samples();
  void describe();
  void add_round_trips();
  void add_one_way();
  void add_delay();
  void add_losses();
  void add_order();
  void add_details();

  bool far_counts() const { return context_.stream.stateful || estimators_.loss.stateful_seen(); }
  void detail(std::string name, std::uint64_t value) {
    result_.details.push_back({std::move(name), static_cast<double>(value)});
  }
  void distribution(Metric metric, Distribution samples) {
    if (!samples.empty()) result_.distributions.push_back({metric, std::move(samples)});
  }
  void ratio(Metric metric, std::uint64_t hits, std::uint64_t tries) {
    if (tries > 0) result_.ratios.push_back({metric, std::min(hits, tries), tries});
  }

  const LatencyInterval& interval_;
  std::span<const SentProbe> later_;
  LatencyEstimators& estimators_;
  const LatencyContext& context_;
  Counts counts_;
  std::vector<TimedSample> samples_;  ///< in order of arrival at the far side
  std::size_t one_way_from_ = 0;      ///< samples before it belong to a clock that was stepped since
  Result result_;
};

void ResultMaker::count() {
  for (const SentProbe& probe : interval_.probes) {
    if (!probe.left_host()) {
      ++counts_.lost_here;
      continue;
    }
    ++counts_.sent;
    if (probe.answered_in_time()) ++counts_.received;
    if (probe.late) ++counts_.late;
    counts_.duplicate_replies += probe.duplicate_replies;
    if (!probe.stamps.sent) ++counts_.lost_stamps;
  }
}

void ResultMaker::collect_samples() {
  for (const SentProbe& probe : interval_.probes) {
    if (!probe.answered_in_time()) continue;
    if (probe.across_step) {
      ++counts_.stepped;
      continue;
    }
    const auto sample = make_sample(probe.stamps);
    if (sample)
      samples_.push_back({*sample, &probe});
    else
      ++counts_.rejected;
  }
  // A userland stamp is only good enough where there is no better one.
  const auto by_kernel = [](const TimedSample& timed) { return !timed.sample.user_clock; };
  if (std::ranges::any_of(samples_, by_kernel)) {
    std::erase_if(samples_, [&](const TimedSample& timed) { return !by_kernel(timed); });
  } else if (!samples_.empty()) {
    result_.set(Tag::user_clock);
  }
  std::ranges::stable_sort(samples_, [](const TimedSample& a, const TimedSample& b) {
    return static_cast<std::int32_t>(a.probe->reflected - b.probe->reflected) < 0;
  });
}

void ResultMaker::describe() {
  const LatencyStreamPlan& stream = context_.stream;
  result_.id.from = context_.self;
  result_.to = stream.to;
  result_.probe = Probe::latency;
  result_.generation = context_.generation;
  result_.round = {static_cast<std::uint32_t>(interval_.number)};
  result_.scheduled_at = interval_.scheduled_at;
  result_.finished_at = context_.finished_at;
  const bool unreachable = !interval_.unreachable.empty();
  if (counts_.sent > 0) result_.started_at = interval_.probes.front().sent_at;
  if (counts_.received > 0) {
    result_.outcome = Outcome::ok;
  } else if (counts_.sent > 0 && unreachable) {
    result_.outcome = Outcome::unreachable;
    result_.reason = fmt::format("no reply to {} probes: {}", counts_.sent, interval_.unreachable);
  } else if (counts_.sent > 0) {
    result_.outcome = Outcome::timeout;
    result_.reason = fmt::format("no reply to {} probes within {}", counts_.sent, format_duration(stream.timeout));
    if (counts_.late > 0) result_.reason += fmt::format(", {} came later", counts_.late);
  } else {
    result_.outcome = Outcome::skipped;
    result_.reason = unreachable ? interval_.unreachable
                                 : fmt::format("of {} send instants {} were missed, {} probes were lost in this host",
                                               interval_.planned, interval_.missed, counts_.lost_here);
  }
  if (counts_.stepped > 0) result_.set(Tag::clock_stepped);
  if (interval_.missed * 10 >= interval_.planned && interval_.missed > 0) result_.set(Tag::starved);
}

void ResultMaker::add_round_trips() {
  Distribution rtt;
  Distribution rtt_host;
  Distribution host_queue;
  for (const TimedSample& timed : samples_) {
    rtt.add(timed.sample.rtt.count());
    if (timed.sample.rtt_host) rtt_host.add(timed.sample.rtt_host->count());
    if (timed.sample.host_queue) host_queue.add(timed.sample.host_queue->count());
  }
  distribution(Metric::rtt, std::move(rtt));
  distribution(Metric::rtt_host, std::move(rtt_host));
  distribution(Metric::host_queue, std::move(host_queue));
}

void ResultMaker::add_one_way() {
  for (std::size_t i = 0; i < samples_.size(); ++i) {
    const TimedSample& timed = samples_[i];
    const SentProbe& probe = *timed.probe;
    const bool stepped_here = estimators_.last && probe.clock_steps != estimators_.clock_steps;
    if (stepped_here ||
        (estimators_.last && !same_clocks(*estimators_.last, timed.sample, probe.sent - estimators_.last_at))) {
      estimators_.break_clock();
      one_way_from_ = i;
      result_.set(Tag::clock_stepped);
    }
    estimators_.last = timed.sample;
    estimators_.last_at = probe.sent;
    estimators_.clock_steps = probe.clock_steps;
    estimators_.jitter.on_transit(timed.sample.forward);
    estimators_.floor.on_sample(probe.sent, timed.sample.forward);
  }
  const auto valid = std::span(samples_).subspan(one_way_from_);
  if (valid.empty()) return;
  const auto line = estimators_.floor.line(!context_.stream.shares_clock);
  nanoseconds least = valid.front().sample.forward;
  for (const TimedSample& timed : valid) least = std::min(least, timed.sample.forward);
  Distribution rise;
  Distribution variation;
  for (const TimedSample& timed : valid) {
    rise.add(DelayFloor::rise(*line, timed.probe->sent, timed.sample.forward).count());
    variation.add((timed.sample.forward - least).count());
  }
  distribution(Metric::delay_rise, std::move(rise));
  distribution(Metric::pdv, std::move(variation));
  if (const auto jitter = estimators_.jitter.seconds()) result_.values.push_back({Metric::jitter, *jitter});
  add_delay();
}

void ResultMaker::add_delay() {
  const LatencyStreamPlan& stream = context_.stream;
  ClockKnowledge known{
      .same_clock = stream.shares_clock, .claim = {}, .steps_are_told = stream.stateful, .least = stream.least_delay};
  if (context_.own_clock_error && stream.far_clock_error)
    known.claim = *context_.own_clock_error + *stream.far_clock_error;
  std::vector<TimedWay> ways;
  for (const TimedSample& timed : std::span(samples_).subspan(one_way_from_))
    ways.push_back(
        {timed.probe->sent, timed.probe->received - timed.probe->sent, timed.sample.forward, timed.sample.backward});
  const OneWayDelay::Estimate estimate = estimators_.delay.on_samples(ways, known);
  counts_.rejected += estimate.impossible;
  Distribution delay;
  for (const nanoseconds value : estimate.delays) delay.add(value.count());
  result_.details.push_back({"error_s", to_seconds(estimate.error)});
  if (estimate.claim_refuted) detail("clock_claim_refuted", 1);
  if (estimate.distance_refuted) detail("distance_refuted", 1);
  if (OneWayDelay::may_be_shown(estimate.error, delay.quantile(0.5).value_or(0.0)))
    distribution(Metric::delay, std::move(delay));
  else
    result_.set(Tag::unsynced);
}

void ResultMaker::add_losses() {
  const std::uint64_t restarts_before = estimators_.loss.restarts();
  for (const SentProbe& probe : interval_.probes) {
    ProbeFate fate{.sequence = probe.sequence, .sent = probe.sent, .left_host = probe.left_host(), .reply = {}};
    if (probe.answered) fate.reply = {probe.reflected, probe.extra_copies, probe.received};
    estimators_.loss.on_probe(fate);
  }
  const std::uint64_t restarts = estimators_.loss.restarts() - restarts_before;
  const LossCounts loss = estimators_.loss.take();
  ratio(Metric::loss_rtt, counts_.sent - counts_.received, counts_.sent);
  if (!far_counts()) return;
  ratio(Metric::loss, loss.forward_lost, loss.attributed());
  detail("unattributed", loss.unattributed);
  detail("reverse_lost", loss.reverse_lost);
  detail("reverse_tries", loss.arrived + loss.reverse_lost);
  if (loss.older_forward_lost > 0) detail("older_lost", loss.older_forward_lost);
  if (loss.older_reverse_lost > 0) detail("older_reverse_lost", loss.older_reverse_lost);
  if (restarts > 0) detail("reflector_restarts", restarts);
}

void ResultMaker::add_order() {
  if (!far_counts()) return;
  std::vector<Arrival> arrivals;
  const auto append = [&arrivals](std::span<const SentProbe> probes) {
    for (const SentProbe& probe : probes)
      if (probe.answered) arrivals.push_back({probe.sequence, probe.reflected, probe.extra_copies});
  };
  append(interval_.probes);
  append(later_);
  if (interval_.probes.empty()) return;
  const OrderCounts order = count_order(arrivals, interval_.probes.back().sequence);
  ratio(Metric::reorder, order.reordered, order.arrived);
  ratio(Metric::duplicate, order.extra_copies, order.arrived);
}

void ResultMaker::add_details() {
  detail("sent", counts_.sent);
  detail("received", counts_.received);
  detail("late", counts_.late + interval_.late_closed);
  detail("missed", interval_.missed);
  detail("lost_here", counts_.lost_here);
  detail("duplicate_replies", counts_.duplicate_replies);
  detail("lost_stamps", counts_.lost_stamps);
  detail("rejected", counts_.rejected + counts_.stepped);
  detail("ssid", context_.ssid);
  std::uint64_t changes = 0;
  for (const SentProbe& probe : interval_.probes) {
    if (!probe.answered || probe.ttl == 0) continue;
    if (estimators_.ttl != 0 && probe.ttl != estimators_.ttl) ++changes;
    estimators_.ttl = probe.ttl;
  }
  if (estimators_.ttl != 0) detail("ttl", estimators_.ttl);
  if (changes > 0) detail("ttl_changes", changes);
}

}  // namespace

SentProbe* LatencyInterval::find(std::uint32_t sequence) {
  if (probes.empty()) return nullptr;
  const std::uint32_t index = sequence - probes.front().sequence;
  return index < probes.size() ? &probes[index] : nullptr;
}

void LatencyEstimators::break_clock() {
  jitter.break_sequence();
  floor.reset();
  delay.break_clock();
  last.reset();
}

Result close_interval(const LatencyInterval& interval, std::span<const SentProbe> later, LatencyEstimators& estimators,
                      const LatencyContext& context) {
  return ResultMaker(interval, later, estimators, context).make();
}

}  // namespace sonde
