// Whom the coordinator asks to look at a way, and what it makes of it.
#include "coordinator/core/evidence_desk.h"

#include <fmt/format.h>

#include <boost/test/unit_test.hpp>

#include <map>
#include <set>

#include "sample_results.h"

using namespace sonde;
using namespace sonde::test;
using namespace std::chrono_literals;

namespace {

PathTrace trace(std::vector<std::string> hops, nanoseconds last = 40ms) {
  PathTrace out;
  out.source = "192.0.2.10:7102";
  out.target = "192.0.2.20:7101";
  out.sent = out.answered = 3;
  out.reached = true;
  out.mtu = out.interface_mtu = 1500;
  for (std::size_t i = 0; i < hops.size(); ++i)
    out.hops.push_back({hops[i].empty()        ? HopKind::silent
                        : i + 1 == hops.size() ? HopKind::target
                                               : HopKind::router,
                        hops[i], hops[i].empty() ? std::nullopt : std::optional<nanoseconds>(last)});
  return out;
}

/// A mesh with latency results on each link every second, and agents that answer orders.
struct Desk {
  explicit Desk(int sites = 4, EvidencePolicy policy = {}) {
    for (int i = 0; i < sites; ++i) {
      SiteSpec site;
      site.site = SiteId::known(fmt::format("s{}", i));
      mesh.sites.push_back(site);
      agents[site.site].route = "r";
    }
    incidents.set_mesh(mesh, {});
    desk.set_mesh(mesh, policy);
    desk.restore(at_s(0), {});
  }
  static SiteId site(int number) { return SiteId::known(fmt::format("s{}", number)); }
  SharedTime now() const { return at_s(second); }

  void run(int seconds, bool answer = true) {
    for (int i = 0; i < seconds; ++i) {
      ++second;
      for (auto& [id, agent] : agents)
        if (!silent.contains(id)) agent.last_heard = now();
      for (const auto& [link, share] : loss)
        if (!silent.contains(link.from) && (!silent.contains(link.to) || second % 5 == 0))
          incidents.on_result(measured(link, share), now(), agents);
      Incidents::Out judged;
      incidents.tick(now(), agents, judged);
      EvidenceDesk::Out out;
      desk.tick(now(), incidents, agents, out);
      const auto orders = out.orders;
      for (const EvidenceDesk::Order& order : orders) {
        ordered.push_back(order);
        if (answer) give(order, look, out);
      }
      take(out);
    }
  }
  /// The host of a silent agent says that nobody listens there.
  Result measured(const Link& link, double share) {
    Result result = make_result(++seq, Probe::latency, second, Outcome::ok, link.from.str(), link.to.str());
    if (!silent.contains(link.to))
      return with_ratio(std::move(result), Metric::loss, static_cast<std::uint64_t>(share * 50), 50);
    result.outcome = Outcome::unreachable;
    result.reason = "no reply to 50 probes: port unreachable, nothing listens there";
    return result;
  }
  void give(const EvidenceDesk::Order& order, PathTrace answer, EvidenceDesk::Out& out) {
    answer.began_at = now();
    desk.on_taken(now(), order.from, {.id = order.order.id, .to = order.order.to, .trace = std::move(answer)},
                  incidents, out);
  }
  void take(EvidenceDesk::Out& out) {
    for (auto& one : out.attached) {
      Incidents::Out ignored;
      incidents.attach(one.incident, one.evidence, now(), ignored);
      attached.push_back(std::move(one));
    }
    for (auto& one : out.known) known.push_back(std::move(one));
    for (const Event& event : out.events) events.emplace_back(event.code);
  }
  void good() {
    for (const SiteSpec& from : mesh.sites)
      for (const SiteSpec& to : mesh.sites)
        if (from.site != to.site) loss[{from.site, to.site}] = 0;
  }

