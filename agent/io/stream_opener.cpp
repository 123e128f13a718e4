#include "agent/io/stream_opener.h"

#include <fmt/format.h>
#include <poll.h>
#include <sys/socket.h>

#include <algorithm>
#include <cerrno>
#include <cstring>

#include "agent/core/connect_probe.h"
#include "agent/core/transfer_header.h"
#include "shared/io/clock.h"

namespace sonde::io {
namespace {

using namespace std::chrono_literals;

constexpr nanoseconds longest_wait = 1s;

class Opener {
 public:
  Opener(const OpenPlan& plan, int wake_fd, const std::function<bool()>& interrupted)
      : plan_(plan), wake_fd_(wake_fd), interrupted_(interrupted), deadline_(read_clock().mono + plan.timeout) {}

  /// 0, or errno; -1: interrupted.
  int open(const Endpoint& target) {
    streams_.clear();
    connected_.assign(plan_.streams, false);
    for (std::uint32_t i = 0; i < plan_.streams; ++i) {
      auto started = start_connect(target, plan_.source);
      if (started.error != 0 && started.error != EINPROGRESS) return started.error;
      set_congestion_control(started.socket.get(), plan_.congestion);
      streams_.push_back({std::move(started.socket), {}});
    }
    while (!std::ranges::all_of(connected_, [](bool yes) { return yes; })) {
      const MonoTime now = read_clock().mono;
      if (now >= deadline_) return ETIMEDOUT;
      if (const int error = wait(now); error != 0) return error;
    }
    return 0;
  }
  std::vector<OpenedStream> take() { return std::move(streams_); }

 private:
  int wait(MonoTime now) {
    std::vector<pollfd> polls{{wake_fd_, POLLIN, 0}};
    for (std::size_t i = 0; i < streams_.size(); ++i)
      polls.push_back({connected_[i] ? -1 : streams_[i].socket.get(), POLLOUT, 0});
    ::poll(polls.data(), polls.size(), poll_ms(now, deadline_));
    if (polls[0].revents != 0 && interrupted_()) return -1;
    for (std::size_t i = 0; i < streams_.size(); ++i)
      if (!connected_[i] && polls[i + 1].revents != 0)
        if (const int error = greet(i); error != 0) return error;
    return 0;
  }

  int greet(std::size_t index) {
    OpenedStream& stream = streams_[index];
    if (const int error = pending_error(stream.socket.get()); error != 0) return error;
    stream.baseline = read_tcp_facts(stream.socket.get()).value_or(TcpFacts{});
    connected_[index] = true;
    const auto header = encode(TransferHeader{plan_.token, static_cast<std::uint8_t>(index)});
    const ssize_t sent = ::send(stream.socket.get(), header.data(), header.size(), MSG_NOSIGNAL);
    return sent == std::ssize(header) ? 0 : errno;
  }

  const OpenPlan& plan_;
  const int wake_fd_;
  const std::function<bool()>& interrupted_;
  const MonoTime deadline_;
  std::vector<OpenedStream> streams_;
  std::vector<bool> connected_;
};

}  // namespace

int poll_ms(MonoTime now, MonoTime until) {
  const auto wait = std::clamp<nanoseconds>(until - now, 0ns, longest_wait);
  return static_cast<int>(std::chrono::ceil<std::chrono::milliseconds>(wait).count());
}

std::expected<std::vector<OpenedStream>, OpenFailure> open_streams(const OpenPlan& plan, int wake_fd,
                                                                   const std::function<bool()>& interrupted) {
  if (auto why = no_congestion_control(plan.congestion))
    return std::unexpected(OpenFailure{Outcome::skipped, *std::move(why)});
  Opener opener(plan, wake_fd, interrupted);
  OpenFailure failure{Outcome::dns_failed, "the far site has no address"};
  for (const Endpoint& target : plan.targets) {
    const int error = opener.open(target);
    if (error == 0) return opener.take();
    if (error < 0) return std::unexpected(OpenFailure{});
    failure = {outcome_of_connect_error(error),
               fmt::format("data connection to {}: {}", target.str(), std::strerror(error))};
    if (!is_no_route(error)) break;
  }
  return std::unexpected(std::move(failure));
}

}  // namespace sonde::io
