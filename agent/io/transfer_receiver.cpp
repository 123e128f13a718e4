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
/// A thread that loses its processor between the clock and the counts would date them too early.
constexpr nanoseconds most_between = 500us;
constexpr int most_tries = 4;
/// Data behind a hole wake nobody: all streams are looked at this often.
constexpr nanoseconds look_every = 2ms;

ArrivalCount arrivals_of(int fd) {
  const auto facts = read_tcp_facts(fd);
  return ArrivalCount(facts ? facts->arrivals : ArrivalFacts{});
}

}  // namespace

TransferReceiver::TransferReceiver(const ReceiveStreams& plan, std::optional<OpenPlan> open,
                                   std::shared_ptr<Mailbox<TransferReport>> reports)
    : plan_(plan),
      open_(std::move(open)),
      reports_(std::move(reports)),
      inputs_(limits::streams_per_run + 8),
      buffer_(std::clamp(plan.max_bytes.count / reads_in_budget, least_per_read, most_per_read)) {
  thread_ = std::jthread([this] { run(); });
}

TransferReceiver::~TransferReceiver() {
  while (!inputs_.push(Stop{})) std::this_thread::yield();
}

void TransferReceiver::run() {
  go_first("sonde-receive");
  if (open_ ? open_all() : attach_all()) {
    reports_->push(ReceiverReady{plan_.token});
    if (count()) drain();
  }
  for (Stream& stream : streams_) reset_connection(stream.socket);
  reports_->push(ReceiverDrained{plan_.token});
}

/// False: told to stop.
bool TransferReceiver::take_inputs() {
  for (Input& input : inputs_.take_all()) {
    if (std::holds_alternative<Stop>(input)) return false;
    if (std::holds_alternative<End>(input)) {
      end_asked_ = true;
      continue;
    }
    auto& attached = std::get<Attached>(input);
    ArrivalCount arrivals = arrivals_of(attached.socket.get());
    streams_.push_back({attached.stream, std::move(attached.socket), arrivals});
  }
  return true;
}

bool TransferReceiver::attach_all() {
  while (streams_.size() < plan_.streams) {
    pollfd poll_input{inputs_.fd(), POLLIN, 0};
    ::poll(&poll_input, 1, -1);
    if (!take_inputs()) return false;
  }
  std::ranges::sort(streams_, {}, &Stream::number);
  return true;
}

/// False: told to stop, or failed, which is reported.
bool TransferReceiver::open_all() {
  bool stopped = false;
  auto opened = open_streams(*open_, inputs_.fd(), [&] { return stopped = !take_inputs(); });
  if (!opened) {
    wire::TransferFinished finished;
    finished.token = plan_.token;
    finished.outcome = opened.error().outcome;
    finished.reason = std::move(opened.error().reason);
    if (!stopped) reports_->push(ReceiverEnded{std::move(finished)});
    return false;
  }
  std::uint8_t number = 0;
  for (OpenedStream& stream : *opened) {
    const ArrivalCount arrivals = arrivals_of(stream.socket.get());
    streams_.push_back({number++, std::move(stream.socket), arrivals});
  }
  return true;
}

/// Waits for data; false: told to stop.
bool TransferReceiver::wait(nanoseconds longest) {
  std::vector<pollfd> polls{{inputs_.fd(), POLLIN, 0}};
  for (const Stream& stream : streams_) polls.push_back({stream.socket.get(), POLLIN, 0});
  const auto ms = std::chrono::ceil<std::chrono::milliseconds>(std::max<nanoseconds>(longest, 0ns)).count();
  ::poll(polls.data(), polls.size(), static_cast<int>(ms));
  readable_.clear();
  for (std::size_t i = 0; i < streams_.size(); ++i)
    if (polls[i + 1].revents != 0) readable_.push_back(i);
  return polls[0].revents == 0 || take_inputs();
}

