// A bounded queue of values between two threads. The reader waits on fd() (readable while something is in it).
#pragma once

#include <sys/eventfd.h>
#include <unistd.h>

#include <cstddef>
#include <cstdint>
#include <deque>
#include <mutex>
#include <system_error>
#include <utility>
#include <vector>

#include "shared/io/fd.h"

namespace sonde::io {

template <typename T>
class Mailbox {
 public:
  explicit Mailbox(std::size_t limit) : limit_(limit), event_(::eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK)) {
    if (!event_) throw std::system_error(errno, std::generic_category(), "create an eventfd");
  }

  /// False, and the value is dropped and counted, where the queue is full.
  bool push(T value) {
    bool first = false;
    {
      const std::lock_guard lock(mutex_);
      if (values_.size() >= limit_) {
        ++dropped_;
        return false;
      }
      first = values_.empty();
      values_.push_back(std::move(value));
    }
    if (!first) return true;  // whoever put in the first wakes the reader, who takes everything
    const std::uint64_t one = 1;
    [[maybe_unused]] const auto written = ::write(event_.get(), &one, sizeof one);
    return true;
  }

  /// Takes everything and makes fd() unreadable until the next push.
  std::vector<T> take_all() {
    std::uint64_t ignored = 0;
    [[maybe_unused]] const auto got = ::read(event_.get(), &ignored, sizeof ignored);
    const std::lock_guard lock(mutex_);
    std::vector<T> taken(std::make_move_iterator(values_.begin()), std::make_move_iterator(values_.end()));
    values_.clear();
    return taken;
  }

  /// True where take_all() would give something.
  bool waits() const {
    const std::lock_guard lock(mutex_);
    return !values_.empty();
  }

  int fd() const { return event_.get(); }
  std::uint64_t dropped() const {
    const std::lock_guard lock(mutex_);
    return dropped_;
  }

 private:
  const std::size_t limit_;
  Fd event_;
  mutable std::mutex mutex_;
  std::deque<T> values_;
  std::uint64_t dropped_ = 0;
};

}  // namespace sonde::io
