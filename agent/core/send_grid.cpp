#include "agent/core/send_grid.h"

#include <algorithm>

#include "shared/base/error.h"

namespace sonde {
namespace {

constexpr nanoseconds wake_slot = std::chrono::milliseconds(1);

std::int64_t divide_down(nanoseconds a, nanoseconds b) {
  const std::int64_t quotient = a / b;
  return a % b < nanoseconds(0) ? quotient - 1 : quotient;
}

}  // namespace

SendGrid::SendGrid(SharedTime base, nanoseconds period, std::uint64_t seed)
    : base_(base), period_(period), random_(seed) {
  SONDE_ASSERT(period > nanoseconds(0));
  start(base);
}

void SendGrid::start(SharedTime from) {
  index_ = divide_down(from - base_ + period_ - nanoseconds(1), period_);
  draw();
  // Rounding down must not lead to before the start.
  next_ = std::max(next_, from);
}

std::optional<SharedTime> SendGrid::pop_due(SharedTime now) {
  if (now < next_) return std::nullopt;
  const SharedTime due = next_;
  ++index_;
  draw();
  return due;
}

void SendGrid::draw() {
  const auto within = static_cast<std::int64_t>(random_.below(static_cast<std::uint64_t>(period_.count())));
  const SharedTime begin = base_ + index_ * period_;
  next_ = begin + nanoseconds(within);
  // Never before its period: it would fall into the interval before.
  if (period_ >= 2 * wake_slot)
    next_ = std::max(begin, SharedTime(divide_down(next_.time_since_epoch(), wake_slot) * wake_slot));
}

}  // namespace sonde
