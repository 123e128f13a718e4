#include "agent/core/send_grid.h"

#include <algorithm>

#include "shared/base/error.h"

namespace sonde {
namespace {

constexpr nanoseconds least_slot = std::chrono::milliseconds(1);
constexpr nanoseconds most_slot = std::chrono::milliseconds(4);
constexpr double few_per_second = 100;
constexpr std::int64_t least_slots = 10;  // in a period

std::int64_t divide_down(nanoseconds a, nanoseconds b) {
  const std::int64_t quotient = a / b;
  return a % b < nanoseconds(0) ? quotient - 1 : quotient;
}

}  // namespace

nanoseconds wake_slot(double probes_per_second) {
  if (probes_per_second < few_per_second) return least_slot;
  const nanoseconds apart(static_cast<std::int64_t>(1e9 / probes_per_second));
  return std::clamp(apart / least_slot * least_slot, least_slot, most_slot);
}

SendGrid::SendGrid(SharedTime base, nanoseconds period, nanoseconds slot, std::uint64_t seed)
    : base_(base), period_(period), slot_(period >= least_slots * slot ? slot : least_slot), random_(seed) {
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
  if (period_ >= 2 * slot_) next_ = std::max(begin, SharedTime(divide_down(next_.time_since_epoch(), slot_) * slot_));
}

}  // namespace sonde
