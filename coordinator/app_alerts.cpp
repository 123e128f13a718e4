#include "coordinator/app_alerts.h"

#include <stdexcept>
#include <string_view>
#include <utility>

namespace sonde {
namespace {

/// How often incidents are looked for; explaining a million links takes a while.
constexpr nanoseconds judge_small_every = std::chrono::seconds(1);
constexpr nanoseconds judge_large_every = std::chrono::seconds(10);
constexpr std::size_t large_mesh_sites = 300;
/// Where the store keeps what receivers were told.
constexpr std::string_view told_key = "told";

}  // namespace

void AlertDesk::restore(store::Writer& writer, const CoordinatorConfig& config) {
  auto incidents = writer.incidents(Incidents::closed_kept);
  if (!incidents) throw std::runtime_error(incidents.error().what);
  const auto told = writer.load(told_key);
  if (!told) throw std::runtime_error(told.error().what);
  if (*told) notify_.restore(std::string((*told)->begin(), (*told)->end()));
  set_config(config);
  incidents_.restore(*std::move(incidents));
}

void AlertDesk::set_config(const CoordinatorConfig& config) {
  incidents_.set_mesh(config.mesh, config.alerts);
  notify_.set_policy(config.notify, config.mesh);
  judge_every_ = config.mesh.sites.size() > large_mesh_sites ? judge_large_every : judge_small_every;
}

Events AlertDesk::tick(Now now, const AgentStatuses& agents, io::StoreWorker& store, Matrix& matrix) {
  Events events;
  // The coordinator's own wall clock is shared time.
  const SharedTime present(now.wall.time_since_epoch());
  for (const io::DeliveryReport& report : notifier_.take())
    notify_.on_done(report.number, report.trouble, present, events);
  if (now.mono - judged_at_ < judge_every_) return events;
  judged_at_ = now.mono;
  judge(present, agents, store, matrix, events);
  tell(present, store, events);
  return events;
}

void AlertDesk::judge(SharedTime now, const AgentStatuses& agents, io::StoreWorker& store, Matrix& matrix,
                      Events& events) {
  Incidents::Out out;
  incidents_.tick(now, agents, out);
  for (const Incident& incident : out.changed) unsaved_.insert(incident.id);
  save(store);
  const std::uint64_t revision = incidents_.verdicts().revision();
  if (std::exchange(degraded_as_of_, revision) != revision) matrix.set_degraded(incidents_.verdicts().degraded());
  events.insert(events.end(), out.events.begin(), out.events.end());
}

void AlertDesk::tell(SharedTime now, io::StoreWorker& store, Events& events) {
  for (Delivery& delivery : notify_.tick(now, incidents_.list(), [](const Incident&) { return false; })) {
    const std::uint64_t number = delivery.number;
    if (!notifier_.send(std::move(delivery))) notify_.on_done(number, "too many deliveries are under way", now, events);
  }
  told_unsaved_ = notify_.take_dirty() || told_unsaved_;
  if (!told_unsaved_) return;
  const std::string told = notify_.save();
  told_unsaved_ = !store.save(std::string(told_key), std::vector<std::uint8_t>(told.begin(), told.end()));
}

/// What finds no place in the store's queue now waits for the next tick.
void AlertDesk::save(io::StoreWorker& store) {
  std::erase_if(unsaved_, [&](const std::string& id) {
    const Incident* incident = incidents_.find(id);
    return incident == nullptr || store.save(*incident);
  });
}

}  // namespace sonde
