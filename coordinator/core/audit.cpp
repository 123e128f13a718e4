#include "coordinator/core/audit.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <iterator>
#include <set>
#include <tuple>
#include <utility>

#include "coordinator/core/planner.h"

namespace sonde {
namespace {

/// How far back from a skipped result the slots that it stands for are looked for.
constexpr std::int64_t most_slots_back = 10'000;

/// An agent's figure, made possible; what is no number becomes the least.
double within(double value, double least, double most) { return value >= least ? std::min(value, most) : least; }

struct Overlaps {
  std::uint64_t all = 0;
  std::uint64_t within_error = 0;
};

/// How long two runs were under way together; 0 or less: not at all.
nanoseconds common_time(const AuditedRun& a, const AuditedRun& b) {
  return std::min(a.finished_at, b.finished_at) - std::max(*a.started_at, *b.started_at);
}

bool is_within_clock_error(const AuditedRun& a, const AuditedRun& b) {
  return common_time(a, b) <= a.clock_error + b.clock_error;
}

nanoseconds longest_slot(const Timetable& timetable) {
  nanoseconds longest{0};
  for (const ThroughputSlot& slot : timetable.slots) longest = std::max(longest, slot.length);
  return longest;
}

/// A run that failed was told so late, after waiting for the far side; but its sender has reset the connections by the
/// end of its slot.
void bound_end(AuditedRun& run, nanoseconds longest) {
  if (run.outcome != Outcome::ok && longest > nanoseconds(0))
    run.finished_at = std::min(run.finished_at, std::max(*run.started_at, run.scheduled_at + longest));
}

Overlaps count_overlaps(const std::vector<AuditedRun>& runs, const RunPlaces& places, nanoseconds longest) {
  std::vector<const AuditedRun*> started;
  std::deque<AuditedRun> failed;
  for (const AuditedRun& run : runs) {
    if (!run.started_at || !places.of(run.link)) continue;
    if (run.outcome != Outcome::ok) bound_end(failed.emplace_back(run), longest);
    started.push_back(run.outcome == Outcome::ok ? &run : &failed.back());
  }
  std::ranges::sort(started, {}, [](const AuditedRun* run) { return *run->started_at; });
  std::vector<std::vector<const AuditedRun*>> under_way(places.count());
  Overlaps overlaps;
  for (const AuditedRun* run : started) {
    const auto [from, to] = *places.of(run->link);
    std::set<const AuditedRun*> others;
    for (const std::uint32_t place : {from, to}) {
      std::erase_if(under_way[place], [&](const AuditedRun* other) { return other->finished_at <= *run->started_at; });
      others.insert(under_way[place].begin(), under_way[place].end());
    }
    for (const AuditedRun* other : others) {
      if (common_time(*run, *other) <= nanoseconds(0)) continue;
      ++overlaps.all;
      overlaps.within_error += is_within_clock_error(*run, *other) ? 1U : 0U;
    }
    under_way[from].push_back(run);
    if (to != from) under_way[to].push_back(run);
  }
  return overlaps;
}

std::optional<StartError> start_errors(const std::vector<AuditedRun>& runs) {
  std::vector<double> errors;
  for (const AuditedRun& run : runs)
    if (run.started_at) errors.push_back(std::abs(to_seconds(*run.started_at - run.scheduled_at)));
  if (errors.empty()) return std::nullopt;
  std::ranges::sort(errors);
  const auto at_rank = [&](double q) {
    return errors[static_cast<std::size_t>(q * static_cast<double>(errors.size() - 1))];
  };
  return StartError{at_rank(0.5), at_rank(0.99), errors.back()};
}

/// The slots of which the results tell. One that stands for several skipped slots tells of the ones before it as well.
class Reported {
 public:
  explicit Reported(const std::vector<AuditedRun>& runs) {
    for (const AuditedRun& run : runs) {
      told_.emplace(run.link, run.scheduled_at);
      if (run.count > 1) many_.push_back(&run);
    }
  }
  void spread(const Timetable& timetable) {
    std::unordered_map<Link, const ThroughputSlot*> slots;
    if (many_.empty()) return;
    for (const ThroughputSlot& slot : timetable.slots) slots.emplace(slot.link, &slot);
    for (const AuditedRun* run : many_) {
      const auto slot = slots.find(run->link);
      if (slot == slots.end()) continue;
      const nanoseconds every = timetable.interval(*slot->second);
      std::uint64_t left = run->count - 1;
      for (std::int64_t k = 1; left > 0 && k < most_slots_back; ++k) {
        const SharedTime start = run->scheduled_at - k * every;
        if (timetable.is_quiet(run->link, start, slot->second->length)) continue;
        if (told_.emplace(run->link, start).second) --left;
      }
    }
  }
  bool has(const Link& link, SharedTime scheduled_at) const { return told_.contains({link, scheduled_at}); }

