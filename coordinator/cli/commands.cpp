#include "coordinator/cli/commands.h"

#include <fmt/format.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include <nlohmann/json.hpp>

#include <algorithm>
#include <cerrno>
#include <cmath>
#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <optional>
#include <string>
#include <string_view>
#include <system_error>
#include <utility>
#include <vector>

#include "coordinator/cli/change_command.h"
#include "coordinator/cli/http_client.h"
#include "coordinator/cli/offline.h"
#include "coordinator/cli/options.h"
#include "coordinator/cli/probe_command.h"
#include "coordinator/cli/render.h"
#include "coordinator/cli/report_view.h"
#include "coordinator/cli/result_stream.h"
#include "coordinator/cli/rules_command.h"
#include "coordinator/cli/views.h"
#include "coordinator/cli/watch.h"
#include "shared/io/daemon.h"

namespace sonde::cli {
namespace {

using io::code;
using io::Exit;

winsize window_size() {
  winsize size{};
  if (::ioctl(STDOUT_FILENO, TIOCGWINSZ, &size) != 0) size = {};
  return size;
}

Terminal find_terminal() {
  if (::isatty(STDOUT_FILENO) == 0) return {};
  Terminal terminal{80, true};
  if (const winsize size = window_size(); size.ws_col > 0) terminal.width = size.ws_col;
  const char* no_colour = std::getenv("NO_COLOR");
  const char* kind = std::getenv("TERM");
  if ((no_colour != nullptr && *no_colour != '\0') || (kind != nullptr && std::string_view(kind) == "dumb"))
    terminal.colour = false;
  return terminal;
}

/// Lines of a terminal that can be drawn on.
std::optional<std::size_t> find_height() {
  const char* kind = std::getenv("TERM");
  if (::isatty(STDOUT_FILENO) == 0 || (kind != nullptr && std::string_view(kind) == "dumb")) return std::nullopt;
  const winsize size = window_size();
  return size.ws_row > 0 ? size.ws_row : std::size_t{24};
}

/// The first of the variables that says which characters the terminal has.
Ink find_ink() {
  for (const char* name : {"LC_ALL", "LC_CTYPE", "LANG"}) {
    const char* value = std::getenv(name);
    if (value == nullptr || *value == '\0') continue;
    const std::string_view text(value);
    const bool wide =
        text.find("UTF-8") != text.npos || text.find("utf8") != text.npos || text.find("utf-8") != text.npos;
    return wide ? Ink::blocks : Ink::ascii;
  }
  return Ink::ascii;
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
    case Verb::report: path += "report"; break;
    case Verb::incidents:
      path += options.incident.empty() ? "incidents" : "incidents/" + url_encoded(options.incident);
      break;
    case Verb::probe: path += "probes"; break;
    case Verb::silences: path += "silences"; break;
    case Verb::silence_add:
    case Verb::silence_end:
    case Verb::acknowledge:
    case Verb::rules_test:
    case Verb::plan:
    case Verb::doctor:
    case Verb::keygen: break;
  }
  char separator = '?';
  for (const auto& [name, value] : options.query)
    path += std::exchange(separator, '&') + name + "=" + url_encoded(value);
  return path;
}

/// How wide pictures are: what the names and numbers beside them leave, within what can be taken in.
std::size_t picture_width(const Options& options, const Terminal& terminal) {
  constexpr std::size_t most = 60;
  constexpr std::size_t least = 16;
  constexpr std::size_t numbers = 36;
  const std::size_t beside = numbers + options.from.size() + options.to.size();
  return terminal.width ? std::clamp(*terminal.width - std::min(beside, *terminal.width), least, most) : most;
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
    case Verb::histogram:
      if (!json.contains("steps")) return histogram_view(json);
      return rows ? histogram_steps_rows(json)
                  : histogram_steps_view(json, picture_width(options, find_terminal()), find_ink());
    case Verb::profile: return profile_view(json);
    case Verb::detours: return detours_view(json);
    case Verb::incidents: return json.contains("incidents") || rows ? incidents_view(json) : incident_view(json);
    case Verb::acknowledge: return rows ? incidents_view(json) : incident_view(json);
    case Verb::rules_test: return rows ? incidents_view(json) : rules_view(json);
    case Verb::silences:
    case Verb::silence_add:
    case Verb::silence_end: return silences_view(json);
    case Verb::plan: return plan_view(json);
    case Verb::probe: return rows ? probe_rows(json) : probe_view(json);
    case Verb::report: return report_rows(json);
    case Verb::results:
    case Verb::doctor:
    case Verb::keygen: break;
  }
  return {};
}

