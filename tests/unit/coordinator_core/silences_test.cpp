// Who hears nothing of what, and until when.
#include "coordinator/core/silences.h"

#include <boost/test/unit_test.hpp>

#include "sample_results.h"

using namespace sonde;
using namespace sonde::test;
using namespace std::chrono_literals;

namespace {

const SiteId berlin = SiteId::known("berlin");
const SiteId athens = SiteId::known("athens");
const SiteId gdansk = SiteId::known("gdansk");

Mesh grouped_mesh() {
  Mesh mesh = make_mesh();
  mesh.sites[0].groups = {"de"};
  mesh.sites[0].uplink = mesh.sites[2].uplink = "dfn";
  return mesh;
}

Incident incident_of(CauseKind kind, std::vector<Link> links, const SiteId& site = {}) {
  Incident incident;
  incident.id = "17";
  incident.cause.kind = kind;
  incident.cause.site = site;
  if (kind == CauseKind::link) incident.cause.link = links.front();
  incident.metrics = {Metric::loss};
  incident.severity = AlertSeverity::warning;
  incident.started_at = at_s(0);
  incident.links = std::move(links);
  return incident;
}

IncidentMatch match_of(const std::vector<std::pair<std::string, std::string>>& words) {
  IncidentMatch out;
  for (const auto& [key, value] : words) BOOST_TEST_REQUIRE(add_match(out, key, value).has_value());
  return out;
}

bool fits(const std::vector<std::pair<std::string, std::string>>& words, const Incident& incident) {
  return matches(match_of(words), incident, grouped_mesh());
}

struct Desk {
  Silences silences;
  Incidents incidents;
  Desk() { silences.set_policy({}, grouped_mesh()); }
  Silences::Wanted wanted(double from, double until) const {
    return {.match = match_of({{"site", "athens"}}),
            .author = "ann",
            .token = "ops",
            .reason = "new router",
            .starts_at = at_s(from),
            .ends_at = at_s(until)};
  }
};

const Incident athens_egress = incident_of(CauseKind::egress, {{athens, berlin}, {athens, gdansk}}, athens);

}  // namespace

BOOST_AUTO_TEST_SUITE(silences)

BOOST_AUTO_TEST_CASE(a_place_is_meant_where_the_whole_incident_lies_there) {
  BOOST_TEST(fits({{"site", "athens"}}, athens_egress));
  BOOST_TEST(!fits({{"site", "berlin"}}, athens_egress));
  BOOST_TEST(fits({{"site", "berlin"}, {"site", "gdansk"}}, athens_egress));
  BOOST_TEST(fits({{"from", "athens"}}, athens_egress));
  BOOST_TEST(!fits({{"to", "athens"}}, athens_egress));
  BOOST_TEST(!fits({{"from", "athens"}, {"to", "berlin"}}, athens_egress));
  BOOST_TEST(fits({{"from", "athens"}, {"to", "berlin"}}, incident_of(CauseKind::link, {{athens, berlin}})));
  // Where one of many sites is under repair, the trouble of all the others is told.
  BOOST_TEST(!fits({{"site", "athens"}}, incident_of(CauseKind::all, {{athens, berlin}, {berlin, gdansk}})));
  // An answer needs both ways: the links back suffer with them and are no part of the fault.
  Incident both = athens_egress;
  both.links.push_back({berlin, athens});
  BOOST_TEST(fits({{"from", "athens"}}, both));
}

BOOST_AUTO_TEST_CASE(a_group_and_an_uplink_mean_their_sites) {
  const Incident link = incident_of(CauseKind::link, {{berlin, athens}});
  BOOST_TEST(fits({{"group", "de"}}, link));
  BOOST_TEST(!fits({{"group", "gr"}}, link));
  BOOST_TEST(fits({{"uplink", "dfn"}}, link));
  BOOST_TEST(fits({{"uplink", "dfn"}}, incident_of(CauseKind::agent_silent, {}, gdansk)));
  BOOST_TEST(!fits({{"uplink", "dfn"}}, incident_of(CauseKind::agent_silent, {}, athens)));
}

