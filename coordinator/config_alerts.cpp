// `alerts:`: when a link is bad (docs/alerts.md).
#include <fmt/format.h>

#include <algorithm>

#include "coordinator/config_parts.h"
#include "shared/base/units.h"

namespace sonde {
namespace {

using config::assign;
using config::Fields;
using config::Value;
using namespace std::chrono_literals;

constexpr std::size_t most_exceptions = 1000;
constexpr nanoseconds least_level = 10us;
constexpr nanoseconds most_level = 1min;

struct Key {
  const char* name;
  Signal signal;
};
constexpr Key keys[] = {{"answer", Signal::answer},
                        {"connectivity", Signal::connectivity},
                        {"loss", Signal::loss},
                        {"latency", Signal::latency},
                        {"throughput", Signal::throughput},
                        {"silence", Signal::silence},
                        {"asymmetry", Signal::asymmetry},
                        {"clock", Signal::clock}};
/// Those that have levels; the others are yes or no.
bool has_levels(Signal signal) {
  return signal == Signal::loss || signal == Signal::latency || signal == Signal::throughput ||
         signal == Signal::asymmetry;
}
/// A value below the level is bad.
bool falls_below(Signal signal) { return signal == Signal::throughput || signal == Signal::asymmetry; }

bool is_off(const Value& value) { return value.is_word("off") || value.is_word("false"); }

void assign_seconds(double& out, const Value& value) {
  if (const auto span = value.duration(least_level, most_level)) out = to_seconds(*span);
}

void assign_count(std::uint32_t& out, const Value& value, std::int64_t least, std::int64_t most) {
  if (const auto number = value.integer(least, most)) out = static_cast<std::uint32_t>(*number);
}

/// The two levels in the signal's unit; a raise level alone takes the clear level with it.
void read_levels(Fields& fields, Signal signal, AlertRule& out) {
  if (!has_levels(signal)) return;
  const auto raise = fields.get("raise");
  const auto clear = fields.get("clear");
  const double kept = out.raise > 0 ? out.clear / out.raise : 1;
  const auto read = [signal](double& level, const Value& value) {
    if (signal == Signal::latency)
      assign_seconds(level, value);
    else if (const auto share = value.share())
      level = *share;
  };
  if (raise) {
    read(out.raise, *raise);
    out.clear = falls_below(signal) ? std::min(1.0, kept * out.raise) : kept * out.raise;
  }
  if (clear) read(out.clear, *clear);
  const bool falls = falls_below(signal);
  if (clear && (falls ? out.clear < out.raise : out.clear > out.raise))
    clear->complain(falls ? "below the level that raises" : "above the level that raises",
                    falls ? "give at least the raise level" : "give at most the raise level");
}

void read_window(Fields& fields, AlertRule& out) {
  const auto bad = fields.get("bad");
  const auto of = fields.get("of");
  const auto good = fields.get("good");
  if (bad) assign_count(out.bad, *bad, 1, most_remembered);
  if (of)
    assign_count(out.of, *of, 1, most_remembered);
  else
    out.of = std::max(out.of, out.bad);
  if (good) assign_count(out.good, *good, 1, 1000);
  if (of && out.of < out.bad)
    of->complain(fmt::format("{} bad of the last {} results cannot be", out.bad, out.of),
                 fmt::format("give at least {}", out.bad));
}

void read_severity(Fields& fields, AlertRule& out) {
  if (auto severity = fields.get("severity"))
    if (const auto word = severity->text()) {
      if (const auto known = alert_severity_named(*word))
        out.severity = *known;
      else
        severity->complain(fmt::format("{} is no severity", config::in_quotes(*word)),
                           "write info, warning or critical");
    }
  if (auto runbook = fields.get("runbook")) assign(out.runbook, runbook->url());
}

/// Shares of a site's bytes_per_month. It is one running sum, so there is no n of m.
AlertRule read_budget(const Value& value, AlertRule out) {
  if (is_off(value)) {
    out.on = false;
    return out;
  }
  Fields fields(value);
  const auto raise = fields.get("raise");
  const auto clear = fields.get("clear");
  if (raise)
    if (const auto share = raise->share()) {
      out.clear *= *share / out.raise;
      out.raise = *share;
    }
  if (clear) assign(out.clear, clear->share());
  if (clear && out.clear > out.raise) clear->complain("above the level that raises", "give at most the raise level");
  if (auto hold = fields.get("for")) assign(out.hold, hold->duration(0s, 7 * 24h));
  read_severity(fields, out);
  fields.finish();
  return out;
}

AlertRule read_rule(const Value& value, Signal signal, AlertRule out) {
  if (is_off(value)) {
    out.on = false;
    return out;
  }
  out.on = true;
  Fields fields(value);
  read_levels(fields, signal, out);
  read_window(fields, out);
  if (signal == Signal::latency) {
    if (auto share = fields.get("share")) assign(out.share, share->share());
    if (auto most = fields.get("most"))
      if (const auto span = most->duration(least_level, most_level)) out.limit = to_seconds(*span);
  }
  if (signal == Signal::throughput)
    if (auto least = fields.get("least"))
      if (const auto rate = least->bit_rate()) out.limit = rate->value;
  if (signal == Signal::loss || signal == Signal::latency)
    if (auto samples = fields.get("samples")) assign_count(out.samples, *samples, 1, 1'000'000);
  if (auto hold = fields.get("for")) assign(out.hold, hold->duration(0s, 7 * 24h));
  read_severity(fields, out);
  fields.finish();
  return out;
}

/// A mesh that sends few probes for a result would never have enough for the default.
void settle_samples(const Mesh& mesh, AlertRuleSet& rules) {
  if (!mesh.policy.latency) return;
  const double expected = mesh.policy.latency->rate.per_second * to_seconds(mesh.policy.latency->every);
  AlertRule& loss = rules.at(static_cast<std::size_t>(Signal::loss));
  loss.samples = std::clamp(static_cast<std::uint32_t>(expected / 2), std::uint32_t{1}, loss.samples);
}

}  // namespace

AlertPolicy read_alerts(const std::optional<Value>& value, const Mesh& mesh) {
  AlertPolicy out;
  settle_samples(mesh, out.rules);
  if (!value) return out;
  if (is_off(*value)) {
    out.on = false;
    return out;
  }
  Fields fields(*value);
  for (const Key& key : keys) {
    AlertRule& rule = out.rules.at(static_cast<std::size_t>(key.signal));
    if (auto given = fields.get(key.name)) rule = read_rule(*given, key.signal, rule);
  }
  if (auto budget = fields.get("budget")) out.budget = read_budget(*budget, out.budget);
  if (auto links = fields.get("links"))
    for (const Value& item : links->list(most_exceptions)) {
      Fields one(item);
      AlertException exception;
      if (item.is_map()) read_selection(one, exception.links, mesh.sites);
      bool any = false;
      for (const Key& key : keys) {
        const auto which = static_cast<std::size_t>(key.signal);
        if (auto given = one.get(key.name)) {
          exception.rules.at(which) = read_rule(*given, key.signal, out.rules.at(which));
          any = true;
        }
      }
      if (item.is_map() && !any)
        one.complain("the exception says nothing",
                     "give answer, connectivity, loss, latency, throughput, silence, asymmetry or clock");
      one.finish();
      out.exceptions.push_back(std::move(exception));
    }
  fields.finish();
  return out;
}

}  // namespace sonde
