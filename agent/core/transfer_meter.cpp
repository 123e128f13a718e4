#include "agent/core/transfer_meter.h"

#include <fmt/format.h>

#include <algorithm>
#include <numeric>

#include "agent/core/send_window.h"

namespace sonde {
namespace {

using namespace std::chrono_literals;

/// Silence before the end that is more than this, and more than 8 usual gaps, means that the data had stopped.
constexpr nanoseconds min_silence = 1s;

void set(wire::TransferFinished& report, Tag tag) { report.tags |= static_cast<std::uint32_t>(tag); }

void add_values(wire::TransferFinished& report, const ThroughputEstimate& estimate) {
  if (estimate.steady_bps) report.values.push_back({Metric::throughput, *estimate.steady_bps});
  if (estimate.total_bps) report.values.push_back({Metric::throughput_total, *estimate.total_bps});
  report.details.push_back({"knee", static_cast<double>(estimate.knee)});
  report.details.push_back({"burst_bytes", static_cast<double>(estimate.burst_bytes)});
  report.details.push_back({"steady_s", to_seconds(estimate.steady_time)});
  report.details.push_back({"steady_bytes", static_cast<double>(estimate.steady_bytes)});
  if (estimate.unevenness) report.details.push_back({"unevenness", *estimate.unevenness});
  if (!estimate.half_width) return;
  report.details.push_back({"interval_ratio", *estimate.half_width});
  report.details.push_back({"batches", static_cast<double>(estimate.batches)});
}

}  // namespace

TransferMeter::TransferMeter(const TransferMeterPlan& plan, MonoTime began)
    : plan_(plan), began_(began), next_check_(began + check_every) {
  readings_.reserve(max_readings + 1);
}

void TransferMeter::add(MonoTime at, std::uint64_t bytes, Remarks remarks) {
  bytes = std::min(bytes, plan_.max_bytes.count - bytes_);
  incomplete_ = remarks.incomplete;
  if (remarks.repeated) last_repeat_ = ArrivalReading{at, bytes_ + bytes};
  if (bytes == 0) return;
  bytes_ += bytes;
  ++reads_;
  keep({at, bytes_});
}

void TransferMeter::keep(ArrivalReading reading) {
  if (newest_is_extra_) readings_.pop_back();
  newest_is_extra_ = (reads_ - 1) % stride_ != 0;
  readings_.push_back(reading);
  if (readings_.size() <= max_readings) return;
  std::size_t kept = 0;
  for (std::size_t i = 0; i < readings_.size(); i += 2) readings_[kept++] = readings_[i];
  readings_.resize(kept);
  stride_ *= 2;
  newest_is_extra_ = false;
}

/// On a slow link the end of a bucket takes TCP by surprise: its timer repeats what still waits in the queue. The
/// steady part begins behind that, where enough comes behind it.
ThroughputEstimate TransferMeter::estimate() const {
  const auto whole = estimate_throughput(readings_, plan_.rtt);
  if (!last_repeat_ || last_repeat_->at <= whole.steady_from) return whole;
  const bool enough_behind = bytes_ - last_repeat_->bytes >= segments_wanted * plan_.segment_bytes;
  if (!enough_behind || whole.steady_bytes >= segments_enough * plan_.segment_bytes) return whole;
  return estimate_throughput(readings_, plan_.rtt, last_repeat_->at);
}

bool TransferMeter::long_enough(const ThroughputEstimate& estimate) const {
  if (estimate.knee == Knee::ambiguous) {
    // A burst behind which hardly anything came yet looks so, too.
    const MonoTime middle = readings_.front().at + (readings_.back().at - readings_.front().at) / 2;
    const auto late = std::ranges::lower_bound(readings_, middle, {}, &ArrivalReading::at);
    const std::uint64_t bytes = bytes_ - late->bytes;
    if (bytes < 2 * segments_wanted * plan_.segment_bytes) return false;
    const double rate = 8 * static_cast<double>(bytes) / to_seconds(readings_.back().at - middle);
    if (rate < slow_bps && readings_.back().at - readings_.front().at < 2 * plan_.duration) return false;
  }
  const bool quiet = !last_repeat_ || last_repeat_->at <= estimate.steady_from;
  return estimate.steady_bytes >= (quiet ? segments_wanted : segments_enough) * plan_.segment_bytes;
}

bool TransferMeter::past_any_bucket(const ThroughputEstimate& estimate) const {
  if (estimate.knee == Knee::ambiguous) return false;
  return estimate.fell || bytes_ >= largest_bucket || *estimate.steady_bps < surely_paced_bps;
}

nanoseconds TransferMeter::least_steady(const ThroughputEstimate& estimate) const {
  return estimate.fell && estimate.burst_bytes > 4 * largest_bucket ? even_for_after_slump : even_for;
}

/// The sender's window has been open for most of the run.
bool TransferMeter::mostly_open() const {
  const auto opened = std::ranges::lower_bound(readings_, SendWindow::largest_bucket, {}, &ArrivalReading::bytes);
  if (opened == readings_.end()) return false;
  return readings_.back().at - opened->at >= std::max(even_for, (opened->at - readings_.front().at) * 5 / 4);
}

/// Arrivals on a straight line speak for themselves: the interval is then far within its bound, long before there are
/// batches of ten round trips.
bool TransferMeter::even(const ThroughputEstimate& estimate) {
  const nanoseconds least = std::max(least_steady(estimate), plan_.rtt.value_or(0ns) * 3 / 2);
  const nanoseconds elapsed = readings_.back().at - readings_.front().at;
  if (even_looks_ >= even_looks || estimate.steady_time < least || elapsed < next_even_look_) return false;
  if (*estimate.steady_bps >= opens_soon_bps && !mostly_open()) return false;
  ++even_looks_;
  next_even_look_ = elapsed * 9 / 8;
  return estimate.unevenness && *estimate.unevenness <= throughput_even;
}

bool TransferMeter::settled(const ThroughputEstimate& estimate) {
  if (!estimate.look_width || estimate.steady_time < least_steady(estimate)) return false;
  if (looks_ >= throughput_looks || estimate.steady_time < next_look_) return false;
  ++looks_;
  next_look_ = estimate.steady_time * 3 / 2;
  return *estimate.look_width <= throughput_settled_width;
}

std::optional<TransferEnd> TransferMeter::check(MonoTime now) {
  if (budget_used()) return TransferEnd::budget;
  if (now < next_check_) return std::nullopt;
  next_check_ = now + check_every;
  const nanoseconds elapsed = now - began_;
  if (elapsed >= plan_.max_duration) return TransferEnd::cut;
  if (readings_.size() < throughput_min_reads) return std::nullopt;
  const auto estimate = this->estimate();
  if (!long_enough(estimate)) return std::nullopt;
  if (plan_.may_settle && past_any_bucket(estimate) && (even(estimate) || settled(estimate)))
    return TransferEnd::settled;
  if (now - readings_.front().at >= plan_.duration) return TransferEnd::duration;
  return std::nullopt;
}

bool TransferMeter::went_silent(MonoTime now) const {
  const MonoTime last = readings_.empty() ? began_ : readings_.back().at;
  const MonoTime first = readings_.empty() ? began_ : readings_.front().at;
  const nanoseconds usual_gap = reads_ > 1 ? (last - first) / static_cast<std::int64_t>(reads_ - 1) : nanoseconds{0};
  return now - last > std::max({min_silence, usual_gap * 8, plan_.rtt.value_or(0ns) * 3});
}

void TransferMeter::add_streams(wire::TransferFinished& report) const {
  if (readings_.empty() || stream_bytes_.size() < 2) return;
  const nanoseconds time = readings_.back().at - readings_.front().at;
  for (std::size_t i = 0; i < stream_bytes_.size(); ++i) {
    const auto bytes = static_cast<double>(stream_bytes_[i]);
    report.details.push_back({fmt::format("stream_{}_bytes", i), bytes});
    if (time > 0ns) report.details.push_back({fmt::format("stream_{}_bps", i), 8 * bytes / to_seconds(time)});
  }
}

wire::TransferFinished TransferMeter::report(const wire::Token& token, MonoTime now, TransferEnd end) const {
  wire::TransferFinished report;
  report.token = token;
  const auto estimate = this->estimate();
  const bool enough = estimate.steady_bytes >= segments_wanted * plan_.segment_bytes;

  const std::uint64_t bytes = std::accumulate(stream_bytes_.begin(), stream_bytes_.end(), std::uint64_t{0});
  report.details.push_back({"bytes", static_cast<double>(stream_bytes_.empty() ? bytes_ : bytes)});
  report.details.push_back({"reads", static_cast<double>(reads_)});
  report.details.push_back({"streams", static_cast<double>(plan_.streams)});
  report.details.push_back({"duration_s", to_seconds(now - began_)});
  report.details.push_back({"ended_by", static_cast<double>(end)});
  report.details.push_back({"looks", static_cast<double>(looks_)});
  const bool closed_at_once = end == TransferEnd::closed && bytes_ == 0;
  if (end != TransferEnd::budget && !closed_at_once && (bytes_ == 0 || went_silent(now))) {
    report.outcome = Outcome::timeout;
    report.reason =
        bytes_ == 0 ? fmt::format("no data came within {:.3g} s", to_seconds(now - began_))
                    : fmt::format("the data stopped {:.3g} s before the end", to_seconds(now - readings_.back().at));
    return report;
  }
  if (!estimate.steady_bps && end == TransferEnd::closed) {
    report.outcome = Outcome::reset;
    report.reason = fmt::format("only {} reads in {:.3g} s", reads_, to_seconds(now - began_));
    return report;
  }
  if (estimate.steady_bps) add_values(report, estimate);
  add_streams(report);
  if (estimate.steady_bps && estimate.knee == Knee::none) set(report, Tag::upper_bound);
  if (end == TransferEnd::settled) set(report, Tag::settled);
  if (!enough) set(report, Tag::few_segments);
  if (end == TransferEnd::budget) set(report, Tag::budget_ended);
  if ((end == TransferEnd::cut || end == TransferEnd::closed) && !enough) set(report, Tag::slot_ended);
  return report;
}

}  // namespace sonde