BOOST_AUTO_TEST_CASE(cause_metric_severity_and_mesh) {
  BOOST_TEST(fits({{"cause", "egress"}}, athens_egress));
  BOOST_TEST(!fits({{"cause", "ingress"}}, athens_egress));
  BOOST_TEST(fits({{"cause", "ingress"}, {"cause", "egress"}, {"severity", "warning"}}, athens_egress));
  BOOST_TEST(!fits({{"cause", "egress"}, {"severity", "critical"}}, athens_egress));
  BOOST_TEST(fits({{"metric", "loss"}}, athens_egress));
  Incident also_slow = athens_egress;
  also_slow.metrics.push_back(Metric::delay_rise);
  BOOST_TEST(!fits({{"metric", "loss"}}, also_slow));  // of the delay nobody said that it is known
  BOOST_TEST(fits({{"metric", "loss"}, {"metric", "delay_rise"}}, also_slow));
  BOOST_TEST(fits({{"mesh", "test"}}, athens_egress));
  BOOST_TEST(!fits({{"mesh", "other"}}, athens_egress));
  BOOST_TEST(!matches(IncidentMatch{}, athens_egress, grouped_mesh()));
}

BOOST_AUTO_TEST_CASE(what_there_is_not_is_refused_with_what_there_is) {
  IncidentMatch match;
  BOOST_TEST(add_match(match, "colour", "red").error().what ==
             "unknown matcher 'colour'; there are mesh, site, from, to, group, uplink, cause, metric, severity");
  BOOST_TEST(add_match(match, "severity", "bad").error().what ==
             "unknown severity 'bad'; there are info, warning, critical");
  BOOST_TEST(!add_match(match, "metric", "jitter").has_value());  // no rule judges it
  BOOST_TEST(!add_match(match, "site", "").has_value());
  BOOST_TEST(!add_match(match, "group", "a\tb").has_value());
  BOOST_TEST(match.empty());
  BOOST_TEST(check_match(match_of({{"site", "oslo"}}), grouped_mesh()).error().what ==
             "unknown site 'oslo'; /api/v1/sites lists them");
  BOOST_TEST(!check_match(match_of({{"group", "fr"}}), grouped_mesh()).has_value());
  BOOST_TEST(!check_match(match_of({{"uplink", "x"}}), grouped_mesh()).has_value());
  BOOST_TEST(!check_match(match_of({{"mesh", "x"}}), grouped_mesh()).has_value());
}

BOOST_AUTO_TEST_CASE(a_silence_holds_from_its_beginning_to_its_end) {
  Desk desk;
  const auto silence = desk.silences.add(at_s(0), desk.wanted(60, 120));
  BOOST_TEST_REQUIRE(silence.has_value());
  BOOST_TEST((silence->state(at_s(59)) == SilenceState::pending));
  BOOST_TEST(!desk.silences.held(athens_egress, at_s(59)));
  BOOST_TEST(desk.silences.held(athens_egress, at_s(60)));
  BOOST_TEST(desk.silences.held(athens_egress, at_s(119)));
  BOOST_TEST(!desk.silences.held(athens_egress, at_s(120)));
  const auto hold = desk.silences.hold_of(athens_egress, at_s(90));
  BOOST_TEST_REQUIRE(hold.silences.size() == 1U);
  BOOST_TEST(hold.silences[0]->reason == "new router");
  const Silence* ended = desk.silences.end(silence->id, "ops", at_s(90));
  BOOST_TEST_REQUIRE(ended != nullptr);
  BOOST_TEST(ended->ended_by == "ops");
  BOOST_TEST(!desk.silences.held(athens_egress, at_s(90)));
  BOOST_TEST((desk.silences.end(silence->id, "guest", at_s(100))->ended_by == "ops"));
  BOOST_TEST((desk.silences.end("nobody", "ops", at_s(100)) == nullptr));
  const Events events = desk.silences.take_events();
  BOOST_TEST(events.size() == 2U);
}

BOOST_AUTO_TEST_CASE(one_that_is_ended_before_it_begins_never_holds) {
  Desk desk;
  const std::string id = desk.silences.add(at_s(0), desk.wanted(60, 120))->id;
  desk.silences.end(id, "ops", at_s(10));
  BOOST_TEST(!desk.silences.held(athens_egress, at_s(60)));
  BOOST_TEST((desk.silences.find(id)->state(at_s(60)) == SilenceState::expired));
}

