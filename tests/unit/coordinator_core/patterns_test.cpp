// What a degradation looks like.
#include "coordinator/core/patterns.h"

#include <boost/test/unit_test.hpp>

#include "coordinator/core/incidents.h"
#include "sample_results.h"

using namespace sonde;
using namespace sonde::test;

namespace {

std::uint64_t seq = 0;

Result latency(double t, const std::vector<double>& rise_ms, double ttl = 57) {
  Result result = latency_result(++seq, t, rise_ms, Metric::delay_rise);
  result.details.push_back({"ttl", ttl});
  return result;
}

Result with_detail(Result result, const char* name, double value) {
  result.details.push_back({name, value});
  return result;
}

Result loaded(double t, double rtt_ms) {
  return latency_result(++seq, t, std::vector<double>(25, rtt_ms), Metric::rtt_loaded);
}

Result connect(double t, double syns) {
  return with_detail(make_result(++seq, Probe::connect, t), "syn_retransmits", syns);
}

std::string shown(const LinkTraits& traits, const LinkTrouble& trouble = {}, const PathFacts& path = {}) {
  std::string out;
  for (const auto& [pattern, text] : traits.patterns(trouble, path)) {
    if (!out.empty()) out += '\n';
    out += std::string(name(pattern)) + ": " + text;
  }
  return out;
}

const LinkTrouble slow{.latency = true, .rise_s = 0.030};

}  // namespace

BOOST_AUTO_TEST_SUITE(patterns)

BOOST_AUTO_TEST_CASE(a_step_is_told_from_a_queue_by_the_fastest_packets) {
  LinkTraits traits;
  traits.on_result(latency(0, {0.1, 0.2, 0.3}), true);
  traits.on_result(latency(10, {29, 30, 31}), false);
  BOOST_TEST(shown(traits, slow) ==
             "latency_step: a step in latency, not a queue: even the fastest packets are slower, with the same number "
             "of hops (TTL 57)");
  traits.on_result(latency(20, {29, 30, 31}, 54), false);
  BOOST_TEST(shown(traits, slow).ends_with("on another path (TTL 54 on arrival, before it was 57)"));
  // What agents found out weighs more than a TTL.
  BOOST_TEST(shown(traits, slow, {.path_changed = false}).ends_with("slower, on the same path"));
  BOOST_TEST(shown(traits, slow, {.path_changed = true}).ends_with("slower, on another path"));
  traits.on_result(latency(30, {0.2, 1, 30, 45, 60, 61, 62}), false);
  BOOST_TEST(shown(traits, slow) == "");
  traits.on_result(latency(40, {29, 30, 31}), false);
  BOOST_TEST(shown(traits) == "");  // no rule is raised
}

BOOST_AUTO_TEST_CASE(throughput_alone_is_a_policer_or_an_end_point) {
  LinkTraits traits;
  const LinkTrouble low{.throughput = true};
  BOOST_TEST(shown(traits, low) ==
             "throughput_only: throughput is down while latency and loss are as usual: a policer, or an end point");
  traits.on_result(with_detail(make_result(++seq, Probe::throughput, 0), "rwnd_limited_ratio", 0.8), false);
  BOOST_TEST(shown(traits, low).ends_with("the receiver's window was the limit for 80 % of the run"));
  traits.on_result(with_detail(make_result(++seq, Probe::throughput, 0), "sndbuf_limited_ratio", 0.5), false);
  BOOST_TEST(shown(traits, low).ends_with("the send buffer was the limit for 50 % of the run"));
  BOOST_TEST(shown(traits, {.throughput = true, .loss = true}) == "");
  BOOST_TEST(shown(traits, {.latency = true, .rise_s = 0.03, .throughput = true}) == "");
}

BOOST_AUTO_TEST_CASE(loaded_latency_is_held_against_what_it_usually_is) {
  LinkTraits traits;
  for (int i = 0; i < 10; ++i) traits.on_result(loaded(i, 60), true);
  BOOST_TEST(shown(traits) == "");
  traits.on_result(loaded(20, 110), true);
  BOOST_TEST(shown(traits) == "");
  traits.on_result(loaded(30, 400), true);  // so much does not become usual
  BOOST_TEST(shown(traits).find("takes 400 ms instead of") != std::string::npos, shown(traits));
  traits.on_result(loaded(40, 400), true);
  BOOST_TEST(shown(traits).starts_with("loaded_latency: under load the round trip takes 400 ms"), shown(traits));
  traits.on_result(latency_result(++seq, 50, {900, 900}, Metric::rtt_loaded), true);  // too few samples to say
  BOOST_TEST(shown(traits).find("400 ms") != std::string::npos);
  LinkTraits fast;
  fast.on_result(loaded(0, 1), true);
  fast.on_result(loaded(10, 10), false);
  BOOST_TEST(shown(fast) == "");  // ten times as much, and nobody would notice
}

