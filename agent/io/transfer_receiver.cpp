#include "agent/io/transfer_receiver.h"

#include <poll.h>
#include <sys/socket.h>

#include <algorithm>
#include <cerrno>

#include "agent/io/tcp_socket.h"
#include "shared/base/limits.h"
#include "shared/io/clock.h"

namespace sonde::io {
namespace {

using namespace std::chrono_literals;

/// One read takes at most this, and never so much that a small byte budget would be one reading.
constexpr std::uint64_t most_per_read = 1U << 20;
constexpr std::uint64_t least_per_read = 1448;
constexpr std::uint64_t reads_in_budget = 64;

}  // namespace

TransferReceiver::TransferReceiver(const ReceiveStreams& plan, std::shared_ptr<Mailbox<TransferReport>> reports)
    : plan_(plan),
      reports_(std::move(reports)),
      inputs_(limits::streams_per_run + 8),
      buffer_(std::clamp(plan.max_bytes.count / reads_in_budget, least_per_read, most_per_read)) {
  thread_ = std::jthread([this] { run(); });
}

TransferReceiver::~TransferReceiver() {
  while (!inputs_.push(Stop{})) std::this_thread::yield();
}

void TransferReceiver::run() {
  if (attach_all()) {
    reports_->push(ReceiverReady{plan_.token});
    if (count()) drain();
  }
  for (Fd& stream : streams_) reset_connection(stream);
  reports_->push(ReceiverDrained{plan_.token});
}

/// False: told to stop.
bool TransferReceiver::take_inputs() {
  for (Input& input : inputs_.take_all()) {
    if (std::holds_alternative<Stop>(input)) return false;
    streams_.push_back(std::move(std::get<Fd>(input)));
  }
  return true;
}

bool TransferReceiver::attach_all() {
  while (streams_.size() < plan_.streams) {
    pollfd poll_input{inputs_.fd(), POLLIN, 0};
    ::poll(&poll_input, 1, -1);
    if (!take_inputs()) return false;
  }
  return true;
}

/// Waits for data; false: told to stop.
bool TransferReceiver::wait(nanoseconds longest) {
  std::vector<pollfd> polls{{inputs_.fd(), POLLIN, 0}};
  for (const Fd& stream : streams_) polls.push_back({stream.get(), POLLIN, 0});
  const auto ms = std::chrono::ceil<std::chrono::milliseconds>(std::max<nanoseconds>(longest, 0ns)).count();
  ::poll(polls.data(), polls.size(), static_cast<int>(ms));
  readable_.clear();
  for (std::size_t i = 0; i < streams_.size(); ++i)
    if (polls[i + 1].revents != 0) readable_.push_back(i);
  return polls[0].revents == 0 || take_inputs();
}

/// MSG_TRUNC (tcp(7)): the kernel drops the octets instead of copying them.
std::uint64_t TransferReceiver::read_some(std::size_t index) {
  const ssize_t n = ::recv(streams_[index].get(), buffer_.data(), buffer_.size(), MSG_TRUNC | MSG_DONTWAIT);
  if (n > 0) return static_cast<std::uint64_t>(n);
  if (n == 0 || (errno != EAGAIN && errno != EINTR)) reset_connection(streams_[index]);
  return 0;
}

bool TransferReceiver::all_closed() const {
  return std::ranges::none_of(streams_, [](const Fd& stream) { return static_cast<bool>(stream); });
}

TransferMeterPlan TransferReceiver::meter_plan() const {
  TransferMeterPlan plan;
  plan.duration = plan_.duration;
  plan.max_duration = plan_.max_duration;
  plan.max_bytes = plan_.max_bytes;
  plan.streams = plan_.streams;
  for (const Fd& stream : streams_) {
    const auto facts = read_tcp_facts(stream.get());
    if (!facts) continue;
    if (facts->mss > 0) plan.segment_bytes = facts->mss;
    if (facts->rtt.count() > 0) plan.rtt = std::max(plan.rtt.value_or(0ns), facts->rtt);
  }
  return plan;
}

/// Until the run is over; false: told to stop.
bool TransferReceiver::count() {
  TransferMeter meter(meter_plan(), read_clock().mono);
  MonoTime next_progress = read_clock().mono + transfer_limits::progress_every;
  while (true) {
    if (!wait(meter.next_check() - read_clock().mono)) return false;
    for (const std::size_t index : readable_) {
      const std::uint64_t bytes = read_some(index);
      meter.add(read_clock().mono, bytes);
    }
    const MonoTime now = read_clock().mono;
    if (now >= next_progress) {
      next_progress = now + transfer_limits::progress_every;
      reports_->push(TransferProgress{plan_.token, meter.bytes()});
    }
    auto end = meter.check(now);
    if (!end && all_closed()) end = TransferEnd::closed;
    if (!end) continue;
    reports_->push(ReceiverEnded{meter.report(plan_.token, now, *end)});
    return true;
  }
}

void TransferReceiver::drain() {
  const MonoTime until = read_clock().mono + transfer_limits::drain;
  while (!all_closed()) {
    const nanoseconds left = until - read_clock().mono;
    if (left <= 0ns || !wait(left)) return;
    for (const std::size_t index : readable_) read_some(index);
  }
}

}  // namespace sonde::io
