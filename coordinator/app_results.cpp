#include "coordinator/app_results.h"

#include <stdexcept>
#include <string>
#include <variant>

namespace sonde {

ResultDesk::ResultDesk(std::unique_ptr<store::Writer> writer, Doors doors)
    : doors_(std::move(doors)), store_(opened(std::move(writer))) {}

std::unique_ptr<store::Writer> ResultDesk::opened(std::unique_ptr<store::Writer> writer) {
  auto positions = writer->positions();
  if (!positions) throw std::runtime_error(positions.error().what);
  ingest_.restore(*positions);
  return writer;
}

/// What waits will be sent again.
void ResultDesk::on_hello(const wire::Hello& hello) {
  Events events;
  losses_.drop(hello.site);
  ingest_.on_hello(hello.site, hello.spool, hello.last_seq, events);
  doors_.tell(events);
}

void ResultDesk::on_batch(Now now, const SiteId& site, wire::ResultBatch batch) {
  for (Result& result : batch.results) overflows_.judge(result);
  Events events;
  Intake intake = ingest_.accept(site, std::move(batch), SharedTime(now.wall.time_since_epoch()), events);
  if (intake.store) {
    LossJoin::Out joined;
    losses_.add(now.mono, *std::move(intake.store), doors_.can_answer, joined);
    carry_out(joined);
  }
  if (intake.acknowledge) doors_.send(site, *intake.acknowledge);
  doors_.tell(events);
}

void ResultDesk::on_answers(const std::vector<std::pair<SiteId, wire::ArrivalAnswers>>& answers) {
  LossJoin::Out joined;
  for (const auto& [site, answer] : answers) losses_.on_answers(site, answer, joined);
  carry_out(joined);
}

void ResultDesk::tick(MonoTime now) {
  LossJoin::Out joined;
  losses_.tick(now, joined);
  carry_out(joined);
}

void ResultDesk::carry_out(LossJoin::Out& out) {
  for (auto& [site, questions] : out.questions) doors_.send(site, std::move(questions));
  for (StoreBatch& batch : out.ready) {
    const SiteId site = batch.site;
    if (store_.push(std::move(batch))) continue;
    Events events;
    refuse(site, events);
    doors_.tell(events);
  }
}

/// Makes the agent begin again from what it has not had acknowledged.
void ResultDesk::refuse(const SiteId& site, Events& events) {
  losses_.drop(site);
  ingest_.on_refused(site, events);
  doors_.send(site, wire::WhoAreYou{});
}

void ResultDesk::on_store_reports() {
  Events events;
  for (const io::StoreReport& report : store_.take()) {
    if (const auto* stored = std::get_if<io::BatchStored>(&report)) {
      doors_.stored(*stored, ingest_.on_stored(stored->site, stored->spool, stored->up_to));
    } else if (const auto* refused = std::get_if<io::BatchNotStored>(&report)) {
      events.push_back({Severity::error, "store_failed", {{"site", refused->site.str()}, {"reason", refused->why}}});
      refuse(refused->site, events);
    } else {
      events.push_back({Severity::error, "store_failed", {{"reason", std::get<io::StoreTrouble>(report).why}}});
    }
  }
  doors_.tell(events);
}

void ResultDesk::count(web::Counters& counters) const {
  const Ingest::Counters& ingest = ingest_.counters();
  counters.results_duplicate = ingest.duplicates;
  counters.results_refused = ingest.forged + ingest.unknown_to + ingest.implausible;
  counters.losses = losses_.counters();
}

}  // namespace sonde
