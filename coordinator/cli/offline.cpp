#include "coordinator/cli/offline.h"

#include <fmt/format.h>

#include <nlohmann/json.hpp>

#include "coordinator/config.h"
#include "coordinator/core/planner.h"
#include "shared/io/clock.h"
#include "shared/io/curve_keys.h"
#include "shared/io/daemon.h"

namespace sonde::cli {
namespace {

using Json = nlohmann::ordered_json;

std::string summary_json(const PlanSummary& summary) {
  Json utilisation = Json::object();
  for (const auto& [site, share] : summary.utilisation) utilisation[site.str()] = share;
  Json bytes = Json::object();
  for (const auto& [site, count] : summary.bytes_per_day) bytes[site.str()] = count;
  return Json{{"sites", summary.sites},
              {"rounds", summary.rounds},
              {"cycle_s", summary.cycle_s},
              {"lower_bound_s", summary.lower_bound_s},
              {"utilisation", std::move(utilisation)},
              {"bytes_per_day", std::move(bytes)},
              {"conflicts", summary.conflicts}}
      .dump();
}

}  // namespace

PlanOutcome plan_configuration(const std::filesystem::path& file) {
  const auto text = io::read_file(file);
  if (!text) return {std::nullopt, text.error().what + "\n"};
  const auto parsed = parse_coordinator_config(*text, file, ConfigUse::plan);
  if (!parsed.value) return {std::nullopt, config::to_text(parsed.diagnostics)};
  const Mesh& mesh = parsed.value->mesh;
  const auto timetable = plan({.mesh = mesh, .effective_at = SharedTime(io::read_clock().wall.time_since_epoch())});
  if (!timetable) return {std::nullopt, fmt::format("{}: {}\n", file.string(), timetable.error().what)};
  return {summary_json(summarise(mesh, *timetable)), ""};
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