  Mesh mesh;
  AgentStatuses agents;
  Incidents incidents;
  EvidenceDesk desk;
  std::map<Link, double> loss;
  std::set<SiteId> silent;
  PathTrace look = trace({"10.0.0.1", "10.0.0.2", "192.0.2.20"});
  std::vector<EvidenceDesk::Order> ordered;
  std::vector<EvidenceDesk::Attached> attached;
  std::vector<EvidenceDesk::Known> known;
  std::vector<std::string> events;
  int second = 0;
  std::uint64_t seq = 0;
};

std::vector<std::string> codes_of(const std::vector<PathFinding>& findings) {
  std::vector<std::string> codes;
  for (const PathFinding& finding : findings) codes.emplace_back(finding.code);
  return codes;
}

}  // namespace

BOOST_AUTO_TEST_SUITE(evidence_desk)

BOOST_AUTO_TEST_CASE(each_link_is_looked_at_at_leisure_once_and_then_only_after_the_interval) {
  Desk net;
  net.good();
  net.run(60);
  BOOST_TEST(net.ordered.size() == 12U);
  BOOST_TEST(net.known.size() == 12U);
  for (const auto& order : net.ordered) BOOST_TEST(order.order.at_leisure);
  BOOST_TEST(net.desk.known({Desk::site(0), Desk::site(1)}) != nullptr);
  net.run(600);
  BOOST_TEST(net.ordered.size() == 12U);
}

BOOST_AUTO_TEST_CASE(at_leisure_a_site_has_one_order_at_a_time_and_the_mesh_few_in_a_second) {
  Desk net(30, {.onset = true, .every = 6h});
  net.run(10, false);
  BOOST_TEST(net.ordered.size() <= 20U);
  std::set<SiteId> sites;
  for (const auto& order : net.ordered) BOOST_TEST(sites.insert(order.from).second);
}

BOOST_AUTO_TEST_CASE(at_the_onset_both_agents_look_and_the_incident_has_it_with_the_last_good_way) {
  Desk net;
  net.good();
  net.run(60);
  net.ordered.clear();
  net.look = trace({"10.0.0.1", "10.9.9.9", "192.0.2.20"});
  net.loss[{Desk::site(0), Desk::site(1)}] = 0.3;
  net.run(20);
  BOOST_TEST_REQUIRE(net.ordered.size() == 2U);
  BOOST_TEST(net.ordered[0].from.str() == "s0");
  BOOST_TEST(net.ordered[0].order.to.str() == "s1");
  BOOST_TEST(net.ordered[1].from.str() == "s1");
  BOOST_TEST(!net.ordered[0].order.at_leisure);
  BOOST_TEST_REQUIRE(net.attached.size() == 2U);
  const Incident* incident = net.incidents.find(net.attached[0].incident);
  BOOST_TEST_REQUIRE(incident != nullptr);
  BOOST_TEST_REQUIRE(incident->paths.size() == 2U);
  BOOST_TEST_REQUIRE(incident->paths[0].before.has_value());
  BOOST_TEST(changed_hop(*incident->paths[0].before, incident->paths[0].now).value() == 2U);
  BOOST_TEST(net.desk.known({Desk::site(0), Desk::site(1)})->hops[1].address == "10.0.0.2");
}

BOOST_AUTO_TEST_CASE(a_black_hole_that_the_agents_found_is_a_pattern_of_the_incident) {
  Desk net;
  net.good();
  net.run(60);
  net.look.mtu = 1400;
  net.look.mtu_black_hole = true;
  net.loss[{Desk::site(0), Desk::site(1)}] = 0.3;
  net.run(20);
  const Incident* incident = net.incidents.find(net.attached.at(0).incident);
  BOOST_TEST_REQUIRE(incident != nullptr);
  BOOST_TEST_REQUIRE(incident->patterns.size() == 1U);
  BOOST_TEST(incident->patterns[0].text ==
             "s0 -> s1: packets of more than 1400 octets are lost, smaller ones are not: the path MTU");
}

