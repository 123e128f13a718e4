#include "agent/config.h"

#include <fmt/format.h>

#include <algorithm>

#include "shared/config/fields.h"

namespace sonde {
namespace {

using config::assign;
using config::Fields;
using config::Value;
using namespace std::chrono_literals;

void read_coordinator(Value value, AgentConfig& out) {
  Fields fields(std::move(value));
  if (auto endpoint =
          fields.need("endpoint", "give the coordinator's 'control' endpoint, such as tcp://192.0.2.1:7100"))
    assign(out.coordinator, endpoint->zmq_endpoint(false));
  if (auto key = fields.need("key", "give the file with the coordinator's public key"))
    assign(out.coordinator_key, key->file_path());
  fields.finish();
}

void read_keys(Value value, AgentConfig& out) {
  Fields fields(std::move(value));
  if (auto secret = fields.need("secret", "give the file that 'sonde keygen' made for this site"))
    assign(out.secret_key, secret->file_path());
  fields.finish();
}

constexpr std::size_t most_allowed = 256;

std::optional<AddressPrefix> read_range(const Value& value) {
  const auto text = value.text();
  if (!text) return std::nullopt;
  const auto prefix = AddressPrefix::parse(*text);
  if (prefix) return *prefix;
  value.complain(fmt::format("{} is no address range: {}", config::in_quotes(*text), prefix.error().what),
                 "write it like 192.0.2.99, 192.0.2.0/24 or '2001:db8::/48'");
  return std::nullopt;
}

/// Addresses and ranges, or {address, key} where the outsider's probes may be authenticated.
void read_allow(const Value& value, AgentConfig& out) {
  for (const Value& item : value.list(most_allowed)) {
    AllowedOutsider outsider;
    if (!item.is_map()) {
      if (assign(outsider.range, read_range(item))) out.allow.push_back(outsider);
      continue;
    }
    Fields fields(item);
    const auto address = fields.need("address", "give an address or range, such as 192.0.2.99");
    const auto key = fields.need("key", "give the file with the key that the outsider has, or write the address alone");
    fields.finish();
    if (key) assign(outsider.key, key->file_path());
    if (address && assign(outsider.range, read_range(*address))) out.allow.push_back(outsider);
  }
}

void read_reflector_keys(const Value& value, AgentConfig& out) {
  for (const Value& item : value.list(most_allowed)) {
    Fields fields(item);
    ReflectorKey key;
    const auto site = fields.need("site", "give the name of a site that is a reflector");
    if (site) assign(key.site, site->site());
    if (const auto file = fields.need("file", "give the file with the key that the reflector has"))
      assign(key.file, file->file_path());
    fields.finish();
    if (key.site.empty()) continue;
    if (std::ranges::find(out.latency_keys, key.site, &ReflectorKey::site) != out.latency_keys.end())
      site->complain(fmt::format("{} is given twice", config::in_quotes(key.site.str())), "keep one of them");
    out.latency_keys.push_back(std::move(key));
  }
}

void read_listen(Value value, AgentConfig& out) {
  Fields fields(std::move(value));
  if (auto address = fields.get("address"))
    if (const auto text = address->text()) {
      if (const auto parsed = IpAddress::parse(*text))
        out.listen.address = *parsed;
      else
        address->complain(config::in_quotes(*text) + " is not an IP address",
                          "write it like 0.0.0.0, 192.0.2.10 or '::'");
    }
  // The port after it is ZeroMQ's.
  if (auto port = fields.get("port"))
    if (const auto number = port->integer(1, 65534)) out.listen.port = static_cast<std::uint16_t>(*number);
  if (auto allow = fields.get("allow")) read_allow(*allow, out);
  fields.finish();
}

void read_latency(Value value, AgentConfig& out) {
  Fields fields(std::move(value));
  if (auto dscp = fields.get("dscp")) out.latency_dscp = dscp->dscp();
  if (auto authenticated = fields.get("authenticated")) out.latency_authenticated = authenticated->boolean();
  if (auto keys = fields.get("keys")) read_reflector_keys(*keys, out);
  if (auto asked = fields.get("timestamp_information")) assign(out.latency_timestamp_information, asked->boolean());
  if (auto asked = fields.get("direct_measurement")) assign(out.latency_direct_measurement, asked->boolean());
  fields.finish();
}

void read_spool(Value value, AgentConfig& out) {
  Fields fields(std::move(value));
  if (auto path = fields.get("path")) assign(out.spool, path->file_path());
  if (auto size = fields.get("max_size"))
    assign(out.spool_max_size, size->size(Bytes{1'000'000}, Bytes{1'000'000'000'000}));
  fields.finish();
}

void read_clock(Value value, AgentConfig& out) {
  Fields fields(std::move(value));
  if (auto error = fields.get("error")) assign(out.clock_error, error->duration(100ns, 1h));
  fields.finish();
}

AgentConfig read_agent(Value root) {
  AgentConfig out;
  Fields fields(std::move(root));
  if (auto site = fields.need("site", "give this site's name as the coordinator knows it"))
    assign(out.site, site->site());
  if (auto coordinator = fields.need("coordinator", "give {endpoint: tcp://HOST:PORT, key: FILE}"))
    read_coordinator(*coordinator, out);
  if (auto keys = fields.need("keys", "give {secret: FILE}")) read_keys(*keys, out);
  if (auto listen = fields.get("listen")) read_listen(*listen, out);
  if (auto latency = fields.get("latency")) read_latency(*latency, out);
  if (auto spool = fields.get("spool")) read_spool(*spool, out);
  if (auto clock = fields.get("clock")) read_clock(*clock, out);
  fields.finish();
  return out;
}

}  // namespace

void AgentConfig::take_reloadable(const AgentConfig& next) {
  coordinator = next.coordinator;
  clock_error = next.clock_error;
  allow = next.allow;
  latency_dscp = next.latency_dscp;
  latency_authenticated = next.latency_authenticated;
  latency_keys = next.latency_keys;
  latency_timestamp_information = next.latency_timestamp_information;
  latency_direct_measurement = next.latency_direct_measurement;
}

config::Parsed<AgentConfig> parse_agent_config(std::string_view text, const std::filesystem::path& file) {
  return config::parse_document<AgentConfig>(text, file, read_agent);
}

}  // namespace sonde
