#include "agent/io/connect_thread.h"

#include <sys/epoll.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <system_error>

#include "agent/io/tcp_socket.h"
#include "shared/io/clock.h"

namespace sonde::io {
namespace {

bool watch(int epoll, int fd, std::uint32_t events) {
  epoll_event event{};
  event.events = events;
  event.data.fd = fd;
  return ::epoll_ctl(epoll, EPOLL_CTL_ADD, fd, &event) == 0;
}

}  // namespace

ConnectThread::ConnectThread(std::shared_ptr<Mailbox<ConnectDone>> done)
    : done_(std::move(done)), epoll_(::epoll_create1(EPOLL_CLOEXEC)) {
  if (!epoll_) throw std::system_error(errno, std::generic_category(), "create an epoll descriptor");
  if (!watch(epoll_.get(), jobs_.fd(), EPOLLIN))
    throw std::system_error(errno, std::generic_category(), "watch the queue of connect probes");
  thread_ = std::jthread([this] { run(); });
}

ConnectThread::~ConnectThread() {
  // A full queue empties within one turn of the thread.
  while (!jobs_.push(Stop{})) std::this_thread::yield();
}

void ConnectThread::run() {
  std::array<epoll_event, 64> events;
  while (true) {
    const int n =
        ::epoll_wait(epoll_.get(), events.data(), static_cast<int>(events.size()), wait_ms(read_clock().mono));
    const Now now = read_clock();  // the reading: nothing may come before it
    bool has_jobs = false;
    for (int i = 0; i < n; ++i) {
      const int fd = events.at(static_cast<std::size_t>(i)).data.fd;
      if (fd == jobs_.fd())
        has_jobs = true;
      else
        on_ready(fd, now);
    }
    expire(now);
    if (!has_jobs) continue;
    for (const auto& job : jobs_.take_all()) {
      if (std::holds_alternative<Stop>(job)) return;
      begin(std::get<ConnectJob>(job));
    }
  }
}

void ConnectThread::begin(const ConnectJob& job) {
  Flight flight;
  flight.done.id = job.id;
  flight.done.started = read_clock();
  auto [socket, error] = start_connect(job.target, job.source);
  flight.deadline = flight.done.started.mono + job.timeout;
  flight.socket = std::move(socket);
  if (error != EINPROGRESS) return end(flight, error, read_clock());
  const int fd = flight.socket.get();
  if (!watch(epoll_.get(), fd, EPOLLOUT)) return end(flight, errno, read_clock());
  flights_.insert_or_assign(fd, std::move(flight));
}

void ConnectThread::on_ready(int fd, const Now& now) {
  auto node = flights_.extract(fd);
  if (!node.empty()) end(node.mapped(), pending_error(fd), now);
}

void ConnectThread::expire(const Now& now) {
  for (auto it = flights_.begin(); it != flights_.end();) {
    if (it->second.deadline <= now.mono) {
      end(it->second, ETIMEDOUT, now);
      it = flights_.erase(it);
    } else {
      ++it;
    }
  }
}

void ConnectThread::end(Flight& flight, int error, const Now& now) {
  flight.done.error = error;
  flight.done.finished = now;
  if (flight.socket) {
    if (const auto facts = read_tcp_facts(flight.socket.get())) {
      flight.done.syn_retransmits = facts->total_retransmits;
      flight.done.kernel_rtt = facts->rtt;
    }
    reset_connection(flight.socket);
  }
  done_->push(flight.done);
}

int ConnectThread::wait_ms(MonoTime now) const {
  if (flights_.empty()) return -1;
  MonoTime least = flights_.begin()->second.deadline;
  for (const auto& [fd, flight] : flights_) least = std::min(least, flight.deadline);
  const auto ms = std::chrono::ceil<std::chrono::milliseconds>(least - now).count();
  return static_cast<int>(std::clamp<std::int64_t>(ms, 0, 60'000));
}

}  // namespace sonde::io
