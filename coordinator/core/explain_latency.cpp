#include <fmt/format.h>

#include <algorithm>
#include <cmath>

#include "coordinator/core/explain.h"
#include "coordinator/core/human.h"

namespace sonde {
namespace {

constexpr std::uint64_t few_samples = 20;
/// Shares of probes below these are not worth a sentence of their own.
constexpr double loss_worth_telling = 0.001;
constexpr double loss_that_hurts = 0.05;
constexpr double disorder_worth_telling = 0.001;
/// A queue is told of where it adds this to the one-way delay and this share to the round trip.
constexpr double queue_least_s = 0.005;
constexpr double queue_least_share = 0.2;
constexpr double own_queue_least_s = 0.001;
/// The round trip under load is worth a sentence from this ratio on.
constexpr double same_within = 0.05;  // of the idle link's round trip
constexpr double loaded_ratio_least = 1.5;

struct Ratio {
  std::uint64_t hits = 0;
  std::uint64_t tries = 0;
  double value() const { return tries > 0 ? static_cast<double>(hits) / static_cast<double>(tries) : 0; }
};

Ratio pooled(const std::vector<Result>& results, Metric metric) {
  Ratio sum;
  for (const Result& result : results)
    if (const RatioValue* ratio = result.ratio_of(metric)) {
      sum.hits += ratio->hits;
      sum.tries += ratio->tries;
    }
  return sum;
}

double sum_of(const std::vector<Result>& results, std::string_view detail) {
  double sum = 0;
  for (const Result& result : results) sum += result.detail(detail).value_or(0);
  return sum;
}

double seconds_at(const Distribution& samples, double q) { return samples.quantile(q).value_or(0) / 1e9; }
std::string time_at(const Distribution& samples, double q) { return human(seconds_at(samples, q), "s"); }

std::uint64_t tagged(const std::vector<Result>& results, Tag tag) {
  return static_cast<std::uint64_t>(std::ranges::count_if(results, [&](const Result& r) { return r.has(tag); }));
}

class Latency {
 public:
  Latency(const ExplainInput& input, std::vector<Finding>& out)
      : input_(input), results_(input.latency), out_(out), rtt_(merged(results_, Metric::rtt)) {}

  void run() {
    if (results_.empty()) return;
    losses();
    round_trip();
    queues();
    loaded();
    order();
    one_way();
    clocks();
    path();
  }

 private:
  std::string there() const { return fmt::format("from {} to {}", input_.link.from.str(), input_.link.to.str()); }
  void tell(std::string_view code, Weight weight, std::string text,
            std::vector<std::pair<std::string_view, double>> figures = {}) {
    out_.push_back({code, weight, std::move(text), std::move(figures)});
  }

  void losses();
  void round_trip();
  void queues();
  void loaded();
  void order();
  void one_way();
  void clocks();
  void path();

