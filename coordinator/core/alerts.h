// When a link is bad: the rules that `alerts:` configures (docs/alerts.md). Pure values.
#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "coordinator/core/mesh.h"
#include "shared/base/ids.h"
#include "shared/base/time.h"
#include "shared/measure/metric.h"
#include "shared/measure/result.h"

namespace sonde {

/// What a rule looks at. The numbers are indexes.
enum class Signal : std::uint8_t {
  answer,        ///< latency: any reply at all
  connectivity,  ///< connect: the connection stands
  loss,          ///< share of probes lost, one way
  latency,       ///< how far the one-way delay has risen over what is usual here
  throughput,    ///< how far the rate has fallen below what is usual here
  silence,       ///< latency or connect: no result where the timetable promised one, although the agent is heard
  asymmetry,     ///< throughput: how far the rate lies below that of the way back
  clock,         ///< latency: the clocks are too far apart for a one-way delay
};
inline constexpr std::size_t signal_count = 8;
inline constexpr std::array<Signal, signal_count> all_signals{Signal::answer,    Signal::connectivity, Signal::loss,
                                                              Signal::latency,   Signal::throughput,   Signal::silence,
                                                              Signal::asymmetry, Signal::clock};

/// A fault of the way back shows here as well: an answer needs both.
constexpr bool is_loop(Signal signal) { return signal == Signal::answer || signal == Signal::connectivity; }
/// What the signal is called in an incident's `metrics`.
constexpr Metric metric_of(Signal signal) {
  constexpr std::array<Metric, signal_count> metrics{Metric::loss_rtt,         Metric::connectivity, Metric::loss,
                                                     Metric::delay_rise,       Metric::throughput,   Metric::rtt,
                                                     Metric::throughput_total, Metric::delay};
  return metrics[static_cast<std::size_t>(signal)];
}
constexpr Probe probe_of(Signal signal) {
  if (signal == Signal::connectivity) return Probe::connect;
  return signal == Signal::throughput || signal == Signal::asymmetry ? Probe::throughput : Probe::latency;
}
/// Not of the network: the agent at the link's beginning, or its clock, is what such a rule speaks of.
constexpr bool of_measuring(Signal signal) { return signal == Signal::silence || signal == Signal::clock; }

enum class AlertSeverity : std::uint8_t { info, warning, critical };
std::string_view name(AlertSeverity severity);
std::optional<AlertSeverity> alert_severity_named(std::string_view name);

/// The two levels' unit is the signal's: loss a ratio, latency seconds, throughput a share of the usual rate, asymmetry
/// a share of the way back's rate. The others have none.
struct AlertRule {
  bool on = true;
  double raise = 0;                  ///< a result that reaches it is bad
  double clear = 0;                  ///< one that keeps it is good again, while the rule is raised
  double share = 0;                  ///< latency: the rise must also be this share of the usual round trip
  std::optional<double> limit = {};  ///< absolute: most seconds of the round trip; least bit/s
  std::uint32_t bad = 2;             ///< raised after so many bad ...
  std::uint32_t of = 3;              ///< ... of the last so many results, at most `most_remembered`
  std::uint32_t good = 5;            ///< cleared after so many good in a row
  nanoseconds hold{0};               ///< and the oldest of the bad is at least so old (`for`)
  std::uint32_t samples = 20;        ///< loss: probes, latency: answers that a result needs to be judged
  AlertSeverity severity = AlertSeverity::warning;
  std::string runbook = {};  ///< URL; may be empty
  bool operator==(const AlertRule&) const = default;
};
inline constexpr std::uint32_t most_remembered = 8;

using AlertRuleSet = std::array<AlertRule, signal_count>;
/// What a mesh that nobody has tuned uses.
AlertRuleSet default_alert_rules();

/// `alerts.links`: other rules for the links that it matches; a signal without one keeps the mesh's.
struct AlertException {
  LinkRule links;  ///< its selection only
  std::array<std::optional<AlertRule>, signal_count> rules;
  bool operator==(const AlertException&) const = default;
};

struct AlertPolicy {
  bool on = true;  ///< `alerts: off`: no rule is evaluated; agents are still watched
  AlertRuleSet rules = default_alert_rules();
  /// Of a site that has a budget: the levels are shares of it; only `hold`, `severity` and `runbook` are used besides.
  AlertRule budget{.on = true, .raise = 1, .clear = 0.95};
  std::vector<AlertException> exceptions;  ///< the first that has a rule for the signal holds
  bool operator==(const AlertPolicy&) const = default;

  const AlertRule& rule(Signal signal, const SiteSpec& from, const SiteSpec& to) const;
};

/// What is usual on a link: of the same hour of past weeks (baseline.h), or while there are none learnt from its good
/// results (UsualValue).
struct Usual {
  double middle = 0;  ///< the median
  double low = 0;     ///< p5
  double high = 0;    ///< p95
  double wander = 0;  ///< how far above the median a result's median may lie on a good day
};

/// What one result says under one rule.
struct Verdict {
  Signal signal = Signal::answer;
  bool bad = false;
  double value = 0;         ///< in the signal's unit
  bool undirected = false;  ///< latency: the round trip says it, so that nobody knows in which direction
};

/// How far the delay has crept above what is usual, whatever delay_rise has forgotten meanwhile. Seconds.
struct Drift {
  double by = 0;          ///< followed in small steps
  double now = 0;         ///< of the newest value
  double wander = 0;      ///< how far it usually wanders, or how wrong it may be
  bool directed = false;  ///< of the one-way delay; else of the round trip
};

/// What `judge` needs to know of the link.
struct JudgeContext {
  const AlertRule* rules = nullptr;         ///< signal_count of them
  std::array<bool, signal_count> raised{};  ///< then the clear level holds
  std::optional<Usual> round_trip;          ///< seconds, of the medians of rtt
  std::optional<Usual> rise;                ///< seconds, of the medians of delay_rise
  std::optional<Usual> rate;                ///< bit/s
  std::optional<double> back_rate;          ///< bit/s, of the newest run of the way back
  std::optional<Drift> drift;               ///< nullopt: nothing to hold it against, or its direction is known
  bool far_agent_gone = false;              ///< the to-site's agent has left or is late to be heard
};

/// At most one verdict for each signal; none where the result says nothing about the network: it was not tried, the
/// agent was starved, or the far host answered that nobody listens while its agent is gone.
std::vector<Verdict> judge(const Result& result, const JudgeContext& context);

/// True where the far host answered that nobody listens on the port: the host is there, its agent is not.
bool nobody_listens(const Result& result);

/// The medians that `Usual` is learnt from; nullopt where the result brings none.
std::optional<double> median_of(const Result& result, Metric metric);

}  // namespace sonde
