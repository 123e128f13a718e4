#include "shared/schedule/checker.h"

#include <boost/test/unit_test.hpp>

#include <algorithm>

using namespace sonde;
using namespace std::chrono_literals;

namespace {

const SiteId a = SiteId::known("a");
const SiteId b = SiteId::known("b");
const SiteId c = SiteId::known("c");
const SiteId d = SiteId::known("d");

Member member(const SiteId& site) {
  Member out;
  out.site = site;
  return out;
}

/// a and b exchange, while c and d do, each way.
Timetable good() {
  Timetable timetable;
  timetable.policy.latency.reset();
  timetable.policy.connect.reset();
  timetable.members = {member(a), member(b), member(c), member(d)};
  const std::vector<std::pair<Link, Link>> rounds{{{a, b}, {c, d}}, {{b, a}, {d, c}}, {{a, c}, {b, d}},
                                                  {{c, a}, {d, b}}, {{a, d}, {b, c}}, {{d, a}, {c, b}}};
  for (const auto& [one, other] : rounds) {
    for (const Link& link : {one, other})
      timetable.slots.push_back({Round{timetable.rounds}, link, timetable.rounds * 5s, 5s});
    ++timetable.rounds;
  }
  timetable.cycle = 30s;
  timetable.throughput_every = 1min;
  return timetable;
}

bool breaks(const Timetable& timetable, Rule rule, const Uplinks& uplinks = {}) {
  return std::ranges::any_of(broken_rules(timetable, uplinks),
                             [&](const BrokenRule& broken) { return broken.rule == rule; });
}

}  // namespace

BOOST_AUTO_TEST_SUITE(checker)

BOOST_AUTO_TEST_CASE(a_good_timetable_breaks_nothing) { BOOST_TEST(broken_rules(good(), {}).empty()); }

BOOST_AUTO_TEST_CASE(a_site_in_two_runs_at_one_time_is_found) {
  Timetable timetable = good();
  timetable.slots[2].start -= 1ns;
  BOOST_TEST(breaks(timetable, Rule::overlap));
  BOOST_TEST(!breaks(timetable, Rule::same_round));
}

BOOST_AUTO_TEST_CASE(an_uplink_in_two_runs_at_one_time_is_found) {
  BOOST_TEST(breaks(good(), Rule::overlap, {{a, "dfn"}, {c, "dfn"}}));
  BOOST_TEST(breaks(good(), Rule::same_round, {{a, "dfn"}, {c, "dfn"}}));
}

BOOST_AUTO_TEST_CASE(a_run_inside_an_uplink_keeps_it_busy_once) {
  Timetable timetable = good();
  timetable.members.resize(2);
  timetable.slots = {{Round{0}, {a, b}, 0s, 5s}, {Round{1}, {b, a}, 5s, 5s}};
  BOOST_TEST(broken_rules(timetable, {{a, "dfn"}, {b, "dfn"}}).empty());
}

BOOST_AUTO_TEST_CASE(each_rule_is_found) {
  Timetable timetable = good();
  timetable.slots[0].link.to = SiteId::known("stranger");
  BOOST_TEST(breaks(timetable, Rule::unknown_site));
  BOOST_TEST(breaks(timetable, Rule::missing));
  timetable = good();
  timetable.members[1].inbound = false;
  BOOST_TEST(!breaks(timetable, Rule::no_agent));  // it opens the connections itself
  timetable.members[0].inbound = false;
  BOOST_TEST(breaks(timetable, Rule::no_agent));
  timetable = good();
  timetable.slots[0].length = 0s;
  BOOST_TEST(breaks(timetable, Rule::bad_length));
  timetable = good();
  timetable.slots.back().length = 5s + 1ns;
  BOOST_TEST(breaks(timetable, Rule::outside_cycle));
  timetable = good();
  timetable.throughput_every = 29s;
  BOOST_TEST(breaks(timetable, Rule::outside_cycle));
  timetable = good();
  timetable.slots.push_back({Round{1}, {a, b}, 25s, 5s});
  BOOST_TEST(breaks(timetable, Rule::repeated));
  timetable = good();
  timetable.policy.connect = ConnectPolicy{};
  BOOST_TEST(breaks(timetable, Rule::missing));
  timetable.phases = {{{a, b}, 0s, 30s}};
  BOOST_TEST(breaks(timetable, Rule::bad_phase));
}

BOOST_AUTO_TEST_CASE(with_full_duplex_only_one_direction_excludes) {
  Timetable timetable = good();
  timetable.policy.throughput->full_duplex = true;
  timetable.slots[2].start = 0s;  // b -> a beside a -> b
  timetable.slots[2].round = {0};
  BOOST_TEST(!breaks(timetable, Rule::overlap));
  timetable.slots[4].start = 0s;  // a -> c beside a -> b
  BOOST_TEST(breaks(timetable, Rule::overlap));
}

BOOST_AUTO_TEST_CASE(every_repetition_is_looked_at) {
  Timetable timetable = good();
  timetable.slots[0].every = 30s;  // a -> b again at 30 s, when nobody else runs
  BOOST_TEST(!breaks(timetable, Rule::overlap));
  timetable.slots[0].every = 20s;
  BOOST_TEST(breaks(timetable, Rule::overlap));
  timetable.slots[0].every = 25s;
  BOOST_TEST(breaks(timetable, Rule::bad_interval));
}

BOOST_AUTO_TEST_CASE(what_the_rules_take_out_must_not_be_there) {
  Timetable timetable = good();
  BOOST_TEST(std::ranges::any_of(broken_rules(timetable, {}, {.unmeasured = {}, .no_throughput = {{a, b}}}),
                                 [](const BrokenRule& broken) { return broken.rule == Rule::unwanted; }));
  std::erase_if(timetable.slots, [](const ThroughputSlot& slot) { return slot.link == Link{a, b}; });
  BOOST_TEST(broken_rules(timetable, {}, {.unmeasured = {}, .no_throughput = {{a, b}}}).empty());
}

BOOST_AUTO_TEST_SUITE_END()
