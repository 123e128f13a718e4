#include "coordinator/core/planner.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <cmath>
#include <map>
#include <string>
#include <utility>
#include <vector>

#include "coordinator/core/cast.h"
#include "coordinator/core/intervals.h"
#include "coordinator/core/link_rules.h"
#include "coordinator/core/packing.h"
#include "coordinator/core/patch.h"
#include "coordinator/core/phases.h"
#include "coordinator/core/placement.h"
#include "shared/base/limits.h"

namespace sonde {
namespace {

using namespace std::chrono_literals;

constexpr nanoseconds least_auto_every = 1h;
constexpr double auto_slack = 1.25;
constexpr nanoseconds least_duration = 100ms;
/// An automatic interval is kept over a change of the mesh while it is at most this many cycles.
constexpr int most_auto_slack = 2;
/// This part more is reserved for slots, so that a site that joins finds room: 1/16.
constexpr std::size_t slots_room_to_grow = 16;
/// Where runs find no gaps, the intervals that nobody gave are doubled, until they are so many times as long.
constexpr int most_widening = 8;
/// Of more runs than these none is kept where the period becomes another: to look for all of them takes many seconds.
constexpr std::size_t most_kept_elsewhere = 100'000;

struct Runs {
  std::vector<WantedRun> wanted;
  std::uint32_t units = 0;
};

/// `stretch` of 0 to 1: how much of what measured runs took beyond the duration, and of the sites' guards, is granted.
/// With full duplex a site is two units: what it sends with, and what it receives with.
Runs runs_of(const PlanRequest& request, const Cast& cast, double stretch) {
  const Mesh& mesh = request.mesh;
  const LinkTimes& measured = request.measured;
  const std::vector<std::uint32_t> known = places_in(measured, cast);
  const ThroughputPolicy& policy = *mesh.policy.throughput;
  const std::vector<nanoseconds> guards = guards_of(cast, request.guards, stretch);
  Runs out;
  out.units = policy.full_duplex ? 2 * cast.units : cast.units;
  for (std::uint32_t from = 0; from < cast.sites.size(); ++from)
    for (std::uint32_t to = 0; to < cast.sites.size(); ++to) {
      const SiteSpec& source = *cast.sites[from];
      const SiteSpec& sink = *cast.sites[to];
      if (from == to || !can_transfer(source, sink)) continue;
      const LinkTerms terms = terms_of(mesh, source, sink);
      if (!terms.throughput) continue;
      nanoseconds length = policy.run_duration();
      if (const auto took = measured.at(known[from], known[to])) length = granted_length(policy, *took, stretch);
      const std::uint32_t receiver = cast.unit_of[to] + (policy.full_duplex ? cast.units : 0);
      out.wanted.push_back({from,
                            to,
                            {cast.unit_of[from], receiver, length + slot_overhead + 2 * guards[from]},
                            terms.every ? terms.every : policy.every,
                            guards[from]});
    }
  return out;
}

std::vector<Job> jobs_of(const Runs& runs) {
  std::vector<Job> jobs;
  jobs.reserve(runs.wanted.size());
  for (const WantedRun& run : runs.wanted) jobs.push_back(run.job);
  return jobs;
}

nanoseconds interval_for(const ThroughputPolicy& policy, nanoseconds cycle, nanoseconds before) {
  if (policy.every) return *policy.every;
  // A cycle that is a little longer or shorter than the last one should not move every run of the mesh.
  if (before >= least_auto_every && before >= cycle && before <= most_auto_slack * cycle) return before;
  const nanoseconds roomy(std::llround(auto_slack * static_cast<double>(cycle.count())));
  return std::max(least_auto_every, roomy);
}

/// One planning of all throughput runs. Where links have intervals of their own, or sites quiet hours, it tries to keep
/// what the timetable before has.
class ThroughputPlan {
 public:
  ThroughputPlan(const PlanRequest& request, const Cast& cast, Timetable& out)
      : request_(request), mesh_(request.mesh), policy_(*mesh_.policy.throughput), cast_(cast), out_(out) {}

