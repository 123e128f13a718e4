// From results to incidents, and to their end.
#include "coordinator/core/incidents.h"

#include <fmt/format.h>

#include <boost/test/unit_test.hpp>

#include <map>
#include <set>

#include "sample_results.h"

using namespace sonde;
using namespace sonde::test;

namespace {

/// Six sites, a latency result on each link every 10 s.
struct Net {
  Mesh mesh;
  AgentStatuses agents;
  Incidents incidents;
  AlertPolicy policy;
  std::map<Link, double> loss;
  std::set<Link> cut;        ///< no answer
  std::set<SiteId> gone;     ///< host and agent
  std::set<SiteId> stopped;  ///< the agent only
  std::set<SiteId> starved;
  std::set<SiteId> mute;      ///< nothing leaves the site; the far agents count what arrives
  std::set<Link> missing;     ///< the agent is heard, but of this link it brings nothing
  std::set<SiteId> unsynced;  ///< no bound of the clock's error is known
  std::vector<Incident> changed;
  std::vector<std::string> events;
  int interval = 0;
  std::uint64_t seq = 0;

  Net() {
    for (int i = 0; i < 6; ++i) {
      SiteSpec site;
      site.site = SiteId::known(fmt::format("s{}", i));
      mesh.sites.push_back(site);
      agents[site.site].route = "r";
    }
    incidents.set_mesh(mesh, policy);
  }
  static SiteId site(int number) { return SiteId::known(fmt::format("s{}", number)); }
  SharedTime now() const { return at_s(10.0 * interval); }
  bool silent(const SiteId& id) const { return gone.contains(id) || stopped.contains(id); }

  void measure(const Link& link) {
    Result result = make_result(++seq, Probe::latency, 10.0 * interval, Outcome::ok, link.from.str(), link.to.str());
    if (gone.contains(link.to) || cut.contains(link)) {
      result.outcome = Outcome::timeout;
    } else if (stopped.contains(link.to)) {
      result.outcome = Outcome::unreachable;
      result.reason = "no reply to 50 probes: port unreachable, nothing listens there";
    } else if (mute.contains(link.from) || mute.contains(link.to)) {
      result.outcome = Outcome::timeout;
      result.ratios.push_back({Metric::loss, mute.contains(link.from) ? 50U : 0U, 50});
    } else {
      const auto share = loss.find(link);
      result = with_ratio(std::move(result), Metric::loss,
                          static_cast<std::uint64_t>(share == loss.end() ? 0 : share->second * 50), 50);
    }
    if (starved.contains(link.from)) result.set(Tag::starved);
    if (unsynced.contains(link.from) || unsynced.contains(link.to)) result.set(Tag::unsynced);
    incidents.on_result(result, now(), agents);
  }
  void run(int intervals) {
    for (int i = 0; i < intervals; ++i) {
      ++interval;
      for (auto& [id, agent] : agents)
        if (!silent(id)) agent.last_heard = now();
      for (const SiteSpec& from : mesh.sites)
        for (const SiteSpec& to : mesh.sites)
          if (from.site != to.site && !silent(from.site) && !missing.contains({from.site, to.site}))
            measure({from.site, to.site});
      Incidents::Out out;
      incidents.tick(now(), agents, out);
      changed.insert(changed.end(), out.changed.begin(), out.changed.end());
      for (const Event& event : out.events) events.emplace_back(event.code);
    }
  }
  void lose_from(int from, double share) {
    for (int to = 0; to < 6; ++to)
      if (to != from) loss[{site(from), site(to)}] = share;
  }
  std::vector<const Incident*> open() const {
    std::vector<const Incident*> out;
    for (const Incident* incident : incidents.list())
      if (incident->open()) out.push_back(incident);
    return out;
  }
};

}  // namespace

BOOST_AUTO_TEST_SUITE(incidents)