std::string not_json(const Options& options) {
  return fmt::format("the answer of {} is not JSON; is that a Sonde coordinator?", options.coordinator);
}

int show(const Options& options, const std::string& text) {
  if (options.format == Format::json) return print(text + "\n") ? code(Exit::fine) : code(Exit::failed);
  const Json json = Json::parse(text, nullptr, false);
  if (json.is_discarded()) return complain(not_json(options));
  const TextTable table = view_of(options, json);
  const std::string out = options.format == Format::csv ? render_csv(table) : render_table(table, find_terminal());
  return print(out) ? code(Exit::fine) : code(Exit::failed);
}

std::string refusal_of(const Options& options, const HttpReply& reply) {
  const Json json = Json::parse(reply.body, nullptr, false);
  const bool explained = json.is_object() && json.contains("error") && json["error"].is_string();
  return fmt::format("{}{}: {}", options.coordinator, path_of(options),
                     explained ? json["error"].get<std::string>()
                               : fmt::format("HTTP status {}; is that a Sonde coordinator?", reply.status));
}

int complain_of(const Options& options, const HttpReply& reply) { return complain(refusal_of(options, reply)); }

int ask(const Options& options) {
  const auto reply = http_get(options.coordinator, path_of(options));
  if (!reply) return complain(reply.error().what);
  return reply->status == 200 ? show(options, reply->body) : complain_of(options, *reply);
}

/// As JSON and CSV each answer as it comes; as a table on a screen one picture that changes.
int watch_matrix(const Options& options) {
  bool first = true;
  const auto render = [&](const std::string& answer, const Terminal& terminal) {
    if (options.format == Format::json) return answer + "\n";
    const TextTable table = view_of(options, Json::parse(answer, nullptr, false));
    if (options.format == Format::csv) return render_csv(table, std::exchange(first, false));
    return render_table(table, terminal) + (terminal.width ? "" : "\n");
  };
  const auto ask_once = [&](const KeepGoing& keep_going) -> Expected<std::string> {
    auto reply = http_get(options.coordinator, path_of(options), {}, keep_going);
    if (!reply) return fail(reply.error().what);
    if (reply->status != 200) return fail(refusal_of(options, *reply));
    if (!Json::accept(reply->body)) return fail(not_json(options));
    return std::move(reply->body);
  };
  const auto height = [&] { return options.format == Format::table ? find_height() : std::nullopt; };
  const auto ended = watch({ask_once, render, find_terminal, height, print}, options.every);
  return ended ? code(Exit::fine) : complain(ended.error().what);
}

/// null where the coordinator has no answer: what is drawn is an extra.
Json extra(const Options& options, const std::string& path) {
  const auto reply = http_get(options.coordinator, path);
  if (!reply || reply->status != 200) return nullptr;
  Json json = Json::parse(reply->body, nullptr, false);
  return json.is_discarded() ? Json(nullptr) : json;
}

/// The same of the link and of the way back; without what cannot be had.
std::vector<Json> both_ways(const Options& options, const std::string& what, const std::string& metric,
                            const std::string& more) {
  std::string query = "?metric=" + metric + more;
  for (const auto& [name, value] : options.query)
    if (name != "stat") query += fmt::format("&{}={}", name, url_encoded(value));
  std::vector<Json> found;
  for (const auto& [from, to] : {std::pair(options.from, options.to), std::pair(options.to, options.from)}) {
    Json json =
        extra(options, fmt::format("/api/v1/links/{}/{}/{}{}", url_encoded(from), url_encoded(to), what, query));
    if (json.is_object()) found.push_back(std::move(json));
  }
  return found;
}

