#include <fmt/format.h>

#include <nlohmann/json.hpp>

#include <string>

#include "coordinator/cli/json_read.h"
#include "coordinator/cli/units.h"
#include "coordinator/cli/views.h"

namespace sonde::cli {
namespace {

std::string_view mark(std::string_view weight) {
  if (weight == "bad") return "!!";
  if (weight == "warning") return "!";
  return weight == "notice" ? "*" : "-";
}

}  // namespace

TextTable explain_view(const Json& explained) {
  TextTable table;
  table.hang = 3;
  table.legend.push_back(fmt::format("{} -> {}, the last {}, {} UTC", text_at(explained, "from"),
                                     text_at(explained, "to"), human_age(number_at(explained, "window_s").value_or(0)),
                                     clock_time(text_at(explained, "at"))));
  for (const Json& finding : at(explained, "findings"))
    table.legend.push_back(fmt::format("{:2} {}", mark(text_at(finding, "weight")), text_at(finding, "text")));
  return table;
}

TextTable explain_rows(const Json& explained) {
  TextTable table;
  for (const char* name : {"from", "to", "weight", "code", "text"}) table.columns.push_back({name, name});
  for (const Json& finding : at(explained, "findings"))
    table.rows.push_back({same(raw_at(explained, "from")), same(raw_at(explained, "to")),
                          same(raw_at(finding, "weight")), same(raw_at(finding, "code")),
                          same(raw_at(finding, "text"))});
  return table;
}

}  // namespace sonde::cli