BOOST_AUTO_TEST_CASE(an_egress_with_many_links_is_looked_at_on_three_of_them) {
  Desk net(10, {.onset = true, .every = std::nullopt});
  net.good();
  net.run(5);
  for (int to = 1; to < 10; ++to) net.loss[{Desk::site(0), Desk::site(to)}] = 0.3;
  net.run(20);
  BOOST_TEST(net.ordered.size() == 2 * EvidenceDesk::links_of_incident);
  std::set<SiteId> far;
  for (const auto& order : net.ordered)
    if (order.from == Desk::site(0)) far.insert(order.order.to);
  BOOST_TEST(far.size() == EvidenceDesk::links_of_incident);
}

BOOST_AUTO_TEST_CASE(what_grows_is_looked_at_further_while_it_is_young) {
  Desk net(10, {.onset = true, .every = std::nullopt});
  net.good();
  net.run(5);
  net.loss[{Desk::site(0), Desk::site(1)}] = 0.3;
  net.run(20);
  BOOST_TEST(net.ordered.size() == 2U);
  for (int to = 2; to < 10; ++to) net.loss[{Desk::site(0), Desk::site(to)}] = 0.3;
  net.run(20);
  BOOST_TEST(net.incidents.list().size() == 1U);
  BOOST_TEST(net.ordered.size() == 2 * EvidenceDesk::links_of_incident);
}

BOOST_AUTO_TEST_CASE(what_grows_later_has_had_its_onset) {
  Desk net(10, {.onset = true, .every = std::nullopt});
  net.good();
  net.run(5);
  net.loss[{Desk::site(0), Desk::site(1)}] = 0.3;
  net.run(80);
  for (int to = 2; to < 10; ++to) net.loss[{Desk::site(0), Desk::site(to)}] = 0.3;
  net.run(20);
  BOOST_TEST(net.incidents.list().size() == 1U);
  BOOST_TEST(net.ordered.size() == 2U);
}

BOOST_AUTO_TEST_CASE(many_incidents_at_once_make_no_storm) {
  constexpr int sites = 70;
  Desk net(sites, {.onset = true, .every = std::nullopt});
  net.good();
  net.run(2);
  for (int i = 0; i + 1 < sites; i += 2) net.loss[{Desk::site(i), Desk::site(i + 1)}] = 0.4;
  net.run(10, false);
  BOOST_TEST(net.incidents.open_count(CauseKind::link) == sites / 2U);
  BOOST_TEST(net.ordered.size() == EvidenceDesk::onsets_in_a_minute);
  net.loss.clear();    // no news: nothing begins and nothing ends
  net.run(65, false);  // the others get their turn in the next minute, or are said to be left out
  BOOST_TEST(net.ordered.size() + net.desk.counters().left_out == std::size_t{sites});
}

BOOST_AUTO_TEST_CASE(what_was_seen_while_something_went_wrong_is_no_last_good_way) {
  Desk net(4, {.onset = true, .every = 6h});
  net.good();
  net.run(2, false);
  BOOST_TEST_REQUIRE(net.ordered.size() >= 2U);
  const auto first = net.ordered[0];
  const auto second = net.ordered[1];
  net.loss[{first.from, first.order.to}] = 0.4;
  net.run(10, false);
  EvidenceDesk::Out out;
  net.give(first, net.look, out);
  PathTrace unreached = net.look;
  unreached.reached = false;
  net.give(second, unreached, out);
  BOOST_TEST(out.known.empty());
  BOOST_TEST(net.desk.known({first.from, first.order.to}) == nullptr);
}

