// Who is told of what, when, and how often.
#include "coordinator/core/notify.h"

#include <boost/test/unit_test.hpp>

#include "sample_results.h"

using namespace sonde;
using namespace sonde::test;
using namespace std::chrono_literals;

namespace {

struct Desk {
  Mesh mesh;
  NotifyPolicy policy;
  Notify notify;
  std::vector<Incident> incidents;
  std::set<std::string> silenced;
  Events events;
  double t = 1000;

  Desk() {
    for (const char* name : {"berlin", "athens", "gdansk"}) {
      SiteSpec site;
      site.site = SiteId::known(name);
      if (site.site.str() == "athens") site.groups = {"gr"};
      mesh.sites.push_back(site);
    }
    mesh.name = "europe";
    policy.receivers = {{.kind = ReceiverKind::webhook, .url = "http://hook"}};
  }
  void start() { notify.set_policy(policy, mesh); }
  Incident& add(const char* id, const char* site, AlertSeverity severity = AlertSeverity::warning) {
    Incident one;
    one.id = id;
    one.cause = {.kind = CauseKind::egress, .site = SiteId::known(site), .link = {}, .name = {}};
    one.metrics = {Metric::loss};
    one.severity = severity;
    one.started_at = at_s(t);
    one.summary = std::string(site) + " egress";
    incidents.push_back(one);
    return incidents.back();
  }
  std::vector<Delivery> tick(double seconds = 0) {
    t += seconds;
    std::vector<const Incident*> list;
    for (const Incident& one : incidents) list.push_back(&one);
    return notify.tick(at_s(t), list, [&](const Incident& one) { return silenced.contains(one.id); });
  }
  void taken(const std::vector<Delivery>& deliveries) {
    for (const Delivery& one : deliveries) notify.on_done(one.number, "", at_s(t), events);
  }
  void refused(const std::vector<Delivery>& deliveries) {
    for (const Delivery& one : deliveries) notify.on_done(one.number, "connection refused", at_s(t), events);
  }
};

}  // namespace

BOOST_AUTO_TEST_SUITE(notify)

