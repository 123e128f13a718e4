#include "tests/bench/relay.h"

#include <arpa/inet.h>
#include <fmt/format.h>
#include <linux/errqueue.h>
#include <linux/if_packet.h>
#include <linux/net_tstamp.h>
#include <net/ethernet.h>
#include <net/if.h>
#include <netinet/in.h>
#include <poll.h>
#include <sys/socket.h>

#include <algorithm>
#include <cerrno>
#include <cstdio>
#include <cstring>
#include <memory>
#include <optional>
#include <span>
#include <system_error>

#include "shared/io/clock.h"

namespace sonde::bench {
namespace {

constexpr nanoseconds spin = std::chrono::microseconds(60);  // a wake-up takes tens of microseconds
constexpr std::size_t payload_logged = 32;
constexpr std::size_t prefix = 10;  // struct virtio_net_hdr, whose header C++ cannot read

int checked(int result, const std::string& attempt) {
  if (result < 0) throw std::system_error(errno, std::generic_category(), attempt);
  return result;
}

void set(int socket, int level, int option, int value) {
  checked(::setsockopt(socket, level, option, &value, sizeof value), "setting a packet socket's option");
}

io::Fd open_device(const std::string& name) {
  io::Fd socket(checked(::socket(AF_PACKET, SOCK_RAW | SOCK_NONBLOCK | SOCK_CLOEXEC, 0), "opening a packet socket"));
  set(socket.get(), SOL_PACKET, PACKET_VNET_HDR, 1);
  set(socket.get(), SOL_PACKET, PACKET_IGNORE_OUTGOING, 1);
  set(socket.get(), SOL_SOCKET, SO_TIMESTAMPING,
      SOF_TIMESTAMPING_RX_SOFTWARE | SOF_TIMESTAMPING_TX_SOFTWARE | SOF_TIMESTAMPING_SOFTWARE |
          SOF_TIMESTAMPING_OPT_TSONLY);
  sockaddr_ll address{};
  address.sll_family = AF_PACKET;
  address.sll_protocol = htons(ETH_P_ALL);
  address.sll_ifindex = static_cast<int>(::if_nametoindex(name.c_str()));
  if (address.sll_ifindex == 0) throw std::system_error(errno, std::generic_category(), "finding the device " + name);
  sockaddr generic{};
  static_assert(sizeof address > sizeof generic, "or no cast is needed");
  checked(::bind(socket.get(), static_cast<const sockaddr*>(static_cast<const void*>(&address)), sizeof address),
          "listening on the device " + name);
  return socket;
}

struct Incoming {
  std::size_t octets = 0;
  std::optional<WallTime> stamp;
};

/// One message off a socket or its error queue, with the kernel's software stamp.
std::optional<Incoming> take(int socket, std::span<std::uint8_t> buffer, int flags) {
  std::array<std::uint8_t, 512> control{};
  iovec part{buffer.data(), buffer.size()};
  msghdr message{};
  message.msg_iov = &part;
  message.msg_iovlen = 1;
  message.msg_control = control.data();
  message.msg_controllen = control.size();
  const ssize_t got = ::recvmsg(socket, &message, flags);
  if (got < 0) return std::nullopt;
  Incoming incoming{static_cast<std::size_t>(got), {}};
  for (cmsghdr* head = CMSG_FIRSTHDR(&message); head != nullptr; head = CMSG_NXTHDR(&message, head)) {
    if (head->cmsg_level != SOL_SOCKET || head->cmsg_type != SO_TIMESTAMPING) continue;
    scm_timestamping stamps{};
    std::memcpy(&stamps, CMSG_DATA(head), sizeof stamps);
    incoming.stamp = wall_from_ns(stamps.ts[0].tv_sec * 1'000'000'000 + stamps.ts[0].tv_nsec);
  }
  return incoming;
}

std::uint16_t number16(std::span<const std::uint8_t> octets, std::size_t at) {
  return at + 1 < octets.size() ? static_cast<std::uint16_t>(octets[at] << 8U | octets[at + 1]) : std::uint16_t{0};
}

}  // namespace

Relay::Relay(const std::string& left, const std::string& right, nanoseconds hold)
    : hold_(hold), devices_{open_device(left), open_device(right)} {}

void Relay::run(const std::atomic<bool>& stop) {
  while (!stop) {
    wait();
    receive(0);
    receive(1);
    release_due();
  }
}

void Relay::wait() const {
  std::array<pollfd, 2> sources{{{devices_[0].get(), POLLIN, 0}, {devices_[1].get(), POLLIN, 0}}};
  if (held_.empty()) {
    ::poll(sources.data(), sources.size(), 100);  // a signal just before it is seen then
    return;
  }
  const nanoseconds left = held_.front().in + hold_ - spin - io::read_clock().wall;
  if (left <= nanoseconds(0)) return;
  const timespec timeout{left.count() / 1'000'000'000, left.count() % 1'000'000'000};
  ::ppoll(sources.data(), sources.size(), &timeout, nullptr);
}

void Relay::receive(int side) {
  while (const auto incoming = take(devices_[static_cast<std::size_t>(side)].get(), buffer_, MSG_DONTWAIT)) {
    const auto octets = std::span<const std::uint8_t>(buffer_).first(incoming->octets);
    Packet packet{.in = incoming->stamp.value_or(io::read_clock().wall),
                  .entry = log_.size(),
                  .to = 1 - side,
                  .octets = {octets.begin(), octets.end()}};
    constexpr std::size_t ip = prefix + sizeof(ether_header);
    Entry entry;
    entry.direction = side;
    entry.in = packet.in;
    if (octets.size() > ip + 20 && number16(octets, ip - 2) == ETHERTYPE_IP) {
      entry.protocol = octets[ip + 9];
      const auto inner = octets.subspan(std::min(octets.size(), ip + 4U * (octets[ip] & 15U)));
      const bool icmp = entry.protocol == IPPROTO_ICMP;
      if (entry.protocol == IPPROTO_UDP && number16(inner, 2) == discarded_port) continue;
      entry.ports = icmp ? std::array{std::uint16_t{inner.empty() ? std::uint8_t{0} : inner[0]}, number16(inner, 6)}
                         : std::array{number16(inner, 0), number16(inner, 2)};
      if (entry.protocol == IPPROTO_TCP && inner.size() > 13) entry.flags = inner[13];
      const auto payload = inner.subspan(std::min<std::size_t>(inner.size(), 8));
      entry.payload.assign(payload.begin(), payload.begin() + std::min(payload.size(), payload_logged));
    }
    log_.push_back(std::move(entry));
    held_.push_back(std::move(packet));
  }
}

void Relay::release_due() {
  while (!held_.empty()) {
    const Packet& packet = held_.front();
    const WallTime due = packet.in + hold_;
    if (io::read_clock().wall < due - spin) return;
    while (io::read_clock().wall < due) {
    }
    const int socket = devices_[static_cast<std::size_t>(packet.to)].get();
    if (::send(socket, packet.octets.data(), packet.octets.size(), 0) > 0) log_[packet.entry].out = sent_at(packet.to);
    held_.pop_front();
  }
}

/// A veth sends within the system call, so the stamp is there.
WallTime Relay::sent_at(int side) const {
  std::array<std::uint8_t, 64> ignored{};
  const auto stamped = take(devices_[static_cast<std::size_t>(side)].get(), ignored, MSG_ERRQUEUE | MSG_DONTWAIT);
  return stamped ? stamped->stamp.value_or(WallTime()) : WallTime();
}

void Relay::write_log(const std::string& file) const {
  const std::unique_ptr<std::FILE, int (*)(std::FILE*)> out(std::fopen(file.c_str(), "we"), &std::fclose);
  if (!out) throw std::system_error(errno, std::generic_category(), "writing " + file);
  for (const Entry& entry : log_) {
    if (entry.protocol == 0) continue;
    fmt::print(out.get(), "{},{},{},{},{},{},{},", entry.direction, to_ns(entry.in), to_ns(entry.out), entry.protocol,
               entry.ports[0], entry.ports[1], entry.flags);
    for (const std::uint8_t octet : entry.payload) fmt::print(out.get(), "{:02x}", octet);
    fmt::print(out.get(), "\n");
  }
}

}  // namespace sonde::bench
