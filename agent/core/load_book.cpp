#include "agent/core/load_book.h"

#include <algorithm>
#include <utility>

namespace sonde {
namespace {

/// Slots of one neighbour are further apart than this, whatever the estimate of shared time does.
constexpr nanoseconds same_start = std::chrono::seconds(1);
/// A probe may leave at the end of its period, behind one that left at the beginning of the period before.
constexpr int periods_until_news = 2;
/// For that probe's round trip; where it takes longer, what it tells comes too late and counts for the next.
constexpr nanoseconds news_trip = std::chrono::milliseconds(200);

bool is_same(const Prober::Neighbour& a, const Prober::Neighbour& b) {
  return a.link == b.link && std::chrono::abs(a.start - b.start) < same_start;
}

bool overlap(const OwnLoad& a, const OwnLoad& b) {
  return (!b.end || a.start <= *b.end) && (!a.end || b.start <= *a.end);
}

/// How long a latency probe that leaves from now on may take to bring news; 0: there is none that comes soon enough.
nanoseconds wait_for_news(const std::optional<LatencyPolicy>& latency) {
  if (!latency || latency->rate.per_second <= 0) return nanoseconds(0);
  const nanoseconds wait = periods_until_news * from_seconds(1 / latency->rate.per_second) + news_trip;
  return wait <= LoadBook::longest_wait ? wait : nanoseconds(0);
}

}  // namespace

LoadBook::OwnRun& LoadBook::own_run(const TransferActivity& activity) {
  const auto known = std::ranges::find_if(
      own_, [&](const OwnRun& run) { return run.load.link == activity.link && run.load.start == activity.start; });
  if (known != own_.end()) return *known;
  if (own_.size() >= most_own) own_.erase(own_.begin());
  return own_.emplace_back(OwnRun{.load = {.link = activity.link, .start = activity.start}});
}

/// Replies have room for one run. Those that overlap are told as one: from the first one's start until all have ended.
SiteLoad LoadBook::span_with(const OwnRun& run) const {
  OwnLoad span = run.load;
  TransferRole role = run.role;
  // A run that joins may reach another one; there are never many.
  for (std::size_t pass = 0; pass < own_.size(); ++pass)
    for (const OwnRun& other : own_) {
      if (!overlap(span, other.load)) continue;
      if (other.role != role) role = TransferRole::both;
      span.start = std::min(span.start, other.load.start);
      span.end = span.end && other.load.end ? std::optional(std::max(*span.end, *other.load.end)) : std::nullopt;
    }
  return {static_cast<LoadRole>(role), span.start, span.end};
}

bool LoadBook::own_is_active() const {
  return std::ranges::any_of(own_, [](const OwnRun& run) { return !run.load.end; });
}

LoadBook::News LoadBook::on_activity(const TransferActivity& activity) {
  OwnRun& run = own_run(activity);
  run.role = activity.role;
  run.load.end = activity.end;
  run.load.both_ways = activity.role == TransferRole::both;
  loads_.tell(run.load);
  return {{run.load}, span_with(run)};
}

LoadBook::News LoadBook::on_result(const Result& result) {
  News news;
  for (OwnRun& run : own_) {
    if (run.load.link != result.link() || run.reported) continue;
    run.reported = true;
    if (result.outcome != Outcome::ok) continue;
    run.load.started_at = result.started_at;
    run.load.tcpi_rtt_s = result.detail("tcpi_rtt_s");
    loads_.tell(run.load);
    news.loads.push_back(run.load);
  }
  return news;
}

LoadBook::News LoadBook::on_neighbours(const std::vector<Prober::Neighbour>& current, const ClockMap& clock) {
  News news;
  for (const Prober::Neighbour& neighbour : current) {
    if (std::ranges::any_of(neighbours_, [&](const auto& known) { return is_same(known, neighbour); })) continue;
    const OwnLoad load{.link = neighbour.link, .start = clock.wall(neighbour.start), .end = clock.wall(neighbour.end)};
    loads_.tell(load);
    news.loads.push_back(load);
    // Our own run, while it lasts, goes before a neighbour's: no timetable has both.
    if (!own_is_active()) news.for_others = SiteLoad{LoadRole::both, load.start, load.end};
  }
  neighbours_ = current;
  return news;
}

void LoadBook::hold(MonoTime now, Result result, const std::optional<LatencyPolicy>& latency) {
  const MonoTime until = now + (result.started_at ? wait_for_news(latency) : nanoseconds(0));
  held_.push_back({std::move(result), until});
}

std::vector<Result> LoadBook::judged(MonoTime now, const ClockMap& clock) {
  std::vector<Result> done;
  while (!held_.empty() && held_.front().until <= now) {
    judge(held_.front().result, clock);
    done.push_back(std::move(held_.front().result));
    held_.pop_front();
  }
  return done;
}

void LoadBook::judge(Result& result, const ClockMap& clock) const {
  if (!result.started_at) return;
  const Flight flight{clock.wall(*result.started_at), clock.wall(result.finished_at)};
  if (loads_.met_by(flight, result.link()) != nullptr || far_.met_by(flight, result.to)) keep_apart_as_loaded(result);
}

}  // namespace sonde
