#include "coordinator/web/audit.h"

#include <algorithm>
#include <cmath>
#include <set>
#include <tuple>
#include <utility>

namespace sonde::web {
namespace {

/// A site's bottleneck: its uplink where it has one, else itself. The blank keeps the two kinds of names apart.
std::string bottleneck(const Mesh& mesh, const SiteId& site) {
  const SiteSpec* spec = mesh.site(site);
  return spec != nullptr && spec->uplink ? "uplink " + *spec->uplink : site.str();
}

struct Busy {
  SharedTime start;
  SharedTime end;
  std::pair<std::string, std::string> places;
};

bool share(const Busy& a, const Busy& b) {
  return a.places.first == b.places.first || a.places.first == b.places.second || a.places.second == b.places.first ||
         a.places.second == b.places.second;
}

std::uint64_t count_overlaps(const std::vector<AuditedRun>& runs, const Mesh& mesh) {
  std::vector<Busy> busy;
  for (const AuditedRun& run : runs)
    if (run.started_at)
      busy.push_back(
          {*run.started_at, run.finished_at, {bottleneck(mesh, run.link.from), bottleneck(mesh, run.link.to)}});
  std::ranges::sort(busy, {}, &Busy::start);
  std::vector<const Busy*> under_way;
  std::uint64_t overlaps = 0;
  for (const Busy& run : busy) {
    std::erase_if(under_way, [&](const Busy* earlier) { return earlier->end <= run.start; });
    overlaps += static_cast<std::uint64_t>(
        std::ranges::count_if(under_way, [&](const Busy* earlier) { return share(*earlier, run); }));
    under_way.push_back(&run);
  }
  return overlaps;
}

std::optional<StartError> start_errors(const std::vector<AuditedRun>& runs) {
  std::vector<double> errors;
  for (const AuditedRun& run : runs)
    if (run.started_at) errors.push_back(std::abs(to_seconds(*run.started_at - run.scheduled_at)));
  if (errors.empty()) return std::nullopt;
  std::ranges::sort(errors);
  const auto at_rank = [&](double q) {
    return errors[static_cast<std::size_t>(q * static_cast<double>(errors.size() - 1))];
  };
  return StartError{at_rank(0.5), at_rank(0.99), errors.back()};
}

/// Slots of the timetable that were over by `until` less the grace, and of which no result tells.
std::uint64_t count_unreported(const std::vector<AuditedRun>& runs, const Timetable& timetable, SharedTime since,
                               SharedTime until) {
  if (timetable.throughput_every.count() <= 0) return 0;
  std::set<std::pair<Link, SharedTime>> reported;
  for (const AuditedRun& run : runs) reported.emplace(run.link, run.scheduled_at);
  const SharedTime begin = std::max({since, timetable.effective_at, timetable.epoch});
  std::uint64_t missing = 0;
  for (const ThroughputSlot& slot : timetable.slots) {
    const nanoseconds every = timetable.interval(slot);
    const auto first = (begin - timetable.epoch - slot.start) / every;
    for (auto k = std::max<std::int64_t>(first, 0);; ++k) {
      const SharedTime start = timetable.epoch + k * every + slot.start;
      if (start + slot.length + report_grace > until) break;
      const bool due = start >= begin && !timetable.is_quiet(slot.link, start, slot.length);
      if (due && !reported.contains({slot.link, start})) ++missing;
    }
  }
  return missing;
}

}  // namespace

AuditedRun audited(const Result& result) {
  return {result.link(), result.scheduled_at, result.started_at, result.finished_at, result.outcome};
}

Audit audit(Probe probe, const std::vector<AuditedRun>& runs, const Mesh& mesh, const Timetable& timetable,
            SharedTime since, SharedTime until) {
  Audit audit;
  for (const AuditedRun& run : runs) {
    ++audit.outcomes[run.outcome];
    ++(run.started_at ? audit.runs : audit.missed);
  }
  audit.start_error = start_errors(runs);
  if (probe != Probe::throughput) return audit;
  audit.overlaps = count_overlaps(runs, mesh);
  audit.missed += count_unreported(runs, timetable, since, until);
  return audit;
}

}  // namespace sonde::web