BOOST_AUTO_TEST_CASE(what_no_silence_can_be_is_refused) {
  Desk desk;
  const auto refused = [&](auto change) {
    Silences::Wanted wanted = desk.wanted(0, 60);
    change(wanted);
    const auto added = desk.silences.add(at_s(0), wanted);
    return added ? std::string() : added.error().what;
  };
  BOOST_TEST(refused([](auto& w) { w.reason.clear(); }) == "the reason is missing; say it in a few words");
  BOOST_TEST(refused([](auto& w) { w.reason = "a\nb"; }).starts_with("the reason holds a control character"));
  BOOST_TEST(refused([](auto& w) { w.reason = std::string(1001, 'x'); }).starts_with("the reason has 1001 octets"));
  BOOST_TEST(refused([](auto& w) { w.ends_at = at_s(0); }).starts_with("it would end before it begins"));
  BOOST_TEST(
      refused([](auto& w) { w.ends_at = at_s(0) + Silences::longest + 1s; }).starts_with("it would end in more"));
  BOOST_TEST(refused([](auto& w) { w.match = {}; }).starts_with("no matcher is given"));
  BOOST_TEST(refused([](auto& w) { w.match.sites = {SiteId::known("oslo")}; }).starts_with("unknown site"));
  BOOST_TEST(desk.silences.list().empty());
  for (std::size_t i = 0; i < Silences::most; ++i) BOOST_REQUIRE(desk.silences.add(at_s(0), desk.wanted(0, 60)));
  BOOST_TEST(refused([](auto&) {}).starts_with("there are 1000 silences already"));
  BOOST_TEST(desk.silences.add(at_s(60), desk.wanted(60, 90)).has_value());  // those have ended
  // What has ended is forgotten, the oldest first, and all of it after some days.
  BOOST_TEST(desk.silences.add(at_s(60), desk.wanted(60, 61)).has_value());
  desk.silences.tick(at_s(80), desk.incidents);
  BOOST_TEST(desk.silences.count(SilenceState::expired, at_s(80)) == Silences::most_ended);
  desk.silences.tick(at_s(100) + Silences::kept, desk.incidents);
  BOOST_TEST(desk.silences.list().empty());
}

BOOST_AUTO_TEST_CASE(an_acknowledged_incident_is_told_again_when_it_becomes_worse) {
  Desk desk;
  Incident incident = athens_egress;
  BOOST_TEST(desk.silences.acknowledge(incident, {.token = "ops", .reason = "on it", .at = at_s(5)}).has_value());
  BOOST_TEST(desk.silences.held(incident, at_s(6)));
  BOOST_TEST(desk.silences.hold_of(incident, at_s(6)).acknowledged->author == "ops");
  incident.severity = AlertSeverity::critical;
  BOOST_TEST(!desk.silences.held(incident, at_s(6)));
  BOOST_TEST((desk.silences.hold_of(incident, at_s(6)).acknowledged != nullptr));
  BOOST_TEST(desk.silences.acknowledge(incident, {.author = "ann", .token = "ops", .at = at_s(7)}).has_value());
  BOOST_TEST(desk.silences.held(incident, at_s(8)));
  BOOST_TEST(desk.silences.withdraw("17", "ops"));
  BOOST_TEST(!desk.silences.withdraw("17", "ops"));
  BOOST_TEST(!desk.silences.held(incident, at_s(8)));
  incident.ended_at = at_s(9);
  BOOST_TEST(!desk.silences.acknowledge(incident, {.token = "ops", .at = at_s(9)}).has_value());
}

