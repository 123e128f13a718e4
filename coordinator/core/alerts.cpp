#include "coordinator/core/alerts.h"

#include <algorithm>
#include <cmath>

#include "coordinator/core/link_rules.h"

namespace sonde {
namespace {

constexpr std::array<std::string_view, 3> severity_names{"info", "warning", "critical"};

AlertRule& at(AlertRuleSet& rules, Signal signal) { return rules.at(static_cast<std::size_t>(signal)); }

bool failed(const Result& result) { return was_tried(result.outcome) && result.outcome != Outcome::ok; }

/// One level while it is well, the other while it is raised.
double level(const AlertRule& rule, bool raised) { return raised ? rule.clear : rule.raise; }

std::optional<Verdict> judge_loss(const Result& result, const AlertRule& rule, bool raised) {
  const RatioValue* loss = result.ratio_of(Metric::loss);
  if (loss == nullptr || loss->tries < rule.samples || loss->tries == 0) return std::nullopt;
  const double value = static_cast<double>(loss->hits) / static_cast<double>(loss->tries);
  const double bar = level(rule, raised);
  return Verdict{Signal::loss, value >= bar, value};
}

/// The rise over what is usual, in one direction. A rise that lasts longer than the ten minutes which delay_rise
/// remembers is held by the round trip, once the direction is known; one that creeps so slowly that delay_rise never
/// sees it is a drift.
std::optional<Verdict> judge_latency(const Result& result, const AlertRule& rule, const JudgeContext& context,
                                     bool raised) {
  const DistributionValue* answers = result.distribution_of(Metric::rtt);
  if (result.has(Tag::clock_stepped) || (answers != nullptr && answers->samples.count() < rule.samples))
    return std::nullopt;
  const auto round_trip = median_of(result, Metric::rtt);
  if (rule.limit && round_trip && *round_trip > *rule.limit)
    return Verdict{Signal::latency, true, *round_trip - *rule.limit};
  const auto risen = median_of(result, Metric::delay_rise);
  if (!risen || !context.round_trip || !context.rise) return std::nullopt;
  double rise = *risen - context.rise->middle;
  if (raised && round_trip) rise = std::max(rise, *round_trip - context.round_trip->middle);
  const double wander = context.rise->wander;
  const double least = std::max(rule.raise, rule.share * context.round_trip->middle);
  const double bar = std::max(least, wander);
  const auto& drift = context.drift;
  if (!raised && rise < bar && drift && drift->by >= std::max(least, drift->wander))
    return Verdict{Signal::latency, true, drift->by, !drift->directed};
  if (raised && drift && drift->directed) rise = std::max(rise, drift->now);
  const double scale = raised && rule.raise > 0 ? rule.clear / rule.raise : 1;
  return Verdict{Signal::latency, rise >= bar * scale, rise};
}

std::optional<Verdict> judge_throughput(const Result& result, const AlertRule& rule, const JudgeContext& context,
                                        bool raised) {
  if (failed(result)) return Verdict{Signal::throughput, true, 0};
  const SingleValue* rate = result.value_of(Metric::throughput);
  if (rate == nullptr) return std::nullopt;
  if (rule.limit && rate->value < *rule.limit)
    return Verdict{Signal::throughput, true,
                   rate->value / std::max(context.rate ? context.rate->middle : 0, rate->value)};
  if (!context.rate || context.rate->middle <= 0) return std::nullopt;
  const double share = rate->value / context.rate->middle;
  return Verdict{Signal::throughput, share < level(rule, raised), share};
}

/// The rate that an on-demand run or another hour has shown is no yardstick: `back_rate` is of a run just before.
std::optional<Verdict> judge_asymmetry(const Result& result, const AlertRule& rule, const JudgeContext& context,
                                       bool raised) {
  const SingleValue* rate = result.value_of(Metric::throughput);
  if (rate == nullptr || !context.back_rate || *context.back_rate <= 0) return std::nullopt;
  const double share = rate->value / *context.back_rate;
  return Verdict{Signal::asymmetry, share < level(rule, raised), share};
}

std::optional<Verdict> judge_clock(const Result& result) {
  if (result.outcome != Outcome::ok) return std::nullopt;
  return Verdict{Signal::clock, result.has(Tag::unsynced), result.detail("error_s").value_or(0)};
}

std::optional<Verdict> judge_answer(const Result& result, Signal signal, const JudgeContext& context) {
  if (!failed(result)) return Verdict{signal, false, 1};
  if (nobody_listens(result) && context.far_agent_gone) return std::nullopt;
  return Verdict{signal, true, 0};
}

}  // namespace

std::string_view name(AlertSeverity severity) { return severity_names.at(static_cast<std::size_t>(severity)); }

std::optional<AlertSeverity> alert_severity_named(std::string_view wanted) {
  for (std::size_t i = 0; i < severity_names.size(); ++i)
    if (severity_names[i] == wanted) return static_cast<AlertSeverity>(i);
  return std::nullopt;
}

AlertRuleSet default_alert_rules() {
  AlertRuleSet rules;
  at(rules, Signal::answer).severity = AlertSeverity::critical;
  at(rules, Signal::connectivity).severity = AlertSeverity::critical;
  AlertRule& loss = at(rules, Signal::loss);
  loss.raise = 0.05;
  loss.clear = 0.02;
  AlertRule& latency = at(rules, Signal::latency);
  latency.raise = 5e-3;
  latency.clear = 2.5e-3;
  latency.share = 0.25;
  latency.samples = 1;
  AlertRule& throughput = at(rules, Signal::throughput);
  throughput.raise = 0.5;
  throughput.clear = 0.75;
  AlertRule& silence = at(rules, Signal::silence);
  silence.bad = silence.of = 3;
  silence.good = 2;
  // Many links are meant to carry less in one direction, and few hosts state how wrong their clock may be.
  AlertRule& asymmetry = at(rules, Signal::asymmetry);
  asymmetry.on = false;
  asymmetry.raise = 0.5;
  asymmetry.clear = 0.75;
  at(rules, Signal::clock).on = false;
  return rules;
}

const AlertRule& AlertPolicy::rule(Signal signal, const SiteSpec& from, const SiteSpec& to) const {
  const auto which = static_cast<std::size_t>(signal);
  for (const AlertException& exception : exceptions)
    if (exception.rules.at(which) && matches(exception.links, from, to)) return *exception.rules.at(which);
  return rules.at(which);
}

bool nobody_listens(const Result& result) {
  if (result.probe == Probe::connect) return result.outcome == Outcome::refused;
  return result.outcome == Outcome::unreachable && result.reason.find("nothing listens") != std::string::npos;
}

std::optional<double> median_of(const Result& result, Metric metric) {
  if (result.outcome != Outcome::ok) return std::nullopt;
  const DistributionValue* samples = result.distribution_of(metric);
  const auto middle = samples == nullptr ? std::nullopt : samples->samples.quantile(0.5);
  return middle ? std::optional(*middle / 1e9) : std::nullopt;
}

std::vector<Verdict> judge(const Result& result, const JudgeContext& context) {
  std::vector<Verdict> out;
  if (!was_tried(result.outcome) || result.has(Tag::starved)) return out;
  const auto rule = [&](Signal signal) -> const AlertRule& { return context.rules[static_cast<std::size_t>(signal)]; };
  const auto raised = [&](Signal signal) { return context.raised.at(static_cast<std::size_t>(signal)); };
  const auto add = [&](Signal signal, std::optional<Verdict> verdict) {
    if (verdict && rule(signal).on) out.push_back(*verdict);
  };
  switch (result.probe) {
    case Probe::latency:
      add(Signal::answer, judge_answer(result, Signal::answer, context));
      add(Signal::loss, judge_loss(result, rule(Signal::loss), raised(Signal::loss)));
      add(Signal::latency, judge_latency(result, rule(Signal::latency), context, raised(Signal::latency)));
      add(Signal::clock, judge_clock(result));
      break;
    case Probe::connect: add(Signal::connectivity, judge_answer(result, Signal::connectivity, context)); break;
    case Probe::throughput:
      add(Signal::throughput, judge_throughput(result, rule(Signal::throughput), context, raised(Signal::throughput)));
      add(Signal::asymmetry, judge_asymmetry(result, rule(Signal::asymmetry), context, raised(Signal::asymmetry)));
      break;
    case Probe::duplex: break;  // somebody asked for it: it is no part of what is usual
  }
  return out;
}

}  // namespace sonde
