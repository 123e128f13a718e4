#include "tests/wan/emulator.h"

#include <sched.h>
#include <sys/epoll.h>
#include <sys/mman.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <cstring>
#include <ctime>
#include <system_error>

#include "shared/io/clock.h"
#include "tests/wan/tun.h"

namespace sonde::wan {
namespace {

constexpr std::uint64_t stdin_key = UINT64_MAX;
constexpr int real_time_priority = 20;

void watch(int epoll, int fd, std::uint64_t key) {
  epoll_event event{};
  event.events = EPOLLIN;
  event.data.u64 = key;
  if (::epoll_ctl(epoll, EPOLL_CTL_ADD, fd, &event) < 0)
    throw std::system_error(errno, std::generic_category(), "watching a descriptor");
}

MonoTime mono_now() { return io::read_clock().mono; }

void print_line(std::string line) {
  line += '\n';
  std::string_view rest = line;
  while (!rest.empty()) {
    const auto written = ::write(STDOUT_FILENO, rest.data(), rest.size());
    if (written <= 0) return;  // nobody listens; the end of standard input will tell
    rest.remove_prefix(static_cast<std::size_t>(written));
  }
}

}  // namespace

Emulator::Emulator(Network network, const std::string& netns_prefix)
    : network_(std::move(network)), epoll_(::epoll_create1(EPOLL_CLOEXEC)) {
  for (const WanSite& site : network_.sites()) {
    tuns_.push_back(open_tun(netns_prefix + site.site.str(), "wan0", site.addresses));
    watch(epoll_.get(), tuns_.back().get(), tuns_.size() - 1);
  }
  watch(epoll_.get(), STDIN_FILENO, stdin_key);
}

void Emulator::run() {
  print_line("ready");
  while (running_) {
    wait();
    write_due();
  }
}

void Emulator::wait() {
  std::array<epoll_event, Network::most_sites + 1> events{};
  timespec timeout{};
  timespec* until = nullptr;
  if (const auto next = transit_.next_departure()) {
    const nanoseconds left = std::max(*next - mono_now(), nanoseconds(0));
    timeout = {.tv_sec = left.count() / 1'000'000'000, .tv_nsec = left.count() % 1'000'000'000};
    until = &timeout;
  }
  const int ready = ::epoll_pwait2(epoll_.get(), events.data(), static_cast<int>(events.size()), until, nullptr);
  for (int i = 0; i < ready; ++i) {
    const std::uint64_t key = events[static_cast<std::size_t>(i)].data.u64;
    if (key == stdin_key) {
      read_commands();
    } else {
      read_packets(key);
    }
  }
}

void Emulator::read_packets(std::size_t site) {
  // One reading of the clock for each packet: a batch may hold what came in while it was read.
  for (int i = 0; i < packets_per_turn; ++i) {
    std::array<std::byte, 1> refuse{};
    const auto spare = transit_.spare();
    const auto buffer = spare.empty() ? std::span<std::byte>(refuse) : spare;
    const auto octets = ::read(tuns_[site].get(), buffer.data(), buffer.size());
    if (octets <= 0) return;
    if (spare.empty()) {
      network_.on_overflow();
      continue;
    }
    const auto packet = buffer.first(static_cast<std::size_t>(octets));
    const auto forward = network_.on_packet(mono_now(), site, packet);
    if (!forward) continue;
    if (!forward->answer.empty()) {
      if (!transit_.keep_copy(forward->answer, site, network_.answers_to(site), forward->answered))
        network_.on_overflow();
      continue;
    }
    if (forward->fate.copies == 0) continue;
    transit_.keep(packet.size(), forward->to, forward->path, forward->fate.departs[0]);
    if (forward->fate.copies > 1 && !transit_.keep_copy(packet, forward->to, forward->path, forward->fate.departs[1]))
      network_.on_overflow();
  }
}

void Emulator::write_due() {
  for (int i = 0; i < packets_per_turn; ++i) {
    const MonoTime now = mono_now();
    const auto due = transit_.due(now);
    if (!due) return;
    const auto written = ::write(tuns_[due->to].get(), due->packet.data(), due->packet.size());
    if (written == static_cast<ssize_t>(due->packet.size())) {
      network_.on_delivered(due->path, static_cast<std::uint32_t>(due->packet.size()), now - due->departs);
    } else {
      network_.on_overflow();
    }
    transit_.pop();
  }
}

void Emulator::read_commands() {
  std::array<char, longest_command> chunk{};
  const auto got = ::read(STDIN_FILENO, chunk.data(), chunk.size());
  if (got <= 0) {
    running_ = false;
    return;
  }
  input_.append(chunk.data(), static_cast<std::size_t>(got));
  for (auto end = input_.find('\n'); end != input_.npos; end = input_.find('\n')) {
    const std::string line = input_.substr(0, end);
    input_.erase(0, end + 1);
    if (line == "quit") running_ = false;
    print_line(line == "quit" ? "ok" : network_.command(line));
  }
  if (input_.size() > longest_command) {
    input_.clear();
    print_line("error: the command is too long");
  }
}

bool become_real_time(std::string& why) {
  sched_param priority{};
  priority.sched_priority = real_time_priority;
  const bool scheduled = ::sched_setscheduler(0, SCHED_FIFO, &priority) == 0;
  if (!scheduled) why = std::strerror(errno);
  if (::mlockall(MCL_CURRENT | MCL_FUTURE | MCL_ONFAULT) != 0 && scheduled)
    why = std::string("memory: ") + std::strerror(errno);
  return scheduled;
}

}  // namespace sonde::wan
