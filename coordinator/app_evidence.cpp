#include "coordinator/app_evidence.h"

#include <stdexcept>

namespace sonde {
namespace {

constexpr nanoseconds tick_every = std::chrono::seconds(1);

}  // namespace

void PathWatch::restore(store::Writer& writer, SharedTime now) {
  auto known = writer.known_paths();
  if (!known) throw std::runtime_error(known.error().what);
  desk_.restore(now, *std::move(known));
}

/// A way that finds no place in the store's queue is looked at again some day.
Events PathWatch::carry_out(EvidenceDesk::Out& out, SharedTime now, AlertDesk& alerts, io::StoreWorker& store) {
  for (EvidenceDesk::Attached& one : out.attached) alerts.attach(one.incident, std::move(one.evidence), now, store);
  for (EvidenceDesk::Known& known : out.known) store.save(std::move(known));
  return std::move(out.events);
}

Events PathWatch::on_taken(SharedTime now, std::vector<std::pair<SiteId, wire::EvidenceTaken>> taken, AlertDesk& alerts,
                           io::StoreWorker& store) {
  EvidenceDesk::Out out;
  for (auto& [site, one] : taken) desk_.on_taken(now, site, std::move(one), alerts.incidents(), out);
  return carry_out(out, now, alerts, store);
}

Events PathWatch::tick(Now now, const AgentStatuses& agents, AlertDesk& alerts, io::StoreWorker& store,
                       const Send& send) {
  if (now.mono - ticked_at_ < tick_every) return {};
  ticked_at_ = now.mono;
  // The coordinator's own wall clock is shared time.
  const SharedTime present(now.wall.time_since_epoch());
  EvidenceDesk::Out out;
  desk_.tick(present, alerts.incidents(), agents, out);
  for (const EvidenceDesk::Order& order : out.orders) send(order.from, order.order);
  return carry_out(out, present, alerts, store);
}

}  // namespace sonde
