// Everything that the answers are made from, as references that hold for one call.
#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <span>
#include <string>
#include <string_view>

#include "coordinator/core/audit.h"
#include "coordinator/core/demand.h"
#include "coordinator/core/evidence_desk.h"
#include "coordinator/core/incidents.h"
#include "coordinator/core/loss_join.h"
#include "coordinator/core/matrix.h"
#include "coordinator/core/mesh.h"
#include "coordinator/core/notify.h"
#include "coordinator/core/roster.h"
#include "coordinator/core/run_lengths.h"
#include "coordinator/core/silences.h"
#include "coordinator/core/spending.h"
#include "coordinator/web/history.h"
#include "coordinator/web/http_counters.h"
#include "coordinator/web/tokens.h"
#include "shared/base/ids.h"
#include "shared/base/time.h"
#include "shared/schedule/timetable.h"

namespace sonde::web {

/// What the coordinator counts beside its results; shown at /metrics.
struct Counters {
  std::uint64_t results_stored = 0;
  std::uint64_t results_duplicate = 0;
  std::uint64_t results_refused = 0;
  LossJoin::Counters losses;
  std::map<std::string, std::uint64_t> events;  ///< by event code (docs/events.md), also those that were not printed
  HttpCounters http;                            ///< HttpServer::counters()
};

struct Sources {
  const Mesh& mesh;
  const Timetable& timetable;
  const Matrix& matrix;
  const AgentStatuses& agents;
  const Counters& counters;
  std::shared_ptr<HistoryReader> history;  ///< null: no store; what needs it answers 503
  SharedTime now;
  MonoTime mono;
  bool store_open = false;
  bool control_open = false;
  std::string_view version;  ///< of the coordinator
  Demand* demand = nullptr;  ///< a request may change it; null: there are no runs on demand
  std::span<const ApiToken> tokens{};
  const RunAudit* audit = nullptr;       ///< what ran since the start; null: /metrics says nothing of it
  const RunLengths* lengths = nullptr;   ///< what runs take; null: as long as their slots allow
  const Incidents* incidents = nullptr;  ///< null: there are none
  Silences* silences = nullptr;          ///< a request may change it; null: nothing can be silenced
  const Notify* notify = nullptr;        ///< null: nobody is told of incidents
  const Spending* spending = nullptr;    ///< null: nobody counts what probes put on the wire
  const EvidenceDesk* paths = nullptr;   ///< null: no way was ever looked at
};

}  // namespace sonde::web
