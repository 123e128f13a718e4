// What the coordinator does about what is wrong: carries out what coordinator/core/incidents and notify decide.
#pragma once

#include <cstdint>
#include <deque>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "coordinator/config.h"
#include "coordinator/core/incidents.h"
#include "coordinator/core/matrix.h"
#include "coordinator/core/notify.h"
#include "coordinator/core/roster.h"
#include "coordinator/core/silences.h"
#include "coordinator/core/spending.h"
#include "coordinator/io/baseline_reader.h"
#include "coordinator/io/notifier.h"
#include "coordinator/io/store_worker.h"
#include "coordinator/store/writer.h"
#include "shared/base/event.h"
#include "shared/base/time.h"
#include "shared/measure/result.h"

namespace sonde {

class AlertDesk {
 public:
  /// What the store knows; throws std::runtime_error where it cannot be read.
  void restore(store::Writer& writer, const CoordinatorConfig& config);
  void set_config(const CoordinatorConfig& config);
  /// From the history at start.
  void learn(const Result& result) { incidents_.learn(result); }
  void on_result(const Result& result, SharedTime now, const AgentStatuses& agents) {
    spending_.add(result, now);
    incidents_.on_result(result, now, agents);
  }
  /// Often; does what is due. Incidents that changed go to the store and to receivers, raised rules to the matrix.
  Events tick(Now now, const AgentStatuses& agents, io::StoreWorker& store, Matrix& matrix);

  /// After a request that may have set a silence: to the disk with it, and not only at the next tick.
  Events keep_silences(io::StoreWorker& store);
  /// What agents saw of the way at an incident's onset: to the disk at once, since nobody can look at that again.
  void attach(const std::string& incident, PathEvidence evidence, SharedTime now, io::StoreWorker& store);

  /// At the end: what would have been written with one of the next ticks.
  void write_all(Now now, io::StoreWorker& store);

  const Incidents& incidents() const { return incidents_; }
  const Notify& notify() const { return notify_; }
  const Spending& spending() const { return spending_; }
  /// Requests over HTTP change it.
  Silences& silences() { return silences_; }

 private:
  void judge(SharedTime now, const AgentStatuses& agents, io::StoreWorker& store, Matrix& matrix, Events& events);
  void tell(SharedTime now, io::StoreWorker& store, Events& events);
  void save(io::StoreWorker& store);
  void keep_told(io::StoreWorker& store);
  void keep_spending(Now now, io::StoreWorker& store);
  void write_spending(Now now, io::StoreWorker& store);
  /// What is usual in the present hour of the week, and soon in the next.
  void keep_baselines(SharedTime now, Events& events);
  void take_baselines(SharedTime now, Events& events);

  Incidents incidents_;
  Silences silences_;
  Spending spending_;
  std::string spending_kept_;  ///< as the store knows it
  MonoTime spending_kept_at_{};
  Notify notify_;
  std::uint64_t degraded_as_of_ = 0;  ///< Verdicts::revision() that the matrix knows
  std::set<std::string> unsaved_;     ///< ids of incidents that the store does not know as they are
  nanoseconds judge_every_{0};
  MonoTime judged_at_{};
  bool told_unsaved_ = false;
  bool silences_unsaved_ = false;
  io::Notifier notifier_;
  std::vector<SiteId> sites_;                        ///< with an agent
  SharedTime baseline_asked_{};                      ///< the newest hour that was ordered
  std::deque<io::BaselineReader::Piece> baselines_;  ///< that wait for their hour
  std::uint64_t baseline_links_ = 0;                 ///< of the hour that is taken now
  std::optional<io::BaselineReader> baseline_reader_;
};

}  // namespace sonde
