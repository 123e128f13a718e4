#include "coordinator/core/series.h"

#include <algorithm>
#include <ranges>

#include "coordinator/core/aggregate.h"

namespace sonde {
namespace {

/// The bits that show that a run did what it could for this metric: a delay that the clocks hide is no failure, nor is
/// a rate where the byte budget was gone within a few reads.
MetricMask evidence_for(Metric metric) {
  if (is_loaded(metric)) return mask_of(source_of(metric));
  const bool rate = info(metric).unit == "bit/s";
  return mask_of(metric) | only_loaded | (metric == Metric::delay ? delay_hidden : 0) | (rate ? rate_hidden : 0);
}

}  // namespace

void Series::saw(MetricMask mask, SharedTime finished_at) {
  for (const auto& [bits, time] : newest_)
    if (time >= finished_at) mask &= ~bits;
  if (mask == 0) return;
  auto same = newest_.end();
  for (auto entry = newest_.begin(); entry != newest_.end(); ++entry) {
    entry->first &= ~mask;
    if (entry->second == finished_at) same = entry;
  }
  if (same != newest_.end())
    same->first |= mask;
  else if (const auto blank = std::ranges::find(newest_, MetricMask{0}, &std::pair<MetricMask, SharedTime>::first);
           blank != newest_.end())
    *blank = {mask, finished_at};
  else
    newest_.emplace_back(mask, finished_at);
  std::erase_if(newest_, [](const auto& entry) { return entry.first == 0; });
}

void Series::saw(const Series& other, SharedTime until) {
  for (const auto& [bits, time] : other.newest_)
    if (time <= until) saw(bits, time);
}

void Series::insert_earlier(const RollUp& roll) {
  for (const auto& [mask, finished_at] : roll.newest()) saw(mask, finished_at);
  for (const RollUp::Tried& run : roll.tried()) {
    const auto same = [&run](const Reading& reading) {
      return reading.finished_at == run.finished_at && reading.brings == run.brings;
    };
    if (std::ranges::any_of(readings(), same)) continue;
    Reading reading;
    reading.started_at = run.finished_at;
    reading.finished_at = run.finished_at;
    reading.brings = run.brings;
    insert(std::move(reading));
  }
}

void Series::insert(Reading reading) {
  saw(reading.brings, reading.finished_at);
  if (reading.tried()) ++tried_;
  // A large mesh has millions of series: doubling would leave half of their memory empty.
  if (kept_.size() == kept_.capacity()) kept_.reserve(kept_.size() + kept_.size() / 4 + 1);
  auto place = kept_.end();
  const auto first = kept_.begin() + static_cast<std::ptrdiff_t>(begin_);
  while (place != first && std::prev(place)->finished_at > reading.finished_at) --place;
  kept_.insert(place, std::move(reading));
}

const Reading* Series::droppable(SharedTime limit) const {
  if (begin_ == kept_.size()) return nullptr;
  const Reading& oldest = kept_[begin_];
  const bool spare = !oldest.tried() || tried_ > failures_that_mean_down;
  return oldest.finished_at < limit && spare ? &oldest : nullptr;
}

void Series::drop_oldest() {
  if (kept_[begin_].tried()) --tried_;
  kept_[begin_] = Reading{};
  ++begin_;
  if (2 * begin_ < kept_.size()) return;
  kept_.erase(kept_.begin(), kept_.begin() + static_cast<std::ptrdiff_t>(begin_));
  begin_ = 0;
}

std::optional<SharedTime> Series::newest_with(MetricMask any_of, SharedTime at) const {
  std::optional<SharedTime> found;
  bool later_exist = false;
  for (const auto& [mask, finished_at] : newest_) {
    if ((mask & any_of) == 0) continue;
    if (finished_at > at)
      later_exist = true;
    else if (!found || *found < finished_at)
      found = finished_at;
  }
  if (!later_exist) return found;
  for (const Reading& reading : std::views::reverse(readings())) {
    if (reading.finished_at > at || !reading.has(any_of)) continue;
    return found ? std::max(*found, reading.finished_at) : reading.finished_at;
  }
  return found;
}

bool Series::down(MetricMask wanted, SharedTime at) const {
  std::size_t failures = 0;
  for (const Reading& reading : std::views::reverse(readings())) {
    if (reading.finished_at > at || !reading.tried()) continue;
    if (reading.has(wanted)) return false;
    if (++failures == failures_that_mean_down) return true;
  }
  return false;
}

SeriesFacts Series::facts(Metric metric, SharedTime at) const {
  const MetricMask wanted = evidence_for(metric);
  SeriesFacts facts;
  if (!readings().empty()) facts.last = readings().back().finished_at;
  for (const auto& known : newest_) facts.last = std::max(facts.last, known.second);
  facts.source = newest_with(mask_of(source_of(metric)), at).value_or(SeriesFacts::never);
  const auto evidence = newest_with(wanted, at);
  facts.evidence = evidence.value_or(SeriesFacts::never);
  facts.idle_evidence = newest_with(wanted & ~only_loaded, at).has_value();
  facts.unsynced = metric == Metric::delay && newest_with(mask_of(metric) | only_loaded, at) != evidence;
  facts.down = down(wanted, at);
  facts.tried = tried_ > 0;
  return facts;
}

}  // namespace sonde
