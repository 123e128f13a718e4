#include "shared/measure/direction_loss.h"

#include <algorithm>
#include <utility>

namespace sonde {
namespace {

/// Serial number arithmetic, right across the wrap of 32 bits.
std::int64_t distance(std::uint32_t from, std::uint32_t to) { return static_cast<std::int32_t>(to - from); }

}  // namespace

void DirectionLoss::on_probe(const ProbeFate& probe) {
  if (!probe.reply) {
    if (!probe.left_host) {
      ++absent_;
      return;
    }
    ++fresh_;
    if (probe.loaded) {
      ++loaded_;
      ++fresh_loaded_;
    }
    return;
  }
  if (probe.reply->reflected != probe.sequence) stateful_seen_ = true;
  ++(probe.loaded ? counts_.loaded : counts_).arrived;
  if (anchor_ && restarted(probe)) {
    ++restarts_;
    anchor_.reset();
  }
  if (anchor_) {
    close_gap(probe);
  } else {
    carry_ = 0;
    counts_.unattributed += fresh_;
  }
  fresh_ = aged_ = older_ = loaded_ = fresh_loaded_ = 0;
  absent_ = 0;
  anchor_ = {probe.sequence, probe.reply->reflected, probe.reply->extra_copies, probe.reply->received};
}

bool DirectionLoss::restarted(const ProbeFate& probe) const {
  const std::int64_t sent = distance(anchor_->sequence, probe.sequence);
  const std::int64_t reflected = distance(anchor_->reflected, probe.reply->reflected);
  // A probe that left after the other's reply had come cannot have been overtaken by it.
  const bool fell = reflected <= 0 && anchor_->received <= probe.sent;
  return fell || reflected < -settle || reflected > sent + settle;
}

void DirectionLoss::close_gap(const ProbeFate& probe) {
  const std::int64_t missing = static_cast<std::int64_t>(pending());
  const std::int64_t sent = distance(anchor_->sequence, probe.sequence);
  const std::int64_t reflected = distance(anchor_->reflected + anchor_->extra_copies, probe.reply->reflected);
  if (carry_ != 0 && distance(carry_since_, probe.sequence) > settle) carry_ = 0;
  const std::int64_t wanted = sent - absent_ - reflected + carry_;
  const std::int64_t forward = std::clamp<std::int64_t>(wanted, 0, missing);
  if (carry_ == 0) carry_since_ = probe.sequence;
  carry_ = wanted - forward;
  if (missing == 0) return;

  const std::int64_t recent = static_cast<std::int64_t>(fresh_ + aged_);
  const std::int64_t old = missing - recent;
  // Which of the missing ones were lost on the way there cannot be known; in proportion, but never more than there are.
  const std::int64_t share = (forward * recent + missing / 2) / missing;
  const std::int64_t recent_forward =
      std::clamp(share, std::max<std::int64_t>(0, forward - old), std::min(forward, recent));
  const auto loaded = static_cast<std::int64_t>(loaded_);
  const std::int64_t loaded_share = recent == 0 ? 0 : (recent_forward * loaded + recent / 2) / recent;
  const std::int64_t loaded_forward = std::clamp(
      loaded_share, std::max<std::int64_t>(0, recent_forward - (recent - loaded)), std::min(recent_forward, loaded));
  const std::int64_t idle_forward = recent_forward - loaded_forward;
  counts_.loaded.forward_lost += static_cast<std::uint64_t>(loaded_forward);
  counts_.loaded.reverse_lost += static_cast<std::uint64_t>(loaded - loaded_forward);
  counts_.forward_lost += static_cast<std::uint64_t>(idle_forward);
  counts_.reverse_lost += static_cast<std::uint64_t>(recent - loaded - idle_forward);
  counts_.older_forward_lost += static_cast<std::uint64_t>(forward - recent_forward);
  counts_.older_reverse_lost += static_cast<std::uint64_t>(old - (forward - recent_forward));
}

LossCounts DirectionLoss::take() {
  counts_.unattributed += fresh_;
  older_ += aged_;
  aged_ = fresh_;
  loaded_ = fresh_loaded_;
  fresh_ = fresh_loaded_ = 0;
  return std::exchange(counts_, LossCounts{});
}

}  // namespace sonde
