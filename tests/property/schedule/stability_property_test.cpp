// A site that joins or leaves moves no run that need not move, also where runs differ in length, interval, budget and
// uplink.
#include <fmt/format.h>
#include <rapidcheck.h>

#include <boost/test/unit_test.hpp>

#include <algorithm>
#include <map>
#include <string>
#include <unordered_map>

#include "coordinator/core/link_rules.h"
#include "coordinator/core/planner.h"
#include "tests/property/schedule/busiest.h"

using namespace sonde;
using sonde::test::busiest_share;
using namespace std::chrono_literals;

namespace {

/// Up to this share of the busiest site's time there is always a gap for a new run.
constexpr double roomy = 0.5;

SiteSpec site_spec(const std::string& name) {
  SiteSpec site;
  site.site = SiteId::known(name);
  site.addresses = {"192.0.2.1"};
  return site;
}

/// Sites with uplinks, of which some have a share; groups with an interval of their own; budgets, quiet hours.
Mesh random_mesh() {
  Mesh mesh;
  const int sites = *rc::gen::inRange(4, 25);
  for (int i = 0; i < sites; ++i) {
    SiteSpec site = site_spec(fmt::format("s{}", i));
    if (*rc::gen::inRange(0, 5) == 0) site.uplink = fmt::format("u{}", *rc::gen::inRange(0, 3));
    if (*rc::gen::inRange(0, 3) == 0) site.groups = {"core"};
    if (*rc::gen::inRange(0, 5) == 0) site.groups.emplace_back("edge");
    if (*rc::gen::inRange(0, 8) == 0)
      site.bytes_per_month = Bytes{*rc::gen::inRange<std::uint64_t>(500, 8000) * 1'000'000'000};
    if (*rc::gen::inRange(0, 12) == 0) site.quiet_hours = {{22h, *rc::gen::inRange(1, 10) * 1h}};
    mesh.sites.push_back(site);
  }
  for (const char* group : {"core", "edge"})
    if (*rc::gen::inRange(0, 3) != 0) {
      LinkRule rule;
      rule.group = group;
      rule.every = *rc::gen::element(20, 30, 45, 60, 180, 420, 1440) * 1min;
      mesh.links.push_back(rule);
    }
  if (*rc::gen::arbitrary<bool>()) mesh.uplinks.push_back({"u0", *rc::gen::inRange(10, 90) / 100.0});
  mesh.policy.throughput->duration = *rc::gen::element(5, 10, 40) * 1s;
  mesh.policy.throughput->full_duplex = *rc::gen::arbitrary<bool>();
  return mesh;
}

std::unordered_map<Link, nanoseconds> random_lengths(const Mesh& mesh) {
  std::unordered_map<Link, nanoseconds> lengths;
  if (*rc::gen::arbitrary<bool>()) return lengths;
  for (const SiteSpec& from : mesh.sites)
    for (const SiteSpec& to : mesh.sites) lengths[{from.site, to.site}] = *rc::gen::inRange(1000, 15'000) * 1ms;
  return lengths;
}

struct Difference {
  std::size_t fresh = 0;
  std::size_t moved = 0;
  bool same_intervals = true;  ///< of the runs that were there before
};

Difference difference(const Timetable& before, const Timetable& after) {
  std::map<Link, const ThroughputSlot*> old;
  for (const ThroughputSlot& slot : before.slots) old[slot.link] = &slot;
  Difference out;
  for (const ThroughputSlot& slot : after.slots) {
    const auto was = old.find(slot.link);
    if (was == old.end()) {
      ++out.fresh;
      continue;
    }
    if (was->second->start != slot.start) ++out.moved;
    if (before.interval(*was->second) != after.interval(slot)) out.same_intervals = false;
  }
  return out;
}

bool is_mixed(const Mesh& mesh) {
  return !mesh.links.empty() || !mesh.uplinks.empty() ||
         std::ranges::any_of(mesh.sites, [](const SiteSpec& site) { return site.bytes_per_month.has_value(); });
}

/// A mesh with its first timetable, and the same after somebody has joined or left.
struct Replanned {
  Mesh mesh = random_mesh();
  std::unordered_map<Link, nanoseconds> lengths = random_lengths(mesh);
  Expected<Timetable> before = plan({.mesh = mesh, .measured = lengths, .effective_at = SharedTime(1h)});
  Timetable now;

  /// After a change of `mesh`; false: it does not fit.
  bool replan_all() {
    now = *before;
    return replan(now, {.mesh = mesh, .measured = lengths, .effective_at = SharedTime(2h)}).has_value();
  }
};

void must_keep_the_rules(const Mesh& mesh, const Timetable& timetable) {
  for (const BrokenRule& broken : broken_rules(timetable, uplinks_of(mesh), exceptions_of(mesh)))
    RC_FAIL(fmt::format("{} {} {} {}", name(broken.rule), broken.link.from.str(), broken.link.to.str(), broken.with));
}

}  // namespace

BOOST_AUTO_TEST_SUITE(stability)

BOOST_AUTO_TEST_CASE(a_site_that_joins_moves_at_most_two_runs_for_each_new_one) {
  int mixed = 0;
  BOOST_TEST(rc::check([&] {
    Replanned one;
    Mesh& mesh = one.mesh;
    if (!one.before) return;
    SiteSpec newcomer = site_spec(*rc::gen::element("a-newcomer", "z-newcomer"));
    if (*rc::gen::inRange(0, 4) == 0) newcomer.uplink = "u1";
    if (*rc::gen::inRange(0, 4) == 0) newcomer.groups = {"core"};
    mesh.sites.insert(mesh.sites.begin() + *rc::gen::inRange<std::ptrdiff_t>(0, std::ssize(mesh.sites)), newcomer);
    const bool fits = one.replan_all();
    if (!fits) RC_ASSERT(throughput_misfit(mesh).has_value());
    if (!fits) return;
    must_keep_the_rules(mesh, one.now);
    const Difference change = difference(*one.before, one.now);
    if (!change.same_intervals || busiest_share(mesh, one.now) > roomy) return;
    mixed += is_mixed(mesh) ? 1 : 0;
    RC_ASSERT(change.moved <= 2 * change.fresh);
  }));
  BOOST_TEST(mixed > 10);
}

BOOST_AUTO_TEST_CASE(a_site_that_leaves_moves_nothing) {
  int mixed = 0;
  BOOST_TEST(rc::check([&] {
    Replanned one;
    Mesh& mesh = one.mesh;
    if (!one.before) return;
    mesh.sites.erase(mesh.sites.begin() + *rc::gen::inRange<std::ptrdiff_t>(0, std::ssize(mesh.sites)));
    RC_ASSERT(one.replan_all());
    must_keep_the_rules(mesh, one.now);
    const Difference change = difference(*one.before, one.now);
    if (!change.same_intervals) return;
    mixed += is_mixed(mesh) ? 1 : 0;
    RC_ASSERT(change.moved == 0U);
  }));
  BOOST_TEST(mixed > 10);
}

BOOST_AUTO_TEST_SUITE_END()