BOOST_AUTO_TEST_CASE(an_agent_that_is_not_heard_or_does_not_answer_is_said_so) {
  Desk net(4, {.onset = true, .every = std::nullopt});
  net.good();
  net.run(5);
  net.loss[{Desk::site(0), Desk::site(1)}] = 0.3;
  net.agents[Desk::site(1)].route.clear();
  net.run(20, false);
  BOOST_TEST_REQUIRE(net.attached.size() == 1U);
  BOOST_TEST(net.attached[0].evidence.now.trouble == "the agent there is not heard");
  net.run(100, false);
  BOOST_TEST_REQUIRE(net.attached.size() == 2U);
  BOOST_TEST(net.attached[1].evidence.now.trouble == "the agent there did not answer");
}

BOOST_AUTO_TEST_CASE(an_answer_that_nobody_asked_for_is_passed_over_and_a_peers_text_is_cleaned) {
  Desk net(4, {.onset = true, .every = 6h});
  net.run(3, false);
  BOOST_TEST_REQUIRE(!net.ordered.empty());
  EvidenceDesk::Out out;
  auto foreign = net.ordered[0];
  foreign.from = foreign.from == Desk::site(3) ? Desk::site(2) : Desk::site(3);
  net.give(foreign, net.look, out);
  foreign = net.ordered[0];
  foreign.order.id += 1000;
  net.give(foreign, net.look, out);
  BOOST_TEST(out.known.empty());
  PathTrace hostile = net.look;
  hostile.hops[0].address = "<script>\x1b[2J";
  hostile.interface = "eth0\n\x07";
  net.give(net.ordered[0], hostile, out);
  BOOST_TEST_REQUIRE(out.known.size() == 1U);
  BOOST_TEST((out.known[0].trace.hops[0] == Hop{}));
  BOOST_TEST(out.known[0].trace.interface == "eth0");
}

BOOST_AUTO_TEST_CASE(nothing_is_asked_about_what_is_not_of_the_network) {
  Desk net(4, {.onset = true, .every = std::nullopt});
  net.good();
  net.run(5);
  net.silent.insert(Desk::site(2));
  net.run(60);
  BOOST_TEST(net.incidents.open_count(CauseKind::agent_silent) == 1U);
  BOOST_TEST(net.ordered.empty());
}

BOOST_AUTO_TEST_CASE(evidence_that_is_switched_off_asks_nobody) {
  Desk net(4, {.onset = false, .every = std::nullopt});
  net.good();
  net.run(30);
  net.loss[{Desk::site(0), Desk::site(1)}] = 0.3;
  net.run(30);
  BOOST_TEST(!net.incidents.list().empty());
  BOOST_TEST(net.ordered.empty());
}

BOOST_AUTO_TEST_SUITE_END()

BOOST_AUTO_TEST_SUITE(path_evidence)

namespace {
const Link link{SiteId::known("athens"), SiteId::known("berlin")};
const std::vector<std::string> usual{"10.0.0.1", "", "10.0.0.3", "192.0.2.20"};

PathEvidence compared(PathTrace now, std::optional<PathTrace> before = trace(usual)) {
  return {.link = link, .now = std::move(now), .before = std::move(before)};
}
bool has(const std::vector<std::string>& list, const std::string& word) {
  return std::ranges::find(list, word) != list.end();
}
}  // namespace

BOOST_AUTO_TEST_CASE(a_way_is_the_same_also_where_a_router_is_silent_this_time) {
  const auto codes = codes_of(findings_of(compared(trace({"10.0.0.1", "10.0.0.2", "", "192.0.2.20"}))));
  BOOST_TEST(codes == std::vector<std::string>{"path_same"}, boost::test_tools::per_element());
}

BOOST_AUTO_TEST_CASE(a_changed_hop_is_named) {
  const auto findings = findings_of(compared(trace({"10.0.0.1", "", "10.7.7.7", "192.0.2.20"})));
  BOOST_TEST_REQUIRE(findings.size() == 1U);
  BOOST_TEST(findings[0].text ==
             "the path changed at hop 3: 10.7.7.7 instead of 10.0.0.3 (as of 1970-01-01 00:00:00 UTC)");
  BOOST_TEST(has(codes_of(findings_of(compared(trace({"10.0.0.1", "192.0.2.20"})))), "path_changed"));
}

