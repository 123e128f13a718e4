#include "coordinator/core/demand.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <utility>

#include "coordinator/core/matrix.h"
#include "coordinator/core/planner.h"

namespace sonde {
namespace {

constexpr nanoseconds minute = std::chrono::minutes(1);
constexpr std::array<std::string_view, 5> state_names{"queued", "running", "done", "failed", "expired"};

/// Between a run's own end and that of the time kept free for it: clocks differ, and a reply may be under way.
constexpr nanoseconds spare = slot_overhead;

/// The metric that stands for a probe where the policy is asked.
Metric headline(Probe probe) {
  for (const MetricInfo& metric : all_metrics())
    if (metric.probe == probe) return metric.metric;
  return Metric::rtt;
}

std::string until(SharedTime at, SharedTime now) {
  return fmt::format("in {} (at {})", format_duration(std::chrono::ceil<std::chrono::seconds>(at - now)),
                     format_rfc3339(at));
}

}  // namespace

std::string_view name(DemandState state) { return state_names.at(static_cast<std::size_t>(state)); }

DemandRun* Demand::find_run(std::uint64_t id) {
  const auto found = std::ranges::find(runs_, id, &DemandRun::id);
  return found == runs_.end() ? nullptr : &*found;
}

const DemandRun* Demand::find(std::uint64_t id) const {
  const auto found = std::ranges::find(runs_, id, &DemandRun::id);
  return found == runs_.end() ? nullptr : &*found;
}

/// Milliseconds since 1970, so that an id does not come back after a restart; below 2^53 for 285,000 years.
std::uint64_t Demand::new_id(SharedTime now) {
  last_id_ = std::max(last_id_ + 1, static_cast<std::uint64_t>(std::max<std::int64_t>(1, to_ns(now) / 1'000'000)));
  return last_id_;
}

std::optional<Demand::Need> Demand::need_of(const Link& link, Probe probe) const {
  if (probe == Probe::latency) {
    if (!mesh_.policy.latency) return std::nullopt;
    const nanoseconds timeout = mesh_.policy.latency->timeout;
    return Need{latency_probes * latency_interval + timeout + spare, timeout};
  }
  if (probe == Probe::connect) {
    if (!mesh_.policy.connect) return std::nullopt;
    const nanoseconds timeout = std::min(mesh_.policy.connect->timeout, connect_timeout);
    return Need{timeout + spare, timeout};
  }
  const auto length_of = [&](const Link& of) {
    const auto slot = std::ranges::find(timetable_->slots, of, &ThroughputSlot::link);
    return slot == timetable_->slots.end() ? nanoseconds(0) : slot->length;
  };
  const nanoseconds other_way = probe == Probe::duplex ? length_of({link.to, link.from}) : nanoseconds(0);
  const nanoseconds length = std::max(length_of(link), other_way);
  if (length == nanoseconds(0)) return std::nullopt;
  return Need{length, nanoseconds(0)};
}

std::vector<Reservation> Demand::reservations(const DemandRun* but) const {
  std::vector<Reservation> reserved;
  for (const DemandRun& run : runs_)
    if (&run != but && !has_ended(run.state)) reserved.push_back({run.link, run.scheduled_at, run.length});
  return reserved;
}

std::optional<DemandRefusal> Demand::refusal(SharedTime now, const Link& link, Probe probe,
                                             const AgentStatuses& agents) {
  using Why = DemandRefusal::Why;
  if (!is_measured(mesh_, link, headline(probe)) || !need_of(link, probe))
    return DemandRefusal{
        Why::impossible,
        fmt::format(
            "the mesh has no {} from {} to {}: the probe is off in the configuration, there is no agent at {}, or "
            "{} takes no such probe",
            name(probe), link.from.str(), link.to.str(), link.from.str(), link.to.str()),
        std::nullopt};
  const auto agent = agents.find(link.from);
  if (agent == agents.end() || !agent->second.heard(now) || agent->second.route.empty())
    return DemandRefusal{Why::silent,
                         fmt::format("the agent of {} is not heard, and it would have to do the run; look at its host, "
                                     "and at `sonde sites`",
                                     link.from.str()),
                         std::nullopt};
  std::erase_if(asked_, [&](SharedTime at) { return at <= now - minute || at > now; });
  if (asked_.size() >= most_in_a_minute)
    return DemandRefusal{Why::too_many,
                         fmt::format("more than {} runs were asked for within a minute; wait", most_in_a_minute),
                         asked_.front() + minute - now};
  const auto pending = std::ranges::count_if(runs_, [](const DemandRun& run) { return !has_ended(run.state); });
  if (static_cast<std::size_t>(pending) >= most_pending)
    return DemandRefusal{Why::too_many,
                         fmt::format("{} runs on demand wait or are under way already; wait for one to end", pending),
                         std::chrono::seconds(10)};
  return std::nullopt;
}

std::expected<DemandRun, DemandRefusal> Demand::request(SharedTime now, const Link& link, Probe probe, std::string by,
                                                        const AgentStatuses& agents) {
  if (auto why = refusal(now, link, probe, agents)) return std::unexpected(*std::move(why));
  const Need need = need_of(link, probe).value();
  const auto reserved = reservations(nullptr);
  const auto start = next_free({*timetable_, uplinks_, link, need.length, now + notice, reserved, guards_});
  if (!start)
    return std::unexpected(DemandRefusal{
        DemandRefusal::Why::no_time,
        fmt::format(
            "the timetable never leaves {} and {} free for the {} that a {} run needs; give throughput a longer "
            "interval",
            link.from.str(), link.to.str(), format_duration(need.length), name(probe)),
        std::nullopt});
  if (*start - now > longest_wait)
    return std::unexpected(DemandRefusal{
        DemandRefusal::Why::no_time,
        fmt::format("{} and {} are not both free for {} within {}; the next chance is {}", link.from.str(),
                    link.to.str(), format_duration(need.length), format_duration(longest_wait), until(*start, now)),
        *start - longest_wait - now});
  asked_.push_back(now);
  DemandRun run;
  run.id = new_id(now);
  run.link = link;
  run.probe = probe;
  run.by = std::move(by);
  run.requested_at = now;
  run.scheduled_at = *start;
  run.length = need.length;
  change(run);
  send_order(run, now);
  runs_.push_back(run);
  forget_old();
  return run;
}

void Demand::send_order(const DemandRun& run, SharedTime now) {
  const Need need = need_of(run.link, run.probe).value_or(Need{});
  wire::RunOrder order{.id = run.id,
                       .probe = run.probe,
                       .link = run.link,
                       .start = run.scheduled_at,
                       .length = run.length,
                       .timeout = need.timeout};
  if (run.probe == Probe::latency) {
    order.probes = latency_probes;
    order.interval = latency_interval;
  }
  orders_.push_back({run.link.from, std::move(order)});
  ordered_at_ = now;
}

void Demand::forget_old() {
  while (runs_.size() > most_kept) {
    const auto ended = std::ranges::find_if(runs_, [](const DemandRun& run) { return has_ended(run.state); });
    if (ended == runs_.end()) return;
    runs_.erase(ended);
  }
}

void Demand::end(DemandRun& run, DemandState state, std::string reason) {
  run.state = state;
  run.reason = std::move(reason);
  change(run);
}

void Demand::set_plan(const Mesh& mesh, const Timetable& timetable, SharedTime now,
                      std::map<SiteId, nanoseconds> guards) {
  mesh_ = mesh;
  timetable_ = &timetable;
  guards_ = std::move(guards);
  uplinks_ = uplinks_of(mesh);
  for (DemandRun& run : runs_) {
    if (run.state != DemandState::queued || run.scheduled_at <= now) continue;
    const auto need = need_of(run.link, run.probe);
    if (!need || mesh_.site(run.link.from) == nullptr || mesh_.site(run.link.to) == nullptr) {
      end(run, DemandState::expired, "the configuration no longer has such a run");
      continue;
    }
    const auto reserved = reservations(&run);
    const SharedTime before = run.scheduled_at;
    // Until the new timetable is in force the old one is, in which the instant was free.
    const bool stays_before = before + run.length <= timetable_->effective_at;
    const auto start = stays_before ? before
                                    : next_free({*timetable_, uplinks_, run.link, need->length,
                                                 std::max(before, now + notice), reserved, guards_});
    if (!start) {
      end(run, DemandState::expired, "the new timetable has no room for it");
      continue;
    }
    run.length = stays_before ? run.length : need->length;
    if (*start == before) continue;
    run.scheduled_at = *start;
    run.taken = false;
    change(run);
    send_order(run, now);
  }
}

void Demand::on_progress(const SiteId& site, const wire::RunProgress& progress) {
  DemandRun* run = find_run(progress.id);
  if (run == nullptr || run->link.from != site || has_ended(run->state)) return;
  run->taken = true;
  if (progress.stage > 0) run->state = DemandState::running;
  run->elapsed = std::clamp(progress.elapsed, nanoseconds(0), run->length);
  run->bytes = std::max(run->bytes, progress.bytes);
  change(*run);
}

void Demand::on_result(const Result& result) {
  if (!result.has(Tag::on_demand)) return;
  const double id = result.detail("demand").value_or(0);
  if (!(id >= 1 && id < 0x1p53)) return;
  DemandRun* run = find_run(static_cast<std::uint64_t>(id));
  if (run == nullptr || run->link != result.link() || run->probe != result.probe || run->result) return;
  run->result = result;
  const bool ok = result.outcome == Outcome::ok;
  end(*run, ok ? DemandState::done : DemandState::failed,
      ok || !result.reason.empty() ? result.reason : std::string(name(result.outcome)));
}

void Demand::tick(SharedTime now) {
  const bool repeat = now - ordered_at_ >= order_every || now < ordered_at_;
  for (DemandRun& run : runs_) {
    if (has_ended(run.state)) continue;
    const SharedTime latest = run.scheduled_at + run.length + result_grace;
    if (now > latest) {
      end(run, DemandState::expired,
          run.taken ? fmt::format("the agent of {} had the order, but no result of it has come", run.link.from.str())
                    : fmt::format("the agent of {} never confirmed the order", run.link.from.str()));
    } else if (repeat && !run.taken && now < run.scheduled_at) {
      send_order(run, now);
    }
  }
}

std::vector<Demand::Order> Demand::take_orders() { return std::exchange(orders_, {}); }

}  // namespace sonde