BOOST_AUTO_TEST_CASE(a_lossy_egress_is_one_incident_and_ends) {
  Net net;
  net.run(5);
  BOOST_TEST(net.incidents.list().empty());
  net.lose_from(2, 0.2);
  net.run(3);
  BOOST_REQUIRE(net.open().size() == 1U);
  const Incident opened = *net.open()[0];
  BOOST_TEST((opened.cause.kind == CauseKind::egress));
  BOOST_TEST(opened.cause.site.str() == "s2");
  BOOST_TEST(opened.summary == "s2 egress: 5 of 5 destinations lose packets");
  BOOST_TEST((opened.started_at == at_s(60)));
  BOOST_TEST(opened.links.size() == 5U);
  BOOST_TEST(opened.confidence > 0.95);
  BOOST_TEST((opened.severity == AlertSeverity::warning));
  BOOST_TEST(opened.evidence.size() == 5U);
  BOOST_TEST(net.incidents.on_link({Net::site(2), Net::site(4)}).size() == 1U);
  BOOST_TEST(net.incidents.on_link({Net::site(4), Net::site(2)}).empty());
  net.loss.clear();
  net.run(4);
  BOOST_TEST(net.open().size() == 1U);  // cleared after five good ones
  net.run(2);
  BOOST_TEST(net.open().empty());
  BOOST_REQUIRE(net.incidents.list().size() == 1U);
  BOOST_TEST(net.incidents.list()[0]->id == opened.id);
  BOOST_TEST((net.incidents.list()[0]->cause == opened.cause));
  BOOST_TEST(net.events.front() == "incident_opened");
  BOOST_TEST(net.events.back() == "incident_closed");
}

BOOST_AUTO_TEST_CASE(a_cut_egress_is_told_from_a_cut_ingress_by_what_the_far_agents_received) {
  Net net;
  net.run(5);
  net.mute = {Net::site(2)};
  net.run(4);
  BOOST_REQUIRE(net.open().size() == 1U);
  BOOST_TEST((net.open()[0]->cause.kind == CauseKind::egress));
  BOOST_TEST(net.open()[0]->cause.site.str() == "s2");
  BOOST_TEST(net.open()[0]->summary == "s2 egress: 5 of 5 destinations are not answered; also loss");
  BOOST_TEST(net.open()[0]->confidence > 0.9);
}

BOOST_AUTO_TEST_CASE(loss_between_the_two_levels_neither_raises_nor_clears) {
  Net net;
  net.run(5);
  net.lose_from(2, 0.04);
  net.run(8);
  BOOST_TEST(net.open().empty());
  net.lose_from(2, 0.2);
  net.run(3);
  BOOST_TEST(net.open().size() == 1U);
  net.lose_from(2, 0.04);
  net.run(10);
  BOOST_TEST(net.open().size() == 1U);
}

BOOST_AUTO_TEST_CASE(an_incident_that_grows_keeps_its_id) {
  Net net;
  net.run(5);
  net.loss[{Net::site(2), Net::site(3)}] = 0.3;
  net.run(5);
  BOOST_REQUIRE(net.open().size() == 1U);
  BOOST_TEST((net.open()[0]->cause.kind == CauseKind::link));
  const std::string id = net.open()[0]->id;
  net.lose_from(2, 0.3);
  net.run(6);
  BOOST_REQUIRE(net.open().size() == 1U);
  BOOST_TEST((net.open()[0]->cause.kind == CauseKind::egress));
  BOOST_TEST(net.open()[0]->id == id);
}

BOOST_AUTO_TEST_CASE(a_dead_host_is_a_site_and_a_stopped_agent_is_an_agent) {
  Net dead;
  dead.run(5);
  dead.gone = {Net::site(1)};
  dead.run(5);
  BOOST_REQUIRE(dead.open().size() == 1U);
  BOOST_TEST((dead.open()[0]->cause.kind == CauseKind::site_down));
  BOOST_TEST((dead.open()[0]->severity == AlertSeverity::critical));
  Net stopped;
  stopped.run(5);
  stopped.stopped = {Net::site(1)};
  stopped.run(6);
  BOOST_REQUIRE(stopped.open().size() == 1U);
  BOOST_TEST((stopped.open()[0]->cause.kind == CauseKind::agent_silent));
  BOOST_TEST(stopped.open()[0]->cause.site.str() == "s1");
  stopped.stopped.clear();
  stopped.run(2);
  BOOST_TEST(stopped.open().empty());
}

BOOST_AUTO_TEST_CASE(a_site_that_joins_has_a_minute_before_its_agent_is_missed) {
  Net net;
  net.run(12);  // longer than that minute
  SiteSpec late;
  late.site = Net::site(6);
  net.mesh.sites.push_back(late);
  net.agents[late.site].route = "";
  net.stopped = {late.site};
  net.incidents.set_mesh(net.mesh, net.policy);
  const SharedTime joined = net.now();
  net.run(6);
  BOOST_TEST(net.incidents.list().empty());
  net.run(2);
  BOOST_REQUIRE(net.open().size() == 1U);
  BOOST_TEST((net.open()[0]->cause.kind == CauseKind::agent_silent));
  BOOST_TEST(net.open()[0]->cause.site.str() == "s6");
  BOOST_TEST((net.open()[0]->started_at >= joined));
}

