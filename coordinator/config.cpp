#include "coordinator/config.h"

#include <fmt/format.h>

#include <algorithm>
#include <map>
#include <set>

#include "coordinator/config_parts.h"
#include "coordinator/core/planner.h"
#include "shared/base/limits.h"

namespace sonde {
namespace {

using config::assign;
using config::Fields;
using config::Value;
using namespace std::chrono_literals;

constexpr std::size_t most_tokens = 100;
constexpr nanoseconds day = 24h;

/// A name for people: the mesh, an uplink, a group, a token.
constexpr std::size_t longest_name = 63;

void read_tokens(const Value& value, std::vector<TokenFile>& out) {
  std::set<std::string> names;
  for (const Value& item : value.list(most_tokens)) {
    Fields fields(item);
    TokenFile token;
    if (auto name = fields.need("name", "name the token, so that it can be told from others"))
      if (assign(token.name, name->text(longest_name)) && !names.insert(token.name).second)
        name->complain(config::in_quotes(token.name) + " is given twice", "give each token its own name");
    if (auto file = fields.need("file", "give the file that holds the token")) assign(token.file, file->file_path());
    fields.finish();
    out.push_back(std::move(token));
  }
}

void read_keys(Value value, CoordinatorConfig& out) {
  Fields fields(std::move(value));
  if (auto secret = fields.need("secret", "give the file that 'sonde keygen' made for the coordinator"))
    assign(out.secret_key, secret->file_path());
  if (auto agents = fields.need("agents", "give the folder that holds NAME.public for each site"))
    assign(out.agent_keys, agents->file_path());
  fields.finish();
}

void read_store(const Value& value, CoordinatorConfig& out) {
  constexpr std::string_view scheme = "sqlite://";
  const auto text = value.text();
  if (!text) return;
  if (!text->starts_with(scheme) || text->size() == scheme.size() || text->ends_with('/'))
    return value.complain(config::in_quotes(*text) + " is not a store",
                          "write it like sqlite:///absolute/results.db or sqlite://beside-this-file.db");
  out.store = (value.report().file().parent_path() / text->substr(scheme.size())).lexically_normal();
}

void read_retention(Value value, Retention& out) {
  Fields fields(std::move(value));
  if (auto raw = fields.get("raw")) assign(out.raw, raw->duration(1h, 36500 * day));
  if (auto minute = fields.get("minute")) assign(out.minute, minute->duration(1h, 36500 * day));
  if (auto hour = fields.get("hour")) assign(out.hour, hour->duration(1h, 36500 * day));
  fields.finish();
}

/// Probes and autonomy; leaves the place of a given throughput interval in `every`.
void read_policy(Fields& fields, Policy& out, std::optional<Value>& every) {
  if (auto probes = fields.get("probes")) read_probes(*probes, out, every);
  if (auto autonomy = fields.get("autonomy")) assign(out.autonomy, autonomy->duration(1s, 365 * day));
}

/// Where what the timetable must fit into was given.
struct Places {
  std::optional<Value> every;
  std::vector<Value> intervals;          ///< of rules for links
  std::map<std::string, Value> budgets;  ///< by site
  std::map<std::string, Value> shares;   ///< by uplink
};

const Value& place_of(const Misfit& misfit, const Places& places, const Value& sites) {
  if (misfit.about == Misfit::About::site_budget)
    if (const auto at = places.budgets.find(misfit.name); at != places.budgets.end()) return at->second;
  if (misfit.about == Misfit::About::uplink_share)
    if (const auto at = places.shares.find(misfit.name); at != places.shares.end()) return at->second;
  if (!places.intervals.empty()) return places.intervals.front();
  return places.every ? *places.every : sites;
}

/// What of the mesh can only be judged when all of it has been read.
void check_fit(const Mesh& mesh, const Places& places, const Value& sites) {
  if (const auto misfit = throughput_misfit(mesh))
    place_of(*misfit, places, sites).complain(misfit->what(), misfit->remedy());
}

CoordinatorConfig read_coordinator(const Value& root, ConfigUse use) {
  CoordinatorConfig out;
  Fields fields(root);
  if (auto name = fields.need("mesh", "give the mesh a name")) assign(out.mesh.name, name->text(longest_name));
  if (auto control = fields.get("control")) assign(out.control, control->zmq_endpoint(true));
  if (auto http = fields.get("http")) assign(out.http, http->endpoint());
  if (auto tokens = fields.get("tokens")) read_tokens(*tokens, out.tokens);
  auto keys = use == ConfigUse::run ? fields.need("keys", "give {secret: FILE, agents: FOLDER}") : fields.get("keys");
  if (keys) read_keys(*keys, out);
  if (auto store = fields.get("store")) read_store(*store, out);
  if (auto retention = fields.get("retention")) read_retention(*retention, out.retention);
  Places places;
  const auto sites = fields.need("sites", "list the sites, each with name and address or reflector");
  if (sites) out.mesh.sites = read_sites(*sites, places.budgets);
  if (auto links = fields.get("links")) out.mesh.links = read_links(*links, out.mesh.sites, places.intervals);
  if (auto uplinks = fields.get("uplinks")) out.mesh.uplinks = read_uplinks(*uplinks, out.mesh.sites, places.shares);
  read_policy(fields, out.mesh.policy, places.every);
  out.alerts = read_alerts(fields.get("alerts"), out.mesh);
  if (auto notify = fields.get("notify")) out.notify = read_notify(*notify, out.mesh);
  if (auto windows = fields.get("maintenance")) out.maintenance = read_maintenance(*windows, out.mesh);
  if (auto evidence = fields.get("evidence")) out.evidence = read_evidence(*evidence);
  fields.finish();
  if (sites) check_fit(out.mesh, places, *sites);
  return out;
}

}  // namespace

config::Parsed<CoordinatorConfig> parse_coordinator_config(std::string_view text, const std::filesystem::path& file,
                                                           ConfigUse use) {
  return config::parse_document<CoordinatorConfig>(text, file,
                                                   [use](const Value& root) { return read_coordinator(root, use); });
}

}  // namespace sonde
