#include <fmt/format.h>

#include <algorithm>

#include "coordinator/core/explain.h"
#include "coordinator/core/human.h"
#include "shared/measure/throughput.h"

namespace sonde {
namespace {

/// A share of the time from which on a window was what limited a run.
constexpr double limiting_share = 0.3;
/// Total and steady rate that differ by this are both right, and confuse.
constexpr double rates_differ = 0.1;

const Result* newest_ok(const std::vector<Result>& results) {
  const auto found = std::ranges::find(results.rbegin(), results.rend(), Outcome::ok, &Result::outcome);
  return found == results.rend() ? nullptr : &*found;
}

void explain_limit(const ExplainInput& input, const Result& run, std::vector<Finding>& out) {
  const double receiver = run.detail("rwnd_limited_ratio").value_or(0);
  const double buffer = run.detail("sndbuf_limited_ratio").value_or(0);
  const auto congestion = run.detail("congestion_limited_ratio");
  const SingleValue* resent = run.value_of(Metric::retransmits);
  if (receiver >= limiting_share)
    out.push_back({"limited_by_receiver",
                   Weight::warning,
                   fmt::format("In the newest run the receiver's window was the limit for {} of the time: the path may "
                               "carry more, the host of {} (its receive buffer, or its CPU) does not take it.",
                               human(receiver, "ratio"), input.link.to.str()),
                   {{"rwnd_limited_ratio", receiver}}});
  if (buffer >= limiting_share)
    out.push_back({"limited_by_send_buffer",
                   Weight::warning,
                   fmt::format("In the newest run the send buffer was the limit for {} of the time: the path may carry "
                               "more, the host of {} does not offer it.",
                               human(buffer, "ratio"), input.link.from.str()),
                   {{"sndbuf_limited_ratio", buffer}}});
  const double limit = run.detail("limited_by").value_or(-1);
  if (limit == static_cast<double>(ThroughputLimit::application)) {
    out.push_back({"limited_by_application",
                   Weight::warning,
                   fmt::format("In the newest run nothing was under way for a part of the time: the agent of {} lacked "
                               "CPU, and the path may carry more.",
                               input.link.from.str()),
                   {{"limited_by", limit}}});
    return;
  }
  const bool too_short = limit == static_cast<double>(ThroughputLimit::unknown);
  if (receiver >= limiting_share || buffer >= limiting_share || !congestion || too_short) return;
  std::string text = fmt::format("The newest run was limited by the path (congestion window for {} of the time)",
                                 human(*congestion, "ratio"));
  if (resent != nullptr)
    text +=
        resent->value > 0 ? fmt::format("; TCP sent {:.0f} segments again", resent->value) : "; nothing was sent again";
  std::vector<std::pair<std::string_view, double>> figures{{"congestion_limited_ratio", *congestion}};
  if (resent != nullptr) figures.emplace_back("retransmits", resent->value);
  out.push_back({"limited_by_path", Weight::info, text + ".", std::move(figures)});
}

void explain_end(const Result& run, std::vector<Finding>& out) {
  if (run.has(Tag::upper_bound))
    out.push_back(
        {"upper_bound",
         Weight::notice,
         "In the newest run no knee was found in the rate: slow start or a token bucket's burst may not be over, "
         "and the rate is an upper bound.",
         {}});
  if (run.has(Tag::few_segments) && run.value_of(Metric::throughput) != nullptr && !run.has(Tag::slot_ended))
    out.push_back({"few_segments",
                   Weight::notice,
                   "In the newest run fewer than 20 full segments came in the steady part: do not rely on its rate.",
                   {}});
  if (run.has(Tag::slot_ended))
    out.push_back(
        {"slot_ended",
         Weight::notice,
         "The newest run was cut by the end of its slot before it had seen enough; the next timetable gives this "
         "link more time.",
         {}});
  if (run.has(Tag::budget_ended)) {
    const double bytes = run.detail("bytes").value_or(0);
    out.push_back({"budget_ended",
                   Weight::info,
                   fmt::format("The newest run was ended by its byte budget, after {}.", human_bytes(bytes)),
                   {{"bytes", bytes}}});
  }
}

/// A run that was over too quickly says nothing of the rate; nobody should look for the fault in the network.
void explain_no_rate(const Result& run, std::vector<Finding>& out) {
  if (run.value_of(Metric::throughput) != nullptr) return;
  const double bytes = run.detail("bytes").value_or(0);
  const double reads = run.detail("reads").value_or(0);
  const char* remedy = run.has(Tag::budget_ended) ? "Give probes.throughput a larger max_bytes."
                                                  : "Give probes.throughput a longer max_duration.";
  out.push_back({"no_rate",
                 Weight::notice,
                 fmt::format("The newest run moved {} in {:.0f} reads, too few to tell a rate. {}", human_bytes(bytes),
                             reads, remedy),
                 {{"bytes", bytes}, {"reads", reads}}});
}

void explain_burst(const Result& run, std::vector<Finding>& out) {
  const SingleValue* steady = run.value_of(Metric::throughput);
  const SingleValue* total = run.value_of(Metric::throughput_total);
  const double burst = run.detail("burst_bytes").value_or(0);
  if (steady == nullptr || total == nullptr || !(steady->value > 0)) return;
  if (total->value < steady->value * (1 + rates_differ)) return;
  out.push_back(
      {"burst",
       Weight::notice,
       fmt::format("The newest run moved {} in all but {} steadily: {} went through in a burst before a token "
                   "bucket was empty. Short transfers see the first rate, long ones the second.",
                   human(total->value, "bit/s"), human(steady->value, "bit/s"), human_bytes(burst)),
       {{"throughput_total", total->value}, {"throughput", steady->value}, {"burst_bytes", burst}}});
}

void explain_failed_runs(const ExplainInput& input, std::vector<Finding>& out) {
  const auto bad = static_cast<std::uint64_t>(
      std::ranges::count_if(input.throughput, [](const Result& result) { return result.outcome != Outcome::ok; }));
  if (bad == 0) return;
  const auto newest = std::ranges::find_if(input.throughput.rbegin(), input.throughput.rend(),
                                           [](const Result& result) { return result.outcome != Outcome::ok; });
  std::string text = fmt::format("{} brought no rate ({})", count_of(bad, input.throughput.size(), "throughput runs"),
                                 failures_in(input.throughput));
  if (!newest->reason.empty()) text += fmt::format("; the newest: {}", newest->reason);
  out.push_back({"throughput_failed",
                 count_failed(input.throughput) > 0 ? Weight::bad : Weight::warning,
                 text + ".",
                 {{"failed", static_cast<double>(bad)}, {"runs", static_cast<double>(input.throughput.size())}}});
}

}  // namespace

void explain_throughput(const ExplainInput& input, std::vector<Finding>& out) {
  if (input.throughput.empty()) return;
  explain_failed_runs(input, out);
  const auto rates = values_of(input.throughput, Metric::throughput);
  const Result* newest = newest_ok(input.throughput);
  if (newest == nullptr) return;
  explain_no_rate(*newest, out);
  if (rates.empty()) return;
  out.push_back({"throughput",
                 Weight::info,
                 rates.size() == 1 ? fmt::format("TCP moves {} steadily (one run).", human(rates.front(), "bit/s"))
                                   : fmt::format("TCP moves {} steadily, the median of {} runs between {} and {}.",
                                                 human(median_of(rates), "bit/s"), rates.size(),
                                                 human(rates.front(), "bit/s"), human(rates.back(), "bit/s")),
                 {{"p50", median_of(rates)}, {"min", rates.front()}, {"max", rates.back()}}});
  explain_limit(input, *newest, out);
  explain_burst(*newest, out);
  explain_end(*newest, out);
}

}  // namespace sonde