/// All metrics as a table; below it, for people, courses and distributions of both directions.
int ask_link(const Options& options) {
  const auto reply = http_get(options.coordinator, path_of(options));
  if (!reply) return complain(reply.error().what);
  if (reply->status != 200) return complain_of(options, *reply);
  const int shown = show(options, reply->body);
  if (options.format != Format::table || shown != code(Exit::fine)) return shown;
  const Terminal terminal = find_terminal();
  const std::size_t width = picture_width(options, terminal);
  const double window_s = Json::parse(reply->body, nullptr, false).value("window_s", 3600.0);
  const std::string step =
      fmt::format("&step={:.0f}s", std::max(1.0, std::ceil(window_s / static_cast<double>(width))));
  std::vector<std::vector<Json>> courses;
  for (const char* metric : {"rtt", "loss", "throughput"})
    if (options.course.empty()) courses.push_back(both_ways(options, "series", metric, step));
  if (!options.course.empty()) courses.push_back(both_ways(options, "series", options.course, step));
  const auto histograms = both_ways(options, "histogram", options.course.empty() ? "rtt" : options.course, "");
  std::string out;
  for (const TextTable& table : {courses_view(courses, find_ink()), distributions_view(histograms, width, find_ink())})
    if (!table.rows.empty()) out += "\n" + render_table(table, terminal);
  return print(out) ? code(Exit::fine) : code(Exit::failed);
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

std::string document_of(Format format, const Json& report) {
  switch (format) {
    case Format::html: return report_html(report);
    case Format::csv: return render_csv(report_rows(report));
    case Format::json: return report.dump(-1, ' ', false, Json::error_handler_t::replace) + "\n";
    case Format::table:
    case Format::markdown: break;
  }
  return report_markdown(report);
}

int ask_report(const Options& options) {
  const auto reply = http_get(options.coordinator, path_of(options));
  if (!reply) return complain(reply.error().what);
  if (reply->status != 200) return complain_of(options, *reply);
  const Json report = Json::parse(reply->body, nullptr, false);
  if (!report.is_object())
    return complain(fmt::format("the answer of {} is not JSON; is that a Sonde coordinator?", options.coordinator));
  const std::string document = document_of(options.format, report);
  if (options.output.empty()) return print(document) ? code(Exit::fine) : code(Exit::failed);
  if (const auto written = write_text(options.output, document); !written) return complain(written.error().what);
  return code(Exit::fine);
}

/// The result also of a run that failed: it says why.
int ask_probe(const Options& options) {
  const auto run = measure_now(options.coordinator, {options.from, options.to, options.kind}, options.token_file);
  if (!run) return complain(run.error().what);
  const int shown = show(options, run->text);
  return run->done ? shown : code(Exit::failed);
}

int make_change(const Options& options) {
  const auto answer = change(options);
  return answer ? show(options, *answer) : complain(answer.error().what);
}

int replay_rules(const Options& options) {
  const RulesOutcome outcome = test_rules(options);
  if (outcome.errors.empty()) return show(options, outcome.json);
  fmt::print(stderr, "{}", outcome.errors);
  return code(outcome.bad_config ? Exit::configuration : Exit::failed);
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
    case Format::table:
    case Format::markdown:
    case Format::html: break;
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
    case Verb::report: return ask_report(options);
    case Verb::probe: return ask_probe(options);
    case Verb::matrix: return options.watch ? watch_matrix(options) : ask(options);
    case Verb::link: return ask_link(options);
    case Verb::silence_add:
    case Verb::silence_end:
    case Verb::acknowledge: return make_change(options);
    case Verb::rules_test: return replay_rules(options);
    case Verb::explain:
    case Verb::series:
    case Verb::histogram:
    case Verb::profile:
    case Verb::detours:
    case Verb::sites:
    case Verb::timetable:
    case Verb::silences:
    case Verb::incidents: return ask(options);
  }
  return code(Exit::usage);
}

}  // namespace sonde::cli
