#include "coordinator/cli/options.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <CLI/CLI.hpp>

#include <cstdio>
#include <iostream>
#include <map>
#include <string>
#include <utility>
#include <vector>

#include "coordinator/core/aggregate.h"
#include "coordinator/core/silences.h"
#include "shared/base/time.h"
#include "shared/base/units.h"
#include "shared/measure/metric.h"

namespace sonde::cli {
namespace {

constexpr const char* default_url = "http://127.0.0.1:8080";

/// Empty where the text is fine, as CLI11 wants it.
std::string check_metric(const std::string& text) {
  if (metric_named(text)) return "";
  std::string names;
  for (const MetricInfo& metric : all_metrics()) names += " " + std::string(metric.name);
  return "unknown metric '" + text + "'; there are" + names;
}

std::string check_stat(const std::string& text) {
  if (stat_named(text)) return "";
  return "unknown stat '" + text + "'; there are p5 p25 p50 p75 p95 p99 mean min max stddev last ewma hmean";
}

std::string check_duration(const std::string& text) {
  const auto parsed = parse_duration(text);
  if (!parsed) return parsed.error().what;
  return parsed->count() > 0 ? "" : "must be longer than zero";
}

std::string check_time(const std::string& text) {
  const auto parsed = parse_time(text);
  return parsed ? "" : "'" + text + "' is " + parsed.error().what;
}

std::string check_incident_state(const std::string& text) {
  return text == "open" || text == "closed" ? "" : "unknown state '" + text + "'; there are open closed";
}

std::string check_silence_state(const std::string& text) {
  return text == "pending" || text == "active" || text == "expired"
             ? ""
             : "unknown state '" + text + "'; there are pending active expired";
}

std::string check_probe(const std::string& text) {
  if (probe_named(text)) return "";
  std::string names;
  for (std::size_t i = 0; i < probe_count; ++i) names += " " + std::string(name(static_cast<Probe>(i)));
  return "unknown probe '" + text + "'; there are" + names;
}

constexpr std::pair<std::string_view, Format> formats[] = {{"table", Format::table},
                                                           {"json", Format::json},
                                                           {"csv", Format::csv},
                                                           {"markdown", Format::markdown},
                                                           {"html", Format::html}};

Format format_named(std::string_view wanted) {
  for (const auto& [name, format] : formats)
    if (name == wanted) return format;
  return Format::table;
}

/// Of a report whose format was not named: the file's ending says it, and Markdown is for everything else.
Format report_format(const std::string& output) {
  constexpr std::pair<std::string_view, Format> endings[] = {
      {".html", Format::html}, {".htm", Format::html}, {".json", Format::json}, {".csv", Format::csv}};
  for (const auto& [ending, format] : endings)
    if (output.ends_with(ending)) return format;
  return Format::markdown;
}

struct Given {
  std::map<std::string, std::string> query;
  std::string every = "2s";
};

CLI::Option* add_query(CLI::App& verb, Given& given, const std::string& name, const std::string& help,
                       std::string (*check)(const std::string&), const char* type) {
  auto* option = verb.add_option("--" + name, given.query[name], help)->type_name(type);
  if (check != nullptr) option->check(CLI::Validator(check, "", name));
  return option;
}

void add_cell_options(CLI::App& verb, Given& given) {
  add_query(verb, given, "stat", "p5 p25 p50 p75 p95 p99 mean min max stddev last ewma hmean", check_stat, "STAT");
  add_query(verb, given, "window", "how far back: 10m, 1h, 7d (default 1h)", check_duration, "DURATION");
  add_query(verb, given, "at", "as it was then: 2026-01-02T03:04:05Z (default now)", check_time, "TIME");
}

void add_watch_options(CLI::App& matrix, Given& given, Options& options) {
  CLI::Option* watched = matrix.add_flag("--watch", options.watch, "go on until Ctrl-C, always the newest");
  watched->excludes(matrix.get_option("--at"));
  matrix.add_option("--every", given.every, "how often it is asked for (default 2s)")
      ->type_name("DURATION")
      ->check(CLI::Validator(check_duration, "", "every"))
      ->needs(watched);
}

void add_plan_options(CLI::App& plan, Options& options) {
  plan.add_option("--config", options.config, "coordinator.yaml")->required()->type_name("FILE");
  plan.add_option("--add-site", options.add_sites, "as if this site were there as well; may be repeated")
      ->type_name("NAME[:UPLINK]")
      ->expected(1)
      ->take_all();
  plan.add_option("--gantt", options.gantt, "draw the cycle into this file")->type_name("OUT.svg");
  plan.add_flag("--links", options.links, "each link's interval and bytes instead of each site's");
}

CLI::App* add_verb(CLI::App& app, Options& options, Verb which, const std::string& name, const std::string& help) {
  CLI::App* added = app.add_subcommand(name, help);
  added->callback([&options, which] { options.verb = which; });
  return added;
}

/// What was: of one link over time, by value, by hour of the week; and detours.
void add_past_verbs(CLI::App& app, Options& options, Given& given) {
  const auto of_link = [&](Verb which, const std::string& name, const std::string& help, const char* window) {
    CLI::App* added = add_verb(app, options, which, name, help);
    added->add_option("from", options.from, "site")->required();
    added->add_option("to", options.to, "site")->required();
    add_query(*added, given, "metric", "rtt, loss, connect, throughput, ... (default rtt)", check_metric, "METRIC");
    add_query(*added, given, "window", window, check_duration, "DURATION");
    add_query(*added, given, "at", "as it was then: 2026-01-02T03:04:05Z (default now)", check_time, "TIME");
    return added;
  };
  CLI::App* series =
      of_link(Verb::series, "series", "One metric of a link over time", "how far back: 10m, 1h, 365d (default 1h)");
  add_query(*series, given, "step", "how long a row is (default a 120th of the window)", check_duration, "DURATION");
  CLI::App* histogram = of_link(Verb::histogram, "histogram", "All samples of one metric of a link, by value",
                                "how far back: 10m, 1h, 7d (default 1h)");
  add_query(*histogram, given, "step", "also over time, a row for each of these", check_duration, "DURATION");
  of_link(Verb::profile, "profile", "One metric of a link by hour of the week (UTC)",
          "how far back: 7d, 28d (default 28d)");
  CLI::App* detours =
      add_verb(app, options, Verb::detours, "detours", "For each pair the best way through a third site");
  add_query(*detours, given, "window", "how far back: 1h, 7d (default 24h)", check_duration, "DURATION");
  add_query(*detours, given, "at", "as it was then: 2026-01-02T03:04:05Z (default now)", check_time, "TIME");
}

void add_link_verb(CLI::App& app, Options& options, Given& given) {
  CLI::App* link = add_verb(app, options, Verb::link, "link", "All metrics of a link, both directions");
  link->add_option("from", options.from, "site")->required();
  link->add_option("to", options.to, "site")->required();
  link->add_option("--metric", options.course,
                   "whose course and distribution are drawn (default rtt, loss, throughput)")
      ->type_name("METRIC")
      ->check(CLI::Validator(check_metric, "", "metric"));
  add_cell_options(*link, given);
}

std::string check_instant(const std::string& text) {
  const std::string as_time = check_time(text);
  return as_time.empty() || check_duration(text).empty() ? "" : as_time + "; or give a duration before now, such as 7d";
}

void add_rules_verb(CLI::App& app, Options& options) {
  CLI::App* rules = app.add_subcommand("rules", "The rules that raise incidents");
  CLI::App* test = add_verb(*rules, options, Verb::rules_test, "test",
                            "Replay the history against the rules of a configuration: what they would have raised");
  test->add_option("--config", options.config, "coordinator.yaml with the changed rules")
      ->required()
      ->type_name("FILE");
  test->add_option("--since", options.since, "a time, or how far back: 6h, 7d")
      ->required()
      ->type_name("TIME")
      ->check(CLI::Validator(check_instant, "", "since"));
  test->add_option("--until", options.until, "likewise (default now)")
      ->type_name("TIME")
      ->check(CLI::Validator(check_instant, "", "until"));
  rules->require_subcommand(1);
  rules->fallthrough();
}

void add_token(CLI::App& verb, Options& options) {
  verb.add_option("--token-file", options.token_file,
                  "holds one of the coordinator's tokens (default SONDE_TOKEN_FILE)")
      ->type_name("FILE");
}

/// Who hears nothing of what, until when; and who takes care of what.
void add_silence_verbs(CLI::App& app, Options& options, Given& given) {
  CLI::App* silence =
      app.add_subcommand("silence", "Hold the notices of incidents for a while; without more: the list");
  CLI::App* list = add_verb(*silence, options, Verb::silences, "list", "Silences and maintenance windows");
  add_query(*list, given, "state", "only those that are pending, active or expired", check_silence_state, "STATE");
  CLI::App* add = add_verb(*silence, options, Verb::silence_add, "add", "Set one");
  for (const std::string_view key : match_keys) {
    const std::string name(key);
    const std::string help =
        name == "mesh" ? "everything: the mesh's own name" : "whose " + name + " is this; may be repeated";
    add->add_option("--" + name, options.matchers[name], help)->type_name("NAME")->expected(1)->take_all();
  }
  auto* length = add->add_option("--for", options.said["duration"], "how long: 30m, 2h, 1d")->type_name("DURATION");
  auto* until = add->add_option("--until", options.said["ends_at"], "or until when")->type_name("TIME");
  auto* start = add->add_option("--start", options.said["starts_at"], "from when (default now)")->type_name("TIME");
  length->check(CLI::Validator(check_duration, "", "for"))->excludes(until);
  until->check(CLI::Validator(check_time, "", "until"));
  start->check(CLI::Validator(check_time, "", "start"));
  add->add_option("--reason", options.said["reason"], "why, in a few words")->type_name("TEXT")->required();
  add->add_option("--author", options.said["author"], "who answers for it (default: the token's name)")
      ->type_name("NAME");
  add_token(*add, options);
  CLI::App* end = add_verb(*silence, options, Verb::silence_end, "end", "End one now");
  end->add_option("id", options.silence, "as `sonde silence list` shows it")->required();
  add_token(*end, options);
  silence->require_subcommand(0, 1);
  silence->fallthrough();
  silence->callback([silence, &options] {
    if (silence->get_subcommands().empty()) options.verb = Verb::silences;
  });

  CLI::App* acknowledge = add_verb(app, options, Verb::acknowledge, "acknowledge",
                                   "Say that somebody takes care of an incident: its notices are held");
  acknowledge->add_option("id", options.incident, "as `sonde incidents` shows it")->required();
  acknowledge->add_option("--reason", options.said["reason"], "what is done about it")->type_name("TEXT");
  acknowledge->add_option("--author", options.said["author"], "who (default: the token's name)")->type_name("NAME");
  acknowledge->add_flag("--withdraw", options.withdraw, "take it back: notices go out again");
  add_token(*acknowledge, options);
}

void add_results(CLI::App& app, Options& options, Given& given) {
  CLI::App* results = add_verb(app, options, Verb::results, "results", "Single runs, oldest first");
  add_query(*results, given, "since", "finished at or after", check_time, "TIME");
  add_query(*results, given, "until", "finished before", check_time, "TIME");
  add_query(*results, given, "from", "from this site", nullptr, "SITE");
  add_query(*results, given, "to", "to this site", nullptr, "SITE");
  add_query(*results, given, "probe", "latency, connect, throughput or duplex", nullptr, "PROBE");
  add_query(*results, given, "limit", "at most so many", nullptr, "COUNT");
  results->add_option("--after-id", given.query["after_id"], "go on after this result: the last line of an export")
      ->type_name("ID");
}

void add_report(CLI::App& app, Options& options, Given& given) {
  CLI::App* report = add_verb(app, options, Verb::report, "report",
                              "Tables, curves and sentences over a stretch of time, as Markdown or as one HTML file");
  add_query(*report, given, "since", "from then on (default 7 days before the end)", check_time, "TIME");
  add_query(*report, given, "until", "up to then (default now)", check_time, "TIME");
  add_query(*report, given, "from", "only from this site", nullptr, "SITE");
  add_query(*report, given, "to", "only to this site", nullptr, "SITE");
  report->add_option("-o,--output", options.output, "write to this file; .html, .json or .csv says the format")
      ->type_name("FILE");
}

void add_verbs(CLI::App& app, Options& options, Given& given) {
  const auto verb = [&](Verb which, const std::string& name, const std::string& help) {
    return add_verb(app, options, which, name, help);
  };
  CLI::App* matrix = verb(Verb::matrix, "matrix", "One metric of every link; row = from, column = to");
  add_query(*matrix, given, "metric", "rtt, loss, delay, jitter, connect, throughput, ... (default rtt)", check_metric,
            "METRIC");
  add_cell_options(*matrix, given);
  add_watch_options(*matrix, given, options);

  add_link_verb(app, options, given);

  CLI::App* sites = verb(Verb::sites, "sites", "The sites and what their agents last said");
  sites->add_flag("--measurer", options.measurer, "how well each agent measures: lateness, drops, CPU, clock");

  CLI::App* timetable = verb(Verb::timetable, "timetable", "Who measures whom, when");
  CLI::Option* site = add_query(*timetable, given, "site", "only slots of this site", nullptr, "SITE");
  CLI::Option* audit = timetable->add_flag("--audit", options.audit, "what really ran, held against the timetable");
  audit->excludes(site);
  for (CLI::Option* option :
       {add_query(*timetable, given, "probe", "audit: latency, connect or throughput (default throughput)", check_probe,
                  "PROBE"),
        add_query(*timetable, given, "window", "audit: how far back (default 24h)", check_duration, "DURATION"),
        add_query(*timetable, given, "at", "audit: as it was then (default now)", check_time, "TIME")})
    option->needs(audit);

  add_results(app, options, given);
  add_report(app, options, given);

  CLI::App* incidents = verb(Verb::incidents, "incidents", "What broke, since when, and the links that it explains");
  incidents->add_option("id", options.incident, "one of them, in full");
  add_query(*incidents, given, "state", "only those that are open, or closed", check_incident_state, "STATE");

  CLI::App* explain = verb(Verb::explain, "explain", "What the numbers of a link mean, in sentences");
  explain->add_option("from", options.from, "site")->required();
  explain->add_option("to", options.to, "site")->required();
  add_query(*explain, given, "window", "how far back: 10m, 1h, 1d (default 1h)", check_duration, "DURATION");

  add_past_verbs(app, options, given);

  CLI::App* probe = verb(Verb::probe, "probe", "Measure a link now, in the timetable's next gap, and show the result");
  probe->add_option("from", options.from, "site")->required();
  probe->add_option("to", options.to, "site")->required();
  probe->add_option("kind", options.kind, "latency, connect, throughput or duplex")
      ->required()
      ->check(CLI::Validator(check_probe, "", "kind"))
      ->type_name("KIND");
  add_token(*probe, options);
  add_silence_verbs(app, options, given);
  add_rules_verb(app, options);

  add_plan_options(*verb(Verb::plan, "plan", "What a configuration's timetable would look like; needs no coordinator"),
                   options);

  CLI::App* doctor =
      verb(Verb::doctor, "doctor", "At a site: look at the host, the coordinator and every peer, and say what to do");
  doctor->add_option("--config", options.config, "agent.yaml")->required()->type_name("FILE");

  CLI::App* keygen = verb(Verb::keygen, "keygen", "Write NAME.secret and NAME.public into the current directory");
  keygen->add_option("name", options.name, "a site's name, or coordinator")->required();
}

}  // namespace

std::string normal_url(std::string url) {
  if (url.find("://") == std::string::npos) url.insert(0, "http://");
  while (url.ends_with('/')) url.pop_back();
  return url;
}

std::variant<Options, int> parse_options(int argc, const char* const* argv) {
  CLI::App app("Looks into a Sonde mesh through its coordinator.", "sonde");
  Options options;
  Given given;
  options.coordinator = default_url;
  app.set_version_flag("--version", "sonde " SONDE_VERSION);
  app.add_option("--coordinator", options.coordinator, "URL of the coordinator")
      ->envname("SONDE_COORDINATOR")
      ->type_name("URL")
      ->capture_default_str();
  std::string format = "table";
  app.add_option("--format", format, "table, json or csv; of a report also markdown (default) or html")
      ->check(CLI::IsMember({"table", "json", "csv", "markdown", "html"}))
      ->type_name("FORMAT")
      ->capture_default_str();
  app.require_subcommand(1);
  app.fallthrough();
  add_verbs(app, options, given);
  try {
    app.parse(argc, argv);
  } catch (const CLI::ParseError& stop) {
    const std::vector<std::string> left = app.remaining();
    if (stop.get_exit_code() == 0 || !app.get_subcommands().empty() || left.empty() || left.front().starts_with('-'))
      return app.exit(stop) == 0 ? 0 : 2;
    std::vector<std::string> verbs;
    for (const CLI::App* verb : app.get_subcommands([](const CLI::App*) { return true; }))
      verbs.push_back(verb->get_name());
    fmt::print(stderr, "sonde: there is no verb '{}'; there are: {}\n", left.front(), fmt::join(verbs, ", "));
    return 2;
  }
  options.coordinator = normal_url(options.coordinator);
  if (const char* file = std::getenv("SONDE_TOKEN_FILE"); file != nullptr && options.token_file.empty())
    options.token_file = file;
  options.format = format_named(format);
  if (const auto every = parse_duration(given.every))
    options.every = std::chrono::ceil<std::chrono::milliseconds>(*every);
  if (options.verb == Verb::report && options.format == Format::table) options.format = report_format(options.output);
  if (options.verb != Verb::report && (options.format == Format::markdown || options.format == Format::html)) {
    fmt::print(stderr, "sonde: --format {} is for a report; there are table, json and csv\n", format);
    return 2;
  }
  for (const auto& [name, value] : given.query)
    if (!value.empty()) options.query.emplace_back(name, value);
  std::erase_if(options.said, [](const auto& entry) { return entry.second.empty(); });
  std::erase_if(options.matchers, [](const auto& entry) { return entry.second.empty(); });
  if (options.verb == Verb::silence_add && !options.said.contains("duration") && !options.said.contains("ends_at")) {
    fmt::print(stderr, "sonde silence add: a silence has an end: give --for DURATION or --until TIME\n");
    return 2;
  }
  return options;
}

}  // namespace sonde::cli
