#include "agent/core/clock_estimator.h"

#include <algorithm>

namespace sonde {

bool ClockEstimator::add(MonoTime now, const ClockExchange& exchange) {
  const nanoseconds there = exchange.received.time_since_epoch() - exchange.sent.time_since_epoch();
  const nanoseconds back = exchange.replied.time_since_epoch() - exchange.returned.time_since_epoch();
  const nanoseconds trip = there - back;
  if (trip < nanoseconds(0) || exchange.replied < exchange.received || exchange.returned < exchange.sent) return false;
  const nanoseconds drifted = from_seconds(to_seconds(now.time_since_epoch()) * drift);
  const Sample sample{now, (there + back) / 2, trip / 2, trip / 2 - drifted};
  if (const Sample* estimate = best()) {
    const nanoseconds apart = std::chrono::abs(sample.offset - estimate->offset);
    if (apart > error_at(*estimate, now) + sample.half_trip + step) {
      samples_.clear();
      ++steps_;
    }
  }
  samples_.push_back(sample);
  if (samples_.size() > window) samples_.pop_front();
  settle_best();
  return true;
}

void ClockEstimator::watch(Now now) {
  if (watched_) {
    const nanoseconds passed = now.mono - watched_->mono;
    const nanoseconds apart = std::chrono::abs((now.wall - watched_->wall) - passed);
    if (apart > step + from_seconds(to_seconds(passed) * slew)) {
      samples_.clear();
      ++steps_;
    }
  }
  watched_ = now;
}

nanoseconds ClockEstimator::error_at(const Sample& sample, MonoTime now) {
  return sample.half_trip + from_seconds(to_seconds(now - sample.taken) * drift);
}

void ClockEstimator::settle_best() {
  best_ = static_cast<std::size_t>(std::ranges::min_element(samples_, {}, &Sample::rank) - samples_.begin());
}

ClockMap ClockEstimator::at(MonoTime now) const {
  const Sample* estimate = best();
  if (estimate == nullptr) return {};
  return {estimate->offset, error_at(*estimate, now), true};
}

}  // namespace sonde
