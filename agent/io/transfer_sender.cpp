#include "agent/io/transfer_sender.h"

#include <fmt/format.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <sys/socket.h>

#include <algorithm>
#include <cerrno>
#include <cstring>

#include "agent/core/connect_probe.h"
#include "agent/core/transfer_header.h"
#include "shared/base/random.h"
#include "shared/io/clock.h"

namespace sonde::io {
namespace {

using namespace std::chrono_literals;

constexpr std::size_t payload_bytes = 256U << 10;
constexpr int least_unsent = 6'000;  ///< octets: four segments
constexpr int most_unsent = 16 << 20;
constexpr double unsent_seconds = 0.05;
/// No event tells that a held back stream got room.
constexpr nanoseconds look_held_back = 5ms;
constexpr nanoseconds look_open = 20ms;
constexpr nanoseconds longest_wait = 1s;

void set_unsent_limit(int fd, int octets) { ::setsockopt(fd, IPPROTO_TCP, TCP_NOTSENT_LOWAT, &octets, sizeof octets); }

}  // namespace

TransferSender::TransferSender(SenderPlan plan, std::shared_ptr<Mailbox<TransferReport>> reports)
    : plan_(std::move(plan)), reports_(std::move(reports)), payload_(payload_bytes) {
  // Boxes on the way that compress must find nothing to compress.
  Random random(plan_.open.token[0] + 256U * plan_.open.token[1]);
  std::ranges::generate(payload_, [&] { return static_cast<std::uint8_t>(random.next()); });
  thread_ = std::jthread([this] { run(); });
}

TransferSender::~TransferSender() {
  while (!inputs_.push(Command::stop)) std::this_thread::yield();
}

void TransferSender::run() {
  go_first("sonde-send");
  auto ending = plan_.accepts ? accept_all() : open_all();
  if (!ending) {
    reports_->push(StreamsOpen{plan_.open.token});
    ending = write_until_told();
  }
  SenderEnded ended{plan_.open.token, ending->outcome, std::move(ending->reason), stats()};
  for (Stream& stream : streams_) reset_connection(stream.socket);
  reports_->push(std::move(ended));
}

std::optional<TransferSender::Ending> TransferSender::take_inputs() {
  for (Input& input : inputs_.take_all()) {
    if (auto* attached = std::get_if<Attached>(&input)) {
      const auto baseline = read_tcp_facts(attached->socket.get()).value_or(TcpFacts{});
      add_stream(attached->stream, std::move(attached->socket), baseline, 0);
      continue;
    }
    if (std::get<Command>(input) == Command::stop) return Ending{};
    may_write_ = true;
  }
  return std::nullopt;
}

void TransferSender::add_stream(std::uint8_t number, Fd socket, const TcpFacts& baseline, std::uint64_t header_bytes) {
  set_unsent_limit(socket.get(), least_unsent);
  streams_.push_back(
      {number, std::move(socket), baseline.bytes_acked + header_bytes, baseline, SendWindow(plan_.open.streams), 0});
}

std::optional<TransferSender::Ending> TransferSender::open_all() {
  std::optional<Ending> told;
  auto opened = open_streams(plan_.open, inputs_.fd(), [&] {
    told = take_inputs();
    return told.has_value();
  });
  if (told) return told;
  if (!opened) return Ending{opened.error().outcome, std::move(opened.error().reason)};
  std::uint8_t number = 0;
  for (OpenedStream& stream : *opened)
    add_stream(number++, std::move(stream.socket), stream.baseline, TransferHeader::size);
  return std::nullopt;
}

std::optional<TransferSender::Ending> TransferSender::accept_all() {
  if (auto why = no_congestion_control(plan_.open.congestion)) return Ending{Outcome::skipped, *std::move(why)};
  const MonoTime deadline = read_clock().mono + plan_.open.timeout;
  while (streams_.size() < plan_.open.streams) {
    const MonoTime now = read_clock().mono;
    if (now >= deadline) return Ending{Outcome::timeout, "the far side did not open the data connections in time"};
    pollfd poll_input{inputs_.fd(), POLLIN, 0};
    ::poll(&poll_input, 1, poll_ms(now, deadline));
    if (auto ending = take_inputs()) return ending;
  }
  for (const Stream& stream : streams_) set_congestion_control(stream.socket.get(), plan_.open.congestion);
  std::ranges::sort(streams_, {}, &Stream::number);
  return std::nullopt;
}

TransferSender::Ending TransferSender::write_until_told() {
  while (true) {
    const bool wants = may_write_ && budget_left();
    if (wants && read_clock().mono >= next_look_) look_at_streams();
    std::vector<pollfd> polls{{inputs_.fd(), POLLIN, 0}};
    for (const Stream& stream : streams_)
      polls.push_back({stream.socket.get(), static_cast<short>(wants && stream.room > 0 ? POLLOUT : 0), 0});
    const MonoTime now = read_clock().mono;
    ::poll(polls.data(), polls.size(), poll_ms(now, wants ? next_look_ : now + longest_wait));
    if (auto ending = take_inputs()) return *ending;
    for (std::size_t i = 0; i < streams_.size(); ++i) {
      const short events = polls[i + 1].revents;
      if ((events & (POLLERR | POLLHUP)) != 0) {
        const int error = pending_error(streams_[i].socket.get());
        const Outcome outcome = outcome_of_connect_error(error == 0 ? ECONNRESET : error);
        return {outcome, fmt::format("data connection lost: {}", std::strerror(error == 0 ? ECONNRESET : error))};
      }
      if ((events & POLLOUT) == 0) continue;
      if (auto ending = write_some(streams_[i])) return *ending;
    }
    if (read_clock().mono >= next_progress_) tell_progress();
  }
}

void TransferSender::tell_progress() {
  next_progress_ = read_clock().mono + transfer_limits::progress_every;
  std::uint64_t acked = 0;
  for (const Stream& stream : streams_)
    if (const auto facts = read_tcp_facts(stream.socket.get())) acked += acked_of(stream, *facts);
  if (acked > 0) reports_->push(TransferProgress{plan_.open.token, acked});
}

std::optional<TransferSender::Ending> TransferSender::write_some(Stream& stream) {
  const std::uint64_t left = plan_.max_bytes.count - written_;
  if (left == 0) return std::nullopt;
  if (!first_write_) first_write_ = read_clock().mono;
  const auto size = static_cast<std::size_t>(std::min<std::uint64_t>({left, payload_.size(), stream.room}));
  const ssize_t n = ::send(stream.socket.get(), payload_.data(), size, MSG_NOSIGNAL);
  if (n >= 0) {
    written_ += static_cast<std::uint64_t>(n);
    if (!stream.window.open()) stream.room -= static_cast<std::uint64_t>(n);
    return std::nullopt;
  }
  if (errno == EAGAIN || errno == EINTR) return std::nullopt;
  return Ending{outcome_of_connect_error(errno), fmt::format("data connection lost: {}", std::strerror(errno))};
}

/// How much each stream may write, and how much may wait in its socket: a fast link needs more than four segments at
/// hand between two turns of this thread.
void TransferSender::look_at_streams() {
  const MonoTime now = read_clock().mono;
  all_open_ = true;
  for (Stream& stream : streams_) {
    const auto facts = read_tcp_facts(stream.socket.get());
    if (!facts) continue;
    const auto room = stream.window.room(
        now, {acked_of(stream, *facts), facts->segments_out, facts->mss, facts->min_rtt, facts->rtt});
    stream.room = room.value_or(payload_bytes);
    all_open_ = all_open_ && !room;
    const double octets = static_cast<double>(facts->delivery_rate) * unsent_seconds;
    set_unsent_limit(stream.socket.get(), static_cast<int>(std::clamp<double>(octets, least_unsent, most_unsent)));
  }
  next_look_ = now + (all_open_ ? look_open : look_held_back);
}

/// Of user data.
std::uint64_t TransferSender::acked_of(const Stream& stream, const TcpFacts& facts) {
  return facts.bytes_acked > stream.acked_before ? facts.bytes_acked - stream.acked_before : 0;
}

SenderStats TransferSender::stats() const {
  SenderStats sum;
  sum.bytes_written = written_;
  const MonoTime now = read_clock().mono;
  std::int64_t counted = 0;
  for (const Stream& stream : streams_) {
    const auto facts = read_tcp_facts(stream.socket.get());
    if (!facts) continue;
    ++counted;
    const std::uint64_t acked = acked_of(stream, *facts);
    sum.bytes_acked += acked;
    const std::uint32_t retransmits = facts->total_retransmits - stream.baseline.total_retransmits;
    sum.streams.push_back({facts->data_segments_out - stream.baseline.data_segments_out, retransmits});
    sum.retransmits += retransmits;
    if (facts->min_rtt.count() > 0) sum.min_rtt = std::min(sum.min_rtt.value_or(facts->min_rtt), facts->min_rtt);
    sum.rtt = sum.rtt.value_or(0ns) + facts->rtt;
    sum.busy += facts->busy;
    sum.rwnd_limited += facts->rwnd_limited;
    sum.sndbuf_limited += facts->sndbuf_limited;
    if (acked > 0 && first_write_) sum.acked_in = std::max(sum.acked_in, now - facts->since_last_ack - *first_write_);
  }
  if (counted == 0) return sum;
  *sum.rtt /= counted;
  sum.busy /= counted;
  sum.rwnd_limited /= counted;
  sum.sndbuf_limited /= counted;
  return sum;
}

}  // namespace sonde::io
