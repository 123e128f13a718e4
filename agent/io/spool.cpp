#include "agent/io/spool.h"

#include <boost/asio/post.hpp>

#include <iterator>
#include <stdexcept>
#include <utility>

namespace sonde::io {

Spool::Spool(boost::asio::io_context& loop, std::unique_ptr<SpoolFile> file, OnState on_state, OnEvent on_event)
    : loop_(loop), file_(std::move(file)), on_state_(std::move(on_state)), on_event_(std::move(on_event)) {}

Spool::~Spool() {
  write();
  thread_.join();
}

/// Does `work` on the thread; then the new state, or why it failed, is told on the loop.
template <typename Work>
void Spool::run(const char* attempt, Work work) {
  boost::asio::post(thread_, [this, attempt, work = std::move(work), alive = std::weak_ptr(alive_)]() mutable {
    std::string reason;
    try {
      work();
    } catch (const std::runtime_error& error) {
      reason = error.what();
    }
    boost::asio::post(
        loop_, [this, attempt, reason = std::move(reason), waits = !waiting_.empty(), state = file_->state(), alive] {
          if (alive.expired()) return;
          waits_ = waits;
          if (!reason.empty())
            on_event_({Severity::error, "spool_write_failed", {{"attempt", attempt}, {"reason", reason}}});
          on_state_(state);
        });
  });
}

void Spool::append(std::vector<Result> results) {
  gathered_.insert(gathered_.end(), std::make_move_iterator(results.begin()), std::make_move_iterator(results.end()));
}

void Spool::tick(MonoTime now) {
  if (now < next_write_ || (gathered_.empty() && !waits_)) return;
  next_write_ = now + (waits_ ? retry_every : gather_for);
  write();
}

void Spool::write() {
  run("store results", [this, results = std::exchange(gathered_, {})]() mutable { write_waiting(std::move(results)); });
}

void Spool::write_waiting(std::vector<Result> more) {
  waiting_.insert(waiting_.end(), std::make_move_iterator(more.begin()), std::make_move_iterator(more.end()));
  if (waiting_.size() > max_waiting) {
    const auto excess = waiting_.size() - max_waiting;
    waiting_.erase(waiting_.begin(), waiting_.begin() + static_cast<std::ptrdiff_t>(excess));
    overflowed_ += excess;
  }
  if (waiting_.empty()) return;
  file_->append(waiting_);
  waiting_.clear();
}

void Spool::start_after(std::uint64_t seq) {
  run("start the spool", [this, seq] { file_->start_after(seq); });
}

void Spool::acknowledge(std::uint64_t seq) {
  run("forget acknowledged results", [this, seq] { file_->acknowledge(seq); });
}

void Spool::fetch(std::uint64_t after, std::size_t count, OnFetched done) {
  run("read results", [this, after, count, done = std::move(done), alive = std::weak_ptr(alive_)] {
    std::vector<Result> results;
    std::exception_ptr failure;
    try {
      results = file_->fetch(after, count, fetch_bytes);
    } catch (const std::runtime_error&) {
      failure = std::current_exception();
    }
    boost::asio::post(loop_, [done, results = std::move(results), alive]() mutable {
      if (!alive.expired()) done(std::move(results));
    });
    if (failure) std::rethrow_exception(failure);
  });
}

void Spool::save_timetable(Timetable timetable) {
  run("save the timetable", [this, timetable = std::move(timetable)] { file_->save_timetable(timetable); });
}

void Spool::save_clock_offset(nanoseconds offset) {
  run("save the clock's offset", [this, offset] { file_->save_clock_offset(offset); });
}

}  // namespace sonde::io
