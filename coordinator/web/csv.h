// Answers as CSV, for spreadsheets. Only for this room's .cpp files.
#pragma once

#include <initializer_list>
#include <string>
#include <string_view>

#include "coordinator/web/json.h"
#include "coordinator/web/parameters.h"
#include "coordinator/web/response.h"

namespace sonde::web {

enum class Format { json, csv };
/// `format`, default json.
Format take_format(Parameters& parameters);

/// RFC 4180 with \n: a header and a row for each object of `list`, of these members; null is empty.
std::string csv_of(const Json& list, std::initializer_list<std::string_view> columns);
/// To be saved under `name`.csv.
Response csv_response(std::string table, std::string_view name);

}  // namespace sonde::web
