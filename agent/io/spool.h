// The spool's thread: every disk access of an agent happens on it, in order; answers come back on the loop.
#pragma once

#include <boost/asio/io_context.hpp>
#include <boost/asio/thread_pool.hpp>

#include <chrono>
#include <functional>
#include <memory>
#include <vector>

#include "agent/io/spool_file.h"
#include "shared/base/event.h"
#include "shared/base/time.h"

namespace sonde::io {

class Spool {
 public:
  /// Results that wait for a disk that does not take them; beyond it the oldest are dropped and counted.
  static constexpr std::size_t max_waiting = 20'000;
  static constexpr std::size_t fetch_bytes = 1U << 20U;
  /// Results of so long are written together: a flush to the disk costs more than hundreds of results.
  static constexpr nanoseconds gather_for = std::chrono::milliseconds(500);
  static constexpr nanoseconds retry_every = std::chrono::seconds(1);

  using OnState = std::function<void(const SpoolState&)>;
  using OnFetched = std::function<void(std::vector<Result>)>;
  using OnEvent = std::function<void(Event)>;

  /// `on_state` is called on the loop after every change.
  Spool(boost::asio::io_context& loop, std::unique_ptr<SpoolFile> file, OnState on_state, OnEvent on_event);
  /// Writes what was appended, then ends.
  ~Spool();
  Spool(const Spool&) = delete;
  Spool& operator=(const Spool&) = delete;

  /// They are written at the next tick() that is due.
  void append(std::vector<Result> results);
  /// To be called often. Writes what was appended, and tries again with what the disk did not take.
  void tick(MonoTime now);
  void start_after(std::uint64_t seq);
  void acknowledge(std::uint64_t seq);
  void fetch(std::uint64_t after, std::size_t count, OnFetched done);
  void save_timetable(Timetable timetable);
  void save_clock_offset(nanoseconds offset);

 private:
  template <typename Work>
  void run(const char* attempt, Work work);
  void write();
  void write_waiting(std::vector<Result> more);  // on the thread

  boost::asio::io_context& loop_;
  std::vector<Result> gathered_;
  MonoTime next_write_{};
  bool waits_ = false;               ///< the disk has not taken something yet
  std::unique_ptr<SpoolFile> file_;  // used on the thread only
  std::vector<Result> waiting_;      // used on the thread only
  std::uint64_t overflowed_ = 0;     // used on the thread only
  OnState on_state_;
  OnEvent on_event_;
  std::shared_ptr<bool> alive_ = std::make_shared<bool>(true);
  boost::asio::thread_pool thread_{1};
};

}  // namespace sonde::io