 private:
  std::set<std::pair<Link, SharedTime>> told_;
  std::vector<const AuditedRun*> many_;
};

/// Slots of the timetable that were over by `until` less the grace, and of which no result tells.
std::uint64_t count_unreported(const std::vector<AuditedRun>& runs, const Timetable& timetable, SharedTime since,
                               SharedTime until) {
  if (timetable.throughput_every.count() <= 0) return 0;
  Reported reported(runs);
  reported.spread(timetable);
  const SharedTime begin = std::max({since, timetable.effective_at, timetable.epoch});
  std::uint64_t missing = 0;
  for (const ThroughputSlot& slot : timetable.slots) {
    const nanoseconds every = timetable.interval(slot);
    const auto first = (begin - timetable.epoch - slot.start) / every;
    for (auto k = std::max<std::int64_t>(first, 0);; ++k) {
      const SharedTime start = timetable.epoch + k * every + slot.start;
      if (start + slot.length + report_grace > until) break;
      const bool due = start >= begin && !timetable.is_quiet(slot.link, start, slot.length);
      if (due && !reported.has(slot.link, start)) ++missing;
    }
  }
  return missing;
}

/// Busy time by the direction that counts.
struct Busy {
  double out_s = 0;
  double in_s = 0;
};

void add_uses(const std::vector<AuditedRun>& runs, const Mesh& mesh, const Timetable& timetable, SharedTime since,
              SharedTime until, const std::unordered_map<Link, nanoseconds>& usual, Audit& out) {
  const bool duplex = timetable.policy.throughput && timetable.policy.throughput->full_duplex;
  const SharedTime begin = std::max(since, timetable.epoch);
  const double span_s = to_seconds(until - begin);
  std::unordered_map<SiteId, Busy> sites;
  std::unordered_map<std::string, Busy> uplinks;
  std::unordered_map<SiteId, std::string> uplink_of;
  for (const SiteSpec& site : mesh.sites)
    if (site.uplink) uplink_of.emplace(site.site, *site.uplink);
  const auto uplink = [&](const SiteId& site) {
    const auto found = uplink_of.find(site);
    return found == uplink_of.end() ? nullptr : &found->second;
  };
  for (const AuditedRun& run : runs) {
    if (!run.started_at) continue;
    const double busy_s = to_seconds(std::min(run.finished_at, until) - std::max(*run.started_at, begin));
    if (busy_s <= 0) continue;
    sites[run.link.from].out_s += busy_s;
    (duplex ? sites[run.link.to].in_s : sites[run.link.to].out_s) += busy_s;
    const std::string* from = uplink(run.link.from);
    const std::string* to = uplink(run.link.to);
    if (from != nullptr) uplinks[*from].out_s += busy_s;
    if (to != nullptr && duplex) uplinks[*to].in_s += busy_s;
    if (to != nullptr && !duplex && (from == nullptr || *from != *to)) uplinks[*to].out_s += busy_s;
  }
  const PlannedUse planned = planned_use(mesh, timetable, usual);
  const auto share = [&](const Busy& busy) { return span_s > 0 ? std::max(busy.out_s, busy.in_s) / span_s : 0; };
  for (const auto& [site, use] : planned.of_site) out.of_site[site] = {share(sites[site]), use};
  for (const auto& [name, use] : planned.of_uplink) out.of_uplink[name] = {share(uplinks[name]), use};
}

}  // namespace

AuditedRun audited(const Result& result) {
  const double count = result.outcome == Outcome::skipped ? within(result.detail("missed").value_or(1), 1, 1e9) : 1;
  const double error_s = within(result.detail("clock_error_s").value_or(0), 0, 1e6);
  return {result.link(),        result.scheduled_at, result.started_at,
          result.finished_at,   result.outcome,      static_cast<std::uint64_t>(count),
          from_seconds(error_s)};
}

Audit audit(Probe probe, const std::vector<AuditedRun>& runs, const Mesh& mesh, const Timetable& timetable,
            SharedTime since, SharedTime until, const std::unordered_map<Link, nanoseconds>& usual) {
  Audit audit;
  for (const AuditedRun& run : runs) {
    ++audit.outcomes[run.outcome];
    if (run.started_at)
      ++audit.runs;
    else if (run.outcome == Outcome::busy)
      ++audit.busy;
    else
      audit.skipped += run.count;
    audit.clock_error = std::max(audit.clock_error, run.clock_error);
  }
  audit.start_error = start_errors(runs);
  if (probe != Probe::throughput) return audit;
  const bool duplex = timetable.policy.throughput && timetable.policy.throughput->full_duplex;
  const Overlaps overlaps = count_overlaps(runs, RunPlaces(mesh, duplex), longest_slot(timetable));
  audit.overlaps = overlaps.all;
  audit.overlaps_within_clock_error = overlaps.within_error;
  audit.unreported = count_unreported(runs, timetable, since, until);
  add_uses(runs, mesh, timetable, since, until, usual, audit);
  return audit;
}

RunPlaces::RunPlaces(const Mesh& mesh, bool full_duplex) : full_duplex_(full_duplex) {
  std::unordered_map<std::string, std::uint32_t> uplinks;
  for (const SiteSpec& site : mesh.sites) {
    auto unit = static_cast<std::uint32_t>(names_.size());
    if (site.uplink) unit = uplinks.emplace(*site.uplink, unit).first->second;
    if (unit == names_.size()) names_.push_back(site.uplink ? "uplink " + *site.uplink : site.site.str());
    unit_of_.emplace(site.site, unit);
  }
  count_ = static_cast<std::uint32_t>(names_.size()) * (full_duplex ? 2 : 1);
}

std::optional<RunPlaces::Pair> RunPlaces::of(const Link& link) const {
  const auto from = unit_of_.find(link.from);
  const auto to = unit_of_.find(link.to);
  if (from == unit_of_.end() || to == unit_of_.end()) return std::nullopt;
  // With full duplex what receives is another place.
  const auto receiver = full_duplex_ ? static_cast<std::uint32_t>(names_.size()) : 0;
  return Pair{from->second, to->second + receiver};
}

void RunAudit::set_plan(const Mesh& mesh, const Timetable& timetable) {
  places_ = RunPlaces(mesh, timetable.policy.throughput && timetable.policy.throughput->full_duplex);
  longest_slot_ = longest_slot(timetable);
  // What ran by the plan before is compared with what runs by this one.
  std::map<std::tuple<SharedTime, Link>, AuditedRun> before;
  for (const std::deque<AuditedRun>& kept : recent_)
    for (const AuditedRun& run : kept) before.emplace(std::tuple(*run.started_at, run.link), run);
  recent_.assign(places_.count(), {});
  for (const auto& [key, run] : before)
    if (const auto pair = places_.of(run.link)) keep(run, *pair);
  std::erase_if(busy_seconds_, [&](const auto& entry) { return mesh.site(entry.first) == nullptr; });
}

void RunAudit::on_result(const Result& result, Events& events) {
  AuditedRun run = audited(result);
  Counts& counts = counts_.at(static_cast<std::size_t>(result.probe));
  if (!run.started_at) {
    (run.outcome == Outcome::busy ? counts.busy : counts.skipped) += run.count;
    return;
  }
  ++counts.runs;
  const nanoseconds error = std::chrono::abs(*run.started_at - run.scheduled_at);
  counts.start_error.add(error.count());
  counts.start_error_sum_s += to_seconds(error);
  if (result.probe != Probe::throughput && result.probe != Probe::duplex) return;
  for (const SiteId* site : {&run.link.from, &run.link.to})
    busy_seconds_[*site] += std::max(0.0, to_seconds(run.finished_at - *run.started_at));
  bound_end(run, longest_slot_);
  compare(run, events);
}

void RunAudit::compare(const AuditedRun& run, Events& events) {
  const auto pair = places_.of(run.link);
  if (!pair) return;
  std::set<std::tuple<Link, SharedTime>> told;  // two runs may share both places
  for (const std::uint32_t place : {pair->from, pair->to}) {
    for (const AuditedRun& other : recent_[place])
      if (common_time(run, other) > nanoseconds(0) && told.emplace(other.link, *other.started_at).second)
        tell(run, other, place, events);
    if (pair->to == pair->from) break;
  }
  keep(run, *pair);
}

void RunAudit::keep(const AuditedRun& run, const RunPlaces::Pair& pair) {
  for (const std::uint32_t place : {pair.from, pair.to}) {
    std::deque<AuditedRun>& kept = recent_[place];
    const auto at =
        std::ranges::upper_bound(kept, *run.started_at, {}, [](const AuditedRun& r) { return *r.started_at; });
    kept.insert(at, run);
    if (kept.size() > runs_kept) kept.pop_front();
    if (pair.to == pair.from) break;
  }
}

void RunAudit::tell(const AuditedRun& one, const AuditedRun& other, std::uint32_t place, Events& events) {
  ++counts_.at(static_cast<std::size_t>(Probe::throughput)).overlaps;
  const bool uncertain = is_within_clock_error(one, other);
  const auto run = [](const AuditedRun& r) { return fmt::format("{}->{}", r.link.from.str(), r.link.to.str()); };
  const AuditedRun& first = *one.started_at <= *other.started_at ? one : other;
  const AuditedRun& second = &first == &one ? other : one;
  events.push_back({uncertain ? Severity::warning : Severity::error,
                    "runs_overlap",
                    {{"at", places_.name(place)},
                     {"first", run(first)},
                     {"second", run(second)},
                     {"when", format_rfc3339(*second.started_at)},
                     {"together", fmt::format("{:.3f}s", to_seconds(common_time(one, other)))},
                     {"within_clock_error", uncertain ? "yes" : "no"}}});
}

}  // namespace sonde
