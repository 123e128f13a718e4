#include "agent/io/examination.h"

#include <fmt/format.h>
#include <poll.h>
#include <sched.h>
#include <sys/resource.h>
#include <sys/timex.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <chrono>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <ios>
#include <optional>
#include <string>
#include <string_view>
#include <system_error>
#include <vector>

#include "agent/io/socket_address.h"
#include "agent/io/udp_socket.h"
#include "shared/io/clock.h"
#include "shared/io/fd.h"
#include "shared/wire/stamp_packet.h"

namespace sonde::io {
namespace {

using std::chrono::milliseconds;

constexpr nanoseconds stamps_wait = milliseconds(300);
constexpr std::string_view agent_program = "sonde-agent";
constexpr std::array<std::uint8_t, 4> loopback = {127, 0, 0, 1};

std::string reason(int error) { return std::generic_category().message(error); }

bool clock_synchronised() {
  timex state{};
  return ::adjtimex(&state) >= 0 && (state.status & STA_UNSYNC) == 0;
}

/// Sends one packet to itself and sees what the kernel says of it.
void try_stamps(doctor::Host& host) {
  IpAddress self;
  std::ranges::copy(loopback, self.octets.begin());
  UdpSocket socket({self, 0}, SendStamps::all);
  const auto packet = wire::encode(wire::SenderPacket{.sequence = 1, .sent_at = {}, .error = {}, .ssid = 1});
  const std::array<OutgoingDatagram, 1> outgoing = {
      OutgoingDatagram{.to = socket.local(), .octets = packet, .from = {}, .traffic_class = {}}};
  if (socket.send(outgoing).taken != 1) return;
  const MonoTime until = read_clock().mono + stamps_wait;
  std::vector<StampedSend> stamps;
  std::vector<SendError> errors;
  const auto all = [&] { return host.receive_stamps && host.send_stamps && host.queue_stamps; };
  while (!all() && read_clock().mono < until) {
    pollfd ready{.fd = socket.fd(), .events = POLLIN, .revents = 0};
    ::poll(&ready, 1, 20);
    for (const Datagram& datagram : socket.receive()) host.receive_stamps |= datagram.kernel_stamp.has_value();
    socket.drain_errors(stamps, errors);
    for (const StampedSend& stamp : stamps) (stamp.in_driver ? host.send_stamps : host.queue_stamps) = true;
  }
}

/// Binds it for a moment.
doctor::LocalPort try_port(const std::string& what, Endpoint at, int type) {
  const bool v6 = at.address.family == IpAddress::Family::v6;
  const Fd socket(::socket(v6 ? AF_INET6 : AF_INET, type | SOCK_CLOEXEC, 0));
  const int error = errno;
  doctor::LocalPort port{.what = fmt::format("{} {}", what, at.port)};
  if (!socket) {
    port.refusal = reason(error);
    return port;
  }
  // What is left of ended connections is in nobody's way; who listens still is.
  const int on = 1;
  if (type == SOCK_STREAM) ::setsockopt(socket.get(), SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
  sockaddr_storage storage{};
  const socklen_t size = to_sockaddr(at, v6, storage);
  if (::bind(socket.get(), reinterpret_cast<const sockaddr*>(&storage), size) == 0) return port;
  if (errno == EADDRINUSE)
    port.taken = true;
  else
    port.refusal = reason(errno);
  return port;
}

void look_at_spool(const ExaminationPlan& plan, doctor::Host& host) {
  const auto folder = plan.spool.parent_path();
  host.spool_folder = folder.string();
  std::error_code trouble;
  const auto space = std::filesystem::space(folder, trouble);
  if (trouble) {
    host.spool_refusal = trouble.message();
    return;
  }
  if (::access(folder.c_str(), W_OK) != 0) host.spool_refusal = reason(errno);
  host.spool_free = Bytes{space.available};
  const auto used = std::filesystem::file_size(plan.spool, trouble);
  const std::uint64_t have = trouble ? 0 : used;
  host.spool_wanted = Bytes{plan.spool_max_size.count - std::min(plan.spool_max_size.count, have)};
}

std::string link_text(const std::filesystem::path& link) {
  std::error_code trouble;
  return std::filesystem::read_symlink(link, trouble).string();
}

/// The number that follows `key` in /proc/PID/status, in hexadecimal; 0 where there is none.
std::uint64_t status_bits(const std::filesystem::path& process, const std::string& key) {
  std::ifstream status(process / "status");
  std::string word;
  std::uint64_t bits = 0;
  while (status >> word)
    if (word == key) status >> std::hex >> bits;
  return bits;
}

bool has_real_time_thread(const std::filesystem::path& process) {
  std::error_code trouble;
  for (const auto& task : std::filesystem::directory_iterator(process / "task", trouble)) {
    const int policy = ::sched_getscheduler(std::atoi(task.path().filename().c_str()));
    if (policy == SCHED_FIFO || policy == SCHED_RR) return true;
  }
  return false;
}

/// The agent in our network namespace; nullopt where none is seen.
std::optional<doctor::Privileges> look_at_agent() {
  const std::string ours = link_text("/proc/self/ns/net");
  const std::string self = std::to_string(::getpid());
  std::error_code trouble;
  for (const auto& process : std::filesystem::directory_iterator("/proc", trouble)) {
    const std::string pid = process.path().filename().string();
    if (pid == self || pid.find_first_not_of("0123456789") != std::string::npos) continue;
    std::string name;
    std::ifstream(process.path() / "comm") >> name;
    if (name != agent_program || link_text(process.path() / "ns/net") != ours) continue;
    return doctor::Privileges{.real_time = has_real_time_thread(process.path()),
                              .capabilities = status_bits(process.path(), "CapEff:")};
  }
  return std::nullopt;
}

}  // namespace

doctor::Host examine_host(const ExaminationPlan& plan) {
  doctor::Host host{.clock_synchronised = clock_synchronised(),
                    .clock_error = kernel_clock_error(),
                    .clock_configured = plan.clock_configured};
  try_stamps(host);
  const Endpoint next{plan.listen.address, static_cast<std::uint16_t>(plan.listen.port + 1)};
  host.ports = {try_port("UDP", plan.listen, SOCK_DGRAM), try_port("TCP", plan.listen, SOCK_STREAM),
                try_port("TCP", next, SOCK_STREAM)};
  look_at_spool(plan, host);
  host.agent = look_at_agent();
  rlimit files{};
  if (::getrlimit(RLIMIT_NOFILE, &files) == 0) host.open_files = files.rlim_max;
  return host;
}

}  // namespace sonde::io
