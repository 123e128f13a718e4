#include "agent/core/path_load.h"

#include <algorithm>

namespace sonde {
namespace {

bool overlaps(const Flight& flight, WallTime start, std::optional<WallTime> end) {
  return start <= flight.to && (!end || flight.from <= *end);
}

}  // namespace

void OwnLoads::tell(const OwnLoad& load) {
  const auto known =
      std::ranges::find_if(loads_, [&](const OwnLoad& l) { return l.link == load.link && l.start == load.start; });
  if (known != loads_.end()) {
    *known = load;
    return;
  }
  if (loads_.size() >= most) loads_.erase(loads_.begin());
  loads_.push_back(load);
}

const OwnLoad* OwnLoads::met_by(const Flight& flight, const Link& link) const {
  const OwnLoad* found = nullptr;
  for (const OwnLoad& load : loads_) {
    if (!overlaps(flight, load.start, load.end)) continue;
    if (load.sends_over(link)) return &load;
    found = &load;
  }
  return found;
}

void FarLoads::tell(const SiteLoad& load) {
  if (load.role == LoadRole::none) return;
  const auto known = std::ranges::find(loads_, load.start, &SiteLoad::start);
  if (known != loads_.end()) {
    if (load.end) *known = load;
    return;
  }
  // A site is in one run at a time: the one before has ended, although nobody told when.
  for (SiteLoad& earlier : loads_)
    if (!earlier.end && earlier.start < load.start) earlier.end = load.start;
  if (loads_.size() >= most) loads_.erase(loads_.begin());
  loads_.push_back(load);
}

bool FarLoads::met_by(const Flight& in_far_clock) const {
  return std::ranges::any_of(loads_, [&](const SiteLoad& load) {
    return overlaps(in_far_clock, load.start, load.end.value_or(load.start + longest));
  });
}

std::optional<FarRun> far_run(const SiteId& site, const SiteLoad& load, WallTime t1, WallTime t2, WallTime t3,
                              WallTime t4) {
  if (load.role == LoadRole::none) return std::nullopt;
  FarRun run{.site = site, .far_start = load.start, .start = WallTime(load.start - (t2 - t1)), .end = {}};
  if (load.end) run.end = *load.end - (t3 - t4);
  return run;
}

void FarRuns::tell(const FarRun& run) {
  std::vector<FarRun>& runs = runs_[run.site];
  const auto known = std::ranges::find(runs, run.far_start, &FarRun::far_start);
  if (known != runs.end()) {
    // Each reply bounds the two clocks anew, and each bound holds.
    known->start = std::max(known->start, run.start);
    if (run.end) known->end = known->end ? std::min(*known->end, *run.end) : *run.end;
    return;
  }
  for (FarRun& earlier : runs)
    if (!earlier.end && earlier.far_start < run.far_start)
      earlier.end = earlier.start + (run.far_start - earlier.far_start);
  if (runs.size() >= most_of_a_site) runs.erase(runs.begin());
  runs.push_back(run);
}

bool FarRuns::met_by(const Flight& flight, const SiteId& site) const {
  const auto at = runs_.find(site);
  return at != runs_.end() && std::ranges::any_of(at->second, [&](const FarRun& run) {
           return overlaps(flight, run.start, run.end.value_or(run.start + FarLoads::longest));
         });
}

void keep_apart_as_loaded(Result& result) {
  result.set(Tag::loaded);
  std::erase_if(result.values, [](const SingleValue& value) {
    return value.metric == Metric::connect_clean || value.metric == Metric::handshake_rtt;
  });
  for (SingleValue& value : result.values)
    if (value.metric == Metric::connect) value.metric = Metric::connect_loaded;
}

Flight flight_on_far_clock(WallTime t1, WallTime t2, WallTime t3, WallTime t4) {
  return {t2 - (t4 - t1), t3 + (t4 - t1)};
}

Flight flight_on_far_clock(const Flight& own, const OffsetInterval& offset) {
  return {own.from + offset.low, own.to + offset.high};
}

}  // namespace sonde
