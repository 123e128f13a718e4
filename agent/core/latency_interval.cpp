#include "agent/core/latency_interval.h"

#include <fmt/format.h>

#include <algorithm>
#include <limits>
#include <ranges>
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
  std::uint64_t loaded = 0;           ///< of sent
  std::uint64_t loaded_received = 0;  ///< of received
  std::uint64_t sending = 0;          ///< of sent: while we sent to the same site
  std::uint64_t t3_user = 0;          ///< samples whose t3 is not the kernel's
};

std::optional<WallTime> sent_at(const ProbeStamps& stamps) { return stamps.sent ? stamps.sent : stamps.user_sent; }

struct TimedSample {
  LatencySample sample;
  const SentProbe* probe = nullptr;
  Met met = Met::nothing;
};

class ResultMaker {
 public:
  ResultMaker(const LatencyInterval& interval, std::span<const SentProbe> later, LatencyEstimators& estimators,
              const LatencyContext& context)
      : interval_(interval), later_(later), estimators_(estimators), context_(context) {}

  Result make() {
    tell_loads();
    count();
    collect_samples();
    describe();
    add_round_trips();
    add_one_way();
    add_losses();
    add_order();
    add_details();
    add_loads();
    return std::move(result_);
  }

 private:
  void tell_loads();
  Met met_by(const SentProbe& probe);
  std::optional<OffsetInterval> offset_for(const SentProbe& probe) const;
  Met met(const SentProbe& probe) const { return met_.at(static_cast<std::size_t>(&probe - interval_.probes.data())); }
  void count();
  void collect_samples();
  void describe();
  void add_round_trips();
  void add_one_way();
  void add_delay();
  void add_hops();
  void add_service();
  void add_reflector();
  void add_loads();
  void add_losses();
  void add_tail(const LossCounts& loss);
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
  std::vector<Met> met_;  ///< of each probe
  nanoseconds longest_flight_{0};
  const SentProbe* reference_ = nullptr;  ///< the newest with a reply, for the offset of those without
  const OwnLoad* own_load_ = nullptr;     ///< the newest that a probe met
  std::vector<TimedSample> samples_;      ///< in order of arrival at the far side
  std::size_t one_way_from_ = 0;          ///< samples before it belong to a clock that was stepped since
  Result result_;
};

/// What is known by now of the runs at both ends, and which probe met which.
void ResultMaker::tell_loads() {
  const auto tell = [&](std::span<const SentProbe> probes) {
    for (const SentProbe& probe : probes)
      if (probe.far_load) estimators_.far_loads.tell(*probe.far_load);
  };
  tell(interval_.probes);
  tell(later_);
  for (const SentProbe& probe : interval_.probes)
    if (probe.answered_in_time()) longest_flight_ = std::max(longest_flight_, probe.received - probe.sent);
  if (longest_flight_ == nanoseconds(0)) longest_flight_ = context_.stream.timeout;
  const auto is_timed = [](const SentProbe& probe) {
    return probe.answered_in_time() && !probe.across_step && make_sample(probe.stamps).has_value();
  };
  const auto first = std::ranges::find_if(interval_.probes, is_timed);
  if (first != interval_.probes.end()) reference_ = &*first;
  for (const SentProbe& probe : interval_.probes) {
    if (is_timed(probe)) reference_ = &probe;
    met_.push_back(met_by(probe));
  }
}

