#include "agent/core/received_runs.h"

#include <algorithm>

namespace sonde {
namespace {

std::int64_t distance(std::uint32_t from, std::uint32_t to) { return static_cast<std::int32_t>(to - from); }

}  // namespace

void ReceivedRuns::add(std::uint32_t sequence) {
  for (std::size_t behind = size_; behind > 0; --behind) {
    Run& run = runs_[behind - 1];
    const std::int64_t past = distance(run.last, sequence);
    if (past > 1) return insert_behind(behind, sequence);
    if (past == 1) {
      run.last = sequence;
      return merge_with_next(behind - 1);
    }
    const std::int64_t before = distance(sequence, run.first);
    if (before <= 0) return;  // a copy
    if (before > 1) continue;
    run.first = sequence;
    if (behind > 1) merge_with_next(behind - 2);
    return;
  }
  insert_behind(0, sequence);
}

/// Never back: what came late into the dropped part does not make it whole again.
void ReceivedRuns::drop_up_to(std::uint32_t sequence) {
  if (!dropped_ || distance(complete_from_, sequence + 1) > 0) complete_from_ = sequence + 1;
  dropped_ = true;
}

/// A new run with `place` runs before it.
void ReceivedRuns::insert_behind(std::size_t place, std::uint32_t sequence) {
  if (size_ == capacity) {
    if (place == 0) return drop_up_to(sequence);
    drop_up_to(runs_.front().last);
    remove(0);
    --place;
  }
  std::move_backward(runs_.begin() + static_cast<std::ptrdiff_t>(place),
                     runs_.begin() + static_cast<std::ptrdiff_t>(size_),
                     runs_.begin() + static_cast<std::ptrdiff_t>(size_ + 1));
  runs_[place] = {sequence, sequence};
  ++size_;
}

void ReceivedRuns::merge_with_next(std::size_t place) {
  if (place + 1 >= size_ || runs_[place].last + 1 != runs_[place + 1].first) return;
  runs_[place].last = runs_[place + 1].last;
  remove(place + 1);
}

void ReceivedRuns::remove(std::size_t place) {
  std::move(runs_.begin() + static_cast<std::ptrdiff_t>(place + 1), runs_.begin() + static_cast<std::ptrdiff_t>(size_),
            runs_.begin() + static_cast<std::ptrdiff_t>(place));
  --size_;
}

ReceivedRuns::Count ReceivedRuns::count(std::uint32_t first, std::uint32_t last) const {
  const std::int64_t reach = distance(first, last);
  if (reach < 0 || (dropped_ && distance(complete_from_, first) < 0)) return {};
  Count count{.known = true, .received = 0};
  for (std::size_t i = 0; i < size_; ++i) {
    const std::int64_t from = std::max<std::int64_t>(distance(first, runs_[i].first), 0);
    const std::int64_t to = std::min(distance(first, runs_[i].last), reach);
    if (from <= to) count.received += static_cast<std::uint64_t>(to - from + 1);
  }
  return count;
}

}  // namespace sonde
