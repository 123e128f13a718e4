// The parts of coordinator.yaml that have files of their own; private to coordinator/config.cpp.
#pragma once

#include <map>
#include <optional>
#include <string>
#include <vector>

#include "coordinator/core/alerts.h"
#include "coordinator/core/evidence_desk.h"
#include "coordinator/core/mesh.h"
#include "coordinator/core/notify.h"
#include "coordinator/core/silences.h"
#include "shared/config/fields.h"

namespace sonde {

/// `sites:`, with the checks across sites. Sites with mistakes may be incomplete; those without a usable name and those
/// that are given twice are left out. The places of the budgets are left in `budgets`.
std::vector<SiteSpec> read_sites(const config::Value& value, std::map<std::string, config::Value>& budgets);

/// `probes:`; where throughput has an interval that is not `auto`, its place is left in `throughput_every`.
void read_probes(const config::Value& value, Policy& out, std::optional<config::Value>& throughput_every);

/// `links:`; the places of the intervals in it are left in `intervals`.
std::vector<LinkRule> read_links(const config::Value& value, const std::vector<SiteSpec>& sites,
                                 std::vector<config::Value>& intervals);

/// `uplinks:`; the place of each share is left in `shares`, by the uplink's name.
std::vector<UplinkSpec> read_uplinks(const config::Value& value, const std::vector<SiteSpec>& sites,
                                     std::map<std::string, config::Value>& shares);

/// What selects links in a rule: `from`, `to`, `between`, `group`.
void read_selection(config::Fields& fields, LinkRule& out, const std::vector<SiteSpec>& sites);

/// `alerts:`, which may be absent or `off`; after sites and probes.
AlertPolicy read_alerts(const std::optional<config::Value>& value, const Mesh& mesh);

/// `notify:`; after sites.
NotifyPolicy read_notify(const config::Value& value, const Mesh& mesh);

/// `evidence:`, which may be `off`.
EvidencePolicy read_evidence(const config::Value& value);

/// `maintenance:`; after sites.
std::vector<MaintenanceWindow> read_maintenance(const config::Value& value, const Mesh& mesh);

/// "HH:MM-HH:MM", UTC; may reach over midnight.
std::optional<DailyHours> read_hours(const config::Value& value);
/// A list of such.
std::vector<DailyHours> read_quiet_hours(const config::Value& value);

}  // namespace sonde
