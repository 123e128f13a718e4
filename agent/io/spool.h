// The spool's thread: every disk access of an agent happens on it, in order; answers come back on the loop.
#pragma once

#include <boost/asio/io_context.hpp>
#include <boost/asio/thread_pool.hpp>

#include <functional>
#include <memory>
#include <vector>

#include "agent/io/spool_file.h"
#include "shared/base/event.h"

namespace sonde::io {

class Spool {
 public:
  /// Results that wait for a disk that does not take them; beyond it the oldest are dropped and counted.
  static constexpr std::size_t max_waiting = 20'000;
  static constexpr std::size_t fetch_bytes = 1U << 20U;

  using OnState = std::function<void(const SpoolState&)>;
  using OnFetched = std::function<void(std::vector<Result>)>;
  using OnEvent = std::function<void(Event)>;

  /// `on_state` is called on the loop after every change.
  Spool(boost::asio::io_context& loop, std::unique_ptr<SpoolFile> file, OnState on_state, OnEvent on_event);
  /// Writes what was appended, then ends.
  ~Spool();
  Spool(const Spool&) = delete;
  Spool& operator=(const Spool&) = delete;

  void append(std::vector<Result> results);
  /// Tries again to write what the disk did not take; to be called about once a second.
  void retry();
  void start_after(std::uint64_t seq);
  void acknowledge(std::uint64_t seq);
  void fetch(std::uint64_t after, std::size_t count, OnFetched done);
  void save_timetable(Timetable timetable);
  void save_clock_offset(nanoseconds offset);

 private:
  template <typename Work>
  void run(const char* attempt, Work work);
  void write_waiting();  // on the thread

  boost::asio::io_context& loop_;
  std::unique_ptr<SpoolFile> file_;  // used on the thread only
  std::vector<Result> waiting_;      // used on the thread only
  std::uint64_t overflowed_ = 0;     // used on the thread only
  OnState on_state_;
  OnEvent on_event_;
  std::shared_ptr<bool> alive_ = std::make_shared<bool>(true);
  boost::asio::thread_pool thread_{1};
};

}  // namespace sonde::io
