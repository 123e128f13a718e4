// Incidents survive a restart as they were.
#include <fmt/format.h>

#include <boost/test/unit_test.hpp>

#include "coordinator/store/incident_reader.h"
#include "coordinator/store/sqlite.h"
#include "coordinator/store/writer.h"
#include "tests/unit/coordinator_store/scratch.h"

using namespace sonde;
using namespace sonde::store;

namespace {

SharedTime second(std::int64_t count) { return shared_from_ns(count * 1'000'000'000); }

Incident make_incident(std::string id) {
  Incident incident;
  incident.id = std::move(id);
  incident.cause = {.kind = CauseKind::egress, .site = SiteId::known("athens"), .link = {}, .name = {}};
  incident.metrics = {Metric::loss, Metric::throughput};
  incident.severity = AlertSeverity::critical;
  incident.started_at = second(1000);
  incident.confidence = 0.97;
  incident.links = {{SiteId::known("athens"), SiteId::known("berlin")},
                    {SiteId::known("athens"), SiteId::known("gdansk")}};
  incident.alternatives = {{{.kind = CauseKind::link, .site = {}, .link = incident.links[0], .name = {}}, 0.02},
                           {{.kind = CauseKind::uplink, .site = {}, .link = {}, .name = "two words"}, 0.01}};
  incident.evidence = {{incident.links[0], Metric::loss, 0.125}};
  incident.timeline = {{second(1000), "the first sign"}, {second(1020), "opened as: athens egress"}};
  incident.patterns = {{Pattern::latency_step, "athens -> berlin: a step in latency"}};
  incident.summary = "athens egress: 2 of 2 destinations lose packets";
  incident.runbook = "https://example.net/loss";
  incident.reopened = 1;
  PathTrace now;
  now.began_at = second(1021);
  now.hops = {{HopKind::router, "192.0.2.201", nanoseconds(3'000'000)}, {}};
  now.mtu = 1400;
  PathTrace before = now;
  before.mtu = 1500;
  incident.measurer = "athens: its agent was heard 0.2 s ago; and more";
  incident.paths = {{incident.links[0], now, before}, {incident.links[1], now, std::nullopt}};
  return incident;
}

}  // namespace

BOOST_FIXTURE_TEST_SUITE(incident_log, test::Scratch)

BOOST_AUTO_TEST_CASE(a_table_of_an_older_version_gets_what_it_lacks) {
  {
    Writer writer(file());
    BOOST_REQUIRE(writer.save(make_incident("1")).has_value());
  }
  Database(file(), Database::Use::write).run("ALTER TABLE incidents DROP COLUMN patterns");
  Writer again(file());
  auto loaded = again.incidents(10);
  BOOST_REQUIRE(loaded.has_value());
  BOOST_REQUIRE(loaded->size() == 1U);
  BOOST_TEST(loaded->front().patterns.empty());
  BOOST_REQUIRE(again.save(make_incident("1")).has_value());
  BOOST_TEST((again.incidents(10)->front() == make_incident("1")));
}

BOOST_AUTO_TEST_CASE(those_of_an_instant_are_found_beside_the_writer) {
  Writer writer(file());
  Incident closed = make_incident("2");
  closed.ended_at = second(2000);
  BOOST_REQUIRE(writer.save(make_incident("1")).has_value());
  BOOST_REQUIRE(writer.save(closed).has_value());
  const auto ids = [&](std::int64_t at) {
    std::string out;
    const auto found = incidents_at(file(), second(at));
    BOOST_REQUIRE(found.has_value());
    for (const Incident& one : *found) out += one.id;
    return out;
  };
  BOOST_TEST(ids(999) == "");
  BOOST_TEST(ids(1000) == "12");
  BOOST_TEST(ids(1999) == "12");
  BOOST_TEST(ids(2000) == "1");
  BOOST_TEST(!incidents_at(folder() / "none.db", second(1)).has_value());
}

BOOST_AUTO_TEST_CASE(the_last_good_way_of_each_link_is_kept) {
  const Link link{SiteId::known("athens"), SiteId::known("berlin")};
  PathTrace trace;
  trace.began_at = second(5);
  trace.hops = {{HopKind::target, "192.0.2.20", nanoseconds(1)}};
  {
    Writer writer(file());
    BOOST_TEST(writer.known_paths()->empty());
    BOOST_REQUIRE(writer.save(EvidenceDesk::Known{link, {}}).has_value());
    BOOST_REQUIRE(writer.save(EvidenceDesk::Known{link, trace}).has_value());
  }
  Writer again(file());
  const auto known = again.known_paths();
  BOOST_TEST_REQUIRE(known->size() == 1U);
  BOOST_TEST((known->front().link == link));
  BOOST_TEST((known->front().trace == trace));
}

BOOST_AUTO_TEST_CASE(what_is_saved_comes_back) {
  Incident open = make_incident("1");
  Incident closed = make_incident("2");
  closed.ended_at = second(2000);
  {
    Writer writer(file());
    BOOST_TEST(writer.incidents(10)->empty());
    BOOST_REQUIRE(writer.save(open).has_value());
    BOOST_REQUIRE(writer.save(closed).has_value());
    open.summary = "changed since";
    BOOST_REQUIRE(writer.save(open).has_value());
  }
  Writer again(file());
  const auto loaded = again.incidents(10);
  BOOST_REQUIRE(loaded.has_value());
  BOOST_REQUIRE(loaded->size() == 2U);
  BOOST_TEST(((*loaded)[0] == open));
  BOOST_TEST(((*loaded)[1] == closed));
}

BOOST_AUTO_TEST_CASE(only_so_many_closed_ones_are_asked_for) {
  Writer writer(file());
  for (int i = 0; i < 5; ++i) {
    Incident incident = make_incident(std::to_string(i));
    incident.ended_at = second(2000 + i);
    BOOST_REQUIRE(writer.save(incident).has_value());
  }
  const auto loaded = writer.incidents(2);
  BOOST_REQUIRE(loaded.has_value());
  BOOST_REQUIRE(loaded->size() == 2U);
  BOOST_TEST((*loaded)[0].id == "4");
  BOOST_TEST((*loaded)[1].id == "3");
}

BOOST_AUTO_TEST_CASE(rows_that_nobody_understands_are_left_out) {
  {
    Writer writer(file());
    BOOST_REQUIRE(writer.save(make_incident("1")).has_value());
    BOOST_REQUIRE(writer.save(make_incident("2")).has_value());
  }
  {
    const Database database(file(), Database::Use::write);
    database.run("UPDATE incidents SET cause = 'weather' WHERE id = '1'");
  }
  Writer writer(file());
  const auto loaded = writer.incidents(10);
  BOOST_REQUIRE(loaded.has_value());
  BOOST_REQUIRE(loaded->size() == 1U);
  BOOST_TEST((*loaded)[0].id == "2");
}

BOOST_AUTO_TEST_SUITE_END()
