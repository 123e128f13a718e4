// What receivers of incidents get: bodies and their formats (docs/alerts.md, "Telling people"). Pure.
#pragma once

#include <string>

#include "coordinator/core/notify.h"

namespace sonde::web {

/// An array of alerts for POST /api/v2/alerts.
std::string alertmanager_body(const Delivery& delivery);
/// {"version": 1, "key", "mesh", "at", "incidents": [...]}, each as /api/v1/incidents has it, with "again".
std::string webhook_body(const Delivery& delivery);
/// A whole message (RFC 5322) with CRLF, as SMTP sends it.
std::string mail_text(const Delivery& delivery);
/// One line: "berlin egress: ...", "2 incidents: ...".
std::string subject_of(const Delivery& delivery);

}  // namespace sonde::web
