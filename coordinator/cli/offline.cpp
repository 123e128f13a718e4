#include "coordinator/cli/offline.h"

#include <fmt/format.h>

#include <nlohmann/json.hpp>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <fstream>
#include <unordered_map>
#include <utility>

#include "coordinator/cli/gantt.h"
#include "coordinator/config.h"
#include "coordinator/core/planner.h"
#include "shared/io/clock.h"
#include "shared/io/curve_keys.h"
#include "shared/io/daemon.h"

namespace sonde::cli {
namespace {

using Json = nlohmann::ordered_json;

constexpr std::int64_t whole(double bytes) { return static_cast<std::int64_t>(bytes + 0.999999); }

std::vector<std::pair<Link, PlanUse>> in_order(const PlanSummary& summary) {
  std::vector<std::pair<Link, PlanUse>> links(summary.of_link.begin(), summary.of_link.end());
  std::ranges::sort(links, {}, &std::pair<Link, PlanUse>::first);
  return links;
}

Json links_json(const PlanSummary& summary, const Timetable& timetable) {
  std::unordered_map<Link, nanoseconds> intervals;
  for (const ThroughputSlot& slot : timetable.slots) intervals[slot.link] = timetable.interval(slot);
  Json links = Json::array();
  for (const auto& [link, use] : in_order(summary)) {
    const auto every = intervals.find(link);
    links.push_back(Json{{"from", link.from.str()},
                         {"to", link.to.str()},
                         {"throughput_every_s", every == intervals.end() ? Json() : Json(to_seconds(every->second))},
                         {"utilisation", use.utilisation},
                         {"bytes_per_day", whole(use.bytes_per_day)},
                         {"bytes_per_month", whole(use.bytes_per_month())}});
  }
  return links;
}

Json uplinks_json(const Mesh& mesh, const PlanSummary& summary) {
  Json uplinks = Json::object();
  for (const auto& [name, use] : summary.of_uplink) {
    const auto spec = std::ranges::find(mesh.uplinks, name, &UplinkSpec::name);
    uplinks[name] = Json{{"utilisation", use.utilisation},
                         {"share", spec == mesh.uplinks.end() ? 1.0 : spec->share},
                         {"bytes_per_day", whole(use.bytes_per_day)},
                         {"bytes_per_month", whole(use.bytes_per_month())}};
  }
  return uplinks;
}

std::string summary_json(const Mesh& mesh, const Timetable& timetable, const PlanSummary& summary, bool links) {
  Json utilisation = Json::object();
  Json per_day = Json::object();
  Json per_month = Json::object();
  for (const auto& [site, use] : summary.of_site) {
    utilisation[site.str()] = use.utilisation;
    per_day[site.str()] = whole(use.bytes_per_day);
    per_month[site.str()] = whole(use.bytes_per_month());
  }
  Json json{{"sites", summary.sites},
            {"rounds", summary.rounds},
            {"cycle_s", summary.cycle_s},
            {"lower_bound_s", summary.lower_bound_s},
            {"utilisation", std::move(utilisation)},
            {"bytes_per_day", std::move(per_day)},
            {"conflicts", summary.conflicts},
            {"every_s", summary.every_s},
            {"oldest_cell_s", summary.oldest_cell_s},
            {"bytes_per_month", std::move(per_month)},
            {"uplinks", uplinks_json(mesh, summary)}};
  if (links) json["links"] = links_json(summary, timetable);
  return json.dump();
}

Expected<void> add_site(Mesh& mesh, std::string_view text) {
  const std::size_t colon = text.find(':');
  const auto site = SiteId::parse(text.substr(0, colon));
  if (!site) return std::unexpected(site.error());
  if (mesh.site(*site) != nullptr) return fail("the configuration has this site already; give another name");
  SiteSpec spec;
  spec.site = *site;
  if (colon != std::string_view::npos) {
    spec.uplink = std::string(text.substr(colon + 1));
    const bool is_known = std::ranges::any_of(mesh.sites, [&](const SiteSpec& s) { return s.uplink == spec.uplink; });
    if (spec.uplink->empty()) return fail("no uplink stands behind the colon; give its name, or leave the colon out");
    if (!is_known) return fail(fmt::format("no site of the configuration has the uplink '{}'", *spec.uplink));
  }
  mesh.sites.push_back(std::move(spec));
  return {};
}

}  // namespace

PlanOutcome plan_configuration(const std::filesystem::path& file, const PlanWish& wish) {
  const auto text = io::read_file(file);
  if (!text) return {.errors = text.error().what + "\n"};
  const auto parsed = parse_coordinator_config(*text, file, ConfigUse::plan);
  if (!parsed.value) return {.errors = config::to_text(parsed.diagnostics)};
  Mesh mesh = parsed.value->mesh;
  for (const std::string& site : wish.add_sites)
    if (const auto added = add_site(mesh, site); !added)
      return {.errors = fmt::format("--add-site {}: {}\n", site, added.error().what)};
  const auto timetable = plan({.mesh = mesh, .effective_at = SharedTime(io::read_clock().wall.time_since_epoch())});
  if (!timetable) return {.errors = fmt::format("{}: {}\n", file.string(), timetable.error().what)};
  PlanOutcome outcome{.json = summary_json(mesh, *timetable, summarise(mesh, *timetable), wish.links)};
  if (!wish.gantt) return outcome;
  if (auto drawn = gantt_svg(mesh, *timetable))
    outcome.gantt = *std::move(drawn);
  else
    outcome.errors = "draw --gantt: " + drawn.error().what;
  return outcome;
}

Expected<void> write_text(const std::filesystem::path& file, const std::string& text) {
  std::ofstream out(file, std::ios::binary | std::ios::trunc);
  out << text;
  out.close();
  if (!out) return fail(fmt::format("write {}: {}", file.string(), std::strerror(errno)));
  return {};
}

Expected<std::string> write_keys(const std::filesystem::path& folder, const std::string& name) {
  if (const auto site = SiteId::parse(name); !site)
    return fail(fmt::format("make keys for '{}': {}", name, site.error().what));
  const auto keys = io::write_new_key_pair(folder, name);
  if (!keys) return std::unexpected(keys.error());
  return fmt::format(
      "{0}.secret  stays with {0}, readable by its service alone\n"
      "{0}.public  goes to those who talk to it\n",
      name);
}

}  // namespace sonde::cli