  /// Nullopt where the timetable is complete.
  std::optional<Misfit> run() {
    std::optional<Misfit> misfit;
    const bool asks_once = request_.measured.empty() && request_.guards.empty();
    for (const double stretch : {1.0, 0.75, 0.5, 0.25, 0.0}) {
      is_last_try_ = asks_once || stretch <= 0;
      runs_ = runs_of(request_, cast_, stretch);
      misfit = is_uniform(mesh_) ? place_uniform() : place_mixed();
      if (!misfit || asks_once) return misfit;
    }
    return misfit;
  }

 private:
  std::optional<Misfit> place_uniform() {
    const std::vector<Job> jobs = jobs_of(runs_);
    const nanoseconds before = request_.previous != nullptr ? request_.previous->throughput_every : nanoseconds(0);
    if (before > 0ns && has_quiet_hours(mesh_)) {
      const nanoseconds bound = packing_bound(jobs, runs_.units);
      const nanoseconds limit =
          policy_.every ? *policy_.every : nanoseconds(bound.count() / 50 * 51) + 4 * longest(jobs);
      const nanoseconds every = policy_.every ? *policy_.every : std::max(before, limit);
      std::vector<SlotBoard::Run> runs = board_runs(every);
      if (auto kept = place_again(runs, runs_.units, every, kept_starts(every), std::max(limit, still_fine(bound)),
                                  allowed(every)))
        if (kept->cycle <= limit || kept->cycle <= still_fine(bound))
          if (!policy_.every || kept->cycle <= *policy_.every) {
            fill(*kept, interval_for(policy_, kept->cycle, before), nullptr);
            return std::nullopt;
          }
    }
    const Packing packing = pack(jobs, runs_.units);
    if (policy_.every && packing.length > *policy_.every) return too_long(packing);
    const Placement placement = place_packed(packing);
    const nanoseconds every = interval_for(policy_, packing.length, before);
    if (const Allowed allow = allowed(every); allow && !all_allowed(placement, allow)) {
      const std::vector<std::int64_t> one_turn(runs_.wanted.size(), 0);
      if (const auto around = place_periodic(board_runs(every), one_turn, runs_.units, allow)) {
        fill(*around, every, nullptr);
        return std::nullopt;
      }
      return no_room("the quiet hours leave no room for all runs", std::vector<nanoseconds>(jobs.size(), every));
    }
    fill(placement, every, nullptr);
    return std::nullopt;
  }

  /// Where no order of placing finds a gap for every run, those without an interval of their own take place more
  /// rarely.
  std::optional<Misfit> place_mixed() {
    const nanoseconds cycle = packing_bound(jobs_of(runs_), runs_.units);
    const nanoseconds least = std::min<nanoseconds>(interval_for({}, cycle, 0ns), 24h * 30);
    const bool has_chosen = std::ranges::any_of(runs_.wanted, [](const WantedRun& run) { return !run.every; });
    Intervals intervals;
    for (int times = 1; times <= (has_chosen ? most_widening : 1); times *= 2) {
      intervals = intervals_for(mesh_, cast_.sites, runs_.wanted, runs_.units, least, times);
      if (intervals.misfit) return std::move(intervals.misfit);
      if (intervals.every.empty()) return std::nullopt;
      const auto [shortest, period] = std::ranges::minmax(intervals.every);
      if (period / shortest > most_repetitions)
        return Misfit{.text = fmt::format("the intervals reach from {} to {}", format_duration(shortest),
                                          format_duration(period)),
                      .advice = fmt::format("choose them so that the longest is at most {} times the shortest",
                                            most_repetitions)};
      const auto placement = place_at(intervals.every, period);
      if (!placement) continue;
      fill(*placement, period, &intervals.every);
      return std::nullopt;
    }
    return no_room("the runs leave no gaps that are long enough for all of them", intervals.every);
  }