BOOST_AUTO_TEST_CASE(another_flow_may_go_another_way_and_is_not_compared) {
  PathTrace other = trace({"10.0.0.1", "10.5.5.5", "192.0.2.20"});
  other.source = "192.0.2.10:43210";
  const auto codes = codes_of(findings_of(compared(other)));
  BOOST_TEST(codes == std::vector<std::string>{"path_other_flow"}, boost::test_tools::per_element());
}

BOOST_AUTO_TEST_CASE(where_it_ends_is_told) {
  PathTrace cut = trace({"10.0.0.1"});
  cut.reached = false;
  cut.hops[0].kind = HopKind::router;
  cut.mtu = 0;
  BOOST_TEST(text_of(compared(cut)) ==
             "athens -> berlin: nothing answers behind hop 1 (10.0.0.1); as far as it answers the path is that of "
             "1970-01-01 00:00:00 UTC, which had 4 hops");
  cut.hops.clear();
  BOOST_TEST(codes_of(findings_of(compared(cut))) == std::vector<std::string>{"path_ends"},
             boost::test_tools::per_element());
}

BOOST_AUTO_TEST_CASE(a_step_begins_at_a_hop_and_a_single_slow_router_is_none) {
  PathTrace slow = trace(usual);
  slow.hops[2].rtt = 100ms;
  slow.hops[3].rtt = 101ms;
  const auto step = slow_hop(trace(usual), slow);
  BOOST_TEST_REQUIRE(step.has_value());
  BOOST_TEST(step->hop == 3U);
  BOOST_TEST((step->by == 61ms));
  PathTrace router = trace(usual);
  router.hops[2].rtt = 100ms;
  BOOST_TEST(!slow_hop(trace(usual), router).has_value());
}

BOOST_AUTO_TEST_CASE(what_an_interface_dropped_since_the_last_good_look_is_told) {
  PathTrace now = trace(usual);
  now.interface = "eth0";
  now.counters = {{"tx_packets", 900, 90}, {"tx_dropped", 12, 3}, {"rx_errors", 5, 0}};
  PathTrace before = trace(usual);
  before.interface = "eth0";
  before.counters = {{"tx_packets", 100, 1}, {"tx_dropped", 2, 0}, {"rx_errors", 5, 0}};
  const auto findings = findings_of(compared(now, before));
  BOOST_TEST(findings.back().text == "interface eth0 at athens: 10 tx_dropped since 1970-01-01 00:00:00 UTC");
}

BOOST_AUTO_TEST_CASE(the_facts_of_a_way_are_for_the_patterns_of_its_link) {
  PathTrace hole = trace(usual);
  hole.mtu = 1400;
  hole.mtu_black_hole = true;
  BOOST_TEST((facts_of(compared(hole)) == PathFacts{.path_changed = false, .lost_above = 1400}));
  BOOST_TEST((facts_of(compared(hole, std::nullopt)) == PathFacts{.path_changed = {}, .lost_above = 1400}));
  const PathTrace other = trace({"10.0.0.1", "", "10.7.7.7", "192.0.2.20"}, 90ms);
  BOOST_TEST((facts_of(compared(other)) == PathFacts{.path_changed = true, .lost_above = {}}));
  BOOST_TEST((facts_of(compared(trace({"10.0.0.1", "192.0.2.20"}))).path_changed == true));
  PathTrace flow = other;
  flow.source = "192.0.2.10:43210";
  BOOST_TEST((facts_of(compared(flow)) == PathFacts{}));
  PathTrace cut = trace({"10.0.0.1"});
  cut.reached = false;
  BOOST_TEST((facts_of(compared(cut)) == PathFacts{}));  // as far as it answers: that says nothing of the rest
}

BOOST_AUTO_TEST_SUITE_END()