BOOST_AUTO_TEST_CASE(missing_data_clears_nothing) {
  Net net;
  net.run(5);
  net.lose_from(2, 0.2);
  net.run(3);
  BOOST_REQUIRE(net.open().size() == 1U);
  net.stopped = {Net::site(2)};  // now nothing comes from there any more
  net.loss.clear();
  net.run(20);
  BOOST_TEST(std::ranges::any_of(net.open(), [](const Incident* one) { return one->cause.site.str() == "s2"; }));
}

BOOST_AUTO_TEST_CASE(when_no_agent_is_heard_it_is_the_coordinator) {
  Net net;
  net.run(5);
  for (int i = 0; i < 6; ++i) net.stopped.insert(Net::site(i));
  net.run(4);
  BOOST_REQUIRE(net.open().size() == 1U);
  BOOST_TEST((net.open()[0]->cause.kind == CauseKind::coordinator));
  net.stopped.erase(Net::site(0));  // they come back one by one
  net.run(1);
  net.stopped.clear();
  net.run(2);
  BOOST_TEST(net.open().empty());
  BOOST_TEST(net.incidents.list().size() == 1U);
}

BOOST_AUTO_TEST_CASE(agents_that_fall_silent_within_a_second_are_not_blamed_one_by_one) {
  Net net;
  net.run(5);
  const SharedTime last = net.now();
  for (int i = 0; i < 6; ++i) {
    net.stopped.insert(Net::site(i));
    net.agents[Net::site(i)].last_heard = last + i * std::chrono::milliseconds(300);
  }
  Incidents::Out out;
  for (nanoseconds passed{0}; passed < std::chrono::seconds(17); passed += std::chrono::milliseconds(100))
    net.incidents.tick(last + passed, net.agents, out);
  BOOST_REQUIRE(net.incidents.list().size() == 1U);
  BOOST_TEST((net.open()[0]->cause.kind == CauseKind::coordinator));
}

BOOST_AUTO_TEST_CASE(a_starved_agent_is_named_and_its_results_judge_nobody) {
  Net net;
  net.run(5);
  net.starved = {Net::site(4)};
  net.lose_from(4, 0.5);
  wire::Heartbeat& said = net.agents[Net::site(4)].heartbeat;
  said.cpu_pressure = 0.85;
  said.send_lateness_p99 = std::chrono::milliseconds(12);
  said.send_lateness_max = std::chrono::milliseconds(30);
  said.results_starved = 7;
  net.run(5);
  BOOST_REQUIRE(net.open().size() == 1U);
  BOOST_TEST((net.open()[0]->cause.kind == CauseKind::agent_starved));
  BOOST_TEST(net.open()[0]->measurer ==
             "s4: its agent was heard 0 s ago; tasks on its host waited for CPU 85.0 % of 10 s; its probes left up to "
             "30.0 ms late (p99 12.0 ms); 7 results starved since its start");
  net.starved.clear();
  net.loss.clear();
  net.run(3);
  BOOST_TEST(net.open().empty());
}

BOOST_AUTO_TEST_CASE(evidence_of_the_measuring_says_what_was_known) {
  const SiteId s1 = Net::site(1);
  AgentStatuses agents;
  const auto words = [&](CauseKind kind, const SiteId& site) {
    return measurer_words({.kind = kind, .site = site, .link = {}, .name = {}}, agents, at_s(100));
  };
  BOOST_TEST(words(CauseKind::agent_silent, s1) == "");
  agents[s1].heartbeat.spooled = 12;
  BOOST_TEST(words(CauseKind::agent_silent, s1) == "s1: its agent was not heard since the coordinator started");
  BOOST_TEST(words(CauseKind::coordinator, {}) == "");
  agents[s1].last_heard = at_s(80);
  BOOST_TEST(words(CauseKind::agent_silent, s1) ==
             "s1: its agent was heard 20 s ago and had 12 results in its spool then");
  BOOST_TEST(words(CauseKind::clock, s1) ==
             "s1: its agent was heard 20 s ago; it does not know its clock's offset at present");
  agents[s1].heartbeat.clock_offset = std::chrono::milliseconds(-40);
  agents[s1].heartbeat.clock_offset_error = std::chrono::microseconds(250);
  BOOST_TEST(words(CauseKind::clock, s1) ==
             "s1: its agent was heard 20 s ago; it takes its clock to be 40.0 ms ahead, ± 250 us");
  agents[Net::site(2)].last_heard = at_s(85);
  BOOST_TEST(words(CauseKind::coordinator, {}) == "of 2 agents that were heard before the last was heard 15 s ago");
  BOOST_TEST(words(CauseKind::egress, s1) == "");
  BOOST_TEST(words(CauseKind::budget, s1) == "");
}

