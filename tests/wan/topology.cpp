#include "tests/wan/topology.h"

#include <cstdint>
#include <string>

#include "shared/config/fields.h"
#include "tests/wan/settings.h"

namespace sonde::wan {
namespace {

using config::Fields;
using config::Value;

constexpr std::size_t most_addresses = 8;
constexpr std::size_t most_paths = Network::most_sites * Network::most_sites;

void read_address(const Value& value, WanSite& site) {
  const auto text = value.text();
  if (!text) return;
  if (const auto address = IpAddress::parse(*text))
    site.addresses.push_back(*address);
  else
    value.complain(address.error().what, "give an IPv4 or IPv6 address");
}

WanSite read_site(const Value& value) {
  WanSite site;
  Fields fields(value);
  if (const auto name = fields.need("name", "give the site a name")) config::assign(site.site, name->site());
  if (const auto address = fields.need("address", "give the address of its TUN device")) {
    if (address->is_list())
      for (const Value& one : address->list(most_addresses)) read_address(one, site);
    else
      read_address(*address, site);
  }
  fields.finish();
  return site;
}

WanPath read_path(const Value& value) {
  WanPath path;
  Fields fields(value);
  if (const auto from = fields.need("from", "name a site")) config::assign(path.from, from->site());
  if (const auto to = fields.need("to", "name a site")) config::assign(path.to, to->site());
  for (const std::string_view key : setting_names()) {
    const auto setting = fields.get(key);
    const auto text = setting ? setting->text() : std::nullopt;
    if (!text) continue;
    if (const auto done = change(path.settings, key, *text); !done)
      setting->complain(done.error().what, "see docs/lab.md");
  }
  if (const auto done = check(path.settings); !done) value.complain(done.error().what, "see docs/lab.md");
  fields.finish();
  return path;
}

Topology read_topology(const Value& value) {
  Topology topology;
  Fields root(value);
  if (const auto sites = root.need("sites", "list the sites"))
    for (const Value& site : sites->list(Network::most_sites)) topology.sites.push_back(read_site(site));
  if (const auto paths = root.get("paths"))
    for (const Value& path : paths->list(most_paths)) topology.paths.push_back(read_path(path));
  if (const auto seed = root.get("seed"))
    if (const auto number = seed->integer(0, INT64_MAX)) topology.seed = static_cast<std::uint64_t>(*number);
  root.finish();
  return topology;
}

}  // namespace

config::Parsed<Topology> parse_topology(std::string_view text, const std::filesystem::path& file) {
  return config::parse_document<Topology>(text, file, [](const Value& root) { return read_topology(root); });
}

}  // namespace sonde::wan