/// MSG_TRUNC (tcp(7)): the kernel drops the octets instead of copying them.
void TransferReceiver::read_some(std::size_t index) {
  Stream& stream = streams_[index];
  const ssize_t n = ::recv(stream.socket.get(), buffer_.data(), buffer_.size(), MSG_TRUNC | MSG_DONTWAIT);
  if (n == 0 || (n < 0 && errno != EAGAIN && errno != EINTR)) reset_connection(stream.socket);
}

/// New user data on a stream, read or not.
std::uint64_t TransferReceiver::arrived(std::size_t index) {
  Stream& stream = streams_[index];
  const auto facts = stream.socket ? read_tcp_facts(stream.socket.get()) : std::nullopt;
  if (!facts) return 0;
  return stream.arrivals.add(facts->arrivals);
}

std::uint64_t TransferReceiver::take_arrivals(MonoTime now) {
  std::uint64_t bytes = 0;
  if (now < next_look_) {
    for (const std::size_t index : readable_) bytes += arrived(index);
    return bytes;
  }
  for (std::size_t index = 0; index < streams_.size(); ++index) bytes += arrived(index);
  next_look_ = now + look_every;
  return bytes;
}

/// New user data on all streams by `now`, which is moved on where reading the counts took long.
std::uint64_t TransferReceiver::take_arrivals_at(MonoTime& now) {
  now = read_clock().mono;
  std::uint64_t bytes = take_arrivals(now);
  for (int i = 1; i < most_tries; ++i) {
    const MonoTime after = read_clock().mono;
    if (after - now <= most_between) break;
    now = after;
    bytes += take_arrivals(now);
  }
  return bytes;
}

/// A socket that holds nothing has no hole: what was counted above the data in order came twice.
void TransferReceiver::settle(Stream& stream) {
  if (!stream.socket || !stream.arrivals.has_hole() || !holds_nothing(stream.socket.get())) return;
  // What comes between the two looks is in the second one.
  if (const auto facts = read_tcp_facts(stream.socket.get());
      facts && facts->arrivals.segments == stream.arrivals.segments())
    stream.arrivals.settle();
}

bool TransferReceiver::incomplete() const {
  return std::ranges::any_of(streams_, [](const Stream& stream) { return stream.arrivals.has_hole(); });
}

std::uint64_t TransferReceiver::repeated() const {
  std::uint64_t sum = 0;
  for (const Stream& stream : streams_) sum += stream.arrivals.repeated();
  return sum;
}

bool TransferReceiver::all_closed() const {
  return std::ranges::none_of(streams_, [](const Stream& stream) { return static_cast<bool>(stream.socket); });
}

TransferMeterPlan TransferReceiver::meter_plan() const {
  TransferMeterPlan plan;
  plan.duration = plan_.duration;
  plan.max_duration = plan_.max_duration;
  plan.max_bytes = plan_.max_bytes;
  plan.streams = plan_.streams;
  plan.may_settle = plan_.may_settle;
  for (const Stream& stream : streams_) {
    const auto facts = read_tcp_facts(stream.socket.get());
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
    if (!wait(std::min(meter.next_check(), next_look_) - read_clock().mono)) return false;
    // What the kernel counted by now came by now; reading it is only to make room.
    MonoTime now;
    const std::uint64_t repeated_before = repeated();
    const std::uint64_t bytes = take_arrivals_at(now);
    for (const std::size_t index : readable_) read_some(index);
    for (Stream& stream : streams_) settle(stream);
    meter.add(now, bytes, {.repeated = repeated() > repeated_before, .incomplete = incomplete()});
    if (now >= next_progress) {
      next_progress = now + transfer_limits::progress_every;
      reports_->push(TransferProgress{plan_.token, meter.bytes()});
    }
    auto end = meter.check(now);
    if (!end && end_asked_) end = TransferEnd::partner;
    if (!end && all_closed()) end = TransferEnd::closed;
    if (!end) continue;
    std::vector<std::uint64_t> each;
    for (const Stream& stream : streams_) each.push_back(stream.arrivals.counted());
    meter.set_streams(std::move(each));
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