/// What is not known is not loaded.
Met ResultMaker::met_by(const SentProbe& probe) {
  const auto t1 = sent_at(probe.stamps);
  if (!t1 || probe.across_step) return Met::nothing;
  const bool back = probe.answered_in_time() && probe.stamps.received;
  const Flight flight{*t1, back ? *probe.stamps.received : *t1 + longest_flight_};
  const Link link{context_.self, context_.stream.to};
  if (const OwnLoad* load = context_.loads.met_by(flight, link)) {
    if (own_load_ == nullptr || own_load_->start < load->start) own_load_ = load;
    return load->sends_over(link) ? Met::sending : Met::other;
  }
  if (back && probe.stamps.reflector_in && probe.stamps.reflector_out) {
    const Flight there =
        flight_on_far_clock(flight.from, *probe.stamps.reflector_in, *probe.stamps.reflector_out, flight.to);
    return estimators_.far_loads.met_by(there) ? Met::other : Met::nothing;
  }
  const auto offset = offset_for(probe);
  if (!offset) return Met::nothing;
  return estimators_.far_loads.met_by(flight_on_far_clock(flight, *offset)) ? Met::other : Met::nothing;
}

/// The far clock's offset while a probe without a reply was under way.
std::optional<OffsetInterval> ResultMaker::offset_for(const SentProbe& probe) const {
  if (context_.stream.shares_clock) return OffsetInterval{};
  if (const auto known = estimators_.delay.offset_at(probe.sent)) return known;
  if (reference_ == nullptr) return std::nullopt;
  OffsetBounds near;
  near.on_samples(std::vector{OffsetSample{reference_->sent, reference_->received - reference_->sent,
                                           *reference_->stamps.reflector_out - *reference_->stamps.received,
                                           *reference_->stamps.reflector_in - *sent_at(reference_->stamps)}});
  return near.at(probe.sent);
}

