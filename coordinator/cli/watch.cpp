#include "coordinator/cli/watch.h"

#include <fmt/format.h>
#include <unistd.h>

#include <algorithm>
#include <csignal>
#include <ctime>
#include <initializer_list>
#include <utility>

#include "coordinator/cli/screen.h"
#include "coordinator/cli/units.h"

namespace sonde::cli {
namespace {

using Clock = std::chrono::steady_clock;
using std::chrono::milliseconds;

/// Of the time that asking takes; the coordinator and the network have other things to do.
constexpr int least_rest = 4;

sigset_t set_of(std::initializer_list<int> signals) {
  sigset_t set;
  ::sigemptyset(&set);
  for (const int signal : signals) ::sigaddset(&set, signal);
  return set;
}

/// While it lives these signals wait until they are asked for.
class HeldSignals {
 public:
  HeldSignals() { ::pthread_sigmask(SIG_BLOCK, &held_, &before_); }
  ~HeldSignals() {
    while (next(milliseconds(0)) != 0) continue;  // or what has ended the watch would end the program
    ::pthread_sigmask(SIG_SETMASK, &before_, nullptr);
  }
  HeldSignals(const HeldSignals&) = delete;
  HeldSignals& operator=(const HeldSignals&) = delete;
  HeldSignals(HeldSignals&&) = delete;
  HeldSignals& operator=(HeldSignals&&) = delete;

  /// Whether one is waiting that ends the program; it goes on waiting.
  static bool end_is_waiting() {
    sigset_t waiting;
    ::sigpending(&waiting);
    for (const int signal : {SIGINT, SIGTERM, SIGHUP})
      if (::sigismember(&waiting, signal) == 1) return true;
    return false;
  }

  /// The next one within that time; 0: none came.
  int next(milliseconds patience) const {
    timespec time{};
    time.tv_sec = patience.count() / 1000;
    time.tv_nsec = (patience.count() % 1000) * 1'000'000;
    const int signal = ::sigtimedwait(&held_, nullptr, &time);
    return signal < 0 ? 0 : signal;
  }

 private:
  sigset_t held_ = set_of({SIGINT, SIGTERM, SIGHUP, SIGWINCH, SIGTSTP});
  sigset_t before_{};
};

class Watch {
 public:
  Watch(const Watched& watched, milliseconds every) : watched_(watched), every_(every) {
    on_screen_ = watched_.height().has_value();
  }
  ~Watch() {
    if (!entered_) return;
    watched_.print(leave_screen);
    watched_.print(watched_.render(answer_, watched_.terminal()));
  }
  Watch(const Watch&) = delete;
  Watch& operator=(const Watch&) = delete;
  Watch(Watch&&) = delete;
  Watch& operator=(Watch&&) = delete;

  Expected<void> run() {
    while (!HeldSignals::end_is_waiting()) {
      const auto began = Clock::now();
      auto answer = watched_.ask([] { return !HeldSignals::end_is_waiting(); });
      if (HeldSignals::end_is_waiting()) break;
      if (!answer && answer_.empty()) return fail(answer.error().what);
      trouble_ = answer ? "" : answer.error().what;
      if (answer) answer_ = *std::move(answer);
      if (!show(trouble_.empty())) break;
      const auto took = std::chrono::duration_cast<milliseconds>(Clock::now() - began);
      if (!rest_until(Clock::now() + std::max(every_ - took, took * least_rest))) break;
    }
    return {};
  }

 private:
  /// False when a signal ends it.
  bool rest_until(Clock::time_point due) {
    for (;;) {
      const auto left = std::chrono::duration_cast<milliseconds>(due - Clock::now());
      switch (signals_.next(std::max(left, milliseconds(0)))) {
        case 0:
          if (Clock::now() >= due) return true;
          break;
        case SIGWINCH: show(false); break;
        case SIGTSTP: stop(); break;
        default: return false;
      }
    }
  }

  /// Gives the terminal back to the shell until it says `fg`.
  void stop() {
    if (entered_) watched_.print(leave_screen);
    entered_ = false;
    ::raise(SIGSTOP);
    show(false);
  }

  bool show(bool is_new) {
    const auto height = watched_.height();
    if (on_screen_ && height && !entered_) entered_ = watched_.print(enter_screen);
    if (on_screen_ && height)
      return watched_.print(screen_frame(watched_.render(answer_, watched_.terminal()), status(), *height));
    if (!is_new) return true;
    return watched_.print(watched_.render(answer_, watched_.terminal()));
  }

  std::string status() const {
    if (!trouble_.empty()) return "NO CONNECTION, what you see is old: " + trouble_;
    return fmt::format("asked every {}; Ctrl-C ends", human_stretch(static_cast<double>(every_.count()) / 1000));
  }

  const Watched& watched_;
  milliseconds every_;
  HeldSignals signals_;
  bool on_screen_ = false;
  bool entered_ = false;
  std::string answer_;
  std::string trouble_;
};

}  // namespace

Expected<void> watch(const Watched& watched, milliseconds every) { return Watch(watched, every).run(); }

}  // namespace sonde::cli
