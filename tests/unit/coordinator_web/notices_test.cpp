// What receivers of incidents get.
#include "coordinator/web/notices.h"

#include <boost/test/unit_test.hpp>
#include <nlohmann/json.hpp>

#include <sstream>

using namespace sonde;
using nlohmann::json;

namespace {

Notice notice(bool open) {
  Notice out;
  Incident& incident = out.incident;
  incident.id = "1795176060000";
  incident.cause = {.kind = CauseKind::egress, .site = SiteId::known("athens"), .link = {}, .name = {}};
  incident.metrics = {Metric::loss};
  incident.started_at = shared_from_ns(1'795'176'060'000'000'000);
  if (!open) incident.ended_at = shared_from_ns(1'795'176'360'000'000'000);
  incident.confidence = 0.98;
  incident.summary = "athens egress: 2 of 2 destinations lose packets";
  incident.evidence = {{{SiteId::known("athens"), SiteId::known("berlin")}, Metric::loss, 0.2}};
  incident.alternatives = {
      {{.kind = CauseKind::site_down, .site = SiteId::known("athens"), .link = {}, .name = {}}, 0.02}};
  incident.runbook = "https://wiki.example.net/loss";
  out.labels = labels_of(incident, "europe");
  return out;
}

Delivery delivery(std::vector<Notice> notices) {
  Delivery out;
  out.number = 1;
  out.key = "00c0ffee";
  out.mesh = "europe";
  out.at = shared_from_ns(1'795'176'400'500'000'000);
  out.receiver = {.kind = ReceiverKind::mail, .url = "smtp://mail.example.net"};
  out.receiver.from = "sonde@example.net";
  out.receiver.to = {"noc@example.net", "ops@example.net"};
  out.notices = std::move(notices);
  return out;
}

}  // namespace

BOOST_AUTO_TEST_SUITE(notices)

BOOST_AUTO_TEST_CASE(alertmanager_gets_labels_and_an_end_in_the_future_while_it_is_open) {
  const json alerts = json::parse(web::alertmanager_body(delivery({notice(true)})));
  BOOST_REQUIRE(alerts.size() == 1U);
  BOOST_TEST(alerts[0]["labels"]["alertname"] == "SondeIncident");
  BOOST_TEST(alerts[0]["labels"]["site"] == "athens");
  BOOST_TEST(alerts[0]["annotations"]["summary"] == "athens egress: 2 of 2 destinations lose packets");
  BOOST_TEST(alerts[0]["annotations"]["runbook_url"] == "https://wiki.example.net/loss");
  BOOST_TEST(alerts[0]["startsAt"] == format_rfc3339(shared_from_ns(1'795'176'060'000'000'000)));
  BOOST_TEST(alerts[0]["endsAt"] == format_rfc3339(shared_from_ns(1'795'176'640'500'000'000)));
}

BOOST_AUTO_TEST_CASE(alertmanager_gets_the_true_end_and_the_end_of_labels_that_changed) {
  Notice over = notice(false);
  over.replaces = over.labels;
  over.replaces->at("severity") = "critical";
  const json alerts = json::parse(web::alertmanager_body(delivery({over})));
  BOOST_REQUIRE(alerts.size() == 2U);
  BOOST_TEST(alerts[0]["labels"]["severity"] == "critical");
  BOOST_TEST(alerts[0]["endsAt"] == format_rfc3339(shared_from_ns(1'795'176'400'500'000'000)));
  BOOST_TEST(alerts[1]["labels"]["severity"] == "warning");
  BOOST_TEST(alerts[1]["endsAt"] == format_rfc3339(shared_from_ns(1'795'176'360'000'000'000)));
}

BOOST_AUTO_TEST_CASE(a_webhook_gets_incidents_as_the_api_has_them) {
  Notice again = notice(true);
  again.again = true;
  const json body = json::parse(web::webhook_body(delivery({notice(false), again})));
  BOOST_TEST(body["version"] == 1);
  BOOST_TEST(body["key"] == "00c0ffee");
  BOOST_TEST(body["mesh"] == "europe");
  BOOST_REQUIRE(body["incidents"].size() == 2U);
  BOOST_TEST(body["incidents"][0]["state"] == "closed");
  BOOST_TEST(body["incidents"][0]["cause"] == "egress");
  BOOST_TEST(body["incidents"][0]["evidence"][0]["text"] == "athens -> berlin: 20.0 % lost");
  BOOST_TEST(body["incidents"][0]["again"] == false);
  BOOST_TEST(body["incidents"][1]["again"] == true);
}

BOOST_AUTO_TEST_CASE(mail_is_a_whole_message_and_readable) {
  const std::string mail = web::mail_text(delivery({notice(true)}));
  BOOST_TEST(
      mail.starts_with("From: sonde@example.net\r\nTo: noc@example.net, ops@example.net\r\n"
                       "Date: Fri, 20 Nov 2026 12:06:40 +0000\r\n"));
  BOOST_TEST(mail.find("\r\nSubject: [europe] athens egress: 2 of 2 destinations lose packets\r\n") != mail.npos);
  BOOST_TEST(mail.find("\r\nMessage-ID: <00c0ffee@sonde.invalid>\r\n") != mail.npos);
  BOOST_TEST(mail.find("\r\n\r\nathens egress: 2 of 2") != mail.npos);
  BOOST_TEST(mail.find("  cause: egress, confidence 98 %\r\n") != mail.npos);
  BOOST_TEST(mail.find("  or else: athens is down, 2 %\r\n") != mail.npos);
  BOOST_TEST(mail.find("  athens -> berlin: 20.0 % lost\r\n") != mail.npos);
  BOOST_TEST(mail.find("  what to do: https://wiki.example.net/loss\r\n") != mail.npos);
  std::istringstream lines(mail);
  for (std::string line; std::getline(lines, line);) BOOST_TEST((line.ends_with('\r') && line.size() < 998));
  BOOST_TEST(web::subject_of(delivery({notice(false)})).starts_with("over: athens egress"));
  BOOST_TEST(web::subject_of(delivery({notice(true), notice(true)})).starts_with("2 incidents, among them athens"));
}

BOOST_AUTO_TEST_CASE(no_text_adds_a_header_to_mail) {
  Notice strange = notice(true);
  strange.incident.summary = "x\r\nBcc: eve@example.net\r\n\r\nbody";
  const std::string mail = web::mail_text(delivery({strange}));
  BOOST_TEST(mail.find("\nBcc:") == mail.npos);
}

BOOST_AUTO_TEST_SUITE_END()