BOOST_AUTO_TEST_CASE(a_latency_of_too_few_answers_is_not_judged) {
  for (const std::uint32_t samples : {1U, 6U}) {
    AlertRuleSet rules = default_alert_rules();
    AlertRule& latency = rules.at(static_cast<std::size_t>(Signal::latency));
    latency.samples = samples;
    latency.limit = 0.1;
    const Result slow = latency_result(1, 10, {200, 200, 200, 200, 200});
    JudgeContext context;
    context.rules = rules.data();
    const auto verdicts = judge(slow, context);
    const bool judged = std::ranges::any_of(verdicts, [](const Verdict& v) { return v.signal == Signal::latency; });
    BOOST_TEST(judged == (samples == 1));
  }
}

BOOST_AUTO_TEST_CASE(what_comes_and_goes_is_one_thing) {
  Net net;
  net.run(5);
  for (int times = 0; times < 3; ++times) {
    net.lose_from(2, 0.2);
    net.run(3);
    net.loss.clear();
    net.run(8);
  }
  BOOST_REQUIRE(net.incidents.list().size() == 1U);
  const Incident& incident = *net.incidents.list()[0];
  BOOST_TEST(incident.reopened == 2U);
  BOOST_TEST(incident.flapping());
  BOOST_TEST(incident.open());  // it has to be quiet for a while now
  BOOST_TEST(incident.summary.find("comes and goes") != std::string::npos);
  net.run(60);
  BOOST_TEST(net.open().empty());
}

BOOST_AUTO_TEST_CASE(it_goes_on_after_a_restart) {
  Net net;
  net.run(5);
  net.lose_from(2, 0.2);
  net.run(3);
  BOOST_REQUIRE(net.open().size() == 1U);
  Net later;
  later.interval = net.interval;
  later.incidents.restore({*net.open()[0]});
  BOOST_TEST(later.open().size() == 1U);
  later.run(3);
  BOOST_TEST(later.open().size() == 1U);  // not yet five good ones
  later.run(3);
  BOOST_TEST(later.open().empty());
  BOOST_TEST(later.incidents.list()[0]->id == net.open()[0]->id);
}

BOOST_AUTO_TEST_CASE(old_results_say_nothing_of_now) {
  Net net;
  net.run(5);
  net.lose_from(2, 0.5);
  for (int i = 0; i < 5; ++i)
    for (int to = 3; to < 6; ++to) {
      Result result = make_result(900 + static_cast<std::uint64_t>(i), Probe::latency, -1000.0 + 10 * i, Outcome::ok,
                                  "s2", Net::site(to).str());
      net.incidents.on_result(with_ratio(std::move(result), Metric::loss, 30, 50), net.now(), net.agents);
    }
  Incidents::Out out;
  net.incidents.tick(net.now(), net.agents, out);
  BOOST_TEST(net.incidents.list().empty());
}

BOOST_AUTO_TEST_CASE(rules_are_for_links_and_can_be_off) {
  Net net;
  AlertException tolerant;
  tolerant.links.from = {Net::site(2)};
  tolerant.rules[static_cast<std::size_t>(Signal::loss)] = AlertRule{.raise = 0.5, .clear = 0.4};
  net.policy.exceptions.push_back(tolerant);
  net.incidents.set_mesh(net.mesh, net.policy);
  net.run(5);
  net.lose_from(2, 0.2);
  net.run(6);
  BOOST_TEST(net.incidents.list().empty());
  net.lose_from(2, 0.6);
  net.run(3);
  BOOST_TEST(net.open().size() == 1U);
  net.policy.on = false;
  net.incidents.set_mesh(net.mesh, net.policy);
  net.run(1);
  BOOST_TEST(net.open().empty());
}