BOOST_AUTO_TEST_CASE(handshakes_that_sent_their_syn_again) {
  LinkTraits traits;
  for (int i = 0; i < 8; ++i) traits.on_result(connect(i, i == 3 ? 1 : 0), true);
  BOOST_TEST(shown(traits) == "");
  traits.on_result(connect(9, 2), false);
  BOOST_TEST(shown(traits).starts_with("syn_retransmits: 2 of the last 8 handshakes"));
  for (int i = 0; i < 8; ++i) traits.on_result(connect(10 + i, 0), true);
  BOOST_TEST(shown(traits) == "");
}

BOOST_AUTO_TEST_CASE(a_remarked_dscp_and_the_path_mtu) {
  LinkTraits traits;
  for (int i = 0; i < 2; ++i)
    traits.on_result(
        with_detail(with_detail(with_detail(latency(i, {0.1}), "dscp_sent", 46), "dscp_there", 0), "dscp_remarked", 12),
        true);
  BOOST_TEST(shown(traits) ==
             "dscp_remarked: packets are sent with DSCP 46 and arrive with 0: the path puts them into another class");
  BOOST_TEST(shown({}, {}, {.lost_above = 1400}) ==
             "large_packets: packets of more than 1400 octets are lost, smaller ones are not: the path MTU");
}

BOOST_AUTO_TEST_CASE(results_of_a_starved_agent_and_those_not_tried_say_nothing) {
  LinkTraits traits;
  Result starved = connect(0, 1);
  starved.set(Tag::starved);
  Result skipped = connect(0, 1);
  skipped.outcome = Outcome::skipped;
  for (int i = 0; i < 3; ++i) {
    traits.on_result(starved, false);
    traits.on_result(skipped, false);
  }
  BOOST_TEST(shown(traits) == "");
}

BOOST_AUTO_TEST_CASE(names_are_read_back_and_links_are_put_together) {
  for (std::size_t i = 0; i < pattern_count; ++i)
    BOOST_TEST((pattern_named(name(static_cast<Pattern>(i))) == static_cast<Pattern>(i)));
  BOOST_TEST(!pattern_named("other").has_value());
  const Link one{SiteId::known("berlin"), SiteId::known("athens")};
  const Link two{SiteId::known("gdansk"), SiteId::known("athens")};
  const auto seen = together(
      {{one, {Pattern::latency_step, "a"}}, {one, {Pattern::dscp_remarked, "b"}}, {two, {Pattern::latency_step, "c"}}});
  BOOST_TEST_REQUIRE(seen.size() == 2U);
  BOOST_TEST(seen[0].text == "berlin -> athens (and 1 more): a");
  BOOST_TEST(seen[1].text == "berlin -> athens: b");
}

BOOST_AUTO_TEST_CASE(an_incident_names_its_patterns_once) {
  Mesh mesh = make_mesh();
  mesh.sites.pop_back();
  AgentStatuses agents;
  Incidents incidents;
  incidents.set_mesh(mesh, AlertPolicy{});
  std::vector<Incident> changed;
  const Link bad{SiteId::known("berlin"), SiteId::known("athens")};
  const auto run = [&](int from, int until, double rise_ms) {
    for (int i = from; i < until; ++i) {
      for (const SiteSpec& site : mesh.sites) {
        agents[site.site].route = "r";
        agents[site.site].last_heard = at_s(10.0 * i);
      }
      for (const SiteSpec& a : mesh.sites)
        for (const SiteSpec& b : mesh.sites) {
          if (a.site == b.site) continue;
          const double rise = Link{a.site, b.site} == bad ? rise_ms : 0.2;
          Result result = latency(10.0 * i, {rise, rise, rise});
          result.id.from = a.site;
          result.to = b.site;
          Distribution rtt;
          rtt.add(from_seconds(0.04 + rise / 1e3).count(), 50);
          result.distributions.push_back({Metric::rtt, rtt});
          incidents.on_result(result, at_s(10.0 * i), agents);
        }
      Incidents::Out out;
      incidents.tick(at_s(10.0 * i), agents, out);
      changed.insert(changed.end(), out.changed.begin(), out.changed.end());
    }
  };
  run(0, 40, 0.2);
  BOOST_TEST(changed.empty());
  run(40, 50, 30);
  BOOST_TEST_REQUIRE(incidents.list().size() == 1U);
  const Incident& incident = *incidents.list()[0];
  BOOST_TEST_REQUIRE(incident.patterns.size() == 1U);
  BOOST_TEST((incident.patterns[0].pattern == Pattern::latency_step));
  BOOST_TEST(incident.patterns[0].text.starts_with("berlin -> athens: a step in latency"));
  BOOST_TEST(std::ranges::count(incident.timeline, incident.patterns[0].text, &Moment::text) == 1);
  BOOST_TEST(changed.back().patterns.size() == 1U);  // goes to the store
  incidents.on_path(bad, {.lost_above = 1400});
  run(50, 51, 30);
  BOOST_TEST(incident.patterns.size() == 2U);
}

BOOST_AUTO_TEST_SUITE_END()