void ResultMaker::count() {
  for (const SentProbe& probe : interval_.probes) {
    if (!probe.left_host()) {
      ++counts_.lost_here;
      continue;
    }
    ++counts_.sent;
    if (probe.answered_in_time()) ++counts_.received;
    if (met(probe) != Met::nothing) {
      ++counts_.loaded;
      if (probe.answered_in_time()) ++counts_.loaded_received;
    }
    if (met(probe) == Met::sending) ++counts_.sending;
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
    if (sample && !probe.stamps.reflector_out_by_kernel) ++counts_.t3_user;
    if (sample)
      samples_.push_back({*sample, &probe, met(probe)});
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
  const std::uint64_t off = interval_.missed + interval_.late_sends;
  if ((off > 0 && off * 10 >= interval_.planned) || interval_.socket_drops > 0) result_.set(Tag::starved);
}

void ResultMaker::add_round_trips() {
  Distribution rtt;
  Distribution rtt_host;
  Distribution host_queue;
  Distribution loaded;
  for (const TimedSample& timed : samples_) {
    if (timed.met == Met::sending) loaded.add(timed.sample.rtt.count());
    if (timed.met != Met::nothing) continue;
    rtt.add(timed.sample.rtt.count());
    if (timed.sample.rtt_host) rtt_host.add(timed.sample.rtt_host->count());
    if (timed.sample.host_queue) host_queue.add(timed.sample.host_queue->count());
  }
  distribution(Metric::rtt, std::move(rtt));
  distribution(Metric::rtt_host, std::move(rtt_host));
  distribution(Metric::host_queue, std::move(host_queue));
  distribution(Metric::rtt_loaded, std::move(loaded));
}

void ResultMaker::add_one_way() {
  bool any_idle = false;
  bool any_loaded = false;
  for (std::size_t i = 0; i < samples_.size(); ++i) {
    const TimedSample& timed = samples_[i];
    const SentProbe& probe = *timed.probe;
    const bool told = probe.clock_steps != estimators_.clock_steps || probe.far_clock_era != estimators_.far_clock_era;
    if (estimators_.last && (told || !same_clocks(*estimators_.last, timed.sample, probe.sent - estimators_.last_at))) {
      estimators_.break_clock();
      one_way_from_ = i;
      result_.set(Tag::clock_stepped);
    }
    estimators_.last = timed.sample;
    estimators_.last_at = probe.sent;
    estimators_.clock_steps = probe.clock_steps;
    estimators_.far_clock_era = probe.far_clock_era;
    // Consecutive ones only: a difference between the idle and the loaded path belongs to neither.
    const bool loaded = timed.met != Met::nothing;
    (loaded ? estimators_.jitter_loaded : estimators_.jitter).on_transit(timed.sample.forward);
    (loaded ? estimators_.jitter : estimators_.jitter_loaded).break_sequence();
    (loaded ? any_loaded : any_idle) = true;
    estimators_.floor.on_sample(probe.sent, timed.sample.forward);
  }
  const auto valid = std::span(samples_).subspan(one_way_from_);
  if (valid.empty()) return;
  const auto line = estimators_.floor.line(!context_.stream.shares_clock);
  nanoseconds least = nanoseconds::max();
  for (const TimedSample& timed : valid)
    if (timed.met == Met::nothing) least = std::min(least, timed.sample.forward);
  Distribution rise;
  Distribution rise_loaded;
  Distribution variation;
  for (const TimedSample& timed : valid) {
    const nanoseconds above = DelayFloor::rise(*line, timed.probe->sent, timed.sample.forward);
    (timed.met == Met::nothing ? rise : rise_loaded).add(above.count());
    if (timed.met == Met::nothing) variation.add((timed.sample.forward - least).count());
  }
  distribution(Metric::delay_rise, std::move(rise));
  distribution(Metric::delay_rise_loaded, std::move(rise_loaded));
  distribution(Metric::pdv, std::move(variation));
  const auto jitter = [&](Metric metric, bool any, const Jitter& of) {
    if (const auto seconds = of.seconds(); any && seconds) result_.values.push_back({metric, *seconds});
  };
  jitter(Metric::jitter, any_idle, estimators_.jitter);
  jitter(Metric::jitter_loaded, any_loaded, estimators_.jitter_loaded);
  add_delay();
}

void ResultMaker::add_delay() {
  const LatencyStreamPlan& stream = context_.stream;
  ClockKnowledge known{.same_clock = stream.shares_clock,
                       .claim = {},
                       .steps_are_told = estimators_.far_clock_era != 0,
                       .least = stream.least_delay};
  if (context_.own_clock_error && stream.far_clock_error)
    known.claim = *context_.own_clock_error + *stream.far_clock_error;
  std::vector<TimedWay> ways;
  for (const TimedSample& timed : std::span(samples_).subspan(one_way_from_))
    ways.push_back(
        {timed.probe->sent, timed.probe->received - timed.probe->sent, timed.sample.forward, timed.sample.backward});
  const OneWayDelay::Estimate estimate = estimators_.delay.on_samples(ways, known);
  counts_.rejected += estimate.impossible;
  Distribution delay;
  Distribution loaded;
  for (std::size_t i = 0; i < ways.size(); ++i)
    (samples_[one_way_from_ + i].met == Met::nothing ? delay : loaded).add(estimate.delays[i].count());
  result_.details.push_back({"error_s", to_seconds(estimate.error)});
  if (estimate.claim_refuted) detail("clock_claim_refuted", 1);
  if (estimate.distance_refuted) detail("distance_refuted", 1);
  const auto may_be_shown = [&](const Distribution& values) {
    return OneWayDelay::may_be_shown(estimate.error, values.quantile(0.5).value_or(0.0));
  };
  if (may_be_shown(loaded)) distribution(Metric::delay_loaded, std::move(loaded));
  if (may_be_shown(delay))
    distribution(Metric::delay, std::move(delay));
  else if (!delay.empty())
    result_.set(Tag::unsynced);
}

void ResultMaker::add_losses() {
  const std::uint64_t restarts_before = estimators_.loss.restarts();
  for (const SentProbe& probe : interval_.probes) {
    ProbeFate fate{.sequence = probe.sequence,
                   .sent = probe.sent,
                   .left_host = probe.left_host(),
                   .loaded = met(probe) != Met::nothing,
                   .reply = {}};
    if (probe.answered) fate.reply = {probe.reflected, probe.extra_copies, probe.received};
    estimators_.loss.on_probe(fate);
  }
  const std::uint64_t restarts = estimators_.loss.restarts() - restarts_before;
  const LossCounts loss = estimators_.loss.take();
  const std::uint64_t missing = counts_.sent - counts_.received;
  const std::uint64_t loaded_missing = counts_.loaded - counts_.loaded_received;
  ratio(Metric::loss_rtt, missing - loaded_missing, counts_.sent - counts_.loaded);
  ratio(Metric::loss_rtt_loaded, loaded_missing, counts_.loaded);
  if (!far_counts()) return;
  ratio(Metric::loss, loss.forward_lost, loss.attributed());
  ratio(Metric::loss_loaded, loss.loaded.forward_lost, loss.loaded.attributed());
  detail("unattributed", loss.unattributed);
  detail("reverse_lost", loss.reverse_lost);
  detail("reverse_tries", loss.arrived + loss.reverse_lost);
  add_tail(loss);
  if (loss.older_forward_lost > 0) detail("older_lost", loss.older_forward_lost);
  if (loss.older_reverse_lost > 0) detail("older_reverse_lost", loss.older_reverse_lost);
  if (restarts > 0) detail("reflector_restarts", restarts);
}

/// What the coordinator needs to join the far agent's count with ours (docs/measurements.md).
void ResultMaker::add_tail(const LossCounts& loss) {
  const auto some = [this](const char* name, std::uint64_t value) {
    if (value > 0) detail(name, value);
  };
  some("previous_lost", loss.previous.forward_lost);
  some("previous_reverse_lost", loss.previous.reverse_lost);
  some("previous_lost_loaded", loss.previous_loaded.forward_lost);
  some("previous_reverse_lost_loaded", loss.previous_loaded.reverse_lost);
  if (loss.tail.sent == 0 || !context_.stream.stateful) return;
  detail("tail_sent", loss.tail.sent);
  some("tail_loaded", loss.tail.loaded);
  detail("tail_first", loss.tail.first);
  detail("tail_last", loss.tail.last);
}

void ResultMaker::add_order() {
  if (!far_counts()) return;
  std::vector<Arrival> arrivals;
  const auto append = [&arrivals](std::span<const SentProbe> probes) {
    for (const SentProbe& probe : probes)
      if (probe.answered) arrivals.push_back({probe.sequence, probe.reflected, probe.extra_copies, false});
  };
  for (const SentProbe& probe : interval_.probes)
    if (probe.answered)
      arrivals.push_back({probe.sequence, probe.reflected, probe.extra_copies, met(probe) != Met::nothing});
  append(later_);
  if (interval_.probes.empty()) return;
  const OrderCounts order = count_order(arrivals, interval_.probes.back().sequence);
  ratio(Metric::reorder, order.reordered - order.loaded_reordered, order.arrived - order.loaded_arrived);
  ratio(Metric::reorder_loaded, order.loaded_reordered, order.loaded_arrived);
  ratio(Metric::duplicate, order.extra_copies, order.arrived);
}

void ResultMaker::add_details() {
  detail("sent", counts_.sent);
  detail("received", counts_.received);
  detail("late", counts_.late + interval_.late_closed);
  detail("missed", interval_.missed);
  if (interval_.late_sends > 0) detail("late_sends", interval_.late_sends);
  if (interval_.socket_drops > 0) detail("socket_drops", interval_.socket_drops);
  detail("lost_here", counts_.lost_here);
  detail("duplicate_replies", counts_.duplicate_replies);
  detail("lost_stamps", counts_.lost_stamps);
  detail("rejected", counts_.rejected + counts_.stepped);
  detail("ssid", context_.ssid);
  if (counts_.t3_user > 0) detail("t3_user", counts_.t3_user);
  add_hops();
  add_service();
  add_reflector();
}

/// How many routers were passed follows from these; that they change says that the path did.
void ResultMaker::add_hops() {
  std::uint64_t changes = 0;
  std::uint64_t changes_back = 0;
  const auto follow = [](std::uint8_t seen, std::uint8_t& known, std::uint64_t& count) {
    if (seen == 0) return;
    if (known != 0 && seen != known) ++count;
    known = seen;
  };
  for (const SentProbe& probe : interval_.probes) {
    if (!probe.answered) continue;
    follow(probe.ttl, estimators_.ttl, changes);
    follow(probe.ttl_back, estimators_.ttl_back, changes_back);
  }
  if (estimators_.ttl != 0) detail("ttl", estimators_.ttl);
  if (changes > 0) detail("ttl_changes", changes);
  if (estimators_.ttl_back != 0) detail("ttl_back", estimators_.ttl_back);
  if (changes_back > 0) detail("ttl_back_changes", changes_back);
}

/// The class of service on the way: what we asked for, what was left of it there and on the way back.
void ResultMaker::add_service() {
  const SentProbe* newest = nullptr;
  std::uint64_t remarked_there = 0;
  std::uint64_t remarked_back = 0;
  for (const SentProbe& probe : interval_.probes) {
    if (!probe.answered || !probe.dscp_there) continue;
    newest = &probe;
    if (*probe.dscp_there != probe.dscp_sent) ++remarked_there;
    if (probe.dscp_back && *probe.dscp_back != probe.dscp_sent) ++remarked_back;
  }
  if (newest == nullptr) return;
  detail("dscp_sent", newest->dscp_sent);
  detail("dscp_there", *newest->dscp_there);
  if (newest->dscp_back) detail("dscp_back", *newest->dscp_back);
  if (remarked_there > 0) detail("dscp_remarked", remarked_there);
  if (remarked_back > 0) detail("dscp_remarked_back", remarked_back);
}

/// What the newest reply said of the reflector, where it was asked: numbers as in RFC 8972, tables 7 and 9.
void ResultMaker::add_reflector() {
  for (const SentProbe& probe : interval_.probes | std::views::reverse) {
    if (!probe.far_stamps && !probe.far_counts) continue;
    if (probe.far_stamps) {
      detail("sync_there", static_cast<std::uint64_t>(probe.far_stamps->sync_in));
      detail("stamps_there", static_cast<std::uint64_t>(probe.far_stamps->method_in));
    }
    if (!probe.far_counts) return;
    detail("session_sent", probe.far_counts->sender_sent);
    detail("session_received_there", probe.far_counts->reflector_received);
    return detail("session_sent_there", probe.far_counts->reflector_sent);
  }
}

void ResultMaker::add_loads() {
  if (counts_.loaded == 0) return;
  result_.set(Tag::loaded);
  detail("loaded", counts_.loaded);
  if (counts_.sending > 0) detail("loaded_sending", counts_.sending);
  if (own_load_ == nullptr) return;
  if (own_load_->started_at)
    result_.details.push_back({"loaded_run_at", static_cast<double>(to_ns(*own_load_->started_at)) / 1e9});
  if (own_load_->tcpi_rtt_s) result_.details.push_back({"loaded_tcpi_rtt_s", *own_load_->tcpi_rtt_s});
}

}  // namespace

SentProbe* LatencyInterval::find(std::uint32_t sequence) {
  if (probes.empty()) return nullptr;
  const std::uint32_t index = sequence - probes.front().sequence;
  return index < probes.size() ? &probes[index] : nullptr;
}

void LatencyEstimators::break_clock() {
  jitter.break_sequence();
  jitter_loaded.break_sequence();
  floor.reset();
  delay.break_clock();
  last.reset();
}

Result close_interval(const LatencyInterval& interval, std::span<const SentProbe> later, LatencyEstimators& estimators,
                      const LatencyContext& context) {
  return ResultMaker(interval, later, estimators, context).make();
}

}  // namespace sonde