  const ExplainInput& input_;
  const std::vector<Result>& results_;
  std::vector<Finding>& out_;
  Distribution rtt_;
};

void Latency::losses() {
  const Ratio both = pooled(results_, Metric::loss_rtt);
  if (both.tries == 0 || both.value() < loss_worth_telling) return;
  const Weight weight = both.value() >= loss_that_hurts ? Weight::bad : Weight::warning;
  const std::string head = fmt::format("{} of the probes had no reply in time ({} of {})", human(both.value(), "ratio"),
                                       both.hits, both.tries);
  const Ratio forward = pooled(results_, Metric::loss);
  const double back_lost = sum_of(results_, "reverse_lost");
  const double back_tries = sum_of(results_, "reverse_tries");
  std::vector<std::pair<std::string_view, double>> figures{{"loss_rtt", both.value()}};
  if (forward.tries == 0 && back_tries <= 0) {
    const std::string why = sum_of(results_, "tail_sent") > 0
                                ? fmt::format("no reply came, and the agent of {} did not tell what had arrived there",
                                              input_.link.to.str())
                                : "no reply came, or the far side does not count";
    return tell("loss_without_direction", weight,
                fmt::format("{}; {}, so it is not known in which direction.", head, why), std::move(figures));
  }
  const double back = back_tries > 0 ? back_lost / back_tries : 0;
  figures.emplace_back("loss", forward.value());
  figures.emplace_back("loss_back", back);
  std::string text = fmt::format("{}: {} were lost on the way {}, {} on the way back.", head,
                                 human(forward.value(), "ratio"), there(), human(back, "ratio"));
  if (const double unknown = sum_of(results_, "unattributed"); unknown > 0)
    text += fmt::format(" Of {:.0f} the direction is not known.", unknown);
  if (const double late = sum_of(results_, "late"); late > 0)
    text += fmt::format(" {:.0f} replies came after the timeout.", late);
  tell("loss", weight, std::move(text), std::move(figures));
}

void Latency::round_trip() {
  if (rtt_.empty()) return;
  tell("rtt", Weight::info,
       fmt::format("The round trip takes {} in the median, {} at p95 and {} at p99, in {} samples.", time_at(rtt_, 0.5),
                   time_at(rtt_, 0.95), time_at(rtt_, 0.99), rtt_.count()),
       {{"p50", seconds_at(rtt_, 0.5)}, {"p95", seconds_at(rtt_, 0.95)}, {"p99", seconds_at(rtt_, 0.99)}});
  if (rtt_.count() < few_samples)
    tell("few_samples", Weight::notice,
         fmt::format("These are only {} samples; quantiles of fewer than {} say little.", rtt_.count(), few_samples),
         {{"samples", static_cast<double>(rtt_.count())}});
}

void Latency::queues() {
  const Distribution rise = merged(results_, Metric::delay_rise);
  const double median = seconds_at(rtt_, 0.5);
  const double there_s = seconds_at(rise, 0.95);
  const double around_s = seconds_at(rtt_, 0.95) - static_cast<double>(rtt_.min()) / 1e9;
  const auto is_queue = [&](double s) { return s >= queue_least_s && s >= queue_least_share * median; };
  if (is_queue(there_s))
    tell("delay_rise", Weight::warning,
         fmt::format("A queue builds up on the way {}: at p95 the one-way delay is {} above its least.", there(),
                     human(there_s, "s")),
         {{"delay_rise_p95", there_s}});
  else if (!rise.empty() && is_queue(around_s))
    tell("rtt_rise_back", Weight::warning,
         fmt::format("The round trip is up to {} (p95) above its least, the way there only {}: the queue is on the way "
                     "back.",
                     human(around_s, "s"), human(there_s, "s")),
         {{"rtt_rise_p95", around_s}, {"delay_rise_p95", there_s}});
  const Distribution own = merged(results_, Metric::host_queue);
  if (const double own_s = seconds_at(own, 0.95); own_s >= own_queue_least_s)
    tell("host_queue", Weight::warning,
         fmt::format(
             "At p95 probes wait {} in the own queue of {}'s host before they leave it. That is not the network's "
             "doing, and not in rtt (but in rtt_host).",
             human(own_s, "s"), input_.link.from.str()),
         {{"host_queue_p95", own_s}});
}

void Latency::loaded() {
  const Distribution loaded = merged(results_, Metric::rtt_loaded);
  if (loaded.count() < few_samples || rtt_.empty()) return;
  const double idle = seconds_at(rtt_, 0.5);
  const double ratio = idle > 0 ? seconds_at(loaded, 0.5) / idle : 0;
  const bool much = ratio >= loaded_ratio_least;
  const bool same = std::abs(ratio - 1) < same_within;
  const std::string beside =
      same ? "about that of the idle link" : fmt::format("{:.2g} times that of the idle link", ratio);
  tell("rtt_loaded", much ? Weight::warning : Weight::info,
       fmt::format("While {} sends to {} the round trip is {} in the median, {} ({}){}", input_.link.from.str(),
                   input_.link.to.str(), time_at(loaded, 0.5), beside, time_at(rtt_, 0.5),
                   much ? ": a queue on the way there fills under load." : "."),
       {{"rtt_loaded_p50", seconds_at(loaded, 0.5)}, {"ratio", ratio}});
}

void Latency::order() {
  if (const Ratio reorder = pooled(results_, Metric::reorder); reorder.value() >= disorder_worth_telling)
    tell("reorder", Weight::notice,
         fmt::format("{} of the probes arrived after one that was sent later: there are several ways in parallel.",
                     human(reorder.value(), "ratio")),
         {{"reorder", reorder.value()}});
  if (const Ratio twice = pooled(results_, Metric::duplicate); twice.value() >= disorder_worth_telling)
    tell("duplicate", Weight::notice,
         fmt::format("{} of the probes arrived more than once: something on the way copies packets.",
                     human(twice.value(), "ratio")),
         {{"duplicate", twice.value()}});
}

void Latency::one_way() {
  const auto newest = std::ranges::find_if(results_.rbegin(), results_.rend(),
                                           [](const Result& result) { return result.outcome == Outcome::ok; });
  if (newest == results_.rend() || !newest->has(Tag::unsynced)) return;
  if (const auto error = newest->detail("error_s"))
    return tell("unsynced", Weight::notice,
                fmt::format("The one-way delay is not shown: the clocks of {} and {} may differ by {}, more than a "
                            "quarter of it. delay_rise needs no synchronised clocks.",
                            input_.link.from.str(), input_.link.to.str(), human(*error, "s")),
                {{"error_s", *error}});
  const bool from_known = input_.from.heartbeat.clock_error.has_value();
  const bool to_known = input_.to.heartbeat.clock_error.has_value();
  const std::string who =
      from_known ? fmt::format("the clock of {} is", input_.link.to.str())
      : to_known ? fmt::format("the clock of {} is", input_.link.from.str())
                 : fmt::format("the clocks of {} and {} are", input_.link.from.str(), input_.link.to.str());
  tell("unsynced", Weight::notice,
       fmt::format("The one-way delay is not shown: it is not known how far {} off. Run chrony or ntpd there, or "
                   "configure clock.error. delay_rise needs no synchronised clocks.",
                   who));
}

void Latency::clocks() {
  if (const auto steps = tagged(results_, Tag::clock_stepped); steps > 0)
    tell("clock_stepped", Weight::notice,
         fmt::format("In {} a clock was stepped; one-way values across the step were dropped.",
                     count_of(steps, results_.size(), "results")),
         {{"results", static_cast<double>(steps)}});
  if (const auto user = tagged(results_, Tag::user_clock); user > 0)
    tell("user_clock", Weight::notice,
         fmt::format("{} have no kernel time stamps; their times include the wake-up of a process.",
                     count_of(user, results_.size(), "results")),
         {{"results", static_cast<double>(user)}});
}

void Latency::path() {
  if (const double changes = sum_of(results_, "ttl_changes"); changes > 0)
    tell("path_changed", Weight::notice,
         fmt::format("The TTL with which probes arrive changed {:.0f} times: the path became longer or shorter.",
                     changes),
         {{"ttl_changes", changes}});
}

}  // namespace

void explain_latency(const ExplainInput& input, std::vector<Finding>& out) { Latency(input, out).run(); }

}  // namespace sonde
