#include "agent/core/reply_moderation.h"

namespace sonde {

std::optional<MonoTime> ReplyModeration::after_reading(MonoTime now, std::size_t requests) {
  seen_ += requests;
  if (now - began_ >= window) {
    busy_ = static_cast<double>(seen_) >= busy_rate * to_seconds(now - began_);
    began_ = now;
    seen_ = 0;
  }
  if (!busy_) return std::nullopt;
  return now + gather_for;
}

}  // namespace sonde