  std::optional<Placement> place_at(const std::vector<nanoseconds>& every, nanoseconds period) {
    std::vector<SlotBoard::Run> runs;
    for (std::size_t i = 0; i < runs_.wanted.size(); ++i) runs.push_back({runs_.wanted[i].job, every[i].count()});
    const Allowed allow = allowed_by(every);
    const Timetable* before = request_.previous;
    if (before != nullptr && (before->throughput_every == period || runs.size() <= most_kept_elsewhere))
      if (auto again = place_again(runs, runs_.units, period, kept_starts(period), period, allow)) return again;
    // The most frequent first: they need the same gap again and again. What is rarer finds the gaps that those leave,
    // but where they keep all other sites busy at once: then the rarest of those whose interval was chosen goes first,
    // which is so rare because one of its sites has little time to spare.
    std::vector<std::int64_t> turns;
    for (const SlotBoard::Run& run : runs) turns.push_back(run.every);
    if (auto placement = place_periodic(runs, turns, runs_.units, allow)) return placement;
    std::optional<std::int64_t> chosen;
    bool differ = false;
    for (std::size_t i = 0; i < turns.size(); ++i) {
      if (runs_.wanted[i].every) continue;
      differ = differ || (chosen && *chosen != turns[i]);
      chosen = turns[i];
      turns[i] = 2 * period.count() - turns[i];
    }
    if (!differ) return std::nullopt;
    return place_periodic(runs, turns, runs_.units, allow);
  }

  /// A timetable that holds together is kept until it is this long.
  static nanoseconds still_fine(nanoseconds bound) { return nanoseconds(bound.count() / 5 * 6); }
  static nanoseconds longest(const std::vector<Job>& jobs) {
    nanoseconds most{0};
    for (const Job& job : jobs) most = std::max(most, job.length);
    return most;
  }

  Misfit too_long(const Packing& packing) const {
    Misfit misfit;
    const nanoseconds whole = std::chrono::ceil<std::chrono::seconds>(packing.length);
    const nanoseconds every = *policy_.every;
    misfit.text = fmt::format("{} does not hold the cycle of {} rounds, which takes {} ({:.0f} % of it)",
                              format_duration(every), packing.rounds, format_duration(packing.length),
                              100.0 * static_cast<double>(packing.length.count()) / static_cast<double>(every.count()));
    misfit.advice = fmt::format("give at least {} or auto", format_duration(whole));
    const nanoseconds fitting = (every / packing.rounds - slot_overhead) / policy_.iterations;
    const nanoseconds rounded = fitting - fitting % least_duration;
    if (rounded >= (policy_.iterations > 1 ? ThroughputPolicy::least_repeated_duration : least_duration))
      misfit.advice += fmt::format(", or a duration of at most {}", format_duration(rounded));
    return misfit;
  }

  /// With the figure of who is busiest, and with what was tried and fits.
  Misfit no_room(std::string_view what, const std::vector<nanoseconds>& every) const {
    std::vector<double> shares(runs_.units, 0);
    std::vector<const SiteSpec*> names(runs_.units, nullptr);
    for (std::size_t i = 0; i < runs_.wanted.size(); ++i) {
      const WantedRun& run = runs_.wanted[i];
      const double share = to_seconds(run.job.length) / to_seconds(every[i]);
      shares[run.job.a] += share;
      if (run.job.b != run.job.a) shares[run.job.b] += share;
      names[run.job.a] = cast_.sites[run.from];
      names[run.job.b] = cast_.sites[run.to];
    }
    const auto most = std::ranges::max_element(shares);
    const SiteSpec& busiest = *names[static_cast<std::size_t>(most - shares.begin())];
    Misfit misfit;
    misfit.text = fmt::format("{}; the busiest, {}, would be in throughput runs {:.0f} % of the time", what,
                              busiest.uplink ? "uplink " + *busiest.uplink : busiest.site.str(), 100 * *most);
    misfit.advice = looks_for_remedies_ && is_last_try_ ? "give " + what_fits() : "";
    return misfit;
  }

