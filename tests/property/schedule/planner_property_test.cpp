// The planner against the independent checker, for random meshes.
#include <fmt/format.h>
#include <rapidcheck.h>

#include <boost/test/unit_test.hpp>

#include <algorithm>
#include <map>

#include "coordinator/core/planner.h"

using namespace sonde;
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

std::unordered_map<Link, nanoseconds> random_lengths(const Mesh& mesh) {
  std::unordered_map<Link, nanoseconds> lengths;
  if (*rc::gen::arbitrary<bool>()) return lengths;
  for (const SiteSpec& from : mesh.sites)
    for (const SiteSpec& to : mesh.sites)
      if (*rc::gen::inRange(0, 4) == 0) lengths[{from.site, to.site}] = *rc::gen::inRange(0, 90'000) * 1ms;
  return lengths;
}

PlanRequest random_request(const Mesh& mesh) {
  return {.mesh = mesh,
          .measured = random_lengths(mesh),
          .seed = *rc::gen::arbitrary<std::uint64_t>(),
          .effective_at = shared_from_ns(1'000'000'000)};
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
