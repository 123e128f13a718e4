// `maintenance:`: stretches of every week in which incidents are not told (docs/alerts.md, "Silences").
#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <set>

#include "coordinator/config_parts.h"

namespace sonde {
namespace {

using config::assign;
using config::Fields;
using config::Value;
using namespace std::chrono_literals;

constexpr std::size_t most_windows = 1000;
constexpr std::size_t most_items = 1000;
constexpr std::size_t longest_name = 63;
constexpr std::array<std::string_view, 7> day_names{"mon", "tue", "wed", "thu", "fri", "sat", "sun"};

/// One word or a list of them, as matchers of one key.
void read_key(const Value& value, std::string_view key, const Mesh& mesh, IncidentMatch& out) {
  const auto read_one = [&](const Value& item) {
    const auto word = item.text();
    if (!word) return;
    IncidentMatch one;
    auto fine = add_match(one, key, *word);
    if (fine) fine = check_match(one, mesh);
    if (!fine)
      item.complain(fine.error().what, fmt::format("name a {} that there is", key));
    else
      static_cast<void>(add_match(out, key, *word));
  };
  if (!value.is_list()) return read_one(value);
  if (value.node().items.empty()) value.complain("the list is empty", "name at least one, or leave it out");
  for (const Value& item : value.list(most_items)) read_one(item);
}

std::uint8_t read_days(const Value& value) {
  unsigned days = 0;
  const auto read_one = [&](const Value& item) {
    const auto word = item.text();
    if (!word) return;
    const auto* const day = std::ranges::find(day_names, std::string_view(*word));
    if (day == day_names.end())
      item.complain(fmt::format("{} is no day", config::in_quotes(*word)), "write mon, tue, wed, thu, fri, sat or sun");
    else
      days |= 1U << static_cast<unsigned>(day - day_names.begin());
  };
  if (!value.is_list()) {
    read_one(value);
  } else {
    if (value.node().items.empty()) value.complain("the list is empty", "name at least one day, or leave it out");
    for (const Value& item : value.list(day_names.size())) read_one(item);
  }
  return static_cast<std::uint8_t>(days);
}

MaintenanceWindow read_window(Fields& fields, const Mesh& mesh, std::set<std::string>& names) {
  MaintenanceWindow out;
  if (auto name = fields.need("name", "name the window, so that it can be told from others"))
    if (assign(out.name, name->text(longest_name)) && !names.insert(out.name).second)
      name->complain(config::in_quotes(out.name) + " is given twice", "give each window its own name");
  if (auto author = fields.need("author", "say who answers for it"))
    assign(out.author, author->text(Silences::longest_author));
  if (auto reason = fields.need("reason", "say what is done then"))
    assign(out.reason, reason->text(Silences::longest_reason));
  if (auto days = fields.get("days")) out.days = read_days(*days);
  if (auto hours = fields.get("hours"))
    if (const auto read = read_hours(*hours)) {
      out.from = read->from;
      out.length = read->length;
    }
  if (auto until = fields.get("until"))
    if (const auto text = until->text()) {
      const auto time = parse_time(*text);
      if (time)
        out.until = *time;
      else
        until->complain(fmt::format("{} is {}", config::in_quotes(*text), time.error().what),
                        "write it like \"2027-01-31T00:00:00Z\"");
    }
  bool any = false;
  for (const std::string_view key : match_keys)
    if (auto given = fields.get(key)) {
      any = true;
      read_key(*given, key, mesh, out.match);
    }
  if (!any)
    fields.complain("the window says of no incident that it is meant",
                    fmt::format("give {}; mesh: {} means all of them", fmt::join(match_keys, ", "), mesh.name));
  return out;
}

}  // namespace

std::vector<MaintenanceWindow> read_maintenance(const Value& value, const Mesh& mesh) {
  std::vector<MaintenanceWindow> out;
  std::set<std::string> names;
  for (const Value& item : value.list(most_windows)) {
    Fields fields(item);
    if (!item.is_map()) continue;
    out.push_back(read_window(fields, mesh, names));
    fields.finish();
  }
  return out;
}

}  // namespace sonde
