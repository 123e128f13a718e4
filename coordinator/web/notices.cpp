#include "coordinator/web/notices.h"

#include <fmt/format.h>

#include <nlohmann/json.hpp>

#include <algorithm>
#include <array>
#include <chrono>

#include "coordinator/web/incident_json.h"

namespace sonde::web {
namespace {

Json labels_json(const Labels& labels) {
  Json out = Json::object();
  for (const auto& [key, value] : labels) out[key] = value;
  return out;
}

Json alert_json(const Notice& notice, const Labels& labels, SharedTime ends) {
  const Incident& incident = notice.incident;
  Json annotations{{"summary", incident.summary}};
  annotations["confidence"] = fmt::format("{:.2f}", incident.confidence);
  std::string evidence;
  for (const PatternSeen& seen : incident.patterns) evidence += seen.text + "\n";
  for (const LinkEvidence& seen : incident.evidence) evidence += words_of(seen) + "\n";
  for (const PathEvidence& path : incident.paths) evidence += text_of(path) + "\n";
  if (!incident.measurer.empty()) evidence += incident.measurer + "\n";
  if (!evidence.empty()) annotations["description"] = evidence;
  if (!incident.runbook.empty()) annotations["runbook_url"] = incident.runbook;
  return Json{{"labels", labels_json(labels)},
              {"annotations", std::move(annotations)},
              {"startsAt", time(incident.started_at)},
              {"endsAt", time(ends)}};
}

/// Header lines hold no control characters, whatever a name holds.
std::string one_line(std::string text) {
  for (char& c : text)
    if (static_cast<unsigned char>(c) < 0x20 || c == 0x7F) c = ' ';
  return text;
}

/// RFC 5322, 3.3: "Sat, 21 Nov 2026 20:24:24 +0000".
std::string mail_date(SharedTime at) {
  constexpr std::array days{"Sun", "Mon", "Tue", "Wed", "Thu", "Fri", "Sat"};
  constexpr std::array months{"Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"};
  const std::chrono::sys_time<std::chrono::seconds> instant{std::chrono::seconds(to_ns(at) / 1'000'000'000)};
  const auto day = std::chrono::floor<std::chrono::days>(instant);
  const std::chrono::year_month_day date(day);
  const std::chrono::hh_mm_ss clock(instant - day);
  return fmt::format("{}, {:02} {} {} {:02}:{:02}:{:02} +0000", days.at(std::chrono::weekday(day).c_encoding()),
                     static_cast<unsigned>(date.day()), months.at(static_cast<unsigned>(date.month()) - 1),
                     static_cast<int>(date.year()), clock.hours().count(), clock.minutes().count(),
                     clock.seconds().count());
}

/// Lines of mail, with CRLF and no longer than RFC 5322 allows (998).
void add_line(std::string& out, std::string_view line) {
  constexpr std::size_t longest = 990;
  do {
    out += line.substr(0, longest);
    out += "\r\n";
    line.remove_prefix(std::min(longest, line.size()));
  } while (!line.empty());
}

std::string state_of(const Notice& notice) {
  if (!notice.incident.open()) return "is over";
  return notice.again ? "is still open" : "is open";
}

void add_incident(std::string& out, const Notice& notice) {
  const Incident& incident = notice.incident;
  add_line(out, one_line(incident.summary));
  add_line(out, fmt::format("  {}, {}; since {}{}", name(incident.severity), state_of(notice),
                            format_rfc3339(incident.started_at),
                            incident.ended_at ? ", until " + format_rfc3339(*incident.ended_at) : std::string()));
  add_line(out, fmt::format("  cause: {}, confidence {:.0f} %", name(incident.cause.kind), incident.confidence * 100));
  for (const Alternative& other : incident.alternatives)
    add_line(out, fmt::format("  or else: {}, {:.0f} %", one_line(describe(other.cause)), other.confidence * 100));
  for (const PatternSeen& seen : incident.patterns) add_line(out, "  " + one_line(seen.text));
  for (const LinkEvidence& seen : incident.evidence) add_line(out, "  " + words_of(seen));
  for (const PathEvidence& path : incident.paths) add_line(out, "  " + one_line(text_of(path)));
  if (!incident.measurer.empty()) add_line(out, "  " + one_line(incident.measurer));
  if (!incident.runbook.empty()) add_line(out, "  what to do: " + one_line(incident.runbook));
  add_line(out, fmt::format("  sonde incidents {}", incident.id));
  add_line(out, "");
}

}  // namespace

std::string subject_of(const Delivery& delivery) {
  const auto word = [](const Notice& notice) {
    if (!notice.incident.open()) return "over: ";
    return notice.again ? "still: " : "";
  };
  if (delivery.notices.size() == 1)
    return one_line(word(delivery.notices.front()) + delivery.notices.front().incident.summary);
  return one_line(fmt::format("{} incidents, among them {}{}", delivery.notices.size(), word(delivery.notices.front()),
                              delivery.notices.front().incident.summary));
}

std::string alertmanager_body(const Delivery& delivery) {
  Json alerts = Json::array();
  for (const Notice& notice : delivery.notices) {
    if (notice.replaces) alerts.push_back(alert_json(notice, *notice.replaces, delivery.at));
    alerts.push_back(
        alert_json(notice, notice.labels, notice.incident.ended_at.value_or(delivery.at + Notify::alertmanager_keeps)));
  }
  return to_text(alerts);
}

std::string webhook_body(const Delivery& delivery) {
  Json incidents = Json::array();
  for (const Notice& notice : delivery.notices) {
    Json one = incident_json(notice.incident);
    one["again"] = notice.again;
    incidents.push_back(std::move(one));
  }
  return to_text(Json{{"version", 1},
                      {"key", delivery.key},
                      {"mesh", delivery.mesh},
                      {"at", time(delivery.at)},
                      {"incidents", std::move(incidents)}});
}

std::string mail_text(const Delivery& delivery) {
  std::string out;
  add_line(out, "From: " + one_line(delivery.receiver.from));
  add_line(out, one_line(fmt::format("To: {}", fmt::join(delivery.receiver.to, ", "))));
  add_line(out, "Date: " + mail_date(delivery.at));
  add_line(out, one_line(fmt::format("Subject: [{}] {}", delivery.mesh, subject_of(delivery))));
  add_line(out, fmt::format("Message-ID: <{}@sonde.invalid>", delivery.key));
  add_line(out, "Auto-Submitted: auto-generated");
  add_line(out, "MIME-Version: 1.0");
  add_line(out, "Content-Type: text/plain; charset=utf-8");
  add_line(out, "Content-Transfer-Encoding: 8bit");
  add_line(out, "");
  for (const Notice& notice : delivery.notices) add_incident(out, notice);
  return out;
}

}  // namespace sonde::web