  /// Each way out alone, as little of it as fits.
  std::string what_fits() const {
    std::vector<std::string> ways;
    const bool has_given =
        policy_.every || std::ranges::any_of(mesh_.links, [](const LinkRule& rule) { return rule.every.has_value(); });
    if (has_given)
      if (const auto times = least_of({1.1, 1.25, 1.5, 2, 3, 4, 8}, with_longer_intervals))
        ways.push_back(fmt::format("intervals {:g} times as long", *times));
    if (const auto share = least_of({0.9, 0.8, 0.7, 0.6, 0.5, 0.4, 0.3, 0.2, 0.1}, with_shorter_runs))
      ways.push_back(fmt::format("a duration of at most {}", format_duration(shortened(policy_, *share))));
    if (has_quiet_hours(mesh_))
      if (const auto share = least_of({0.9, 0.75, 0.5, 0.25, 0.1}, with_shorter_nights))
        ways.push_back(fmt::format("quiet hours of {:.0f} % of their length", 100 * *share));
    return ways.empty() ? "fewer sites, or interval rules for fewer links: neither intervals 8 times as long nor a "
                          "tenth of the duration would fit"
                        : fmt::format("{}", fmt::join(ways, ", or "));
  }

  /// The first of these that fits, where each fits if the one before does; found by halving.
  std::optional<double> least_of(std::vector<double> ways, Mesh (*changed)(const Mesh&, double)) const {
    std::optional<double> found;
    if (runs_.wanted.size() > most_kept_elsewhere) ways = {ways[ways.size() / 2]};  // each takes seconds
    for (std::size_t low = 0, high = ways.size(); low < high;) {
      const std::size_t middle = (low + high) / 2;
      const Mesh mesh = changed(mesh_, ways[middle]);
      const Cast cast = cast_of(mesh, 0);
      const PlanRequest request{.mesh = mesh, .effective_at = request_.effective_at};
      Timetable scratch;
      ThroughputPlan other(request, cast, scratch);
      other.looks_for_remedies_ = false;
      if (other.run()) {
        low = middle + 1;
      } else {
        found = ways[middle];
        high = middle;
      }
    }
    return found;
  }

  static Mesh with_longer_intervals(const Mesh& mesh, double times) {
    Mesh changed = mesh;
    const auto lengthen = [&](std::optional<nanoseconds>& every) {
      if (every) every = nanoseconds(std::llround(times * static_cast<double>(every->count())));
    };
    lengthen(changed.policy.throughput->every);
    for (LinkRule& rule : changed.links) lengthen(rule.every);
    return changed;
  }
  static nanoseconds shortened(const ThroughputPolicy& policy, double share) {
    const nanoseconds part(std::llround(share * static_cast<double>(policy.duration.count())));
    return std::max(part - part % least_duration,
                    policy.iterations > 1 ? ThroughputPolicy::least_repeated_duration : least_duration);
  }
  static Mesh with_shorter_runs(const Mesh& mesh, double share) {
    Mesh changed = mesh;
    changed.policy.throughput->duration = shortened(*mesh.policy.throughput, share);
    return changed;
  }
  static Mesh with_shorter_nights(const Mesh& mesh, double share) {
    Mesh changed = mesh;
    for (SiteSpec& site : changed.sites)
      for (DailyHours& hours : site.quiet_hours)
        hours.length = nanoseconds(std::llround(share * static_cast<double>(hours.length.count())));
    return changed;
  }

  std::vector<SlotBoard::Run> board_runs(nanoseconds every) const {
    std::vector<SlotBoard::Run> runs;
    runs.reserve(runs_.wanted.size());
    for (const WantedRun& run : runs_.wanted) runs.push_back({run.job, every.count()});
    return runs;
  }

  /// Where the runs of the timetable before were, in order of start; those with another interval are not kept.
  std::vector<Kept> kept_starts(nanoseconds period) {
    std::unordered_map<std::string_view, std::uint32_t> index;
    for (std::uint32_t i = 0; i < cast_.sites.size(); ++i) index.emplace(cast_.sites[i]->site.str(), i);
    constexpr std::uint32_t none = 0xFFFF'FFFF;
    std::vector<std::uint32_t> run_of(cast_.sites.size() * cast_.sites.size(), none);
    for (std::uint32_t i = 0; i < runs_.wanted.size(); ++i)
      run_of[std::size_t{runs_.wanted[i].from} * cast_.sites.size() + runs_.wanted[i].to] = i;
    std::vector<Kept> kept;
    kept.reserve(runs_.wanted.size());
    for (const ThroughputSlot& slot : request_.previous->slots) {
      const auto from = index.find(slot.link.from.str());
      const auto to = index.find(slot.link.to.str());
      if (from == index.end() || to == index.end()) continue;
      const std::uint32_t run = run_of[std::size_t{from->second} * cast_.sites.size() + to->second];
      if (run == none || slot.start >= period) continue;
      kept.push_back({run, (slot.start - runs_.wanted[run].guard).count()});
    }
    return kept;
  }

