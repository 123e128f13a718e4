// The way of results between the agents and the store: taken in, joined with what the far agent counted, made durable,
// acknowledged. Carries out what coordinator/core/ingest, loss_join and overflows decide.
#pragma once

#include <functional>
#include <memory>
#include <utility>
#include <vector>

#include "coordinator/core/ingest.h"
#include "coordinator/core/loss_join.h"
#include "coordinator/core/overflows.h"
#include "coordinator/io/store_worker.h"
#include "coordinator/store/writer.h"
#include "coordinator/web/sources.h"
#include "shared/base/event.h"
#include "shared/base/time.h"
#include "shared/measure/result.h"
#include "shared/wire/messages.h"

namespace sonde {

/// For the event loop's thread. Owns the store's thread; the destructor waits until everything taken in is durable.
class ResultDesk {
 public:
  /// What it needs of the rest of the coordinator.
  struct Doors {
    std::function<void(const SiteId&, const wire::Message&)> send;
    std::function<bool(const SiteId&)> can_answer;  ///< the site's agent is connected and was heard lately
    std::function<void(const Events&)> tell;
    /// These are durable now and have not been before; the acknowledgement is for the agent.
    std::function<void(const io::BatchStored&, const wire::Acknowledge&)> stored;
  };

  /// Throws std::runtime_error where the store cannot say what it has.
  ResultDesk(std::unique_ptr<store::Writer> writer, Doors doors);

  void set_mesh(const Mesh& mesh) { ingest_.set_mesh(mesh); }
  /// At start, with what is stored, oldest first.
  void learn(const Result& result) { losses_.restore(result); }
  void on_hello(const wire::Hello& hello);
  void on_heartbeat(const SiteId& site, SharedTime now, const wire::Heartbeat& heartbeat) {
    overflows_.on_heartbeat(site, now, heartbeat.listen_overflows);
  }
  void on_batch(Now now, const SiteId& site, wire::ResultBatch batch);
  void on_answers(const std::vector<std::pair<SiteId, wire::ArrivalAnswers>>& answers);
  /// When store().fd() is readable.
  void on_store_reports();
  void tick(MonoTime now);

  /// Fills in what it counts.
  void count(web::Counters& counters) const;
  /// wire::Welcome::last_seq
  std::uint64_t stored_seq(const SiteId& site) const { return ingest_.stored_seq(site); }
  /// For whatever else is to be kept.
  io::StoreWorker& store() { return store_; }

 private:
  std::unique_ptr<store::Writer> opened(std::unique_ptr<store::Writer> writer);
  void carry_out(LossJoin::Out& out);
  void refuse(const SiteId& site, Events& events);

  Doors doors_;
  Ingest ingest_;
  ListenOverflows overflows_;
  LossJoin losses_;
  io::StoreWorker store_;
};

}  // namespace sonde
