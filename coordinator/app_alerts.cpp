#include "coordinator/app_alerts.h"

#include <stdexcept>
#include <utility>

namespace sonde {
namespace {

/// How often incidents are looked for; explaining a million links takes a while.
constexpr nanoseconds judge_small_every = std::chrono::seconds(1);
constexpr nanoseconds judge_large_every = std::chrono::seconds(10);
constexpr std::size_t large_mesh_sites = 300;

}  // namespace

void AlertDesk::restore(store::Writer& writer, const CoordinatorConfig& config) {
  auto incidents = writer.incidents(Incidents::closed_kept);
  if (!incidents) throw std::runtime_error(incidents.error().what);
  set_config(config);
  incidents_.restore(*std::move(incidents));
}

void AlertDesk::set_config(const CoordinatorConfig& config) {
  incidents_.set_mesh(config.mesh, config.alerts);
  judge_every_ = config.mesh.sites.size() > large_mesh_sites ? judge_large_every : judge_small_every;
}

Events AlertDesk::tick(Now now, const AgentStatuses& agents, io::StoreWorker& store, Matrix& matrix) {
  if (now.mono - judged_at_ < judge_every_) return {};
  judged_at_ = now.mono;
  Incidents::Out out;
  // The coordinator's own wall clock is shared time.
  incidents_.tick(SharedTime(now.wall.time_since_epoch()), agents, out);
  for (const Incident& incident : out.changed) unsaved_.insert(incident.id);
  save(store);
  const std::uint64_t revision = incidents_.verdicts().revision();
  if (std::exchange(degraded_as_of_, revision) != revision) matrix.set_degraded(incidents_.verdicts().degraded());
  return std::move(out.events);
}

/// What finds no place in the store's queue now waits for the next tick.
void AlertDesk::save(io::StoreWorker& store) {
  std::erase_if(unsaved_, [&](const std::string& id) {
    const Incident* incident = incidents_.find(id);
    return incident == nullptr || store.save(*incident);
  });
}

}  // namespace sonde
