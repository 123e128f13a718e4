#include "coordinator/core/slot_board.h"

#include <algorithm>

#include "shared/base/error.h"

namespace sonde {
namespace {

/// The first that ends after t.
template <typename List>
auto first_after(List& busy, std::int64_t t) {
  return std::ranges::upper_bound(busy, t, {}, &SlotBoard::Busy::end);
}

}  // namespace

std::optional<std::int64_t> SlotBoard::obstacle(const Run& run, std::int64_t start) const {
  const std::int64_t length = run.job.length.count();
  for (std::int64_t shift = 0; shift < period_; shift += run.every)
    for (const std::uint32_t unit : {run.job.a, run.job.b}) {
      const auto next = first_after(busy_[unit], start + shift);
      if (next != busy_[unit].end() && next->start < start + shift + length) return next->end - shift;
    }
  return std::nullopt;
}

std::optional<std::int64_t> SlotBoard::first_fit(const Run& run, std::int64_t from, std::int64_t until) const {
  const std::int64_t last = std::min(until, run.every) - run.job.length.count();
  for (std::int64_t start = from; start <= last;) {
    const auto later = obstacle(run, start);
    if (!later) return start;
    start = *later;
  }
  return std::nullopt;
}

void SlotBoard::add(const Run& run, std::int64_t start, std::uint32_t name) {
  for (std::int64_t shift = 0; shift < period_; shift += run.every) {
    const Busy entry{start + shift, start + shift + run.job.length.count(), name};
    for (const std::uint32_t unit : {run.job.a, run.job.b}) {
      std::vector<Busy>& busy = busy_[unit];
      if (busy.empty() || busy.back().end <= entry.start)
        busy.push_back(entry);
      else
        busy.insert(first_after(busy, entry.start), entry);
      if (run.job.a == run.job.b) break;
    }
  }
}

void SlotBoard::remove(const Run& run, std::int64_t start) {
  for (std::int64_t shift = 0; shift < period_; shift += run.every)
    for (const std::uint32_t unit : {run.job.a, run.job.b}) {
      const auto at = first_after(busy_[unit], start + shift);
      SONDE_ASSERT(at != busy_[unit].end() && at->start == start + shift);
      busy_[unit].erase(at);
      if (run.job.a == run.job.b) break;
    }
}

}  // namespace sonde
