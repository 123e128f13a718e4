#include "coordinator/web/csv.h"

#include <fmt/format.h>

#include <nlohmann/json.hpp>

#include <utility>

namespace sonde::web {
namespace {

void append_field(std::string& out, const Json& value) {
  if (value.is_null()) return;
  if (!value.is_string()) {
    out += to_text(value);
    return;
  }
  const auto text = value.get<std::string>();
  if (text.find_first_of(",\"\r\n") == std::string::npos) {
    out += text;
    return;
  }
  out += '"';
  for (const char c : text) out += c == '"' ? std::string("\"\"") : std::string(1, c);
  out += '"';
}

}  // namespace

Format take_format(Parameters& parameters) {
  const auto text = parameters.text("format");
  if (!text || *text == "json") return Format::json;
  if (*text != "csv") parameters.refuse(400, fmt::format("unknown format '{}'; there are json, csv", *text));
  return Format::csv;
}

std::string csv_of(const Json& list, std::initializer_list<std::string_view> columns) {
  std::string out;
  const auto end_field = [&](const std::string_view* column) { out += column + 1 == columns.end() ? '\n' : ','; };
  for (const std::string_view& column : columns) {
    out += column;
    end_field(&column);
  }
  for (const Json& row : list)
    for (const std::string_view& column : columns) {
      const auto field = row.find(std::string(column));
      if (field != row.end()) append_field(out, *field);
      end_field(&column);
    }
  return out;
}

Response csv_response(std::string table, std::string_view name) {
  Response response;
  response.content_type = "text/csv; charset=utf-8; header=present";
  response.headers.emplace_back("Content-Disposition", fmt::format("attachment; filename=\"{}.csv\"", name));
  response.body = std::move(table);
  return response;
}

}  // namespace sonde::web
