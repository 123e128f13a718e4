// Reading JSON from somebody else without trusting it. Private to this room's .cpp files.
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "coordinator/cli/views.h"

namespace sonde::cli {

/// null where the key is missing or `json` is no object.
const Json& at(const Json& json, std::string_view key);
/// Empty where there is no string.
std::string text_at(const Json& json, std::string_view key);
std::optional<double> number_at(const Json& json, std::string_view key);
/// As it would stand in CSV: strings without quotes, null empty, lists with blanks between.
std::string raw(const Json& json);
std::string raw_at(const Json& json, std::string_view key);

/// "3 s ago" between two times of the API; empty where either is missing.
std::string ago(const Json& at, const Json& then);
/// "2026-01-02 03:04:05" of an RFC 3339 time in UTC.
std::string clock_time(std::string_view rfc3339);
std::string human_at(const Json& json, std::string_view key, std::string_view unit);

TextCell plain(std::string text, std::string raw_text);
/// A cell with the same text for people and for CSV.
TextCell same(std::string text);

}  // namespace sonde::cli