  Allowed allowed(nanoseconds every) const {
    return allowed_by(std::vector<nanoseconds>(has_quiet_hours(mesh_) ? runs_.wanted.size() : 0, every));
  }

  /// A run must not always fall into the quiet hours of one of its sites.
  Allowed allowed_by(std::vector<nanoseconds> every) const {
    if (!has_quiet_hours(mesh_)) return {};
    return [this, every = std::move(every)](std::size_t i, std::int64_t start) -> std::optional<std::int64_t> {
      const WantedRun& run = runs_.wanted[i];
      for (const std::uint32_t site : {run.from, run.to})
        if (always_quiet(cast_.sites[site]->quiet_hours, out_.epoch + nanoseconds(start), every[i], run.job.length))
          return start + nanoseconds(1min).count();
      return std::nullopt;
    };
  }

  static bool all_allowed(const Placement& placement, const Allowed& allow) {
    for (std::size_t i = 0; i < placement.starts.size(); ++i)
      if (allow(i, placement.starts[i])) return false;
    return true;
  }

  /// Slots in order of start, then link: the runs are wanted in the order of their links.
  void fill(const Placement& placement, nanoseconds period, const std::vector<nanoseconds>* every) {
    std::vector<std::pair<std::int64_t, std::uint32_t>> order;
    order.reserve(runs_.wanted.size());
    for (std::uint32_t i = 0; i < runs_.wanted.size(); ++i)
      order.emplace_back(placement.starts[i] + runs_.wanted[i].guard.count(), i);
    std::ranges::sort(order);
    out_.slots.clear();
    out_.slots.reserve(order.size() + order.size() / slots_room_to_grow);
    for (const auto& [start, i] : order) {
      const WantedRun& run = runs_.wanted[i];
      out_.slots.push_back({Round{placement.rounds[i]}, Link{cast_.sites[run.from]->site, cast_.sites[run.to]->site},
                            nanoseconds(start), run.job.length - 2 * run.guard,
                            every != nullptr && (*every)[i] != period ? (*every)[i] : 0ns});
    }
    out_.rounds = placement.round_count;
    out_.cycle = placement.cycle;
    out_.throughput_every = period;
  }

