#include "coordinator/core/roster.h"

#include <boost/test/unit_test.hpp>

using namespace sonde;
using namespace std::chrono_literals;

namespace {

const SiteId berlin = SiteId::known("berlin");
const SiteId athens = SiteId::known("athens");

Mesh mesh_of(const std::vector<SiteId>& sites) {
  Mesh mesh;
  mesh.name = "europe";
  for (const SiteId& site : sites) {
    SiteSpec spec;
    spec.site = site;
    mesh.sites.push_back(spec);
  }
  return mesh;
}

struct Script {
  Roster roster;
  SharedTime now = shared_from_ns(1'000'000'000'000);
  Roster::Out out;

  Script() {
    Timetable timetable;
    timetable.generation = {7};
    roster.set_mesh(mesh_of({berlin, athens}), timetable, out);
  }
  void hear(const SiteId& site, const std::string& route, wire::Message message) {
    out = {};
    roster.on_message(now, site, route, std::move(message), out);
  }
  void hello(const SiteId& site, const std::string& route) {
    hear(site, route, wire::Hello{site, "0.1.0", 1, 0, {}, "boot", 7101});
  }
  template <typename T>
  int told(const std::string& route) const {
    return static_cast<int>(std::ranges::count_if(
        out.messages, [&](const auto& m) { return m.route == route && std::holds_alternative<T>(m.message); }));
  }
  bool event(std::string_view code) const {
    return std::ranges::any_of(out.events, [&](const Event& e) { return e.code == code; });
  }
};

}  // namespace

BOOST_AUTO_TEST_SUITE(roster)

BOOST_AUTO_TEST_CASE(a_hello_gets_a_welcome_its_timetable_and_the_peers_facts) {
  Script s;
  s.roster.set_last_seq(berlin, 41);
  s.hello(berlin, "r1");
  BOOST_TEST(s.told<wire::Welcome>("r1") == 1);
  BOOST_TEST((std::get<wire::Welcome>(s.out.messages[0].message) == wire::Welcome{"europe", 41}));
  BOOST_TEST(s.told<wire::NewTimetable>("r1") == 1);
  s.hello(athens, "r2");
  BOOST_TEST(s.told<wire::PeerFacts>("r1") == 1);  // berlin learns of athens' boot id
  BOOST_TEST(s.told<wire::PeerFacts>("r2") == 1);
}

BOOST_AUTO_TEST_CASE(an_agent_cannot_speak_for_another) {
  Script s;
  s.hear(berlin, "r1", wire::Hello{athens, "0.1.0", 1, 0, {}, "boot", 7101});
  BOOST_TEST(s.out.messages.empty());
  BOOST_TEST(s.event("agent_impostor"));
  BOOST_TEST(s.roster.impostors() == 1U);
  BOOST_TEST(s.roster.agents().at(athens).route.empty());
}

BOOST_AUTO_TEST_CASE(who_has_not_said_hello_is_asked_who_it_is) {
  Script s;
  s.hear(berlin, "r1", wire::Heartbeat{});
  BOOST_TEST(s.told<wire::WhoAreYou>("r1") == 1);
  s.hear(berlin, "r1", wire::ResultBatch{});
  BOOST_TEST(s.out.batches.empty());
  s.hello(berlin, "r1");
  s.hear(berlin, "r1", wire::ResultBatch{});
  BOOST_TEST(s.out.batches.size() == 1U);
  s.hear(berlin, "r2", wire::ResultBatch{});  // a second process with the same key
  BOOST_TEST(s.out.batches.empty());
  BOOST_TEST(s.told<wire::WhoAreYou>("r2") == 1);
}

BOOST_AUTO_TEST_CASE(a_heartbeat_is_answered_and_an_old_generation_brought_up_to_date) {
  Script s;
  s.hello(berlin, "r1");
  wire::Heartbeat heartbeat;
  heartbeat.sent_at = wall_from_ns(5);
  heartbeat.generation = {6};
  s.hear(berlin, "r1", heartbeat);
  BOOST_TEST(s.told<wire::HeartbeatReply>("r1") == 1);
  BOOST_TEST(s.told<wire::NewTimetable>("r1") == 1);
  heartbeat.generation = {7};
  s.hear(berlin, "r1", heartbeat);
  BOOST_TEST(s.told<wire::NewTimetable>("r1") == 0);
}

BOOST_AUTO_TEST_CASE(silence_is_noticed_once_and_ends_the_session) {
  Script s;
  s.hello(berlin, "r1");
  s.out = {};
  s.roster.tick(s.now, s.out);
  s.now += agent_silence - 1ns;
  s.out = {};
  s.roster.tick(s.now, s.out);
  BOOST_TEST(!s.event("agent_silent"));
  s.now += 1ns;
  s.out = {};
  s.roster.tick(s.now, s.out);
  BOOST_TEST(s.event("agent_silent"));
  BOOST_TEST(s.out.sites_changed);
  s.out = {};
  s.roster.tick(s.now, s.out);
  BOOST_TEST(!s.event("agent_silent"));
}

BOOST_AUTO_TEST_CASE(a_removed_site_loses_its_session_at_once) {
  Script s;
  s.hello(berlin, "r1");
  s.out = {};
  s.roster.set_mesh(mesh_of({athens}), Timetable{}, s.out);
  s.hear(berlin, "r1", wire::Heartbeat{});
  BOOST_TEST(s.out.messages.empty());
  BOOST_TEST(s.event("site_unknown"));
}

BOOST_AUTO_TEST_CASE(what_is_stored_is_acknowledged_to_who_is_there) {
  Script s;
  s.hello(berlin, "r1");
  s.out = {};
  s.roster.on_stored(berlin, 1, 12, 3, s.out);
  s.roster.on_stored(athens, 2, 9, 1, s.out);
  BOOST_TEST(s.out.messages.size() == 1U);
  BOOST_TEST((std::get<wire::Acknowledge>(s.out.messages[0].message) == wire::Acknowledge{1, 12}));
  BOOST_TEST(s.roster.agents().at(berlin).results == 3U);
}

BOOST_AUTO_TEST_SUITE_END()
