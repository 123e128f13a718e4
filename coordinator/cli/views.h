// From the coordinator's JSON to tables. Pure; what is missing or of another type shows as empty, never fails.
#pragma once

#include <nlohmann/json_fwd.hpp>

#include <cstddef>
#include <string_view>
#include <vector>

#include "coordinator/cli/render.h"
#include "coordinator/cli/sketch.h"

namespace sonde::cli {

using Json = nlohmann::ordered_json;

/// Row = from, column = to.
TextTable matrix_view(const Json& matrix);
/// One row for each cell: for CSV.
TextTable matrix_rows(const Json& matrix);
TextTable sites_view(const Json& sites);
/// How well each agent measures, of the same answer.
TextTable measurers_view(const Json& sites);
TextTable timetable_view(const Json& timetable);
TextTable link_view(const Json& link);
/// One row for each direction and metric: for CSV.
TextTable link_rows(const Json& link);
/// Of each metric the series of one direction or both, as a line of bars. Empty where there is no value at all.
TextTable courses_view(const std::vector<std::vector<Json>>& metrics, Ink ink);
/// The histograms of one metric in one direction or both, on one axis of so many columns. Empty without a sample.
TextTable distributions_view(const std::vector<Json>& histograms, std::size_t columns, Ink ink);
/// A histogram with steps: a row for each step, all on one axis of so many columns.
TextTable histogram_steps_view(const Json& histogram, std::size_t columns, Ink ink);
/// One row for each bucket of each step: for CSV.
TextTable histogram_steps_rows(const Json& histogram);
/// What ran against what the timetable has: a row for each site and uplink, the counts below.
TextTable audit_view(const Json& audit);
/// What was: one row for each stretch of time, range of values, hour of the week, or pair.
TextTable series_view(const Json& series);
TextTable histogram_view(const Json& histogram);
TextTable profile_view(const Json& profile);
TextTable detours_view(const Json& detours);
/// Of a list, or of one: a row for each, the open ones first.
TextTable incidents_view(const Json& incidents);
/// All that is known of one.
TextTable incident_view(const Json& incident);
/// What `sonde rules test` found: the incidents, and how many there really were.
TextTable rules_view(const Json& replayed);
/// Silences and maintenance windows: a list, or one.
TextTable silences_view(const Json& silences);
/// The columns of a table of results; rows are added by result_row.
TextTable results_head();
std::vector<TextCell> result_row(const Json& result);
/// For CSV: every metric has a column.
TextTable result_columns();
std::vector<TextCell> result_fields(const Json& result);
/// Sentences, one a line, the most important first.
TextTable explain_view(const Json& explained);
TextTable explain_rows(const Json& explained);
/// What `sonde probe` shows at the end: the whole result.
TextTable probe_view(const Json& run);
/// One row for each number: for CSV.
TextTable probe_rows(const Json& run);
TextTable plan_view(const Json& plan);

}  // namespace sonde::cli
