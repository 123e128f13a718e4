#include "coordinator/core/roster.h"

#include <boost/test/unit_test.hpp>

#include <algorithm>
#include <set>
#include <string>
#include <vector>

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
  Timetable timetable;
  Roster roster;
  SharedTime now = shared_from_ns(1'000'000'000'000);
  Roster::Out out;

  Script() {
    timetable.generation = {7};
    roster.set_mesh(now, mesh_of({berlin, athens}), timetable, out);
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
  int handed_out(const std::string& route) const {
    return static_cast<int>(std::ranges::count(out.timetables, route, &Roster::Handout::route));
  }
  void tick() {
    out = {};
    roster.tick(now, out);
  }
  void beat(const SiteId& site, const std::string& route, std::uint64_t generation) {
    wire::Heartbeat heartbeat;
    heartbeat.generation = {generation};
    hear(site, route, heartbeat);
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
  BOOST_TEST(s.handed_out("r1") == 1);
  s.tick();
  s.hello(athens, "r2");
  BOOST_TEST(s.told<wire::PeerFacts>("r2") == 1);
  s.tick();
  BOOST_REQUIRE(s.out.broadcasts.size() == 1U);  // berlin learns of athens' boot id
  BOOST_TEST(s.out.broadcasts[0].routes == (std::vector<std::string>{"r2", "r1"}));
  const auto& facts = std::get<wire::PeerFacts>(s.out.broadcasts[0].message);
  BOOST_REQUIRE(facts.peers.size() == 1U);
  BOOST_TEST((facts.peers[0].site == athens));
  s.tick();
  BOOST_TEST(s.out.broadcasts.empty());
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
  s.hear(berlin, "r1", wire::Hello{berlin, "0.1.0", 1, 0, {7}, "boot", 7101});
  BOOST_TEST(s.handed_out("r1") == 0);  // it has this one already
  s.beat(berlin, "r1", 6);
  BOOST_TEST(s.told<wire::HeartbeatReply>("r1") == 1);
  BOOST_TEST(s.handed_out("r1") == 1);
  s.beat(berlin, "r1", 7);
  BOOST_TEST(s.handed_out("r1") == 0);
}

BOOST_AUTO_TEST_CASE(a_timetable_that_is_not_taken_is_sent_again_ever_less_often) {
  Script s;
  s.hello(berlin, "r1");
  std::vector<int> sent_at;
  int worried = 0;
  for (int second = 1; second <= 300; ++second) {
    s.now += 1s;
    s.tick();
    s.beat(berlin, "r1", 6);
    if (s.handed_out("r1") > 0) sent_at.push_back(second);
    if (s.event("timetable_not_taken")) ++worried;
  }
  BOOST_TEST(sent_at == (std::vector<int>{2, 6, 14, 30, 62, 122, 182, 242}), boost::test_tools::per_element());
  BOOST_TEST(worried == 1);
  // A new generation goes out at once, and is patient from the beginning.
  s.timetable.generation = {8};
  s.tick();
  s.roster.set_mesh(s.now, mesh_of({berlin, athens}), s.timetable, s.out);
  BOOST_TEST(s.handed_out("r1") == 1);
  s.now += 2s;
  s.beat(berlin, "r1", 7);
  BOOST_TEST(s.handed_out("r1") == 1);
  s.hello(berlin, "r2");  // what was under way may have been lost with its connection
  BOOST_TEST(s.handed_out("r2") == 1);
}

BOOST_AUTO_TEST_CASE(many_are_handed_their_timetables_a_few_with_each_tick) {
  std::vector<SiteId> sites;
  for (std::size_t i = 0; i < 2 * timetables_per_tick + 50; ++i)
    sites.push_back(SiteId::known("s" + std::to_string(i)));
  Script s;
  s.roster.set_mesh(s.now, mesh_of(sites), s.timetable, s.out);
  for (const SiteId& site : sites) s.hear(site, site.str(), wire::Hello{site, "0.1.0", 1, 0, {7}, "boot", 7101});
  s.tick();
  std::set<SiteId> told;
  const auto take = [&] {
    BOOST_TEST(s.out.timetables.size() <= timetables_per_tick);
    for (const Roster::Handout& handout : s.out.timetables) BOOST_TEST(told.insert(handout.to).second);
    s.out = {};
  };
  s.out = {};
  s.timetable.generation = {8};
  s.roster.set_mesh(s.now, mesh_of(sites), s.timetable, s.out);
  take();
  BOOST_TEST(told.size() == timetables_per_tick);
  for (int turn = 0; turn < 2; ++turn) {
    for (const SiteId& site : sites) {  // heartbeats in between ask for nothing twice
      s.beat(site, site.str(), 7);
      BOOST_TEST(s.out.timetables.empty());
    }
    s.tick();
    take();
  }
  BOOST_TEST(told.size() == sites.size());
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
  s.roster.set_mesh(s.now, mesh_of({athens}), s.timetable, s.out);
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