BOOST_AUTO_TEST_CASE(news_waits_for_more_of_it_and_is_told_once) {
  Desk desk;
  desk.start();
  desk.add("1", "athens");
  BOOST_TEST(desk.tick().empty());
  desk.add("2", "berlin");
  BOOST_TEST(desk.tick(9).empty());
  const auto told = desk.tick(1);
  BOOST_REQUIRE(told.size() == 1U);
  BOOST_TEST(told[0].notices.size() == 2U);
  BOOST_TEST(told[0].mesh == "europe");
  BOOST_TEST(desk.tick(5).empty());  // it is under way
  desk.taken(told);
  BOOST_TEST(desk.tick(3600).empty());
  // An end is news; so is another cause; confidence and evidence are none.
  desk.incidents[0].confidence = 0.5;
  BOOST_TEST(desk.tick(60).empty());
  desk.incidents[0].ended_at = at_s(desk.t);
  desk.tick();
  const auto over = desk.tick(10);
  BOOST_REQUIRE(over.size() == 1U);
  BOOST_REQUIRE(over[0].notices.size() == 1U);
  BOOST_TEST(!over[0].notices[0].incident.open());
  desk.taken(over);
  BOOST_TEST(desk.tick(100'000).size() == 1U);  // the other one is still open, and is told again
}

BOOST_AUTO_TEST_CASE(an_open_incident_is_told_again_after_the_interval) {
  Desk desk;
  desk.start();
  desk.add("1", "athens");
  desk.tick();
  desk.taken(desk.tick(10));
  BOOST_TEST(desk.tick(4 * 3600 - 1).empty());
  const auto again = desk.tick(1);
  BOOST_REQUIRE(again.size() == 1U);
  BOOST_TEST(again[0].notices[0].again);
}

BOOST_AUTO_TEST_CASE(what_nobody_heard_of_is_not_told_when_it_is_over) {
  Desk desk;
  desk.start();
  desk.add("1", "athens");
  desk.tick();
  desk.incidents[0].ended_at = at_s(desk.t + 5);
  BOOST_TEST(desk.tick(20).empty());
}

BOOST_AUTO_TEST_CASE(a_receiver_that_refuses_is_tried_again_later_and_hears_the_newest_state) {
  Desk desk;
  desk.policy.receivers.push_back({.kind = ReceiverKind::webhook, .url = "http://other"});
  desk.start();
  desk.add("1", "athens");
  desk.tick();
  auto first = desk.tick(10);
  BOOST_REQUIRE(first.size() == 2U);
  desk.refused({first[0]});
  desk.taken({first[1]});  // holds up nobody else
  BOOST_TEST(desk.events.size() == 1U);
  BOOST_TEST(std::string(desk.events[0].code) == "notify_failed");
  BOOST_TEST(desk.tick(4).empty());
  const auto second = desk.tick(1);
  BOOST_REQUIRE(second.size() == 1U);
  BOOST_TEST(second[0].key == first[0].key);
  desk.refused(second);
  BOOST_TEST(desk.tick(9).empty());
  // Meanwhile it is over: also that is told, although its beginning never got through.
  desk.incidents[0].ended_at = at_s(desk.t);
  const auto third = desk.tick(11);
  const auto hook =
      std::ranges::find(third, std::string("http://hook"), [](const Delivery& d) { return d.receiver.url; });
  BOOST_REQUIRE((hook != third.end()));
  BOOST_TEST(!hook->notices[0].incident.open());
  BOOST_TEST(hook->key != first[0].key);
  desk.notify.on_done(hook->number, "", at_s(desk.t), desk.events);
  BOOST_TEST(std::string(desk.events.back().code) == "notify_recovered");
  BOOST_TEST((desk.notify.counters().at("webhook http://hook").failed == 2U));
}

BOOST_AUTO_TEST_CASE(the_back_off_is_bounded) {
  Desk desk;
  desk.start();
  desk.add("1", "athens");
  desk.tick();
  desk.refused(desk.tick(10));
  for (int i = 0; i < 20; ++i) {
    const auto next = desk.tick(300);
    BOOST_REQUIRE(next.size() == 1U);
    desk.refused(next);
  }
}

BOOST_AUTO_TEST_CASE(what_was_told_survives_a_restart_and_what_is_owed_too) {
  Desk desk;
  desk.policy.receivers.push_back({.kind = ReceiverKind::webhook, .url = "http://other"});
  desk.start();
  desk.add("1", "athens");
  desk.tick();
  const auto first = desk.tick(10);
  desk.taken({first[0]});
  desk.refused({first[1]});
  BOOST_TEST(desk.notify.take_dirty());
  BOOST_TEST(!desk.notify.take_dirty());
  const std::string kept = desk.notify.save();
  desk.notify = Notify();
  desk.notify.restore(kept);
  BOOST_TEST(desk.notify.save() == kept);
  desk.start();
  desk.incidents[0].ended_at = at_s(desk.t);
  const auto after = desk.tick();  // the one that is owed something need not wait again
  BOOST_REQUIRE(after.size() == 1U);
  BOOST_TEST(after[0].receiver.url == "http://other");
  const auto over = desk.tick(10);
  BOOST_REQUIRE(over.size() == 1U);
  BOOST_TEST(over[0].receiver.url == "http://hook");
  for (const char* text :
       {"", "x", "> ", "> a\nb\t", "> a\n1\t2\t3\t4\tx\n", "1\t2\t0\t0\t5\n", "> a\n1\t2\t0\t0\t5\tk\n"}) {
    Notify other;
    other.restore(text);  // nothing of it may break
  }
}

BOOST_AUTO_TEST_CASE(routes_by_severity_site_and_group) {
  Desk desk;
  desk.policy.group_wait = 0s;
  desk.policy.receivers = {
      {.kind = ReceiverKind::webhook, .url = "http://critical", .route = {.least = AlertSeverity::critical}},
      {.kind = ReceiverKind::webhook, .url = "http://berlin", .route = {.sites = {SiteId::known("berlin")}}},
      {.kind = ReceiverKind::webhook, .url = "http://gr", .route = {.groups = {"gr"}}}};
  desk.start();
  const auto who = [&] {
    std::string urls;
    const auto deliveries = desk.tick(1);
    for (const Delivery& one : deliveries) urls += one.receiver.url.substr(7) + " ";
    desk.taken(deliveries);
    return urls;
  };
  desk.add("1", "athens");
  BOOST_TEST(who() == "gr ");
  desk.add("2", "berlin", AlertSeverity::critical);
  BOOST_TEST(who() == "critical berlin ");
  desk.incidents[1].severity = AlertSeverity::warning;  // whoever was told hears of its end
  desk.incidents[1].ended_at = at_s(desk.t);
  BOOST_TEST(who() == "critical berlin ");
}

BOOST_AUTO_TEST_CASE(a_silenced_incident_is_told_when_the_silence_ends_but_its_end_at_once) {
  Desk desk;
  desk.policy.group_wait = 0s;
  desk.start();
  desk.add("1", "athens");
  desk.silenced = {"1"};
  BOOST_TEST(desk.tick(1).empty());
  desk.silenced.clear();
  const auto told = desk.tick(1);
  BOOST_TEST(told.size() == 1U);
  desk.taken(told);
  desk.silenced = {"1"};
  desk.incidents[0].severity = AlertSeverity::critical;
  BOOST_TEST(desk.tick(100'000).empty());
  desk.incidents[0].ended_at = at_s(desk.t);
  BOOST_TEST(desk.tick(1).size() == 1U);
}

BOOST_AUTO_TEST_CASE(alertmanager_is_not_made_to_believe_that_what_is_silenced_is_resolved) {
  Desk desk;
  desk.policy.receivers = {{.kind = ReceiverKind::alertmanager, .url = "http://am"}};
  desk.start();
  desk.add("1", "athens");
  const auto first = desk.tick();
  BOOST_REQUIRE(first.size() == 1U);
  desk.taken(first);
  desk.silenced = {"1"};
  desk.incidents[0].severity = AlertSeverity::critical;
  desk.add("2", "berlin");
  desk.silenced.insert("2");
  BOOST_TEST(desk.tick(59).empty());
  const auto again = desk.tick(1);
  BOOST_REQUIRE(again.size() == 1U);
  BOOST_REQUIRE(again[0].notices.size() == 1U);  // nothing of the one that it has not heard of
  BOOST_TEST(again[0].notices[0].again);
  BOOST_TEST((again[0].notices[0].labels == first[0].notices[0].labels));  // nor that the other has become worse
  BOOST_TEST(!again[0].notices[0].replaces.has_value());
  desk.taken(again);
  desk.silenced.clear();
  const auto told = desk.tick(1);
  BOOST_REQUIRE(told.size() == 1U);
  BOOST_REQUIRE(told[0].notices.size() == 2U);
  BOOST_TEST(told[0].notices[0].labels.at("severity") == "critical");
  BOOST_TEST((told[0].notices[0].replaces == first[0].notices[0].labels));
}

BOOST_AUTO_TEST_CASE(receivers_are_counted_without_what_may_be_a_secret) {
  const auto title = [](ReceiverKind kind, std::string url) {
    return Receiver{.kind = kind, .url = std::move(url)}.public_title();
  };
  BOOST_TEST(title(ReceiverKind::webhook, "https://ann:key@chat.example.net:8443/T0/secret?x=y") ==
             "webhook chat.example.net:8443");
  BOOST_TEST(title(ReceiverKind::mail, "smtps://mail.example.net") == "smtp mail.example.net");
  BOOST_TEST((Receiver{.kind = ReceiverKind::command, .argv = {"/bin/page", "--key", "secret"}}.public_title() ==
              "command /bin/page"));
  Desk desk;
  desk.policy.receivers = {{.kind = ReceiverKind::webhook, .url = "http://hook/a"},
                           {.kind = ReceiverKind::webhook, .url = "http://hook/b"}};
  desk.start();
  desk.add("1", "athens");
  desk.tick();
  const auto both = desk.tick(10);
  BOOST_REQUIRE(both.size() == 2U);
  desk.taken({both[0]});
  desk.refused({both[1]});
  const auto counted = desk.notify.public_counters();
  BOOST_REQUIRE(counted.size() == 1U);
  BOOST_TEST(counted.at("webhook hook").delivered == 1U);
  BOOST_TEST(counted.at("webhook hook").failed == 1U);
  BOOST_TEST(counted.at("webhook hook").failures_in_a_row == 1U);
}

BOOST_AUTO_TEST_CASE(alertmanager_hears_at_once_and_every_minute_and_of_labels_that_changed) {
  Desk desk;
  desk.policy.receivers = {{.kind = ReceiverKind::alertmanager, .url = "http://am"}};
  desk.start();
  desk.add("1", "athens");
  const auto first = desk.tick();
  BOOST_REQUIRE(first.size() == 1U);
  const Labels labels = first[0].notices[0].labels;
  BOOST_TEST(labels.at("mesh") == "europe");
  BOOST_TEST(labels.at("site") == "athens");
  BOOST_TEST(labels.at("cause") == "egress");
  BOOST_TEST(labels.at("direction") == "egress");
  BOOST_TEST(labels.at("metric") == "loss");
  BOOST_TEST(labels.at("severity") == "warning");
  BOOST_TEST(!labels.contains("from"));
  desk.taken(first);
  BOOST_TEST(desk.tick(59).empty());
  const auto again = desk.tick(1);
  BOOST_REQUIRE(again.size() == 1U);
  BOOST_TEST(!again[0].notices[0].replaces.has_value());
  desk.taken(again);
  desk.incidents[0].severity = AlertSeverity::critical;
  const auto changed = desk.tick(1);
  BOOST_REQUIRE(changed.size() == 1U);
  BOOST_TEST((changed[0].notices[0].replaces == labels));
}

BOOST_AUTO_TEST_SUITE_END()
