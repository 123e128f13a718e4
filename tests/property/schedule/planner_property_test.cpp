// The planner against the independent checker, for random meshes.
#include <fmt/format.h>
#include <rapidcheck.h>

#include <boost/test/unit_test.hpp>

#include <algorithm>
#include <cmath>
#include <cstdlib>
#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "coordinator/core/link_rules.h"
#include "coordinator/core/planner.h"
#include "tests/property/schedule/busiest.h"

using namespace sonde;
using sonde::test::busiest_share;
using namespace std::chrono_literals;

namespace {

Mesh random_mesh(int most_sites) {
  Mesh mesh;
  const int sites = *rc::gen::inRange(0, most_sites + 1);
  const int uplinks = *rc::gen::inRange(1, 6);
  for (int i = 0; i < sites; ++i) {
    SiteSpec site;
    site.site = SiteId::known(fmt::format("s{}", i));
    site.addresses = {"192.0.2.1"};
    const int kind = *rc::gen::inRange(0, 10);
    site.inbound = kind != 0;
    site.has_agent = kind != 1;
    if (*rc::gen::inRange(0, 3) == 0) site.uplink = fmt::format("u{}", *rc::gen::inRange(0, uplinks));
    mesh.sites.push_back(site);
  }
  return mesh;
}

/// Everything that a configuration may ask for beyond a plain mesh; the planner may refuse it.
void add_wishes(Mesh& mesh) {
  mesh.policy.throughput->full_duplex = *rc::gen::arbitrary<bool>();
  const auto site = [&] { return mesh.sites[*rc::gen::inRange<std::size_t>(0, mesh.sites.size())].site; };
  const int rules = mesh.sites.empty() ? 0 : *rc::gen::inRange(0, 4);
  for (int i = 0; i < rules; ++i) {
    LinkRule rule;
    rule.from = {site(), site()};
    if (*rc::gen::arbitrary<bool>()) rule.to = {site(), site(), site()};
    rule.measured = *rc::gen::inRange(0, 4) != 0;
    rule.throughput = *rc::gen::inRange(0, 4) != 0;
    if (*rc::gen::arbitrary<bool>()) rule.every = *rc::gen::inRange(5, 300) * 60s;
    mesh.links.push_back(rule);
  }
  for (SiteSpec& spec : mesh.sites) {
    if (*rc::gen::inRange(0, 6) == 0)
      spec.bytes_per_month = Bytes{*rc::gen::inRange<std::uint64_t>(50, 2000) * 1'000'000'000};
    if (*rc::gen::inRange(0, 6) == 0)
      spec.quiet_hours = {{*rc::gen::inRange(0, 24) * 1h, *rc::gen::inRange(1, 12) * 1h}};
  }
  for (int u = 0; u < 5; ++u)
    if (*rc::gen::inRange(0, 4) == 0)
      mesh.uplinks.push_back({fmt::format("u{}", u), *rc::gen::inRange(5, 100) / 100.0});
}

void must_keep_the_rules(const Mesh& mesh, const Timetable& timetable) {
  for (const BrokenRule& broken : broken_rules(timetable, uplinks_of(mesh), exceptions_of(mesh)))
    RC_FAIL(fmt::format("{} {} {} {}", name(broken.rule), broken.link.from.str(), broken.link.to.str(), broken.with));
}

/// Budgets, shares, given intervals and quiet hours.
void must_keep_the_wishes(const Mesh& mesh, const Timetable& timetable) {
  const PlanSummary summary = summarise(mesh, timetable);
  for (const SiteSpec& site : mesh.sites)
    if (site.bytes_per_month)
      RC_ASSERT(summary.of_site.at(site.site).bytes_per_month() <=
                static_cast<double>(site.bytes_per_month->count) + 100);
  for (const UplinkSpec& uplink : mesh.uplinks) {
    double share = 0;
    for (const ThroughputSlot& slot : timetable.slots)
      if (mesh.site(slot.link.from)->uplink == uplink.name || mesh.site(slot.link.to)->uplink == uplink.name)
        share += to_seconds(slot.length) / to_seconds(timetable.interval(slot));
    RC_ASSERT(share <= uplink.share + 1e-9);
  }
  for (const ThroughputSlot& slot : timetable.slots) {
    const LinkTerms terms = terms_of(mesh, *mesh.site(slot.link.from), *mesh.site(slot.link.to));
    if (terms.every) RC_ASSERT(timetable.interval(slot) <= *terms.every);
    for (const SiteId* end : {&slot.link.from, &slot.link.to})
      RC_ASSERT(!always_quiet(mesh.site(*end)->quiet_hours, timetable.epoch + slot.start, timetable.interval(slot),
                              slot.length));
  }
}

std::unordered_map<Link, nanoseconds> random_lengths(const Mesh& mesh) {
  std::unordered_map<Link, nanoseconds> lengths;
  if (*rc::gen::arbitrary<bool>()) return lengths;
  for (const SiteSpec& from : mesh.sites)
    for (const SiteSpec& to : mesh.sites)
      if (*rc::gen::inRange(0, 4) == 0) lengths[{from.site, to.site}] = *rc::gen::inRange(0, 90'000) * 1ms;
  return lengths;
}

/// Some sites measure each other more often than the others, and they have hardly any time to spare.
Mesh nearly_full_mesh() {
  Mesh mesh;
  const int sites = *rc::gen::inRange(5, 12);
  const int core = *rc::gen::inRange(3, sites - 1);
  for (int i = 0; i < sites; ++i) {
    SiteSpec site;
    site.site = SiteId::known(fmt::format("s{}", i));
    site.addresses = {"192.0.2.1"};
    if (i < core) site.groups = {"core"};
    mesh.sites.push_back(site);
  }
  LinkRule often;
  often.group = "core";
  often.every = 20min;
  mesh.links.push_back(often);
  mesh.policy.throughput->every = 1h;
  const double runs_an_hour = 3 * 2 * (core - 1) + 2 * (sites - core);
  const double share = *rc::gen::inRange(850, 1000) / 1000.0;
  mesh.policy.throughput->duration = std::chrono::milliseconds(std::llround(share * 3'600'000 / runs_an_hour)) - 300ms;
  return mesh;
}

/// What the advice says of intervals and durations, done.
std::vector<Mesh> followed(const Mesh& mesh, const std::string& advice) {
  std::vector<Mesh> out;
  const auto number_behind = [&](std::string_view words) {
    const auto at = advice.find(words);
    return at == std::string::npos ? 0.0 : std::strtod(advice.c_str() + at + words.size(), nullptr);
  };
  if (const double times = number_behind("intervals "); times > 0) {
    Mesh changed = mesh;
    const auto lengthen = [&](std::optional<nanoseconds>& every) {
      if (every) every = nanoseconds(std::llround(times * static_cast<double>(every->count())));
    };
    lengthen(changed.policy.throughput->every);
    for (LinkRule& rule : changed.links) lengthen(rule.every);
    out.push_back(changed);
  }
  if (const auto at = advice.find("a duration of at most "); at != std::string::npos) {
    const double number = number_behind("a duration of at most ");
    const bool is_ms = advice.find("ms", at) != std::string::npos;
    Mesh changed = mesh;
    changed.policy.throughput->duration = nanoseconds(std::llround(number * (is_ms ? 1e6 : 1e9)));
    out.push_back(changed);
  }
  return out;
}

bool is_plain(const Mesh& mesh) {
  return mesh.links.empty() && mesh.uplinks.empty() && std::ranges::none_of(mesh.sites, [](const SiteSpec& s) {
           return s.bytes_per_month || !s.quiet_hours.empty();
         });
}

PlanRequest random_request(const Mesh& mesh) {
  return {.mesh = mesh,
          .measured = random_lengths(mesh),
          .seed = *rc::gen::arbitrary<std::uint64_t>(),
          .effective_at = shared_from_ns(1'000'000'000)};
}

enum class Change : std::uint8_t { joins, leaves, length };

/// What a mesh goes through: a site joins or leaves, or some runs take another time than before.
Change change_at_random(Mesh& mesh, std::unordered_map<Link, nanoseconds>& lengths, int step) {
  const int kind = *rc::gen::inRange(0, 5);
  if (kind < 2 && !mesh.sites.empty()) {
    mesh.sites.erase(mesh.sites.begin() + *rc::gen::inRange<std::ptrdiff_t>(0, std::ssize(mesh.sites)));
    return Change::leaves;
  }
  if (kind == 4 && mesh.sites.size() > 1) {
    lengths[{mesh.sites[0].site, mesh.sites[1].site}] = *rc::gen::inRange(0, 90'000) * 1ms;
    return Change::length;
  }
  SiteSpec joined;
  joined.site = SiteId::known(fmt::format("{}{}", *rc::gen::arbitrary<bool>() ? "a" : "z", step));
  joined.addresses = {"192.0.2.9"};
  joined.inbound = *rc::gen::inRange(0, 5) != 0;
  if (*rc::gen::inRange(0, 3) == 0) joined.uplink = "u0";
  mesh.sites.insert(mesh.sites.begin() + *rc::gen::inRange<std::ptrdiff_t>(0, std::ssize(mesh.sites) + 1), joined);
  return Change::joins;
}

std::map<Link, nanoseconds> starts_of(const Timetable& timetable) {
  std::map<Link, nanoseconds> starts;
  for (const ThroughputSlot& slot : timetable.slots) starts[slot.link] = slot.start;
  return starts;
}

std::size_t moved_runs(const Timetable& before, const Timetable& after) {
  const auto starts = starts_of(after);
  return static_cast<std::size_t>(std::ranges::count_if(before.slots, [&](const ThroughputSlot& slot) {
    const auto now = starts.find(slot.link);
    return now != starts.end() && now->second != slot.start;
  }));
}

std::size_t new_runs(const Timetable& before, const Timetable& after) {
  const auto starts = starts_of(before);
  return static_cast<std::size_t>(
      std::ranges::count_if(after.slots, [&](const ThroughputSlot& slot) { return !starts.contains(slot.link); }));
}

}  // namespace

BOOST_AUTO_TEST_SUITE(planner_properties)

BOOST_AUTO_TEST_CASE(every_timetable_keeps_every_rule) {
  BOOST_TEST(rc::check([] {
    const Mesh mesh = random_mesh(16);
    const auto timetable = plan(random_request(mesh));
    RC_ASSERT(timetable.has_value());
    for (const BrokenRule& broken : broken_rules(*timetable, uplinks_of(mesh)))
      RC_FAIL(fmt::format("{} {} {} {}", name(broken.rule), broken.link.from.str(), broken.link.to.str(), broken.with));
  }));
}

BOOST_AUTO_TEST_CASE(wishes_are_granted_without_a_conflict_or_refused) {
  int granted = 0;
  BOOST_TEST(rc::check([&] {
    Mesh mesh = random_mesh(12);
    add_wishes(mesh);
    const PlanRequest request = random_request(mesh);
    const auto timetable = plan(request);
    // What the check of a configuration lets pass is never refused later; with runs that take less than their duration
    // something that it does not may fit.
    const bool fits = !throughput_misfit(mesh).has_value();
    RC_ASSERT(timetable.has_value() || !fits);
    if (request.measured.empty()) RC_ASSERT(timetable.has_value() == fits);
    if (!timetable) return;
    ++granted;
    must_keep_the_rules(mesh, *timetable);
    must_keep_the_wishes(mesh, *timetable);
  }));
  BOOST_TEST(granted > 30);
}

BOOST_AUTO_TEST_CASE(where_no_gap_is_left_the_advice_fits) {
  int refused = 0;
  BOOST_TEST(rc::check([&] {
    const Mesh mesh = nearly_full_mesh();
    const auto misfit = throughput_misfit(mesh);
    if (!misfit || misfit->what().find("no gaps") == std::string::npos) return;
    ++refused;
    RC_ASSERT(misfit->what().find(" % of the time") != std::string::npos);
    const std::vector<Mesh> ways = followed(mesh, misfit->remedy());
    RC_ASSERT(!ways.empty());
    for (const Mesh& way : ways) RC_ASSERT(!throughput_misfit(way).has_value());
  }));
  BOOST_TEST(refused > 3);
}

BOOST_AUTO_TEST_CASE(a_join_or_leave_moves_few_runs) {
  BOOST_TEST(rc::check([] {
    Mesh before = random_mesh(14);
    if (*rc::gen::arbitrary<bool>()) add_wishes(before);
    const auto lengths = random_lengths(before);
    const auto first = plan({.mesh = before, .measured = lengths, .effective_at = SharedTime(1h)});
    if (!first) return;
    Mesh after = before;
    const bool joins = *rc::gen::arbitrary<bool>();
    if (joins) {
      SiteSpec joined;
      joined.site = SiteId::known("newcomer");
      joined.addresses = {"192.0.2.9"};
      after.sites.push_back(joined);
    } else if (!after.sites.empty()) {
      after.sites.erase(after.sites.begin() + *rc::gen::inRange<std::ptrdiff_t>(0, std::ssize(after.sites)));
    }
    const auto second = plan({.previous = &*first, .mesh = after, .measured = lengths, .effective_at = SharedTime(2h)});
    if (!second) return;
    must_keep_the_rules(after, *second);
    must_keep_the_wishes(after, *second);
    if (second->throughput_every != first->throughput_every) return;
    // Nothing that stays fitting is moved: with an hour's interval and a few sites there is room for all.
    std::map<Link, nanoseconds> starts;
    for (const ThroughputSlot& slot : second->slots) starts[slot.link] = slot.start;
    std::size_t moved = 0;
    for (const ThroughputSlot& slot : first->slots)
      if (const auto at = starts.find(slot.link); at != starts.end() && at->second != slot.start) ++moved;
    const double bound = summarise(after, *second).lower_bound_s;
    if (bound * 1.2 > to_seconds(first->cycle) && is_plain(after)) RC_ASSERT(moved <= 2 * after.sites.size());
  }));
}

BOOST_AUTO_TEST_CASE(joins_and_leaves_one_after_another_move_only_what_is_in_the_way) {
  std::size_t steps_in_place = 0;
  BOOST_TEST(rc::check([&] {
    Mesh mesh = random_mesh(14);
    mesh.policy.throughput->full_duplex = *rc::gen::arbitrary<bool>();
    auto lengths = random_lengths(mesh);
    auto now = plan({.mesh = mesh, .measured = lengths, .effective_at = SharedTime(1h)});
    RC_ASSERT(now.has_value());
    for (int step = 0; step < 8; ++step) {
      const Change change = change_at_random(mesh, lengths, step);
      const Timetable before = *now;
      const PlanRequest request{.mesh = mesh, .measured = lengths, .effective_at = SharedTime((2 + step) * 1h)};
      RC_ASSERT(replan(*now, request).has_value());
      must_keep_the_rules(mesh, *now);
      PlanRequest copied = request;
      copied.previous = &before;
      RC_ASSERT(*plan(copied) == *now);
      RC_ASSERT(now->epoch == before.epoch);  // and so the next run of who stays is one interval after the last
      if (change == Change::length || now->throughput_every != before.throughput_every) continue;
      if (busiest_share(mesh, *now) > 0.6) continue;
      ++steps_in_place;
      RC_ASSERT(moved_runs(before, *now) <= new_runs(before, *now));
    }
  }));
  BOOST_TEST(steps_in_place > 200U);
}

BOOST_AUTO_TEST_CASE(sites_come_and_go_without_anybodys_wishes_suffering) {
  std::size_t kept_intervals = 0;
  BOOST_TEST(rc::check([&] {
    Mesh mesh = random_mesh(14);
    add_wishes(mesh);
    auto lengths = random_lengths(mesh);
    auto now = plan({.mesh = mesh, .measured = lengths, .effective_at = SharedTime(1h)});
    if (!now) return;
    for (int step = 0; step < 6; ++step) {
      const Change change = change_at_random(mesh, lengths, step);
      const Timetable before = *now;
      const std::map<SiteId, nanoseconds> guards{{SiteId::known("s1"), step * 100ms}};
      const PlanRequest request{
          .mesh = mesh, .measured = lengths, .guards = guards, .effective_at = SharedTime((2 + step) * 1h)};
      if (!replan(*now, request)) return;
      must_keep_the_rules(mesh, *now);
      must_keep_the_wishes(mesh, *now);
      std::map<Link, nanoseconds> intervals;
      for (const ThroughputSlot& slot : now->slots) intervals[slot.link] = now->interval(slot);
      kept_intervals += change != Change::length && std::ranges::all_of(before.slots,
                                                                        [&](const ThroughputSlot& slot) {
                                                                          const auto same = intervals.find(slot.link);
                                                                          return same == intervals.end() ||
                                                                                 same->second == before.interval(slot);
                                                                        })
                            ? 1U
                            : 0U;
    }
  }));
  BOOST_TEST(kept_intervals > 100U);
}

BOOST_AUTO_TEST_CASE(what_is_refused_changes_nothing) {
  BOOST_TEST(rc::check([] {
    Mesh mesh = random_mesh(12);
    auto now = plan({.mesh = mesh, .effective_at = SharedTime(1h)});
    RC_ASSERT(now.has_value());
    const Timetable before = *now;
    mesh.policy.throughput->every = *rc::gen::inRange(1, 60) * 1s;
    const bool planned = replan(*now, {.mesh = mesh, .effective_at = SharedTime(2h)}).has_value();
    RC_ASSERT(planned == !throughput_misfit(mesh).has_value());
    if (planned)
      must_keep_the_rules(mesh, *now);
    else
      RC_ASSERT(*now == before);
  }));
}

BOOST_AUTO_TEST_CASE(no_cycle_is_shorter_than_the_bound_or_much_longer) {
  BOOST_TEST(rc::check([] {
    const Mesh mesh = random_mesh(16);
    const auto timetable = plan(random_request(mesh));
    RC_ASSERT(timetable.has_value());
    const PlanSummary summary = summarise(mesh, *timetable);
    RC_ASSERT(summary.cycle_s >= summary.lower_bound_s);
    RC_ASSERT(summary.cycle_s <= 1.6 * summary.lower_bound_s);
  }));
}

BOOST_AUTO_TEST_CASE(a_join_or_leave_moves_no_phase) {
  BOOST_TEST(rc::check([] {
    const Mesh before = random_mesh(12);
    Mesh after = before;
    if (!after.sites.empty() && *rc::gen::arbitrary<bool>())
      after.sites.erase(after.sites.begin() + *rc::gen::inRange<std::ptrdiff_t>(0, std::ssize(after.sites)));
    SiteSpec joined;
    joined.site = SiteId::known("newcomer");
    joined.addresses = {"192.0.2.9"};
    after.sites.insert(after.sites.begin() + *rc::gen::inRange<std::ptrdiff_t>(0, std::ssize(after.sites) + 1), joined);
    const auto first = plan(random_request(before));
    PlanRequest next{.previous = &*first, .mesh = after, .measured = {}, .seed = 3, .effective_at = SharedTime(1h)};
    const auto second = plan(next);
    RC_ASSERT(second->epoch == first->epoch);
    std::map<Link, LinkPhase> old;
    for (const LinkPhase& phase : first->phases) old[phase.link] = phase;
    for (const LinkPhase& phase : second->phases)
      if (const auto at = old.find(phase.link); at != old.end()) RC_ASSERT(at->second == phase);
  }));
}

BOOST_AUTO_TEST_CASE(the_order_of_the_configuration_changes_no_slot) {
  BOOST_TEST(rc::check([] {
    const Mesh mesh = random_mesh(12);
    Mesh turned = mesh;
    std::ranges::reverse(turned.sites);
    const auto one = plan({.mesh = mesh, .seed = 5, .effective_at = SharedTime(1s)});
    const auto other = plan({.mesh = turned, .seed = 5, .effective_at = SharedTime(1s)});
    RC_ASSERT(one->slots == other->slots);
    RC_ASSERT(one->phases == other->phases);
  }));
}

BOOST_AUTO_TEST_SUITE_END()
