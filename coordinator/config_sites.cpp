#include <fmt/format.h>

#include <map>

#include "coordinator/config_parts.h"
#include "shared/base/limits.h"

namespace sonde {
namespace {

using config::assign;
using config::Fields;
using config::Value;

constexpr std::size_t longest_name = 63;
constexpr std::uint16_t stamp_port = 862;  // RFC 8762 section 4.1

/// One address or a list of them.
std::vector<std::string> read_addresses(const Value& value) {
  std::vector<std::string> out;
  const auto read_one = [&](const Value& item) {
    if (const auto host = item.host()) out.push_back(*host);
  };
  if (!value.is_list()) {
    read_one(value);
    return out;
  }
  if (value.node().items.empty()) value.complain("the list is empty", "give at least one address");
  for (const Value& item : value.list(limits::addresses_per_site)) read_one(item);
  return out;
}

void read_port(Fields& fields, std::uint16_t& out, std::int64_t most) {
  if (auto port = fields.get("port"))
    if (const auto number = port->integer(1, most)) out = static_cast<std::uint16_t>(*number);
}

void read_reflector(Value value, SiteSpec& out) {
  Fields fields(std::move(value));
  out.has_agent = false;
  out.port = stamp_port;
  if (auto address = fields.need("address", "give the address of the STAMP reflector"))
    out.addresses = read_addresses(*address);
  read_port(fields, out.port, 65535);
  fields.finish();
}

void read_connect(Value value, SiteSpec& out) {
  Fields fields(std::move(value));
  ConnectTarget target;
  if (auto address = fields.get("address"))
    assign(target.address, address->host());
  else if (!out.addresses.empty())
    target.address = out.addresses.front();
  if (auto port = fields.need("port", "give the TCP port that takes connections"))
    if (const auto number = port->integer(1, 65535)) target.port = static_cast<std::uint16_t>(*number);
  fields.finish();
  out.connect = std::move(target);
}

void read_location(const Value& value, SiteSpec& out) {
  if (!value.is_list() || value.node().items.size() != 2)
    return value.complain("not a pair of numbers", "write [LATITUDE, LONGITUDE] in degrees, such as [52.52, 13.40]");
  const auto pair = value.list(2);
  const auto latitude = pair[0].number(-90, 90);
  const auto longitude = pair[1].number(-180, 180);
  if (latitude && longitude) out.location = Location{*latitude, *longitude};
}

/// How the site is reached: an agent at `address` and `port`, or a plain `reflector`.
void read_reach(Fields& fields, SiteSpec& out) {
  auto address = fields.get("address");
  auto reflector = fields.get("reflector");
  auto connect = fields.get("connect");
  auto port = fields.get("port");
  auto inbound = fields.get("inbound");
  if (address) out.addresses = read_addresses(*address);
  if (!address && !reflector) fields.complain("neither address nor reflector is given", "give one of them");
  if (address && reflector)
    reflector->complain("given beside address", "give address for a site with an agent, reflector for one without");
  if (reflector) read_reflector(*reflector, out);
  if (connect && !reflector)
    connect->complain("only a site with a reflector has this; an agent takes connections at its address and port",
                      "leave it out");
  else if (connect)
    read_connect(*connect, out);
  if (port && reflector)
    port->complain("only a site with an agent has this", "give the port inside reflector");
  else if (port)
    read_port(fields, out.port, 65534);  // the one after it is ZeroMQ's
  if (inbound) assign(out.inbound, inbound->boolean());
  if (reflector && !out.inbound)
    inbound->complain("a reflector that nobody can reach measures nothing", "leave it out");
}

SiteSpec read_site(const Value& value, Fields& fields, std::map<std::string, Value>& budgets) {
  SiteSpec out;
  if (auto name = fields.need("name", "give the site a name")) assign(out.site, name->site());
  if (!value.is_map()) return out;
  read_reach(fields, out);
  if (auto location = fields.get("location")) read_location(*location, out);
  if (auto uplink = fields.get("uplink")) assign(out.uplink, uplink->text(longest_name));
  if (auto groups = fields.get("groups"))
    for (const Value& group : groups->list(limits::groups_per_site))
      if (auto name = group.text(longest_name)) out.groups.push_back(*name);
  if (auto hours = fields.get("quiet_hours")) out.quiet_hours = read_quiet_hours(*hours);
  if (auto budget = fields.get("bytes_per_month"))
    if (assign(out.bytes_per_month, budget->size(Bytes{1'000'000}, Bytes{1'000'000'000'000'000})))
      budgets.emplace(out.site.str(), *budget);
  fields.finish();
  return out;
}

}  // namespace

std::vector<SiteSpec> read_sites(const Value& value, std::map<std::string, Value>& budgets) {
  std::vector<SiteSpec> out;
  std::map<SiteId, int> first_lines;
  if (value.is_list() && value.node().items.empty()) value.complain("the list is empty", "give at least one site");
  for (const Value& item : value.list(limits::sites)) {
    Fields fields(item);
    SiteSpec site = read_site(item, fields, budgets);
    if (site.site.empty()) continue;
    const auto name = fields.get("name");
    const auto [first, is_new] = first_lines.emplace(site.site, name->node().line);
    if (is_new)
      out.push_back(std::move(site));
    else
      name->complain(fmt::format("the site {} is given twice, first at line {}", config::in_quotes(site.site.str()),
                                 first->second),
                     "give each site its own name");
  }
  return out;
}

}  // namespace sonde
