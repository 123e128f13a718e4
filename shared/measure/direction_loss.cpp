#include "shared/measure/direction_loss.h"

#include <algorithm>
#include <utility>

namespace sonde {
namespace {

/// Serial number arithmetic, right across the wrap of 32 bits.
std::int64_t distance(std::uint32_t from, std::uint32_t to) { return static_cast<std::int32_t>(to - from); }

/// How many of `hits` out of `all` fall on a part of them: in proportion, but no more than there are on either side.
std::uint64_t share_of(std::uint64_t hits, std::uint64_t all, std::uint64_t part) {
  if (all == 0) return 0;
  const std::uint64_t proportional = (hits * part + all / 2) / all;
  const std::uint64_t others = all - part;
  return std::clamp(proportional, hits > others ? hits - others : 0, std::min(hits, part));
}

void add(LossShares& sum, const LossShares& more) {
  sum.arrived += more.arrived;
  sum.forward_lost += more.forward_lost;
  sum.reverse_lost += more.reverse_lost;
}

}  // namespace

TailShares decide_tail(const LossTail& tail, std::uint64_t received) {
  const std::uint64_t forward = tail.sent - std::min(received, tail.sent);
  const std::uint64_t loaded = share_of(forward, tail.sent, tail.loaded);
  const std::uint64_t idle = forward - loaded;
  return {.idle = {.forward_lost = idle, .reverse_lost = tail.sent - tail.loaded - idle},
          .loaded = {.forward_lost = loaded, .reverse_lost = tail.loaded - loaded}};
}

void DirectionLoss::on_probe(const ProbeFate& probe) {
  if (!probe.reply) {
    if (!probe.left_host) {
      ++absent_;
      return;
    }
    if (fresh_.sent == 0) fresh_.first = probe.sequence;
    fresh_.last = probe.sequence;
    ++fresh_.sent;
    if (probe.loaded) ++fresh_.loaded;
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
    counts_.unattributed += fresh_.sent;
  }
  fresh_ = aged_ = {};
  older_ = 0;
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
  const std::uint64_t missing = pending();
  const std::int64_t sent = distance(anchor_->sequence, probe.sequence);
  const std::int64_t reflected = distance(anchor_->reflected + anchor_->extra_copies, probe.reply->reflected);
  if (carry_ != 0 && distance(carry_since_, probe.sequence) > settle) carry_ = 0;
  const std::int64_t wanted = sent - absent_ - reflected + carry_;
  const std::int64_t forward = std::clamp<std::int64_t>(wanted, 0, static_cast<std::int64_t>(missing));
  if (carry_ == 0) carry_since_ = probe.sequence;
  carry_ = wanted - forward;
  if (missing == 0) return;

  // Which of the missing ones were lost on the way there cannot be known: in proportion.
  const auto there = static_cast<std::uint64_t>(forward);
  const std::uint64_t recent = missing - older_;
  const std::uint64_t recent_there = share_of(there, missing, recent);
  const std::uint64_t aged_there = share_of(recent_there, recent, aged_.sent);
  const TailShares aged = decide_tail(aged_, aged_.sent - aged_there);
  const TailShares fresh = decide_tail(fresh_, fresh_.sent - (recent_there - aged_there));
  for (const TailShares* shares : {&aged, &fresh}) {
    add(counts_, shares->idle);
    add(counts_.loaded, shares->loaded);
  }
  add(counts_.previous, aged.idle);
  add(counts_.previous_loaded, aged.loaded);
  counts_.older_forward_lost += there - recent_there;
  counts_.older_reverse_lost += older_ - (there - recent_there);
}

LossCounts DirectionLoss::take() {
  counts_.unattributed += fresh_.sent;
  counts_.tail = fresh_;
  older_ += aged_.sent;
  aged_ = std::exchange(fresh_, {});
  return std::exchange(counts_, LossCounts{});
}

}  // namespace sonde
