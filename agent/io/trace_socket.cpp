#include "agent/io/trace_socket.h"

#include <linux/errqueue.h>
#include <netinet/icmp6.h>
#include <netinet/ip.h>
#include <netinet/ip_icmp.h>

#include <array>
#include <cerrno>
#include <cstring>
#include <span>
#include <utility>

#include "agent/io/socket_address.h"
#include "shared/io/clock.h"
#include "shared/wire/stamp_packet.h"
#include "shared/wire/stamp_tlv.h"

namespace sonde::io {
namespace {

constexpr std::size_t control_octets = 512;
/// A pending ICMP error is the result of the next call, whatever that is.
constexpr int send_tries = 4;
constexpr std::size_t most_at_once = 256;
/// linux/in6.h, which cannot stand beside netinet/in.h.
constexpr int ipv6_autoflowlabel = 70;

template <typename Value>
bool set_option(int fd, int level, int name, const Value& value) {
  return ::setsockopt(fd, level, name, &value, sizeof value) == 0;
}

template <typename Value>
std::optional<Value> control_value(const cmsghdr& header) {
  if (header.cmsg_len < CMSG_LEN(sizeof(Value))) return std::nullopt;
  Value value;
  std::memcpy(&value, CMSG_DATA(&header), sizeof value);
  return value;
}

void set_options(int fd, bool v6, std::uint8_t dscp) {
  const int on = 1;
  const int traffic_class = dscp << 2U;
  set_option(fd, SOL_SOCKET, SO_TIMESTAMPNS, on);
  if (!v6) {
    set_option(fd, IPPROTO_IP, IP_RECVERR, on);
    set_option(fd, IPPROTO_IP, IP_TOS, traffic_class);
    // Never fragmented, and as long as the interface allows, whatever the kernel believes of the way.
    const int probe = IP_PMTUDISC_PROBE;
    set_option(fd, IPPROTO_IP, IP_MTU_DISCOVER, probe);
    return;
  }
  set_option(fd, IPPROTO_IPV6, IPV6_RECVERR, on);
  set_option(fd, IPPROTO_IPV6, IPV6_TCLASS, traffic_class);
  const int probe = IPV6_PMTUDISC_PROBE;
  set_option(fd, IPPROTO_IPV6, IPV6_MTU_DISCOVER, probe);
  set_option(fd, IPPROTO_IPV6, IPV6_DONTFRAG, on);
  // The kernel draws a new flow label for each socket, and routers may choose the way by it: none at all is one flow.
  const int off = 0;
  set_option(fd, IPPROTO_IPV6, ipv6_autoflowlabel, off);
}

bool bind_to(int fd, bool v6, const Endpoint& local) {
  sockaddr_storage address{};
  const socklen_t length = to_sockaddr(local, v6, address);
  return ::bind(fd, reinterpret_cast<const sockaddr*>(&address), length) == 0;
}

Error refused(const std::string& attempt) { return Error{attempt + ": " + std::strerror(errno)}; }

std::optional<WallTime> stamp_in(const cmsghdr& header) {
  if (header.cmsg_level != SOL_SOCKET || header.cmsg_type != SO_TIMESTAMPNS) return std::nullopt;
  const auto at = control_value<timespec>(header);
  if (!at) return std::nullopt;
  return wall_from_ns(at->tv_sec * 1'000'000'000 + at->tv_nsec);
}

/// Who sent the ICMP error: behind the extended error.
std::string offender_of(const cmsghdr& header, bool v6) {
  sockaddr_storage address{};
  const std::size_t octets = v6 ? sizeof(sockaddr_in6) : sizeof(sockaddr_in);
  if (header.cmsg_len < CMSG_LEN(sizeof(sock_extended_err) + octets)) return {};
  std::memcpy(&address, CMSG_DATA(&header) + sizeof(sock_extended_err), octets);
  const auto from = from_sockaddr(address);
  return from ? from->address.str() : std::string();
}

std::optional<TraceAnswer::Kind> kind_of(const sock_extended_err& error) {
  if (error.ee_errno == EMSGSIZE) return TraceAnswer::Kind::too_big;
  if (error.ee_origin == SO_EE_ORIGIN_ICMP) {
    if (error.ee_type == ICMP_TIME_EXCEEDED) return TraceAnswer::Kind::exceeded;
    if (error.ee_type != ICMP_DEST_UNREACH) return std::nullopt;
    return error.ee_code == ICMP_PORT_UNREACH ? TraceAnswer::Kind::refused : TraceAnswer::Kind::unreachable;
  }
  if (error.ee_origin == SO_EE_ORIGIN_ICMP6) {
    if (error.ee_type == ICMP6_TIME_EXCEEDED) return TraceAnswer::Kind::exceeded;
    if (error.ee_type != ICMP6_DST_UNREACH) return std::nullopt;
    return error.ee_code == ICMP6_DST_UNREACH_NOPORT ? TraceAnswer::Kind::refused : TraceAnswer::Kind::unreachable;
  }
  return std::nullopt;
}

struct Received {
  std::span<const std::uint8_t> octets{};
  std::optional<WallTime> stamp{};
  std::optional<sock_extended_err> error{};
  std::string offender{};
};

/// One message into `room`; nullopt where there is none.
std::optional<Received> receive_one(int fd, int flags, bool v6, std::span<std::uint8_t> room) {
  alignas(cmsghdr) std::array<std::uint8_t, control_octets> control{};
  iovec vector{room.data(), room.size()};
  msghdr message{};
  message.msg_iov = &vector;
  message.msg_iovlen = 1;
  message.msg_control = control.data();
  message.msg_controllen = control.size();
  auto got = ::recvmsg(fd, &message, flags | MSG_DONTWAIT);
  for (int i = 0; got < 0 && errno != EAGAIN && i < send_tries; ++i) {
    message.msg_controllen = control.size();
    got = ::recvmsg(fd, &message, flags | MSG_DONTWAIT);
  }
  if (got < 0) return std::nullopt;
  Received received{.octets = room.first(std::min(static_cast<std::size_t>(got), room.size()))};
  for (cmsghdr* header = CMSG_FIRSTHDR(&message); header != nullptr; header = CMSG_NXTHDR(&message, header)) {
    if (const auto stamp = stamp_in(*header)) received.stamp = stamp;
    const bool is_error = (header->cmsg_level == IPPROTO_IP && header->cmsg_type == IP_RECVERR) ||
                          (header->cmsg_level == IPPROTO_IPV6 && header->cmsg_type == IPV6_RECVERR);
    if (!is_error) continue;
    received.error = control_value<sock_extended_err>(*header);
    received.offender = offender_of(*header, v6);
  }
  return received;
}

}  // namespace

std::uint32_t TraceSocket::least_octets() const { return header_octets() + wire::stamp_base_octets; }

Expected<TraceSocket> TraceSocket::open(const Plan& plan) {
  const bool v6 = plan.to.address.family == IpAddress::Family::v6;
  const std::string attempt = "trace the way to " + plan.to.str();
  Fd fd(::socket(v6 ? AF_INET6 : AF_INET, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0));
  if (!fd) return std::unexpected(refused(attempt));
  set_options(fd.get(), v6, plan.dscp);
  Endpoint local{IpAddress{.family = plan.to.address.family}, plan.port};
  if (plan.from && plan.from->family == plan.to.address.family) local.address = *plan.from;
  if (!bind_to(fd.get(), v6, local)) {
    local.port = 0;
    if (!bind_to(fd.get(), v6, local)) return std::unexpected(refused(attempt));
  }
  sockaddr_storage address{};
  const socklen_t length = to_sockaddr(plan.to, v6, address);
  if (::connect(fd.get(), reinterpret_cast<const sockaddr*>(&address), length) != 0)
    return std::unexpected(refused(attempt));
  return TraceSocket(std::move(fd), v6, plan);
}

Endpoint TraceSocket::local() const {
  sockaddr_storage address{};
  socklen_t length = sizeof address;
  if (::getsockname(fd_.get(), reinterpret_cast<sockaddr*>(&address), &length) != 0) return {};
  return from_sockaddr(address).value_or(Endpoint{});
}

int TraceSocket::send(const TraceProbe& probe) {
  const int ttl = probe.ttl;
  set_option(fd_.get(), v6_ ? IPPROTO_IPV6 : IPPROTO_IP, v6_ ? IPV6_UNICAST_HOPS : IP_TTL, ttl);
  const WallTime now = read_clock().wall;
  std::vector<std::uint8_t> octets(probe.octets - header_octets());
  const wire::SenderPacket packet{.sequence = probe.sequence,
                                  .sent_at = wire::NtpStamp::from_wall(now),
                                  .error = wire::ErrorEstimate::of(std::nullopt),
                                  .ssid = plan_.ssid};
  wire::write(packet, wire::StampMode::open, octets);
  // RFC 8972, 4.1: what makes a probe longer is Extra Padding.
  if (octets.size() >= wire::stamp_base_octets + wire::tlv::header_octets) {
    const std::size_t length = octets.size() - wire::stamp_base_octets - wire::tlv::header_octets;
    std::uint8_t* tlv = octets.data() + wire::stamp_base_octets;
    tlv[0] = wire::tlv::unrecognised;
    tlv[1] = static_cast<std::uint8_t>(wire::TlvType::extra_padding);
    tlv[2] = static_cast<std::uint8_t>(length >> 8U);
    tlv[3] = static_cast<std::uint8_t>(length);
  }
  if (sent_.size() <= probe.sequence) sent_.resize(probe.sequence + 1);
  sent_[probe.sequence] = now;
  for (int i = 0; i < send_tries; ++i) {
    if (::send(fd_.get(), octets.data(), octets.size(), MSG_DONTWAIT) >= 0) return 0;
    if (errno == EMSGSIZE || errno == EAGAIN || errno == ENOBUFS) return errno;
  }
  return errno;
}

std::optional<nanoseconds> TraceSocket::rtt_of(std::uint32_t sequence, std::optional<WallTime> stamp) const {
  if (!stamp || sequence >= sent_.size()) return std::nullopt;
  const nanoseconds rtt = *stamp - sent_[sequence];
  return rtt.count() > 0 ? std::optional(rtt) : std::nullopt;  // else the clock was set in between
}

bool TraceSocket::receive_reply(std::vector<TraceAnswer>& out) {
  const auto received = receive_one(fd_.get(), 0, v6_, room_);
  if (!received) return false;
  const auto reply = wire::decode_reflector(received->octets);
  // SSID 0: a reflector that knows RFC 8762 only.
  if (!reply || (reply->ssid != plan_.ssid && reply->ssid != 0)) return true;
  out.push_back({.kind = TraceAnswer::Kind::reply,
                 .sequence = reply->sender_sequence,
                 .from = plan_.to.address.str(),
                 .reflector_sequence = reply->sequence,
                 .received_ttl = reply->sender_ttl,
                 .rtt = rtt_of(reply->sender_sequence, received->stamp)});
  return true;
}

bool TraceSocket::receive_error(std::vector<TraceAnswer>& out) {
  const auto received = receive_one(fd_.get(), MSG_ERRQUEUE, v6_, room_);
  if (!received) return false;
  if (!received->error || received->error->ee_origin == SO_EE_ORIGIN_LOCAL) return true;
  const auto kind = kind_of(*received->error);
  if (!kind) return true;
  TraceAnswer answer;
  answer.kind = *kind;
  answer.from = received->offender;
  if (*kind == TraceAnswer::Kind::too_big) answer.mtu = received->error->ee_info;
  // The payload of our probe, as much of it as came back; perhaps of the look before, from the same port.
  const auto name = wire::name_of(received->octets);
  if (name && name->ssid != plan_.ssid) return true;
  if (received->octets.size() >= sizeof(std::uint32_t)) {
    std::uint32_t number = 0;
    std::memcpy(&number, received->octets.data(), sizeof number);
    answer.sequence = ntohl(number);
    answer.rtt = rtt_of(*answer.sequence, received->stamp);
  }
  out.push_back(std::move(answer));
  return true;
}

std::vector<TraceAnswer> TraceSocket::receive() {
  std::vector<TraceAnswer> out;
  while (out.size() < most_at_once && receive_error(out)) {
  }
  while (out.size() < most_at_once && receive_reply(out)) {
  }
  return out;
}

}  // namespace sonde::io
