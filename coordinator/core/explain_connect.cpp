#include <fmt/format.h>

#include <algorithm>

#include "coordinator/core/explain.h"
#include "coordinator/core/human.h"

namespace sonde {
namespace {

constexpr std::uint64_t few_runs = 20;

std::uint64_t resent(const Result& result) {
  return static_cast<std::uint64_t>(std::max(0.0, result.detail("syn_retransmits").value_or(0)));
}

void explain_failures(const ExplainInput& input, std::vector<Finding>& out) {
  const auto tried = static_cast<std::uint64_t>(
      std::ranges::count_if(input.connect, [](const Result& result) { return was_tried(result.outcome); }));
  const std::uint64_t failed = count_failed(input.connect);
  const auto unnamed = std::ranges::count(input.connect, Outcome::dns_failed, &Result::outcome);
  if (failed > 0)
    out.push_back({"connect_failed",
                   Weight::bad,
                   fmt::format("{} did not connect ({}). The times of connect, p99 too, speak of the {} that did.",
                               count_of(failed, tried, "connects"), failures_in(input.connect), tried - failed),
                   {{"failed", static_cast<double>(failed)}, {"tried", static_cast<double>(tried)}}});
  if (unnamed > 0)
    out.push_back({"dns_failed",
                   Weight::bad,
                   fmt::format("{} could not look the name of {} up; no SYN was sent, and they are in no ratio.",
                               count_of(static_cast<std::uint64_t>(unnamed), input.connect.size(), "connects"),
                               input.link.to.str()),
                   {{"dns_failed", static_cast<double>(unnamed)}}});
}

void explain_retransmits(const ExplainInput& input, std::vector<Finding>& out) {
  std::uint64_t connected = 0;
  std::uint64_t waited = 0;
  std::uint64_t syns = 0;
  std::vector<double> slow;
  for (const Result& result : input.connect) {
    if (result.outcome != Outcome::ok) continue;
    ++connected;
    if (resent(result) == 0) continue;
    ++waited;
    syns += resent(result);
    if (const SingleValue* took = result.value_of(Metric::connect)) slow.push_back(took->value);
  }
  if (waited == 0) return;
  std::ranges::sort(slow);
  std::string text = fmt::format("{} waited for a retransmitted SYN", count_of(waited, connected, "connects"));
  if (syns > waited) text += fmt::format(" ({} in all)", syns);
  const auto clean = values_of(input.connect, Metric::connect_clean);
  std::vector<std::pair<std::string_view, double>> figures{{"waited", static_cast<double>(waited)},
                                                           {"connected", static_cast<double>(connected)},
                                                           {"syn_retransmits", static_cast<double>(syns)}};
  if (!slow.empty()) {
    text += fmt::format(" and took {} in the median", human(median_of(slow), "s"));
    figures.emplace_back("slow_p50", median_of(slow));
  }
  if (!clean.empty()) {
    text += fmt::format("; without them the median is {}", human(median_of(clean), "s"));
    figures.emplace_back("clean_p50", median_of(clean));
  }
  text += fmt::format(". A SYN was lost on the way, or the accept queue of {} was full.", input.link.to.str());
  out.push_back({"syn_retransmits", Weight::warning, std::move(text), std::move(figures)});
}

void explain_overflows(const ExplainInput& input, std::vector<Finding>& out) {
  const auto overflown = static_cast<std::uint64_t>(std::ranges::count_if(
      input.connect, [](const Result& result) { return result.detail("far_listen_overflows").value_or(0) > 0; }));
  if (overflown == 0) return;
  out.push_back(
      {"accept_queue_full",
       Weight::warning,
       fmt::format("During {} the accept queue of {}'s agent overflowed: that host was too slow, the network lost "
                   "nothing.",
                   count_of(overflown, input.connect.size(), "connects"), input.link.to.str()),
       {{"runs", static_cast<double>(overflown)}}});
}

}  // namespace

void explain_connect(const ExplainInput& input, std::vector<Finding>& out) {
  if (input.connect.empty()) return;
  explain_failures(input, out);
  explain_retransmits(input, out);
  explain_overflows(input, out);
  const auto times = values_of(input.connect, Metric::connect);
  if (times.empty()) return;
  out.push_back({"connect",
                 Weight::info,
                 fmt::format("A TCP connection stands after {} in the median of {} runs, the slowest took {}.{}",
                             human(median_of(times), "s"), times.size(), human(times.back(), "s"),
                             times.size() < few_runs ? " These are few." : ""),
                 {{"p50", median_of(times)}, {"max", times.back()}, {"runs", static_cast<double>(times.size())}}});
  const auto names = values_of(input.connect, Metric::resolve);
  if (!names.empty() && median_of(names) > median_of(times))
    out.push_back(
        {"slow_names",
         Weight::notice,
         fmt::format("Looking the name up takes {} in the median, longer than the connection itself. It is not "
                     "part of connect, but an application waits for both.",
                     human(median_of(names), "s")),
         {{"resolve_p50", median_of(names)}}});
}

}  // namespace sonde
