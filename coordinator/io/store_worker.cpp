#include "coordinator/io/store_worker.h"

#include <poll.h>

#include <iterator>
#include <span>
#include <utility>

namespace sonde::io {
namespace {

/// Leaves the disk to others between two steps of tidying.
constexpr int pause_between_steps_ms = 20;
/// A full disk stays full for a while: agents that send again at once must not make the worker spin.
constexpr int pause_after_failure_ms = 1000;

}  // namespace

StoreWorker::StoreWorker(std::unique_ptr<store::Writer> writer)
    : writer_(std::move(writer)), thread_([this] { run(); }) {}

StoreWorker::~StoreWorker() {
  SONDE_ASSERT(jobs_.push(Stop{}));
  thread_.join();
}

bool StoreWorker::push(StoreBatch batch) {
  const std::size_t size = batch.results.size();
  const bool fits = under_way_.size() < batches_under_way && results_under_way_now_ + size <= results_under_way;
  if (!fits) {
    ++refused_;
    return false;
  }
  SONDE_ASSERT(jobs_.push(std::move(batch)));
  under_way_.push_back(size);
  results_under_way_now_ += size;
  return true;
}

bool StoreWorker::push_other(Job job) {
  if (others_waiting_ >= other_jobs) return false;
  ++others_waiting_;
  SONDE_ASSERT(jobs_.push(std::move(job)));
  return true;
}

bool StoreWorker::maintain(SharedTime roll_before, const store::Expiry& expiry) {
  return push_other(Maintain{roll_before, expiry});
}

bool StoreWorker::save(std::string key, std::vector<std::uint8_t> value) {
  return push_other(Save{std::move(key), std::move(value)});
}

bool StoreWorker::save(Incident incident) { return push_other(std::move(incident)); }

bool StoreWorker::save(EvidenceDesk::Known known) { return push_other(std::move(known)); }

std::vector<StoreReport> StoreWorker::take() {
  std::vector<StoreReport> reports = reports_.take_all();
  for (const StoreReport& report : reports) {
    if (std::holds_alternative<StoreTrouble>(report)) {
      --troubles_waiting_;
      continue;
    }
    results_under_way_now_ -= under_way_.front();
    under_way_.pop_front();
  }
  return reports;
}

void StoreWorker::run() {
  for (;;) {
    carry_out(wait_for_jobs());
    if (stopping_) return;
    if (std::exchange(failed_, false)) ::poll(nullptr, 0, pause_after_failure_ms);
    // Agents wait for what has come meanwhile, and nobody for this; but it must not wait for ever.
    const auto now = std::chrono::steady_clock::now();
    const bool busy = jobs_.waits() && now - tidied_ < tidy_at_least_every;
    if (busy) continue;
    tidied_ = now;
    tidy();
  }
}

std::vector<StoreWorker::Job> StoreWorker::wait_for_jobs() {
  pollfd waiting{.fd = jobs_.fd(), .events = POLLIN, .revents = 0};
  ::poll(&waiting, 1, untidy_ ? pause_between_steps_ms : -1);
  return jobs_.take_all();
}

void StoreWorker::carry_out(std::vector<Job> jobs) {
  std::vector<StoreBatch> batches;
  std::size_t results = 0;
  for (Job& job : jobs) {
    if (auto* batch = std::get_if<StoreBatch>(&job)) {
      if (!batches.empty() && results + batch->results.size() > results_per_commit) {
        commit(batches);
        results = 0;
      }
      results += batch->results.size();
      batches.push_back(std::move(*batch));
      continue;
    }
    if (std::holds_alternative<Stop>(job)) {
      stopping_ = true;
      continue;
    }
    --others_waiting_;
    if (const auto* maintain = std::get_if<Maintain>(&job)) {
      roll_before_ = maintain->roll_before;
      expire_before_ = maintain->expiry;
      give_back_ = true;
    }
    if (const auto* save = std::get_if<Save>(&job)) {
      const auto saved = writer_->save(save->key, save->value);
      if (!saved) report_trouble(saved.error().what);
    }
    if (const auto* incident = std::get_if<Incident>(&job)) {
      const auto saved = writer_->save(*incident);
      if (!saved) report_trouble(saved.error().what);
    }
    if (const auto* known = std::get_if<EvidenceDesk::Known>(&job)) {
      const auto saved = writer_->save(*known);
      if (!saved) report_trouble(saved.error().what);
    }
  }
  if (!batches.empty()) commit(batches);
}

void StoreWorker::commit(std::vector<StoreBatch>& batches) {
  const auto appended = writer_->append(batches);
  failed_ = failed_ || !appended;
  for (std::size_t i = 0; i < batches.size(); ++i) {
    StoreBatch& batch = batches[i];
    if (!appended || !(*appended)[i].stored) {
      std::string why = appended ? "an earlier batch of the same spool was not stored" : appended.error().what;
      SONDE_ASSERT(reports_.push(BatchNotStored{batch.site, batch.spool, std::move(why)}));
      continue;
    }
    BatchStored stored{batch.site, batch.spool, batch.up_to, {}};
    for (std::size_t k = 0; k < batch.results.size(); ++k)
      if ((*appended)[i].fresh[k]) stored.fresh.push_back(std::move(batch.results[k]));
    SONDE_ASSERT(reports_.push(std::move(stored)));
  }
  batches.clear();
}

void StoreWorker::tidy() {
  const auto now = std::chrono::steady_clock::now();
  if (now - sealed_all_ >= seal_all_every) {
    sealed_all_ = now;
    seal_all_ = true;
  }
  untidy_ = seal_some() || roll_some() || expire_some() || give_back_some();
}

bool StoreWorker::seal_some() {
  const auto sealed = writer_->seal(seal_all_ ? 1 : store::Writer::results_in_a_chunk);
  if (!sealed) report_trouble(sealed.error().what);
  if (!sealed || !*sealed) seal_all_ = false;
  return sealed && *sealed;
}

bool StoreWorker::roll_some() {
  if (!roll_before_) return false;
  const auto rolled = writer_->roll(*roll_before_);
  if (!rolled) report_trouble(rolled.error().what);
  if (!rolled || !*rolled) roll_before_.reset();
  return rolled && *rolled;
}

bool StoreWorker::expire_some() {
  if (!expire_before_) return false;
  const auto deleted = writer_->expire(*expire_before_, expired_at_once);
  if (!deleted) report_trouble(deleted.error().what);
  if (!deleted || *deleted < expired_at_once) expire_before_.reset();
  return true;
}

bool StoreWorker::give_back_some() {
  if (!give_back_) return false;
  const auto given = writer_->give_back(given_back_at_once);
  if (!given) report_trouble(given.error().what);
  if (!given || !*given) give_back_ = false;
  return give_back_;
}

void StoreWorker::report_trouble(std::string why) {
  if (troubles_waiting_ >= other_jobs) return;
  ++troubles_waiting_;
  SONDE_ASSERT(reports_.push(StoreTrouble{std::move(why)}));
}

}  // namespace sonde::io
