// How the web room writes JSON. Only for this room's .cpp files.
#pragma once

#include <nlohmann/json_fwd.hpp>

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "coordinator/core/explain.h"
#include "coordinator/core/matrix.h"
#include "coordinator/web/response.h"
#include "shared/measure/result.h"

namespace sonde::web {

/// Keeps the order in which members are put in.
using Json = nlohmann::ordered_json;

/// Bytes that are not UTF-8 (a peer's text) come out as U+FFFD.
std::string to_text(const Json& json);
Response json_response(const Json& json);

/// A JSON string with its quotes.
std::string json_quoted(std::string_view text);

/// null for nullopt and for what JSON cannot hold (not finite).
Json number(std::optional<double> value);
Json seconds(nanoseconds duration);
Json time(std::optional<SharedTime> t);

/// The cell of one link as in /api/v1/matrix, appended as text: matrices are large.
void append_cell(std::string& out, const Link& link, Metric metric, const Cell& cell);
void append_number(std::string& out, std::optional<double> value);
void append_count(std::string& out, std::uint64_t count);
/// To a whole microsecond, which is quicker to write and to read.
void append_seconds(std::string& out, std::optional<double> seconds);

/// A sentence as it stands in /explain and /report.
Json finding_json(const Finding& finding);

/// A result as it stands in /api/v1/results.
Json result_json(const Result& result);
/// Its line there, without the newline.
std::string result_line(const Result& result);

}  // namespace sonde::web
