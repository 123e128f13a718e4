#include "coordinator/core/free_gaps.h"

#include <algorithm>
#include <utility>

#include "shared/base/error.h"

namespace sonde {

bool FreeGaps::keep(std::uint32_t a, std::uint32_t b, std::int64_t start, std::int64_t length, std::int64_t least) {
  if (start < 0 || start + length > until_ || start < busy_until_[a] || start < busy_until_[b]) return false;
  for (const std::uint32_t unit : {a, b}) {
    std::int64_t& busy_until = busy_until_[unit];
    if (busy_until <= start && start - busy_until >= least) gaps_[unit].push_back({busy_until, start});
    busy_until = start + length;
  }
  return true;
}

void FreeGaps::close() {
  for (std::uint32_t unit = 0; unit < gaps_.size(); ++unit)
    if (busy_until_[unit] < until_) gaps_[unit].push_back({busy_until_[unit], until_});
}

void FreeGaps::repeat(std::int64_t until) {
  for (Gaps& gaps : gaps_) {
    const Gaps once = gaps;
    for (std::int64_t shift = until_; shift < until; shift += until_)
      for (const Gap& gap : once) {
        const Gap next{gap.start + shift, gap.end + shift};
        if (!gaps.empty() && gaps.back().end == next.start)
          gaps.back().end = next.end;
        else
          gaps.push_back(next);
      }
  }
  until_ = until;
}

FreeGaps::Gaps::const_iterator FreeGaps::first_after(const Gaps& gaps, std::int64_t t) {
  return std::ranges::upper_bound(gaps, t, {}, &Gap::end);
}

std::optional<std::int64_t> FreeGaps::common(std::uint32_t a, std::uint32_t b, std::int64_t length) const {
  const bool a_is_shorter = gaps_[a].size() <= gaps_[b].size();
  const Gaps& few = gaps_[a_is_shorter ? a : b];
  const Gaps& many = gaps_[a_is_shorter ? b : a];
  for (const Gap& gap : few) {
    if (gap.end - gap.start < length) continue;
    for (auto other = first_after(many, gap.start); other != many.end() && other->start < gap.end; ++other) {
      const std::int64_t start = std::max(gap.start, other->start);
      if (std::min(gap.end, other->end) - start >= length) return start;
    }
  }
  return std::nullopt;
}

bool FreeGaps::is_free(std::uint32_t unit, std::int64_t start, std::int64_t end) const {
  const auto gap = first_after(gaps_[unit], start);
  return gap != gaps_[unit].end() && gap->start <= start && end <= gap->end;
}

std::optional<std::int64_t> FreeGaps::next(std::uint32_t unit, std::int64_t from, std::int64_t length) const {
  const Gaps& gaps = gaps_[unit];
  for (auto gap = first_after(gaps, from); gap != gaps.end(); ++gap)
    if (const std::int64_t start = std::max(from, gap->start); gap->end - start >= length) return start;
  return std::nullopt;
}

void FreeGaps::take(Gaps& gaps, std::int64_t start, std::int64_t end) const {
  const auto gap = gaps.begin() + (first_after(gaps, start) - gaps.cbegin());
  SONDE_ASSERT(gap != gaps.end() && gap->start <= start && end <= gap->end);
  const Gap behind{end, gap->end};
  const bool keeps_before = is_worth(start - gap->start);
  const bool keeps_behind = is_worth(behind.end - behind.start);
  if (keeps_before) {
    gap->end = start;
    if (keeps_behind) gaps.insert(gap + 1, behind);
  } else if (keeps_behind) {
    *gap = behind;
  } else {
    gaps.erase(gap);
  }
}

void FreeGaps::give_back(Gaps& gaps, std::int64_t start, std::int64_t end) {
  auto next = gaps.begin() + (first_after(gaps, start) - gaps.cbegin());
  const bool joins_next = next != gaps.end() && next->start == end;
  const bool joins_last = next != gaps.begin() && (next - 1)->end == start;
  if (joins_last && joins_next) {
    (next - 1)->end = next->end;
    gaps.erase(next);
  } else if (joins_last) {
    (next - 1)->end = end;
  } else if (joins_next) {
    next->start = start;
  } else {
    gaps.insert(next, {start, end});
  }
}

/// In one pass: many repetitions would each move all gaps behind them.
void FreeGaps::take_all(Gaps& gaps, std::int64_t start, std::int64_t length, std::int64_t every) const {
  Gaps left;
  left.reserve(gaps.size());
  for (Gap gap : gaps) {
    for (; start < gap.end; start += every) {
      SONDE_ASSERT(gap.start <= start && start + length <= gap.end);
      if (is_worth(start - gap.start)) left.push_back({gap.start, start});
      gap.start = start + length;
    }
    if (is_worth(gap.end - gap.start)) left.push_back(gap);
  }
  SONDE_ASSERT(start >= until_);
  gaps = std::move(left);
}

void FreeGaps::take_all(std::uint32_t a, std::uint32_t b, std::int64_t start, std::int64_t length, std::int64_t every) {
  constexpr std::int64_t few = 4;
  if (until_ / every <= few) {
    for (std::int64_t at = start; at < until_; at += every) take(a, b, at, length);
    return;
  }
  take_all(gaps_[a], start, length, every);
  if (b != a) take_all(gaps_[b], start, length, every);
}

void FreeGaps::take(std::uint32_t a, std::uint32_t b, std::int64_t start, std::int64_t length) {
  take(gaps_[a], start, start + length);
  if (b != a) take(gaps_[b], start, start + length);
}

void FreeGaps::give_back(std::uint32_t a, std::uint32_t b, std::int64_t start, std::int64_t length) {
  give_back(gaps_[a], start, start + length);
  if (b != a) give_back(gaps_[b], start, start + length);
}

}  // namespace sonde
