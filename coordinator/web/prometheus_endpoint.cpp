#include <fmt/format.h>

#include <iterator>
#include <string>
#include <utility>
#include <vector>

#include "coordinator/web/endpoints.h"

namespace sonde::web {
namespace {

/// Label values escape backslash, quote and newline (Prometheus exposition format 0.0.4).
std::string label(std::string_view text) {
  std::string out;
  for (const char c : text) {
    if (c == '\\' || c == '"') out += '\\';
    if (c == '\n')
      out += "\\n";
    else
      out += c;
  }
  return out;
}

class Page {
 public:
  void family(std::string_view name, std::string_view type, std::string_view help) {
    name_ = name;
    fmt::format_to(std::back_inserter(out_), "# HELP {} {}\n# TYPE {} {}\n", name, help, name, type);
  }
  void value(double number) { fmt::format_to(std::back_inserter(out_), "{} {}\n", name_, number); }
  void value(std::string_view key, std::string_view text, double number) {
    fmt::format_to(std::back_inserter(out_), "{}{{{}=\"{}\"}} {}\n", name_, key, label(text), number);
  }
  void value(const Link& link, double number) {
    fmt::format_to(std::back_inserter(out_), "{}{{from=\"{}\",to=\"{}\"}} {}\n", name_, link.from.str(), link.to.str(),
                   number);
  }
  /// A sample whose labels, and what its name has behind the family's, are given.
  void sample(std::string_view suffix, std::string_view labels, double number) {
    fmt::format_to(std::back_inserter(out_), "{}{}{{{}}} {}\n", name_, suffix, labels, number);
  }
  std::string take() { return std::move(out_); }

