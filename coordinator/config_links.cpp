// `links:`, `uplinks:` and quiet hours: what of coordinator.yaml shapes the timetable beyond the sites.
#include <fmt/format.h>

#include <algorithm>
#include <set>

#include "coordinator/config_parts.h"
#include "shared/base/limits.h"

namespace sonde {
namespace {

using config::assign;
using config::Fields;
using config::Value;
using namespace std::chrono_literals;

constexpr std::size_t longest_name = 63;
constexpr std::size_t most_rules = 1000;

bool is_off(const Value& value) { return value.is_word("off") || value.is_word("false"); }

/// A site or a list of sites of this mesh.
std::vector<SiteId> read_members(const Value& value, const std::vector<SiteSpec>& sites) {
  std::vector<SiteId> out;
  const auto read_one = [&](const Value& item) {
    const auto site = item.site();
    if (!site) return;
    if (std::ranges::find(sites, *site, &SiteSpec::site) == sites.end())
      item.complain(fmt::format("the mesh has no site {}", config::in_quotes(site->str())), "name one of sites");
    else
      out.push_back(*site);
  };
  if (!value.is_list()) {
    read_one(value);
    return out;
  }
  if (value.node().items.empty()) value.complain("the list is empty", "name at least one site, or leave it out");
  for (const Value& item : value.list(limits::sites)) read_one(item);
  return out;
}

/// `throughput: off` or `{every: 15m}`.
void read_rule_throughput(const Value& value, LinkRule& out, std::vector<Value>& intervals) {
  if (is_off(value)) {
    out.throughput = false;
    return;
  }
  Fields fields(value);
  if (auto every = fields.need("every", "give the interval of these links, or throughput: off"))
    if (assign(out.every, every->duration(1s, 366 * 24h))) intervals.push_back(*every);
  fields.finish();
}

}  // namespace

void read_selection(Fields& fields, LinkRule& out, const std::vector<SiteSpec>& sites) {
  const auto from = fields.get("from");
  const auto to = fields.get("to");
  const auto between = fields.get("between");
  const auto group = fields.get("group");
  if (!from && !to && !between && !group) fields.complain("no link is named", "give from, to, between or group");
  if (between && (from || to)) between->complain("given beside from or to", "give between, or from and to");
  if (from) out.from = read_members(*from, sites);
  if (to) out.to = read_members(*to, sites);
  if (between) {
    out.from = out.to = read_members(*between, sites);
    if (between->is_list() ? between->node().items.size() < 2 : true)
      between->complain("names no pair", "list at least two sites");
  }
  if (!group || !assign(out.group, group->text(longest_name))) return;
  const auto is_in = [&](const SiteSpec& site) {
    return std::ranges::find(site.groups, *out.group) != site.groups.end();
  };
  if (std::ranges::none_of(sites, is_in))
    group->complain(fmt::format("no site is in the group {}", config::in_quotes(*out.group)),
                    "name one of the sites' groups");
}

namespace {

/// Minutes after midnight of HH:MM.
std::optional<nanoseconds> time_of_day(std::string_view text) {
  const auto digit = [&](std::size_t i) { return text[i] >= '0' && text[i] <= '9' ? text[i] - '0' : 100; };
  if (text.size() != 5 || text[2] != ':') return std::nullopt;
  const int hours = digit(0) * 10 + digit(1);
  const int minutes = digit(3) * 10 + digit(4);
  if (hours > 24 || minutes > 59 || (hours == 24 && minutes > 0)) return std::nullopt;
  return hours * 1h + minutes * 1min;
}

}  // namespace

std::optional<DailyHours> read_hours(const Value& value) {
  const auto text = value.text();
  if (!text) return std::nullopt;
  const auto dash = text->find('-');
  const auto from = time_of_day(std::string_view(*text).substr(0, std::min(dash, text->size())));
  const auto to = dash == std::string::npos ? std::nullopt : time_of_day(std::string_view(*text).substr(dash + 1));
  if (!from || !to || *from == *to || (*from == 0h && *to == 24h)) {
    value.complain(fmt::format("{} is no part of a day", config::in_quotes(*text)),
                   "write it like \"22:00-06:00\", in UTC");
    return std::nullopt;
  }
  return DailyHours{*from % 24h, (*to - *from + 24h) % 24h};
}

std::vector<LinkRule> read_links(const Value& value, const std::vector<SiteSpec>& sites,
                                 std::vector<Value>& intervals) {
  std::vector<LinkRule> out;
  for (const Value& item : value.list(most_rules)) {
    Fields fields(item);
    LinkRule rule;
    if (item.is_map()) read_selection(fields, rule, sites);
    const auto probes = fields.get("probes");
    const auto throughput = fields.get("throughput");
    if (item.is_map() && !probes && !throughput)
      fields.complain("the rule says nothing", "give probes: off, throughput: off or throughput: {every: 15m}");
    if (probes && throughput) throughput->complain("given beside probes: off", "leave it out");
    if (probes && !is_off(*probes))
      probes->complain("only off is understood here", "write probes: off, or leave it out");
    if (probes) rule.measured = rule.throughput = false;
    if (throughput) read_rule_throughput(*throughput, rule, intervals);
    fields.finish();
    out.push_back(std::move(rule));
  }
  return out;
}

std::vector<UplinkSpec> read_uplinks(const Value& value, const std::vector<SiteSpec>& sites,
                                     std::map<std::string, Value>& shares) {
  std::vector<UplinkSpec> out;
  std::set<std::string> names;
  for (const Value& item : value.list(limits::sites)) {
    Fields fields(item);
    UplinkSpec uplink;
    if (auto name = fields.need("name", "name the uplink as the sites do"))
      if (assign(uplink.name, name->text(longest_name))) {
        if (!names.insert(uplink.name).second)
          name->complain(config::in_quotes(uplink.name) + " is given twice", "give each uplink once");
        else if (std::ranges::find(sites, std::optional(uplink.name), &SiteSpec::uplink) == sites.end())
          name->complain(fmt::format("no site names the uplink {}", config::in_quotes(uplink.name)),
                         "name one of the sites' uplinks");
      }
    if (auto share = fields.need("share", "give the share of the time for throughput runs, such as 10%"))
      if (assign(uplink.share, share->share())) shares.emplace(uplink.name, *share);
    fields.finish();
    out.push_back(std::move(uplink));
  }
  return out;
}

std::vector<DailyHours> read_quiet_hours(const Value& value) {
  std::vector<DailyHours> out;
  for (const Value& item : value.list(limits::quiet_hours_per_site))
    if (const auto hours = read_hours(item)) out.push_back(*hours);
  return out;
}

}  // namespace sonde
