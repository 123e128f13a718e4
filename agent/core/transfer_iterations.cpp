#include "agent/core/transfer_iterations.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <string_view>
#include <utility>

#include "shared/base/error.h"
#include "shared/base/limits.h"

namespace sonde {
namespace {

using Results = std::vector<Result>;

double value_or(const Result& result, Metric metric, double otherwise) {
  const SingleValue* value = result.value_of(metric);
  return value == nullptr ? otherwise : value->value;
}

double sum_of(const Results& results, std::string_view name) {
  double sum = 0;
  for (const Result& result : results) sum += result.detail(name).value_or(0);
  return sum;
}

/// Octets over the time that they took together: the harmonic mean of the rates, weighted by octets.
std::optional<double> joined_rate(const std::vector<std::pair<double, double>>& octets_and_rates) {
  double octets = 0;
  double time = 0;
  for (const auto& [moved, rate] : octets_and_rates) {
    if (!(moved > 0) || !(rate > 0)) continue;
    octets += moved;
    time += moved / rate;
  }
  return time > 0 ? std::optional(octets / time) : std::nullopt;
}

std::optional<double> joined_rate(const Results& results, Metric metric, std::string_view octets) {
  std::vector<std::pair<double, double>> rates;
  for (const Result& result : results)
    rates.emplace_back(result.detail(octets).value_or(0), value_or(result, metric, 0));
  return joined_rate(rates);
}

/// By busy time, as each of them is a share of it.
void add_shares(const Results& results, Result& whole) {
  const double busy = sum_of(results, "busy_s");
  if (!(busy > 0)) return;
  for (const std::string_view name : {"rwnd_limited_ratio", "sndbuf_limited_ratio", "congestion_limited_ratio"}) {
    double time = 0;
    for (const Result& result : results) time += result.detail(name).value_or(0) * result.detail("busy_s").value_or(0);
    whole.details.push_back({std::string(name), time / busy});
  }
}

/// What most of them say; of two that are said equally often the one with the higher number.
double most_frequent(const Results& results, std::string_view name) {
  double found = 0;
  std::ptrdiff_t most = 0;
  for (const Result& result : results) {
    const auto said = result.detail(name);
    if (!said) continue;
    const auto times = std::ranges::count_if(results, [&](const Result& r) { return r.detail(name) == said; });
    if (times < most || (times == most && *said < found)) continue;
    most = times;
    found = *said;
  }
  return found;
}

void add_streams(const Results& results, std::size_t streams, Result& whole) {
  if (streams < 2) return;
  for (std::size_t s = 0; s < streams; ++s) {
    std::vector<std::pair<double, double>> rates;
    for (const Result& result : results)
      rates.emplace_back(result.detail(fmt::format("stream_{}_bytes", s)).value_or(0),
                         result.detail(fmt::format("stream_{}_bps", s)).value_or(0));
    for (const std::string_view what : {"bytes", "packets", "retransmits"}) {
      const std::string name = fmt::format("stream_{}_{}", s, what);
      whole.details.push_back({name, sum_of(results, name)});
    }
    if (const auto rate = joined_rate(rates)) whole.details.push_back({fmt::format("stream_{}_bps", s), *rate});
  }
}

void add_iteration(const Result& result, std::size_t number, SharedTime began, std::size_t streams, Result& whole) {
  const auto add = [&](std::string_view name, std::optional<double> value) {
    if (value) whole.details.push_back({fmt::format("iteration_{}_{}", number, name), *value});
  };
  const auto metric = [&](Metric wanted) -> std::optional<double> {
    const SingleValue* value = result.value_of(wanted);
    return value == nullptr ? std::nullopt : std::optional(value->value);
  };
  if (result.started_at) add("start_s", to_seconds(*result.started_at - began));
  add("bps", metric(Metric::throughput));
  add("total_bps", metric(Metric::throughput_total));
  add("bytes", result.detail("bytes"));
  add("packets", result.detail("packets"));
  add("retransmits", metric(Metric::retransmits));
  if (streams < 2) return;
  for (std::size_t s = 0; s < streams; ++s)
    for (const std::string_view what : {"bytes", "bps", "packets", "retransmits"}) {
      const std::string name = fmt::format("stream_{}_{}", s, what);
      add(name, result.detail(name));
    }
}

/// An iteration that never began, because something else had the slot or the far site.
bool found_no_room(const Result& result) {
  return result.outcome == Outcome::skipped || result.outcome == Outcome::busy;
}

}  // namespace

TransferIterations::TransferIterations(ThroughputOrder order, const wire::Token& token)
    : order_(std::move(order)), token_(token) {
  SONDE_ASSERT(order_.iterations > 1);
}

ThroughputOrder TransferIterations::order(MonoTime now) const {
  ThroughputOrder next = order_;
  next.slot_end = now + (order_.slot_end - now) / static_cast<std::int64_t>(order_.iterations - done_.size());
  return next;
}

wire::Token TransferIterations::token() const {
  wire::Token token = token_;
  token.front() ^= static_cast<std::uint8_t>(done_.size());
  return token;
}

std::uint64_t TransferIterations::bytes() const { return static_cast<std::uint64_t>(sum_of(done_, "bytes")); }

std::optional<Result> TransferIterations::on_result(Result result) {
  if (result.outcome == Outcome::ok) {
    done_.push_back(std::move(result));
    if (done_.size() < order_.iterations) return std::nullopt;
    return combined();
  }
  if (done_.empty()) return result;
  Result whole = combined();
  whole.finished_at = result.finished_at;
  if (found_no_room(result)) {
    whole.set(Tag::slot_ended);
    return whole;
  }
  whole.outcome = result.outcome;
  whole.reason = fmt::format("iteration {} of {}: {}", done_.size() + 1, order_.iterations, result.reason);
  if (whole.reason.size() > limits::text_bytes) whole.reason.resize(limits::text_bytes);
  whole.values.clear();
  return whole;
}

Result TransferIterations::combined() const {
  const Result& first = done_.front();
  const Result& last = done_.back();
  Result whole = first;
  whole.finished_at = last.finished_at;
  whole.values.clear();
  whole.details.clear();
  bool all_settled = true;
  for (const Result& result : done_) {
    whole.tags |= result.tags;
    all_settled = all_settled && result.has(Tag::settled);
  }
  if (!all_settled) whole.tags &= ~static_cast<std::uint32_t>(Tag::settled);

  if (const auto rate = joined_rate(done_, Metric::throughput, "steady_bytes"))
    whole.values.push_back({Metric::throughput, *rate});
  if (const auto rate = joined_rate(done_, Metric::throughput_total, "bytes"))
    whole.values.push_back({Metric::throughput_total, *rate});
  double resent = 0;
  for (const Result& result : done_) resent += value_or(result, Metric::retransmits, 0);
  whole.values.push_back({Metric::retransmits, resent});

  whole.details.push_back({"iterations", static_cast<double>(done_.size())});
  whole.details.push_back({"iterations_wanted", static_cast<double>(order_.iterations)});
  for (const std::string_view name :
       {"bytes", "packets", "bytes_acked", "reads", "duration_s", "steady_s", "steady_bytes", "burst_bytes", "busy_s"})
    whole.details.push_back({std::string(name), sum_of(done_, name)});
  for (const std::string_view name : {"streams", "tcpi_rtt_s", "ended_by"})
    if (const auto said = last.detail(name)) whole.details.push_back({std::string(name), *said});
  for (const std::string_view name : {"knee", "limited_by"})
    whole.details.push_back({std::string(name), most_frequent(done_, name)});
  std::optional<double> least_rtt;
  for (const Result& result : done_)
    if (const auto rtt = result.detail("min_rtt_s")) least_rtt = least_rtt ? std::min(*least_rtt, *rtt) : *rtt;
  if (least_rtt) whole.details.push_back({"min_rtt_s", *least_rtt});
  add_shares(done_, whole);
  const std::size_t streams = order_.streams;
  add_streams(done_, streams, whole);
  const SharedTime began = first.started_at.value_or(first.scheduled_at);
  for (std::size_t i = 0; i < done_.size(); ++i) add_iteration(done_[i], i, began, streams, whole);
  SONDE_ASSERT(whole.details.size() <= limits::details_per_result);
  return whole;
}

}  // namespace sonde
