#include "agent/core/load_book.h"

#include <algorithm>

namespace sonde {
namespace {

/// Slots of one neighbour are further apart than this, whatever the estimate of shared time does.
constexpr nanoseconds same_start = std::chrono::seconds(1);

bool is_same(const Prober::Neighbour& a, const Prober::Neighbour& b) {
  return a.link == b.link && std::chrono::abs(a.start - b.start) < same_start;
}

}  // namespace

LoadBook::News LoadBook::told(const OwnLoad& load, std::optional<SiteLoad> for_others) {
  loads_.tell(load);
  return {{load}, for_others};
}

LoadBook::News LoadBook::on_activity(const TransferActivity& activity) {
  if (!own_ || own_->link != activity.link || own_->start != activity.start)
    own_ = OwnLoad{.link = activity.link, .start = activity.start};
  own_->end = activity.end;
  own_->both_ways = activity.role == TransferRole::both;
  return told(*own_, SiteLoad{static_cast<LoadRole>(activity.role), activity.start, activity.end});
}

LoadBook::News LoadBook::on_result(const Result& result) {
  if (!own_ || own_->link != result.link() || result.outcome != Outcome::ok) return {};
  own_->started_at = result.started_at;
  own_->tcpi_rtt_s = result.detail("tcpi_rtt_s");
  return told(*own_, std::nullopt);
}

LoadBook::News LoadBook::on_neighbours(const std::vector<Prober::Neighbour>& current, const ClockMap& clock) {
  News news;
  for (const Prober::Neighbour& neighbour : current) {
    if (std::ranges::any_of(neighbours_, [&](const auto& known) { return is_same(known, neighbour); })) continue;
    const OwnLoad load{.link = neighbour.link, .start = clock.wall(neighbour.start), .end = clock.wall(neighbour.end)};
    loads_.tell(load);
    news.loads.push_back(load);
    // Our own run, while it lasts, goes before a neighbour's: no timetable has both.
    if (!own_ || own_->end) news.for_others = SiteLoad{LoadRole::both, load.start, load.end};
  }
  neighbours_ = current;
  return news;
}

void LoadBook::judge_connect(Result& result, const ClockMap& clock) const {
  if (!result.started_at) return;
  const Flight flight{clock.wall(*result.started_at), clock.wall(result.finished_at)};
  if (loads_.met_by(flight, result.link()) != nullptr) keep_apart_as_loaded(result);
}

}  // namespace sonde
