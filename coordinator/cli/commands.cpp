#include "coordinator/cli/commands.h"

#include <fmt/format.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include <nlohmann/json.hpp>

#include <cerrno>
#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <string>
#include <system_error>
#include <utility>

#include "coordinator/cli/http_client.h"
#include "coordinator/cli/offline.h"
#include "coordinator/cli/options.h"
#include "coordinator/cli/probe_command.h"
#include "coordinator/cli/render.h"
#include "coordinator/cli/result_stream.h"
#include "coordinator/cli/views.h"
#include "shared/io/daemon.h"

namespace sonde::cli {
namespace {

using io::code;
using io::Exit;

Terminal find_terminal() {
  if (::isatty(STDOUT_FILENO) == 0) return {};
  winsize size{};
  Terminal terminal{80, true};
  if (::ioctl(STDOUT_FILENO, TIOCGWINSZ, &size) == 0 && size.ws_col > 0) terminal.width = size.ws_col;
  const char* no_colour = std::getenv("NO_COLOR");
  const char* kind = std::getenv("TERM");
  if ((no_colour != nullptr && *no_colour != '\0') || (kind != nullptr && std::string_view(kind) == "dumb"))
    terminal.colour = false;
  return terminal;
}

bool print(std::string_view text) {
  return std::fwrite(text.data(), 1, text.size(), stdout) == text.size() && std::fflush(stdout) == 0;
}

int complain(std::string_view what, Exit exit = Exit::failed) {
  fmt::print(stderr, "sonde: {}\n", what);
  return code(exit);
}

std::string path_of(const Options& options) {
  std::string path = "/api/v1/";
  const std::string link_path = "links/" + url_encoded(options.from) + "/" + url_encoded(options.to);
  switch (options.verb) {
    case Verb::matrix: path += "matrix"; break;
    case Verb::link: path += link_path; break;
    case Verb::explain: path += link_path + "/explain"; break;
    case Verb::series: path += link_path + "/series"; break;
    case Verb::histogram: path += link_path + "/histogram"; break;
    case Verb::profile: path += link_path + "/profile"; break;
    case Verb::detours: path += "detours"; break;
    case Verb::sites: path += "sites"; break;
    case Verb::timetable: path += options.audit ? "timetable/audit" : "timetable"; break;
    case Verb::results: path += "results"; break;
    case Verb::incidents:
      path += options.incident.empty() ? "incidents" : "incidents/" + url_encoded(options.incident);
      break;
    case Verb::probe: path += "probes"; break;
    case Verb::plan:
    case Verb::doctor:
    case Verb::keygen: break;
  }
  char separator = '?';
  for (const auto& [name, value] : options.query)
    path += std::exchange(separator, '&') + name + "=" + url_encoded(value);
  return path;
}

TextTable view_of(const Options& options, const Json& json) {
  const bool rows = options.format == Format::csv;
  switch (options.verb) {
    case Verb::matrix: return rows ? matrix_rows(json) : matrix_view(json);
    case Verb::link: return rows ? link_rows(json) : link_view(json);
    case Verb::explain: return rows ? explain_rows(json) : explain_view(json);
    case Verb::sites: return options.measurer ? measurers_view(json) : sites_view(json);
    case Verb::timetable: return options.audit ? audit_view(json) : timetable_view(json);
    case Verb::series: return series_view(json);
    case Verb::histogram: return histogram_view(json);
    case Verb::profile: return profile_view(json);
    case Verb::detours: return detours_view(json);
    case Verb::incidents: return json.contains("incidents") || rows ? incidents_view(json) : incident_view(json);
    case Verb::plan: return plan_view(json);
    case Verb::probe: return rows ? probe_rows(json) : probe_view(json);
    case Verb::results:
    case Verb::doctor:
    case Verb::keygen: break;
  }
  return {};
}

int show(const Options& options, const std::string& text) {
  if (options.format == Format::json) return print(text + "\n") ? code(Exit::fine) : code(Exit::failed);
  const Json json = Json::parse(text, nullptr, false);
  if (json.is_discarded())
    return complain(fmt::format("the answer of {} is not JSON; is that a Sonde coordinator?", options.coordinator));
  const TextTable table = view_of(options, json);
  const std::string out = options.format == Format::csv ? render_csv(table) : render_table(table, find_terminal());
  return print(out) ? code(Exit::fine) : code(Exit::failed);
}

int complain_of(const Options& options, const HttpReply& reply) {
  const Json json = Json::parse(reply.body, nullptr, false);
  const bool explained = json.is_object() && json.contains("error") && json["error"].is_string();
  return complain(fmt::format("{}{}: {}", options.coordinator, path_of(options),
                              explained ? json["error"].get<std::string>()
                                        : fmt::format("HTTP status {}; is that a Sonde coordinator?", reply.status)));
}

int ask(const Options& options) {
  const auto reply = http_get(options.coordinator, path_of(options));
  if (!reply) return complain(reply.error().what);
  return reply->status == 200 ? show(options, reply->body) : complain_of(options, *reply);
}

int ask_results(const Options& options) {
  ResultStream stream(options.format, find_terminal(), print);
  const auto reply =
      http_get(options.coordinator, path_of(options), [&](std::string_view piece) { return stream.add(piece); });
  if (!reply) {
    stream.finish();
    return complain(reply.error().what);
  }
  if (reply->status != 200) return complain_of(options, *reply);
  return stream.finish() ? code(Exit::fine) : code(Exit::failed);
}

/// The result also of a run that failed: it says why.
int ask_probe(const Options& options) {
  const auto run = measure_now(options.coordinator, {options.from, options.to, options.kind}, options.token_file);
  if (!run) return complain(run.error().what);
  const int shown = show(options, run->text);
  return run->done ? shown : code(Exit::failed);
}

int plan_offline(const Options& options) {
  const PlanOutcome outcome = plan_configuration(
      options.config, {.add_sites = options.add_sites, .links = options.links, .gantt = !options.gantt.empty()});
  if (!outcome.json) {
    fmt::print(stderr, "{}", outcome.errors);
    return code(Exit::configuration);
  }
  if (!options.gantt.empty()) {
    if (!outcome.gantt) return complain(outcome.errors);
    if (const auto written = write_text(options.gantt, *outcome.gantt); !written) return complain(written.error().what);
  }
  return show(options, *outcome.json);
}

std::string_view name_of(Format format) {
  switch (format) {
    case Format::json: return "json";
    case Format::csv: return "csv";
    case Format::table: break;
  }
  return "table";
}

/// The agent's program knows an agent's host: this process becomes it. Beside this program first, then on the PATH.
int call_doctor(const Options& options) {
  std::error_code trouble;
  const auto beside = std::filesystem::read_symlink("/proc/self/exe", trouble).parent_path() / "sonde-agent";
  const std::string program = std::filesystem::exists(beside, trouble) ? beside.string() : "sonde-agent";
  const std::string format(name_of(options.format));
  ::execlp(program.c_str(), "sonde-agent", "doctor", "--config", options.config.c_str(), "--format", format.c_str(),
           nullptr);
  return complain(
      fmt::format("run {}: {}; it is in the package sonde-agent", program, std::generic_category().message(errno)));
}

int make_keys(const Options& options) {
  const auto written = write_keys(std::filesystem::current_path(), options.name);
  if (!written) return complain(written.error().what);
  return print(*written) ? code(Exit::fine) : code(Exit::failed);
}

}  // namespace

int run(int argc, const char* const* argv) {
  const auto parsed = parse_options(argc, argv);
  if (const int* exit = std::get_if<int>(&parsed)) return *exit;
  const auto& options = std::get<Options>(parsed);
  switch (options.verb) {
    case Verb::plan: return plan_offline(options);
    case Verb::doctor: return call_doctor(options);
    case Verb::keygen: return make_keys(options);
    case Verb::results: return ask_results(options);
    case Verb::probe: return ask_probe(options);
    case Verb::matrix:
    case Verb::link:
    case Verb::explain:
    case Verb::series:
    case Verb::histogram:
    case Verb::profile:
    case Verb::detours:
    case Verb::sites:
    case Verb::timetable:
    case Verb::incidents: return ask(options);
  }
  return code(Exit::usage);
}

}  // namespace sonde::cli