BOOST_AUTO_TEST_CASE(a_result_that_was_promised_and_does_not_come_is_noticed) {
  Net net;
  net.run(10);
  for (int to = 0; to < 6; ++to)
    if (to != 2) net.missing.insert({Net::site(2), Net::site(to)});
  net.run(4);  // late is not missing
  BOOST_TEST(net.open().empty());
  net.run(6);
  BOOST_REQUIRE(net.open().size() == 1U);
  const Incident opened = *net.open()[0];
  BOOST_TEST((opened.cause.kind == CauseKind::agent_silent));  // the network is not to blame
  BOOST_TEST(opened.cause.site.str() == "s2");
  BOOST_TEST(opened.summary == "s2: the agent is heard, but brings no results of 5 links");
  net.run(20);
  BOOST_REQUIRE(net.open().size() == 1U);  // and it stays one
  net.missing.clear();
  net.run(4);
  BOOST_TEST(net.open().empty());
}

BOOST_AUTO_TEST_CASE(one_link_that_brings_nothing_is_that_link) {
  Net net;
  net.run(10);
  net.missing.insert({Net::site(2), Net::site(3)});
  net.run(10);
  BOOST_REQUIRE(net.open().size() == 1U);
  BOOST_TEST((net.open()[0]->cause.kind == CauseKind::link));
  BOOST_TEST(net.open()[0]->summary == "s2 -> s3: the link brings no results");
}

BOOST_AUTO_TEST_CASE(an_agent_that_comes_back_has_time_to_bring_what_it_has) {
  Net net;
  net.run(10);
  net.stopped.insert(Net::site(2));
  net.run(30);
  net.stopped.clear();
  for (int to = 0; to < 6; ++to)
    if (to != 2) net.missing.insert({Net::site(2), Net::site(to)});
  net.run(4);
  for (const Incident* incident : net.open())
    BOOST_TEST(incident->summary.find("brings no results") == std::string::npos, incident->summary);
}

BOOST_AUTO_TEST_CASE(silence_can_be_switched_off) {
  Net net;
  net.policy.rules.at(static_cast<std::size_t>(Signal::silence)).on = false;
  net.incidents.set_mesh(net.mesh, net.policy);
  net.run(10);
  net.missing.insert({Net::site(2), Net::site(3)});
  net.run(20);
  BOOST_TEST(net.open().empty());
}

BOOST_AUTO_TEST_CASE(an_unsynchronised_clock_is_named_where_somebody_wants_to_know) {
  Net net;
  net.unsynced.insert(Net::site(4));
  net.run(20);
  BOOST_TEST(net.open().empty());
  net.policy.rules.at(static_cast<std::size_t>(Signal::clock)).on = true;
  net.incidents.set_mesh(net.mesh, net.policy);
  net.run(20);
  BOOST_REQUIRE(net.open().size() == 1U);
  BOOST_TEST((net.open()[0]->cause.kind == CauseKind::clock));
  BOOST_TEST(net.open()[0]->cause.site.str() == "s4");
  BOOST_TEST(net.open()[0]->summary == "s4: the clock is not synchronised; 10 links have no one-way delay");
  net.unsynced.clear();
  net.run(6);
  BOOST_TEST(net.open().empty());
}

BOOST_AUTO_TEST_CASE(a_link_that_carries_far_less_than_its_way_back) {
  Net net;
  net.policy.rules.at(static_cast<std::size_t>(Signal::asymmetry)).on = true;
  net.incidents.set_mesh(net.mesh, net.policy);
  net.run(1);
  const auto transfer = [&](int from, int to, double rate) {
    Result result = make_result(++net.seq, Probe::throughput, 10.0 * net.interval, Outcome::ok, Net::site(from).str(),
                                Net::site(to).str());
    result.values.push_back({Metric::throughput, rate});
    net.incidents.on_result(result, net.now(), net.agents);
  };
  for (int round = 0; round < 6; ++round) {
    for (int from = 0; from < 6; ++from)
      for (int to = 0; to < 6; ++to)
        if (from != to) transfer(from, to, from == 1 && to == 2 ? 20e6 : 90e6);
    net.run(1);
  }
  BOOST_REQUIRE(net.open().size() == 1U);
  BOOST_TEST(net.open()[0]->summary == "s1 -> s2: the link carries far less than the way back");
  BOOST_TEST(net.open()[0]->evidence[0].value == 20.0 / 90, boost::test_tools::tolerance(1e-6));
}

BOOST_AUTO_TEST_SUITE_END()