BOOST_AUTO_TEST_CASE(all_of_it_survives_a_restart) {
  Desk desk;
  BOOST_TEST(desk.silences.add(at_s(0), desk.wanted(0, 60)).has_value());
  Silences::Wanted wanted = desk.wanted(10, 600);
  wanted.match = match_of({{"mesh", "test"},
                           {"from", "athens"},
                           {"to", "berlin"},
                           {"group", "de"},
                           {"uplink", "dfn"},
                           {"cause", "link"},
                           {"metric", "loss"},
                           {"severity", "info"},
                           {"site", "gdansk"}});
  const std::string ended = desk.silences.add(at_s(0), wanted)->id;
  desk.silences.end(ended, "ops", at_s(20));
  BOOST_TEST(desk.silences.acknowledge(athens_egress, {.token = "ops", .at = at_s(5)}).has_value());
  BOOST_TEST(desk.silences.take_dirty());
  BOOST_TEST(!desk.silences.take_dirty());
  const std::string kept = desk.silences.save();
  Desk again;
  again.silences.restore(kept);
  BOOST_TEST(again.silences.save() == kept);
  BOOST_TEST((again.silences.list() == desk.silences.list()));
  BOOST_TEST(again.silences.held(athens_egress, at_s(30)));
  // Of an incident that nobody knows any more nothing is kept.
  again.silences.tick(at_s(61), again.incidents);
  BOOST_TEST(!again.silences.held(athens_egress, at_s(61)));
  for (const char* text :
       {"", "silence", "silence\t1\t2\t3\t4\ta\tb\t\tr\n", "silence\tx\t1\t1\t1\ta\tb\tc\tr\tsite=\n",
        "silence\tx\t1\t1\tz\ta\tb\tc\tr\tsite=athens\n", "acknowledged\t1\t2\tbad\n", "\t\t\n\n"}) {
    Silences other;
    other.restore(text);
    BOOST_TEST(other.save().empty(), text);
  }
}

// at_s(0) is noon of Friday, 2026-11-20.
BOOST_AUTO_TEST_CASE(a_window_recurs_on_its_days_and_may_reach_over_midnight) {
  MaintenanceWindow window;
  window.days = 0b010'0000;  // Saturday
  window.from = 22h;
  window.length = 4h;
  const auto next = occurrence(window, at_s(0));
  BOOST_TEST_REQUIRE(next.has_value());
  BOOST_TEST(format_rfc3339(next->starts_at) == "2026-11-21T22:00:00.000000Z");
  BOOST_TEST(format_rfc3339(next->ends_at) == "2026-11-22T02:00:00.000000Z");
  BOOST_TEST(!next->contains(at_s(0)));
  const SharedTime sunday = next->ends_at - 1s;
  BOOST_TEST(occurrence(window, sunday)->contains(sunday));
  BOOST_TEST(format_rfc3339(occurrence(window, next->ends_at)->starts_at) == "2026-11-28T22:00:00.000000Z");
  window.until = next->starts_at + 1h;  // the last one is cut short
  BOOST_TEST((occurrence(window, at_s(0))->ends_at == *window.until));
  BOOST_TEST(!occurrence(window, *window.until).has_value());
}

BOOST_AUTO_TEST_CASE(a_window_without_hours_is_its_whole_day) {
  MaintenanceWindow window;
  window.days = 0b001'0000;  // Friday
  BOOST_TEST(occurrence(window, at_s(0))->contains(at_s(0)));
  BOOST_TEST(!occurrence(window, at_s(12 * 3600))->contains(at_s(12 * 3600)));
}

BOOST_AUTO_TEST_CASE(a_window_holds_what_it_means) {
  Desk desk;
  MaintenanceWindow window;
  window.name = "backbone";
  window.match = match_of({{"site", "athens"}});
  window.from = 13h;
  window.length = 1h;
  desk.silences.set_policy({window}, grouped_mesh());
  BOOST_TEST(!desk.silences.held(athens_egress, at_s(0)));
  BOOST_TEST(desk.silences.held(athens_egress, at_s(3600)));
  BOOST_TEST(desk.silences.hold_of(athens_egress, at_s(3600)).windows[0].first->name == "backbone");
  BOOST_TEST(!desk.silences.held(incident_of(CauseKind::link, {{berlin, gdansk}}), at_s(3600)));
  desk.silences.tick(at_s(3000), desk.incidents);
  const std::uint64_t before = desk.silences.revision();
  desk.silences.tick(at_s(3001), desk.incidents);
  BOOST_TEST(desk.silences.revision() == before);
  desk.silences.tick(at_s(3600), desk.incidents);  // who looks at incidents is told that it began
  BOOST_TEST(desk.silences.revision() > before);
}

BOOST_AUTO_TEST_SUITE_END()
