// Events to standard error, one line each, at most a few of one code in a while.
#pragma once

#include <cstdint>
#include <map>
#include <string_view>

#include "shared/base/event.h"
#include "shared/base/time.h"

namespace sonde::io {

/// Prints `LEVEL code key=value ...`. Of one code at most `burst` lines in each `interval`; how many were held back is
/// said with the next line of that code (held_back=N).
class EventLog {
 public:
  static constexpr std::uint32_t burst = 5;
  static constexpr nanoseconds interval = std::chrono::seconds(10);

  void write(MonoTime now, const Event& event);
  void write(MonoTime now, const Events& events);

 private:
  struct Window {
    MonoTime began;
    std::uint32_t written = 0;
    std::uint64_t held_back = 0;
  };
  std::map<std::string_view, Window> windows_;
};

}  // namespace sonde::io
