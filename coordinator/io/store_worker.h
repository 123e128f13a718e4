// The thread that owns the store's writer, so that a flush to the disk never holds up the event loop. Batches that wait
// together are committed together.
#pragma once

#include <atomic>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <deque>
#include <memory>
#include <optional>
#include <string>
#include <thread>
#include <variant>
#include <vector>

#include "coordinator/core/ingest.h"
#include "coordinator/store/writer.h"
#include "shared/base/error.h"
#include "shared/base/ids.h"
#include "shared/base/time.h"
#include "shared/io/mailbox.h"

namespace sonde::io {

/// The batch is durable: acknowledge it (Ingest::on_stored) and show its results.
struct BatchStored {
  SiteId site;
  std::uint64_t spool = 0;
  std::uint64_t up_to = 0;
  std::vector<Result> fresh;  ///< those that the store did not have
};

/// Nothing of the batch is stored (Ingest::on_refused).
struct BatchNotStored {
  SiteId site;
  std::uint64_t spool = 0;
  std::string why;
};

/// Deleting or saving failed; nothing depends on it but the operator should know.
struct StoreTrouble {
  std::string why;
};

using StoreReport = std::variant<BatchStored, BatchNotStored, StoreTrouble>;

/// All methods are for the loop's thread. The destructor waits until everything that was pushed is stored.
class StoreWorker {
 public:
  /// Pushed and not yet taken back as a report; about 80 MB at the default policy.
  static constexpr std::size_t results_under_way = 20'000;
  static constexpr std::size_t batches_under_way = 4096;
  /// One commit takes no more results than this, so that the first of many agents need not wait for the last.
  static constexpr std::size_t results_per_commit = 5000;
  /// Chunks and blocks of roll-ups that one step deletes, and pages that one step gives back: some 10 ms each.
  static constexpr std::size_t expired_at_once = 20;
  static constexpr std::size_t given_back_at_once = 500;
  /// What a quiet site has in the log is sealed after this time, however little it is.
  static constexpr auto seal_all_every = std::chrono::hours(1);

  /// While batches come without a pause, one step of sealing, rolling up and deleting is done this often: a step takes
  /// some 10 to 50 ms, and what is not sealed yet is read from the log.
  static constexpr auto tidy_at_least_every = std::chrono::milliseconds(200);

  explicit StoreWorker(std::unique_ptr<store::Writer> writer);
  ~StoreWorker();
  StoreWorker(const StoreWorker&) = delete;
  StoreWorker& operator=(const StoreWorker&) = delete;

  /// False, and the batch is gone, where too much is under way (Ingest::on_refused; the agent sends it again).
  bool push(StoreBatch batch);
  /// Rolls up what is sealed and finished before `roll_before`, then deletes what `expiry` says and gives the space
  /// back, in small steps between the batches. A later call replaces an earlier one.
  /// Like save(): false where too many such jobs wait already.
  bool maintain(SharedTime roll_before, const store::Expiry& expiry);
  bool save(std::string key, std::vector<std::uint8_t> value);
  bool save(Incident incident);
  bool save(EvidenceDesk::Known known);

  /// Readable when reports wait.
  int fd() const { return reports_.fd(); }
  std::vector<StoreReport> take();
  /// Batches that push() has refused.
  std::uint64_t refused() const { return refused_; }

 private:
  struct Maintain {
    SharedTime roll_before;
    store::Expiry expiry;
  };
  struct Save {
    std::string key;
    std::vector<std::uint8_t> value;
  };
  struct Stop {};
  using Job = std::variant<StoreBatch, Maintain, Save, Incident, EvidenceDesk::Known, Stop>;
  /// Jobs and reports that are not of batches; one more place is always free for Stop.
  static constexpr std::size_t other_jobs = 64;

  bool push_other(Job job);

  void run();
  std::vector<Job> wait_for_jobs();
  void carry_out(std::vector<Job> jobs);
  void commit(std::vector<StoreBatch>& batches);
  /// One step of what can wait: sealing, rolling up, deleting, giving space back.
  void tidy();
  bool seal_some();
  bool roll_some();
  bool expire_some();
  bool give_back_some();
  void report_trouble(std::string why);

  std::unique_ptr<store::Writer> writer_;
  Mailbox<Job> jobs_{batches_under_way + other_jobs + 1};
  Mailbox<StoreReport> reports_{batches_under_way + other_jobs};
  std::atomic<std::size_t> others_waiting_ = 0;    ///< jobs that are not batches
  std::atomic<std::size_t> troubles_waiting_ = 0;  ///< reports that are not of batches
  // The loop's side.
  std::deque<std::size_t> under_way_;  ///< results of each batch, in the order in which their reports come
  std::size_t results_under_way_now_ = 0;
  std::uint64_t refused_ = 0;
  // The worker's side.
  std::optional<SharedTime> roll_before_;
  std::optional<store::Expiry> expire_before_;
  bool give_back_ = false;
  bool seal_all_ = false;
  bool untidy_ = true;  ///< the last tidy() found something to do
  std::chrono::steady_clock::time_point sealed_all_ = std::chrono::steady_clock::now();
  std::chrono::steady_clock::time_point tidied_ = std::chrono::steady_clock::now();
  bool stopping_ = false;
  bool failed_ = false;
  std::thread thread_;
};

}  // namespace sonde::io
