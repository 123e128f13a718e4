// An incident in a sentence.
#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cmath>

#include "coordinator/core/human.h"
#include "coordinator/core/incidents.h"

namespace sonde {
namespace {

/// "14 of 15 destinations ...": of one, of several.
struct Doing {
  std::string_view one;
  std::string_view many;
};

Doing doing(Metric metric) {
  switch (signal_of(metric).value_or(Signal::answer)) {
    case Signal::answer: return {"is not answered", "are not answered"};
    case Signal::connectivity: return {"cannot be connected", "cannot be connected"};
    case Signal::loss: return {"loses packets", "lose packets"};
    case Signal::latency: return {"is slower than usual", "are slower than usual"};
    case Signal::throughput: return {"carries less than usual", "carry less than usual"};
    case Signal::silence: return {"brings no results", "bring no results"};
    case Signal::asymmetry: return {"carries far less than the way back", "carry far less than the way back"};
    case Signal::clock:
      return {"has no one-way delay, for the clocks are not synchronised",
              "have no one-way delay, for the clocks are not synchronised"};
  }
  return {};
}

/// What is counted: links, or what stands at their other end.
std::string_view counted(CauseKind kind) {
  switch (kind) {
    case CauseKind::egress: return "destinations";
    case CauseKind::ingress: return "sources";
    case CauseKind::site_down:
    case CauseKind::uplink:
    case CauseKind::group:
    case CauseKind::link:
    case CauseKind::pair:
    case CauseKind::all:
    case CauseKind::agent_silent:
    case CauseKind::agent_starved:
    case CauseKind::clock:
    case CauseKind::coordinator:
    case CauseKind::budget: return "links";
  }
  return "links";
}

/// Of a cause that lies on one direction only those links count: the others suffer with them.
std::size_t own_link_count(const Incident& incident) {
  std::size_t own = 0;
  for (const Link& link : incident.links) {
    if (incident.cause.kind == CauseKind::egress && link.from != incident.cause.site) continue;
    if (incident.cause.kind == CauseKind::ingress && link.to != incident.cause.site) continue;
    ++own;
  }
  return own;
}

bool shows(const Incident& incident, Signal signal) {
  return std::ranges::find(incident.metrics, metric_of(signal)) != incident.metrics.end();
}

std::string of_links(const Incident& incident, std::size_t covered) {
  const std::size_t bad = own_link_count(incident);
  const Doing what = incident.metrics.empty() ? Doing{} : doing(incident.metrics.front());
  if (incident.cause.kind == CauseKind::link || incident.cause.kind == CauseKind::pair)
    return fmt::format("{}: the {} {}", describe(incident.cause), bad == 1 ? "link" : "links",
                       bad == 1 ? what.one : what.many);
  return fmt::format("{}: {} of {} {} {}", describe(incident.cause), bad, std::max(bad, covered),
                     counted(incident.cause.kind), bad == 1 ? what.one : what.many);
}

std::string who_was_heard(const AgentStatuses& agents, SharedTime now) {
  std::size_t known = 0;
  std::optional<SharedTime> newest;
  for (const auto& [site, agent] : agents) {
    if (!agent.last_heard) continue;
    ++known;
    newest = std::max(newest.value_or(*agent.last_heard), *agent.last_heard);
  }
  if (!newest) return "";
  return fmt::format("of {} agents that were heard before the last was heard {} ago", known,
                     human_stretch(to_seconds(now - *newest)));
}

}  // namespace

std::string measurer_words(const Cause& cause, const AgentStatuses& agents, SharedTime now) {
  if (cause.kind == CauseKind::coordinator) return who_was_heard(agents, now);
  const auto found = agents.find(cause.site);
  if (!of_agent(cause.kind) || cause.kind == CauseKind::budget || found == agents.end()) return "";
  const AgentStatus& agent = found->second;
  if (!agent.last_heard)
    return fmt::format("{}: its agent was not heard since the coordinator started", cause.site.str());
  const wire::Heartbeat& said = agent.heartbeat;
  std::string text = fmt::format("{}: its agent was heard {} ago", cause.site.str(),
                                 human_stretch(to_seconds(now - *agent.last_heard)));
  if (cause.kind == CauseKind::agent_silent)
    return text + fmt::format(" and had {} results in its spool then", said.spooled);
  if (cause.kind == CauseKind::clock)
    return text + (said.clock_offset ? fmt::format("; it takes its clock to be {} {}, ± {}",
                                                   human(std::abs(to_seconds(*said.clock_offset)), "s"),
                                                   *said.clock_offset < nanoseconds(0) ? "ahead" : "behind",
                                                   human(to_seconds(said.clock_offset_error), "s"))
                                     : std::string("; it does not know its clock's offset at present"));
  if (said.cpu_pressure_known)
    text += fmt::format("; tasks on its host waited for CPU {} of 10 s", human(said.cpu_pressure, "ratio"));
  return text + fmt::format("; its probes left up to {} late (p99 {}); {} results starved since its start",
                            human(to_seconds(said.send_lateness_max), "s"),
                            human(to_seconds(said.send_lateness_p99), "s"), said.results_starved);
}

std::optional<Signal> signal_of(Metric metric) {
  for (const Signal signal : all_signals)
    if (metric_of(signal) == metric) return signal;
  return std::nullopt;
}

DegradedLinks degraded_at(SharedTime at, const std::vector<const Incident*>& incidents) {
  DegradedLinks out;
  for (const Incident* incident : incidents) {
    if (incident->started_at > at || (!incident->open() && *incident->ended_at <= at)) continue;
    for (const Metric shown : incident->metrics) {
      const auto signal = signal_of(shown);
      if (!signal) continue;
      const std::vector<Metric> degraded = degraded_by(*signal);
      for (const Link& link : incident->links) {
        std::vector<Metric>& metrics = out[link];
        for (const Metric metric : degraded)
          if (std::ranges::find(metrics, metric) == metrics.end()) metrics.push_back(metric);
      }
    }
  }
  return out;
}

std::string summary_of(const Incident& incident, std::size_t covered, bool agent_heard) {
  const std::string site = incident.cause.site.str();
  std::string text;
  switch (incident.cause.kind) {
    case CauseKind::agent_silent:
      if (shows(incident, Signal::silence))
        text = fmt::format("{}: the agent is heard, but brings no results of {} links", site, incident.links.size());
      else
        text = fmt::format("{}: the agent is not heard, and nothing speaks for a fault of the network", site);
      break;
    case CauseKind::agent_starved:
      text = fmt::format("{}: the agent's host lacks CPU; its results are left out of every rule", site);
      break;
    case CauseKind::clock:
      if (shows(incident, Signal::clock))
        text = fmt::format("{}: the clock is not synchronised; {} links have no one-way delay", site,
                           incident.links.size());
      else
        text = fmt::format("{}: the clock was set; delays across that moment are dropped", site);
      break;
    case CauseKind::coordinator: text = "no agent is heard: the coordinator itself is cut off, or every site is"; break;
    case CauseKind::budget: text = fmt::format("{}: its budget of bytes is reached", site); break;
    case CauseKind::site_down:
      text = of_links(incident, covered);
      if (agent_heard) {
        const bool slower = shows(incident, Signal::latency) || shows(incident, Signal::throughput);
        text.replace(0, describe(incident.cause).size(),
                     site + (slower ? ", both ways" : " is cut off, though its agent is heard"));
      }
      break;
    case CauseKind::egress:
    case CauseKind::ingress:
    case CauseKind::uplink:
    case CauseKind::group:
    case CauseKind::link:
    case CauseKind::pair:
    case CauseKind::all: text = of_links(incident, covered); break;
  }
  for (std::size_t i = 1; i < incident.metrics.size(); ++i)
    text += fmt::format("{}{}", i == 1 ? "; also " : ", ", name(incident.metrics[i]));
  if (incident.flapping()) text += fmt::format(" (it comes and goes: {} times)", incident.reopened + 1);
  return text;
}

}  // namespace sonde
