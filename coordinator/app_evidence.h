// Evidence of the way: carries out what coordinator/core/evidence_desk decides.
#pragma once

#include <functional>
#include <utility>
#include <vector>

#include "coordinator/app_alerts.h"
#include "coordinator/config.h"
#include "coordinator/core/evidence_desk.h"
#include "coordinator/core/roster.h"
#include "coordinator/io/store_worker.h"
#include "coordinator/store/writer.h"
#include "shared/base/event.h"
#include "shared/base/time.h"
#include "shared/wire/messages.h"

namespace sonde {

class PathWatch {
 public:
  using Send = std::function<void(const SiteId&, const wire::Message&)>;

  /// What the store knows; throws std::runtime_error where it cannot be read.
  void restore(store::Writer& writer, SharedTime now);
  void set_config(const CoordinatorConfig& config) { desk_.set_mesh(config.mesh, config.evidence); }
  Events on_taken(SharedTime now, std::vector<std::pair<SiteId, wire::EvidenceTaken>> taken, AlertDesk& alerts,
                  io::StoreWorker& store);
  /// Often; does what is due.
  Events tick(Now now, const AgentStatuses& agents, AlertDesk& alerts, io::StoreWorker& store, const Send& send);

  const EvidenceDesk& desk() const { return desk_; }

 private:
  static Events carry_out(EvidenceDesk::Out& out, SharedTime now, AlertDesk& alerts, io::StoreWorker& store);

  EvidenceDesk desk_;
  MonoTime ticked_at_{};
};

}  // namespace sonde