  const PlanRequest& request_;
  const Mesh& mesh_;
  const ThroughputPolicy& policy_;
  const Cast& cast_;
  Timetable& out_;
  Runs runs_;
  bool looks_for_remedies_ = true;
  bool is_last_try_ = false;
};

std::string_view place_of(Misfit::About about) {
  switch (about) {
    case Misfit::About::interval: return "probes.throughput.every";
    case Misfit::About::site_budget: return "sites.bytes_per_month";
    case Misfit::About::uplink_share: return "uplinks.share";
  }
  return "";
}

Expected<void> place_throughput(const PlanRequest& request, Timetable& out) {
  if (!request.mesh.policy.throughput) return {};
  const Cast cast = cast_of(request.mesh, request.seed);
  if (const auto misfit = ThroughputPlan(request, cast, out).run())
    return fail(fmt::format("{}: {}; {}", place_of(misfit->about), misfit->what(), misfit->remedy()));
  return {};
}

/// Names in the order in which they are first met, from 1.
std::uint32_t number_of(std::map<std::string, std::uint32_t>& known, const std::string& name) {
  return known.try_emplace(name, static_cast<std::uint32_t>(known.size()) + 1).first->second;
}

/// All but slots and phases, which follow from them; `before` may be the same timetable.
void set_head(const PlanRequest& request, const Timetable* before, Timetable& out) {
  const Mesh& mesh = request.mesh;
  // An epoch in the future would stop everything until then.
  out.epoch = before != nullptr ? std::min(before->epoch, request.effective_at) : request.effective_at;
  out.generation =
      before != nullptr ? std::max(request.at_least, Generation{before->generation.number + 1}) : request.at_least;
  out.effective_at = request.effective_at;
  out.policy = mesh.policy;
  out.members.clear();
  out.quiet.clear();
  std::map<std::string, std::uint32_t> uplinks;
  for (const SiteSpec& site : mesh.sites)
    out.members.push_back({site.site, site.addresses, site.port, site.inbound, site.has_agent, site.connect,
                           site.public_key, site.location, site.uplink ? number_of(uplinks, *site.uplink) : 0});
  for (const SiteSpec& site : mesh.sites)
    for (const DailyHours& hours : site.quiet_hours) out.quiet.push_back({site.site, hours});
}

/// An interval that was chosen for another mesh goes on as long as it is neither too short nor far too long.
bool still_fits(const Mesh& mesh, nanoseconds every, const SlotPatch& slots) {
  const RunClasses& classes = slots.classes();
  const bool is_chosen = is_uniform(mesh) ? !mesh.policy.throughput->every : classes.least_auto.has_value();
  if (!is_chosen) return true;
  const nanoseconds chosen = classes.least_auto.value_or(every);
  if (chosen < least_auto_every || every < nanoseconds(slots.busiest_with_repeats().count() / 100 * 105)) return false;
  const nanoseconds most = std::max(least_auto_every, most_auto_slack * slots.busiest());
  return chosen <= most || chosen <= least_chosen(most, classes.given);
}

/// False, and nothing is changed, where it must be planned anew.
bool patch(Timetable& timetable, const PlanRequest& request) {
  const Mesh& mesh = request.mesh;
  const auto& policy = mesh.policy.throughput;
  if (!policy || timetable.throughput_every <= 0ns || mesh.sites.size() > limits::sites) return false;
  const bool is_given = is_uniform(mesh) && policy->every;
  const nanoseconds every = is_given ? *policy->every : timetable.throughput_every;
  const Cast cast = cast_of(mesh, request.seed);
  SlotPatch slots(timetable, request, cast, every);
  if (!slots.work_out() || !still_fits(mesh, every, slots)) return false;
  slots.apply(timetable);
  place_phases(mesh, cast, timetable.policy, timetable.phases);
  set_head(request, &timetable, timetable);
  return true;
}

Expected<Timetable> plan_anew(const PlanRequest& request) {
  if (request.mesh.sites.size() > limits::sites)
    return fail(fmt::format("{} sites are too many; give at most {}", request.mesh.sites.size(), limits::sites));
  Timetable out;
  set_head(request, request.previous, out);
  if (auto placed = place_throughput(request, out); !placed) return std::unexpected(placed.error());
  place_phases(request.mesh, cast_of(request.mesh, 0), out.policy, out.phases);
  return out;
}

}  // namespace

Expected<Timetable> plan(const PlanRequest& request) {
  if (request.previous != nullptr)
    if (Timetable next = *request.previous; patch(next, request)) return next;
  return plan_anew(request);
}

Expected<void> replan(Timetable& timetable, PlanRequest request) {
  request.previous = &timetable;
  if (patch(timetable, request)) return {};
  auto anew = plan_anew(request);
  if (!anew) return std::unexpected(anew.error());
  timetable = *std::move(anew);
  return {};
}

SharedTime quiet_instant(const Timetable& current, SharedTime not_before) {
  if (current.slots.empty() || current.throughput_every <= 0ns || not_before < current.epoch) return not_before;
  // Where links have intervals of their own, hardly any instant is quiet.
  if (std::ranges::any_of(current.slots, [](const ThroughputSlot& slot) { return slot.every > 0ns; }))
    return not_before;
  const nanoseconds into = (not_before - current.epoch) % current.throughput_every;
  return into >= current.cycle || into == 0ns ? not_before : not_before + (current.cycle - into);
}

std::optional<Misfit> throughput_misfit(const Mesh& mesh) {
  const auto& policy = mesh.policy.throughput;
  if (!policy || (is_uniform(mesh) && !policy->every && !has_quiet_hours(mesh))) return std::nullopt;
  Timetable scratch;
  const Cast cast = cast_of(mesh, 0);
  const PlanRequest request{.mesh = mesh, .effective_at = {}};
  return ThroughputPlan(request, cast, scratch).run();
}

}  // namespace sonde
