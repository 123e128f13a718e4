#include "coordinator/app_timetable.h"

#include <chrono>
#include <stdexcept>
#include <string>
#include <utility>

#include "coordinator/core/planner.h"
#include "coordinator/core/roster.h"
#include "shared/wire/codec.h"

namespace sonde {
namespace {

using std::chrono::seconds;

constexpr std::string_view timetable_key = "timetable";
/// A new timetable takes effect this long after it was made, and as long again as handing it out takes, so that
/// everybody has it by then.
constexpr auto lead = seconds(2);
nanoseconds hand_out_time(std::size_t sites) { return sites / timetables_per_tick * TimetableDesk::tick_every; }
/// The very first one gives the agents time to connect, or the first slots of a long interval would be lost.
constexpr auto first_lead = seconds(6);
/// Learnt lengths and guards change the timetable at most this often.
constexpr auto replan_every = seconds(30);

}  // namespace

void TimetableDesk::restore(store::Writer& writer, const Mesh& mesh) {
  const auto saved = writer.load(timetable_key);
  if (!saved) throw std::runtime_error(saved.error().what);
  if (*saved)
    if (auto timetable = wire::decode_timetable(**saved)) timetable_ = *std::move(timetable);
  if (mesh.policy.throughput && timetable_) lengths_.restore(*timetable_, *mesh.policy.throughput);
}

void TimetableDesk::on_result(const Result& result, const Mesh& mesh) {
  if (mesh.policy.throughput && lengths_.on_result(result, *mesh.policy.throughput)) wanted_ = true;
}

Events TimetableDesk::on_heartbeat(SharedTime now, const SiteId& site, const wire::Heartbeat& heartbeat) {
  if (!heartbeat.clock_offset || !guards_.on_error(now, site, heartbeat.clock_offset_error)) return {};
  wanted_ = true;
  return {{Severity::info,
           "slot_guard_changed",
           {{"site", site.str()},
            {"clock_error", format_duration(heartbeat.clock_offset_error)},
            {"guard", format_duration(guards_.guard(site))}}}};
}

bool TimetableDesk::is_due(MonoTime now) const { return wanted_ && now - planned_at_ >= replan_every; }

Expected<Event> TimetableDesk::plan(Now now, const Mesh& mesh) {
  planned_at_ = now.mono;  // also where nothing comes of it: it is not tried again at once
  // The coordinator's own wall clock is shared time; generations count up across restarts without being stored, since
  // they start from it.
  const SharedTime present(now.wall.time_since_epoch());
  const Generation at_least{static_cast<std::uint64_t>(to_ns(now.wall) / 1'000'000)};
  // The epoch goes on across a restart. New lengths can wait until no run is cut; a change of the mesh should not.
  const SharedTime soon = present + (timetable_ ? lead : first_lead) + hand_out_time(mesh.sites.size());
  const PlanRequest request{.mesh = mesh,
                            .measured = lengths_.measured(),
                            .guards = guards_.guards(),
                            .seed = 1,
                            .effective_at = wanted_ && timetable_ ? quiet_instant(*timetable_, soon) : soon,
                            .at_least = at_least};
  if (timetable_) {
    if (const auto changed = replan(*timetable_, request); !changed) return std::unexpected(changed.error());
  } else {
    auto first = sonde::plan(request);
    if (!first) return std::unexpected(first.error());
    timetable_ = *std::move(first);
  }
  wanted_ = false;
  return Event{Severity::info,
               "timetable_made",
               {{"generation", std::to_string(timetable_->generation.number)},
                {"sites", std::to_string(mesh.sites.size())},
                {"rounds", std::to_string(timetable_->rounds)},
                {"cycle", format_duration(timetable_->cycle)}}};
}

void TimetableDesk::keep(io::StoreWorker& store) const {
  store.save(std::string(timetable_key), wire::encode_timetable(*timetable_));
}

}  // namespace sonde