 private:
  std::string_view name_;
  std::string out_;
};

double seconds_since_1970(SharedTime t) { return static_cast<double>(to_ns(t)) / 1e9; }

void mesh_families(Page& page, const Sources& sources) {
  page.family("sonde_build_info", "gauge", "Version of the coordinator, always 1.");
  page.value("version", sources.version, 1);
  page.family("sonde_sites", "gauge", "Sites in the configuration.");
  page.value(static_cast<double>(sources.mesh.sites.size()));
  page.family("sonde_links", "gauge", "Ordered pairs of sites with an agent at the beginning.");
  page.value(static_cast<double>(links_of(sources.mesh).size()));
  page.family("sonde_timetable_generation", "gauge", "Number of the timetable in force.");
  page.value(static_cast<double>(sources.timetable.generation.number));
  page.family("sonde_timetable_cycle_seconds", "gauge", "All throughput rounds back to back.");
  page.value(to_seconds(sources.timetable.cycle));
  page.family("sonde_ready", "gauge", "1 once store and control are open.");
  page.value(sources.store_open && sources.control_open ? 1 : 0);
}

void counter_families(Page& page, const Counters& counters) {
  page.family("sonde_results_stored_total", "counter", "Results stored since the start.");
  page.value(static_cast<double>(counters.results_stored));
  page.family("sonde_results_duplicate_total", "counter", "Results that had been stored before and came again.");
  page.value(static_cast<double>(counters.results_duplicate));
  page.family("sonde_results_refused_total", "counter", "Results that could not be right.");
  page.value(static_cast<double>(counters.results_refused));
  page.family("sonde_loss_tails_total", "counter",
              "Results whose last losses had no direction yet, by what the far agent could tell.");
  page.value("far_count", "decided", static_cast<double>(counters.losses.decided));
  page.value("far_count", "unknown", static_cast<double>(counters.losses.unknown));
  page.value("far_count", "unanswered", static_cast<double>(counters.losses.unanswered));
  page.family("sonde_events_total", "counter", "Events by code, also those that the log held back.");
  for (const auto& [code, count] : counters.events) page.value("code", code, static_cast<double>(count));
}

constexpr Probe audited_probes[] = {Probe::latency, Probe::connect, Probe::throughput};

void audit_families(Page& page, const Sources& sources) {
  if (sources.audit == nullptr) return;
  const auto each = [&](std::string_view name, std::string_view help, auto&& of) {
    page.family(name, "counter", help);
    for (const Probe probe : audited_probes)
      page.value("probe", sonde::name(probe), static_cast<double>(of(sources.audit->counts(probe))));
  };
  using Counts = RunAudit::Counts;
  each("sonde_timetable_runs_total", "Runs that started.", [](const Counts& counts) { return counts.runs; });
  each("sonde_timetable_busy_total", "Runs that a site answered busy.",
       [](const Counts& counts) { return counts.busy; });
  each("sonde_timetable_skipped_total", "Slots that agents told as skipped.",
       [](const Counts& counts) { return counts.skipped; });
  page.family("sonde_timetable_overlaps_total", "counter",
              "Pairs of throughput runs at one time at one site or uplink.");
  page.value(static_cast<double>(sources.audit->counts(Probe::throughput).overlaps));
  page.family("sonde_timetable_start_error_seconds", "summary", "Between a run's slot and its start.");
  for (const Probe probe : audited_probes) {
    const Counts& counts = sources.audit->counts(probe);
    const std::string of = fmt::format("probe=\"{}\"", sonde::name(probe));
    for (const double q : {0.5, 0.99, 1.0})
      if (const auto error = counts.start_error.quantile(q))
        page.sample("", fmt::format("{},quantile=\"{}\"", of, q), *error * 1e-9);
    page.sample("_sum", of, counts.start_error_sum_s);
    page.sample("_count", of, static_cast<double>(counts.start_error.count()));
  }
  page.family("sonde_timetable_busy_seconds_total", "counter", "Time of a site in throughput runs, in and out.");
  for (const auto& [site, busy_s] : sources.audit->busy_seconds()) page.value("site", site.str(), busy_s);
}

void incident_families(Page& page, const Incidents& incidents) {
  page.family("sonde_incidents_open", "gauge", "Open incidents by cause.");
  for (std::size_t i = 0; i < cause_kind_count; ++i) {
    const auto kind = static_cast<CauseKind>(i);
    page.value("cause", name(kind), static_cast<double>(incidents.open_count(kind)));
  }
  page.family("sonde_incidents_opened_total", "counter", "Incidents opened since the start.");
  page.value(static_cast<double>(incidents.opened()));
  page.family("sonde_rules_raised", "gauge", "Links on which a rule is raised, by the rule's metric.");
  for (const Signal signal : all_signals)
    page.value("metric", name(metric_of(signal)), static_cast<double>(incidents.verdicts().raised_count(signal)));
}

void notify_families(Page& page, const Notify& notify) {
  const std::map<std::string, Notify::Counters> all = notify.public_counters();
  if (all.empty()) return;
  const auto family = [&](std::string_view name, std::string_view type, std::string_view help, const auto& value) {
    page.family(name, type, help);
    for (const auto& [receiver, counters] : all) page.value("receiver", receiver, static_cast<double>(value(counters)));
  };
  using Counters = Notify::Counters;
  family("sonde_notify_delivered_total", "counter", "Notices of incidents that a receiver took, since the start.",
         [](const Counters& c) { return c.delivered; });
  family("sonde_notify_failed_total", "counter",
         "Deliveries that a receiver refused or did not answer, since the start.",
         [](const Counters& c) { return c.failed; });
  family("sonde_notify_failures_in_a_row", "gauge",
         "Failed deliveries since the last that was taken; 0 where it takes them.",
         [](const Counters& c) { return c.failures_in_a_row; });
}

void silence_families(Page& page, const Silences& silences, const Sources& sources) {
  page.family("sonde_silences", "gauge", "Silences by state.");
  for (const SilenceState state : {SilenceState::pending, SilenceState::active, SilenceState::expired})
    page.value("state", name(state), static_cast<double>(silences.count(state, sources.now)));
  std::size_t held = 0;
  std::size_t acknowledged = 0;
  if (sources.incidents != nullptr)
    for (const Incident* incident : sources.incidents->list()) {
      if (!incident->open()) continue;
      const Silences::Hold hold = silences.hold_of(*incident, sources.now);
      held += hold.held ? 1U : 0U;
      acknowledged += hold.acknowledged != nullptr ? 1U : 0U;
    }
  page.family("sonde_incidents_held", "gauge", "Open incidents whose notices are held.");
  page.value(static_cast<double>(held));
  page.family("sonde_incidents_acknowledged", "gauge", "Open incidents that somebody has acknowledged.");
  page.value(static_cast<double>(acknowledged));
}

void http_families(Page& page, const HttpCounters& http) {
  const auto counter = [&](std::string_view name, std::string_view help, std::uint64_t count) {
    page.family(name, "counter", help);
    page.value(static_cast<double>(count));
  };
  counter("sonde_http_connections_total", "HTTP connections taken.", http.connections);
  counter("sonde_http_refused_connections_total", "HTTP connections over the limit.", http.refused_connections);
  counter("sonde_http_requests_total", "HTTP requests read.", http.requests);
  counter("sonde_http_malformed_requests_total", "HTTP requests malformed or over a limit.", http.malformed_requests);
  counter("sonde_http_handler_failures_total", "HTTP requests answered 500.", http.handler_failures);
  counter("sonde_http_slow_clients_total", "HTTP clients dropped because they did not read.", http.slow_clients);
  counter("sonde_http_accept_failures_total", "HTTP connections that the system had no room for.",
          http.accept_failures);
}

/// One series for each agent; `of` gives the value, nullopt leaves it out.
template <typename Of>
void each_agent(Page& page, const Sources& sources, const Of& of) {
  for (const SiteSpec& site : sources.mesh.sites) {
    const auto found = sources.agents.find(site.site);
    if (!site.has_agent || found == sources.agents.end()) continue;
    if (const std::optional<double> value = of(found->second)) page.value("site", site.site.str(), *value);
  }
}

/// How well the measuring itself goes, as the agents' last heartbeats say. The spreads are of the last minute.
void measurer_families(Page& page, const Sources& sources) {
  using Said = const wire::Heartbeat&;
  const auto gauge = [&](std::string_view name, std::string_view help, auto of) {
    page.family(name, name.ends_with("_total") ? "counter" : "gauge", help);
    each_agent(page, sources, [&](const AgentStatus& agent) { return std::optional<double>(of(agent.heartbeat)); });
  };
  const auto count = [](std::uint64_t number) { return static_cast<double>(number); };
  gauge("sonde_agent_send_lateness_p50_seconds", "Lateness of the latency probes' send instants.",
        [](Said said) { return to_seconds(said.send_lateness_p50); });
  gauge("sonde_agent_send_lateness_p99_seconds", "Lateness of the latency probes' send instants.",
        [](Said said) { return to_seconds(said.send_lateness_p99); });
  gauge("sonde_agent_send_lateness_max_seconds", "Lateness of the latency probes' send instants.",
        [](Said said) { return to_seconds(said.send_lateness_max); });
  gauge("sonde_agent_slot_lateness_p50_seconds", "Lateness of the throughput slots' starts.",
        [](Said said) { return to_seconds(said.slot_lateness_p50); });
  gauge("sonde_agent_slot_lateness_p99_seconds", "Lateness of the throughput slots' starts.",
        [](Said said) { return to_seconds(said.slot_lateness_p99); });
  gauge("sonde_agent_slot_lateness_max_seconds", "Lateness of the throughput slots' starts.",
        [](Said said) { return to_seconds(said.slot_lateness_max); });
  gauge("sonde_agent_hold_p50_seconds", "From a probe's arrival to the reply, in the agent's reflector.",
        [](Said said) { return to_seconds(said.hold_p50); });
  gauge("sonde_agent_hold_p99_seconds", "From a probe's arrival to the reply, in the agent's reflector.",
        [](Said said) { return to_seconds(said.hold_p99); });
  gauge("sonde_agent_hold_max_seconds", "From a probe's arrival to the reply, in the agent's reflector.",
        [](Said said) { return to_seconds(said.hold_max); });
  gauge("sonde_agent_socket_drops_total", "Packets that the agent's probe sockets had no room for.",
        [&](Said said) { return count(said.socket_drops); });
  gauge("sonde_agent_lost_stamps_total", "Probes whose departure the kernel did not stamp.",
        [&](Said said) { return count(said.lost_stamps); });
  gauge("sonde_agent_results_dropped_total", "Latency results that the agent could not keep.",
        [&](Said said) { return count(said.results_dropped); });
  gauge("sonde_agent_results_starved_total", "Results tagged starved since the agent's start.",
        [&](Said said) { return count(said.results_starved); });
  gauge("sonde_agent_real_time", "1 where the probes' thread has real-time priority.",
        [](Said said) { return said.real_time ? 1.0 : 0.0; });
  gauge("sonde_agent_clock_synchronised", "1 where the kernel says that a daemon keeps the clock.",
        [](Said said) { return said.clock_synchronised ? 1.0 : 0.0; });
  page.family("sonde_agent_clock_error_seconds", "gauge",
              "Bound of the agent's clock against UTC, where one is known.");
  each_agent(page, sources, [](const AgentStatus& agent) {
    const auto& error = agent.heartbeat.clock_error;
    return error ? std::optional(to_seconds(*error)) : std::nullopt;
  });
  page.family("sonde_agent_cpu_pressure_ratio", "gauge", "Share of time in which some task waited for CPU.");
  each_agent(page, sources, [](const AgentStatus& agent) {
    return agent.heartbeat.cpu_pressure_known ? std::optional(agent.heartbeat.cpu_pressure) : std::nullopt;
  });
}

void agent_families(Page& page, const Sources& sources) {
  page.family("sonde_agent_up", "gauge", "1 while the site's agent is heard.");
  for (const SiteSpec& site : sources.mesh.sites)
    if (site.has_agent) page.value("site", site.site.str(), agent_state(site, sources) == "ok" ? 1 : 0);
  page.family("sonde_agent_last_heard_timestamp_seconds", "gauge", "When the agent's last message came.");
  each_agent(page, sources, [](const AgentStatus& agent) {
    return agent.last_heard ? std::optional(seconds_since_1970(*agent.last_heard)) : std::nullopt;
  });
  page.family("sonde_agent_results_total", "counter", "Results of the site stored since the coordinator's start.");
  each_agent(page, sources, [](const AgentStatus& agent) { return std::optional(static_cast<double>(agent.results)); });
  page.family("sonde_agent_spooled_results", "gauge", "Results that wait in the agent's spool.");
  each_agent(page, sources,
             [](const AgentStatus& agent) { return std::optional(static_cast<double>(agent.heartbeat.spooled)); });
  page.family("sonde_agent_clock_offset_seconds", "gauge", "Coordinator's clock less the agent's, coarse.");
  each_agent(page, sources, [](const AgentStatus& agent) {
    return agent.clock_offset ? std::optional(to_seconds(*agent.clock_offset)) : std::nullopt;
  });
  measurer_families(page, sources);
}

void traffic_families(Page& page, const Sources& sources) {
  if (sources.spending == nullptr) return;
  page.family("sonde_site_probe_bytes", "gauge", "What the site's probes sent and received in the last 31 days.");
  for (const SiteSpec& site : sources.mesh.sites)
    page.value("site", site.site.str(), std::round(sources.spending->spent(site.site, sources.now)));
  page.family("sonde_site_probe_budget_bytes", "gauge", "The site's bytes_per_month, where it has one.");
  for (const SiteSpec& site : sources.mesh.sites)
    if (const auto budget = sources.spending->budget(site.site)) page.value("site", site.site.str(), *budget);
}

/// What a link shows in the last minutes; throughput, which is measured seldom, as far back as the live matrix reaches.
struct LinkFamily {
  std::string_view name;
  std::string_view help;
  Metric metric;
  Stat stat;
  nanoseconds window;
};
constexpr nanoseconds recent = std::chrono::minutes(5);
constexpr LinkFamily link_family_list[] = {
    {"sonde_link_rtt_median_seconds", "Round-trip time, median of 5 minutes.", Metric::rtt, Stat::p50, recent},
    {"sonde_link_rtt_p95_seconds", "Round-trip time, 95th percentile of 5 minutes.", Metric::rtt, Stat::p95, recent},
    {"sonde_link_loss_ratio", "Share of probes lost from -> to in 5 minutes.", Metric::loss, Stat::mean, recent},
    {"sonde_link_round_trip_loss_ratio", "Share of probes without a reply in 5 minutes.", Metric::loss_rtt, Stat::mean,
     recent},
    {"sonde_link_connect_median_seconds", "Time to establish a TCP connection, median of 5 minutes.", Metric::connect,
     Stat::p50, recent},
    {"sonde_link_connectivity_ratio", "Share of tried runs that connected in 5 minutes.", Metric::connectivity,
     Stat::mean, recent},
    {"sonde_link_throughput_bits_per_second", "Steady user data rate of the last run in 2 hours.", Metric::throughput,
     Stat::last, Matrix::reach},
};

/// As many series as there are links, for each family; a link without a number is left out.
void link_families(Page& page, const Sources& sources) {
  const std::vector<Link> links = links_of(sources.mesh);
  for (const LinkFamily& family : link_family_list) {
    page.family(family.name, "gauge", family.help);
    for (const Link& link : links)
      if (const auto value = sources.matrix.cell(link, {family.metric, family.stat, family.window, sources.now}).value)
        page.value(link, *value);
  }
  page.family("sonde_link_up", "gauge", "1 where the round-trip time's state is ok or degraded.");
  for (const Link& link : links) {
    const CellState state = sources.matrix.cell(link, {Metric::rtt, Stat::p50, recent, sources.now}).state;
    if (state != CellState::none) page.value(link, state == CellState::ok || state == CellState::degraded ? 1 : 0);
  }
}

/// `links=true`: the caller wants a series for each link.
bool take_links(Parameters& parameters) {
  const auto text = parameters.text("links");
  if (!text || *text == "false") return false;
  if (*text != "true") parameters.refuse(400, "links: '" + *text + "' is neither true nor false");
  return true;
}

}  // namespace

Response prometheus_endpoint(const Target& target, const Sources& sources) {
  Parameters parameters(target, sources.now);
  const bool with_links = take_links(parameters);
  if (auto problem = parameters.problem()) return std::move(*problem);
  Page page;
  mesh_families(page, sources);
  counter_families(page, sources.counters);
  http_families(page, sources.counters.http);
  if (sources.incidents != nullptr) incident_families(page, *sources.incidents);
  if (sources.silences != nullptr) silence_families(page, *sources.silences, sources);
  if (sources.notify != nullptr) notify_families(page, *sources.notify);
  agent_families(page, sources);
  traffic_families(page, sources);
  audit_families(page, sources);
  if (with_links) link_families(page, sources);
  Response response;
  response.content_type = "text/plain; version=0.0.4; charset=utf-8";
  response.body = page.take();
  return response;
}

Response health_endpoint(const Target& /*target*/, const Sources& /*sources*/) {
  Response response;
  response.content_type = "text/plain; charset=utf-8";
  response.body = "ok\n";
  return response;
}

Response ready_endpoint(const Target& /*target*/, const Sources& sources) {
  Response response;
  response.content_type = "text/plain; charset=utf-8";
  response.status = sources.store_open && sources.control_open ? 200 : 503;
  response.body = std::string(!sources.store_open     ? "the store is not open yet\n"
                              : !sources.control_open ? "control is not open yet\n"
                                                      : "ready\n");
  return response;
}

}  // namespace sonde::web
