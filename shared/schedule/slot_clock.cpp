#include "shared/schedule/slot_clock.h"

#include <algorithm>
#include <iterator>
#include <limits>
#include <tuple>

namespace sonde {
namespace {

using namespace std::chrono_literals;

/// Timetables come over the network: what is outside would overflow, and cannot be meant.
constexpr nanoseconds longest_interval = 24h * 366;
constexpr nanoseconds shortest_interval = 1ms;
constexpr SharedTime latest_epoch = SharedTime(24h * 365 * 200);

bool is_sane(SharedTime epoch, nanoseconds offset, nanoseconds every, nanoseconds length) {
  return epoch >= SharedTime(0ns) && epoch <= latest_epoch && every >= shortest_interval && every <= longest_interval &&
         offset >= 0ns && offset <= longest_interval && length >= 0ns && length <= longest_interval;
}

std::vector<DailyHours> quiet_hours(const Timetable& timetable, const Link& link) {
  std::vector<DailyHours> hours;
  for (const QuietSite& quiet : timetable.quiet)
    if ((quiet.site == link.from || quiet.site == link.to) && quiet.hours.from >= 0ns && quiet.hours.from < 24h &&
        quiet.hours.length > 0ns && quiet.hours.length < 24h)
      hours.push_back(quiet.hours);
  return hours;
}

}  // namespace

bool SlotClock::Series::is_quiet(std::int64_t k) const {
  return std::ranges::any_of(quiet, [&](const DailyHours& hours) { return sonde::is_quiet(hours, at(k), length); });
}

/// Of a span of slots the last that quiet hours do not leave out, and how many there are; looks back
/// `most_quiet_looked_at` slots and takes what lies before for ordinary.
std::int64_t SlotClock::Series::quiet_among(std::int64_t first, std::int64_t last) const {
  if (quiet.empty()) return 0;
  std::int64_t count = 0;
  for (std::int64_t k = std::max(first, last - most_quiet_looked_at); k <= last; ++k)
    if (is_quiet(k) && !was_started(k)) ++count;
  return count;
}

bool SlotClock::Series::was_started(std::int64_t k) const {
  return std::ranges::any_of(started, [&](const auto& span) { return span.first <= k && k <= span.second; });
}

void SlotClock::Series::mark_started(std::int64_t k) {
  const auto after = std::ranges::find_if(started, [&](const auto& span) { return span.second >= k - 1; });
  if (after != started.end() && after->first <= k + 1) {
    after->first = std::min(after->first, k);
    after->second = std::max(after->second, k);
    const auto behind = std::next(after);
    if (behind != started.end() && behind->first <= after->second + 1) {
      after->second = behind->second;
      started.erase(behind);
    }
  } else {
    started.insert(after, {k, k});
  }
  if (started.size() <= most_spans) return;
  started[1].first = started[0].first;
  started.erase(started.begin());
}

std::int64_t SlotClock::Series::first_not_before(SharedTime t) const {
  if (t <= base) return 0;
  const std::int64_t since = (t - base).count();
  return since / every.count() + (since % every.count() != 0 ? 1 : 0);
}

SlotClock::Carried SlotClock::carried(Timetable timetable, const SiteId& self) {
  Carried out;
  const Policy& policy = timetable.policy;
  if (policy.throughput)
    for (const ThroughputSlot& slot : timetable.slots)
      if (slot.link.from == self && is_sane(timetable.epoch, slot.start, timetable.interval(slot), slot.length))
        out.series.push_back({Due::Kind::throughput,
                              slot.link,
                              timetable.epoch + slot.start,
                              timetable.interval(slot),
                              slot.length,
                              slot.round,
                              quiet_hours(timetable, slot.link),
                              {}});
  if (policy.connect)
    for (const LinkPhase& phase : timetable.phases)
      if (phase.link.from == self &&
          is_sane(timetable.epoch, phase.connect_phase, policy.connect->every, policy.connect->timeout))
        out.series.push_back({Due::Kind::connect,
                              phase.link,
                              timetable.epoch + phase.connect_phase,
                              policy.connect->every,
                              policy.connect->timeout,
                              Round{},
                              {},
                              {}});
  out.timetable = std::move(timetable);
  return out;
}

bool SlotClock::set(Timetable own, const SiteId& self) {
  const Generation newest = waiting_.empty() ? generation() : waiting_.back().timetable.generation;
  if (own.generation <= newest) return false;
  // Time from before the first timetable is nobody's loss.
  if (!current_ && waiting_.empty()) decided_.reset();
  std::erase_if(waiting_, [&](const Carried& older) { return older.timetable.effective_at >= own.effective_at; });
  if (waiting_.size() >= most_waiting) waiting_.erase(waiting_.begin());
  waiting_.push_back(carried(std::move(own), self));
  settle_next();
  return true;
}

/// What was started stays started where the instants are the same ones as before.
void SlotClock::take_over(Carried next) {
  if (current_) {
    std::map<std::tuple<Due::Kind, Link>, const Series*> old;
    for (const Series& series : current_->series) old[{series.kind, series.link}] = &series;
    for (Series& series : next.series)
      if (const auto at = old.find({series.kind, series.link}); at != old.end() && series.same_instants(*at->second))
        series.started = at->second->started;
  }
  current_ = std::move(next);
}

/// A run of the old timetable must not reach into the new one, nor one of the new begin inside the last of the old.
bool SlotClock::clashes(const Series& series, SharedTime at) const {
  if (series.kind != Due::Kind::throughput) return false;
  const bool reaches_over = !waiting_.empty() && at + series.length > waiting_.front().timetable.effective_at;
  return reaches_over || at < busy_until_;
}

/// Slots first..last that were not started; `newest` becomes the last of them.
std::int64_t SlotClock::Series::not_started(std::int64_t first, std::int64_t last, std::int64_t& newest) const {
  std::int64_t count = last - first + 1;
  newest = last;
  for (auto span = started.rbegin(); span != started.rend(); ++span) {
    if (span->first <= newest && newest <= span->second) newest = span->first - 1;
    count -= std::max<std::int64_t>(0, std::min(span->second, last) - std::max(span->first, first) + 1);
  }
  return count;
}

/// Decides the instants of one series in [before, now], or [before, end) where an end is given.
void SlotClock::advance_series(Series& series, SharedTime before, std::optional<SharedTime> end, SharedTime now,
                               std::vector<Due>& out) {
  const Timetable& timetable = current_->timetable;
  const std::int64_t first = series.first_not_before(std::max(before, timetable.effective_at));
  std::int64_t last = series.first_not_before(end ? *end : now + 1ns) - 1;
  if (first > last) return;
  const auto add = [&](std::int64_t k, bool missed, std::int64_t count) {
    const auto turn = static_cast<std::uint64_t>(k);
    const bool is_run = series.kind == Due::Kind::throughput;
    const Round round{static_cast<std::uint32_t>(is_run ? turn * timetable.rounds + series.round.number : turn)};
    out.push_back({series.kind, series.link, round, series.at(k), series.length, timetable.generation, missed,
                   static_cast<std::uint64_t>(count)});
  };
  // Only the newest can be in time; starting those before it as well would bunch.
  while (first <= last && series.is_quiet(last)) --last;
  if (first > last) return;
  const SharedTime at = series.at(last);
  const bool in_time = now - at <= std::min(tolerance, series.length);
  if (in_time && !series.was_started(last) && !clashes(series, at)) {
    series.mark_started(last);
    if (series.kind == Due::Kind::throughput) busy_until_ = at + series.length;
    add(last, false, 1);
    --last;
  }
  std::int64_t newest = last;
  const std::int64_t missed = series.not_started(first, last, newest) - series.quiet_among(first, last);
  if (missed > 0) add(newest, true, missed);
}

void SlotClock::advance(SharedTime before, std::optional<SharedTime> end, SharedTime now, std::vector<Due>& out) {
  if (!current_) return;
  for (Series& series : current_->series) advance_series(series, before, end, now, out);
}

std::vector<SlotClock::Due> SlotClock::due(SharedTime now) {
  if (!decided_) decided_ = now;
  if (now + 1ns + back_slack < *decided_) {
    // What is left of the last run is left of it still.
    busy_until_ = now + std::max(nanoseconds(0), busy_until_ - std::max(*decided_, SharedTime(0ns)));
    decided_ = now;
    next_ = SharedTime::min();
  }
  if (now < *decided_) return {};
  if (now < next_ && next_ != SharedTime::min()) {
    decided_ = now;
    return {};
  }
  std::vector<Due> out;
  while (!waiting_.empty() && waiting_.front().timetable.effective_at <= now) {
    const SharedTime at = waiting_.front().timetable.effective_at;
    if (at > *decided_) {
      advance(*decided_, at, now, out);
      decided_ = at;
    }
    take_over(std::move(waiting_.front()));
    waiting_.erase(waiting_.begin());
  }
  advance(*decided_, std::nullopt, now, out);
  decided_ = now + 1ns;
  settle_next();
  std::ranges::stable_sort(out, {}, [](const Due& due) { return std::tuple(due.missed, due.scheduled_at, due.link); });
  return out;
}

void SlotClock::settle_next() {
  next_ = SharedTime::max();
  if (!decided_) {
    if (!waiting_.empty()) next_ = SharedTime::min();
    return;
  }
  if (!waiting_.empty()) next_ = std::max(waiting_.front().timetable.effective_at, *decided_);
  if (!current_) return;
  for (const Series& series : current_->series)
    next_ = std::min(next_, series.at(series.first_not_before(std::max(*decided_, current_->timetable.effective_at))));
}

}  // namespace sonde
