#include "agent/io/udp_socket.h"

#include <linux/errqueue.h>
#include <linux/net_tstamp.h>
#include <linux/sock_diag.h>
#include <netinet/ip.h>
#include <time.h>

#include <cerrno>
#include <string>
#include <system_error>

#include "agent/io/socket_address.h"

namespace sonde::io {
namespace {

constexpr std::size_t control_octets = 512;
/// Of a returned packet: link, IP and UDP headers and a base packet.
constexpr std::size_t returned_octets = 512;
constexpr int socket_buffer = 4 << 20;

[[noreturn]] void raise_error(const std::string& attempt) {
  throw std::system_error(errno, std::generic_category(), attempt);
}

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

/// The software stamp, which is of CLOCK_REALTIME.
std::optional<WallTime> software_stamp(const cmsghdr& header) {
  const auto stamps = control_value<scm_timestamping>(header);
  if (!stamps || (stamps->ts[0].tv_sec == 0 && stamps->ts[0].tv_nsec == 0)) return std::nullopt;
  return wall_from_ns(stamps->ts[0].tv_sec * 1'000'000'000 + stamps->ts[0].tv_nsec);
}

void set_options(int fd, bool v6, bool stamp_sends) {
  const int on = 1;
  set_option(fd, IPPROTO_IP, IP_PKTINFO, on);
  set_option(fd, IPPROTO_IP, IP_RECVTTL, on);
  set_option(fd, IPPROTO_IP, IP_RECVERR, on);
  if (v6) {
    set_option(fd, IPPROTO_IPV6, IPV6_RECVPKTINFO, on);
    set_option(fd, IPPROTO_IPV6, IPV6_RECVHOPLIMIT, on);
    set_option(fd, IPPROTO_IPV6, IPV6_RECVERR, on);
  }
  // Best effort: without privilege net.core.rmem_max is the limit, and drops() tells whether it was enough.
  if (!set_option(fd, SOL_SOCKET, SO_RCVBUFFORCE, socket_buffer)) set_option(fd, SOL_SOCKET, SO_RCVBUF, socket_buffer);
  unsigned flags = SOF_TIMESTAMPING_SOFTWARE | SOF_TIMESTAMPING_RX_SOFTWARE;
  if (stamp_sends) flags |= SOF_TIMESTAMPING_TX_SOFTWARE | SOF_TIMESTAMPING_TX_SCHED | SOF_TIMESTAMPING_OPT_CMSG;
  // Where this fails userland stamps are taken, and results say so.
  set_option(fd, SOL_SOCKET, SO_TIMESTAMPING, flags);
}

void read_control(msghdr& message, Datagram& datagram) {
  for (cmsghdr* header = CMSG_FIRSTHDR(&message); header != nullptr; header = CMSG_NXTHDR(&message, header)) {
    const int type = header->cmsg_type;
    if (header->cmsg_level == SOL_SOCKET && type == SCM_TIMESTAMPING) {
      datagram.kernel_stamp = software_stamp(*header);
    } else if (header->cmsg_level == IPPROTO_IP && type == IP_PKTINFO) {
      if (const auto info = control_value<in_pktinfo>(*header))
        datagram.to = {from_v4(info->ipi_addr), static_cast<std::uint32_t>(info->ipi_ifindex)};
    } else if (header->cmsg_level == IPPROTO_IPV6 && type == IPV6_PKTINFO) {
      if (const auto info = control_value<in6_pktinfo>(*header))
        datagram.to = {from_v6(info->ipi6_addr), info->ipi6_ifindex};
    } else if ((header->cmsg_level == IPPROTO_IP && type == IP_TTL) ||
               (header->cmsg_level == IPPROTO_IPV6 && type == IPV6_HOPLIMIT)) {
      if (const auto ttl = control_value<int>(*header)) datagram.ttl = static_cast<std::uint8_t>(*ttl);
    }
  }
}

/// The source address of an answer. The interface is left to the routing table, except for link-local addresses.
std::size_t write_source(const LocalAddress& source, bool v6_socket, msghdr& message) {
  cmsghdr* header = CMSG_FIRSTHDR(&message);
  if (v6_socket && source.address.family == IpAddress::Family::v6) {
    in6_pktinfo info{};
    info.ipi6_addr = to_v6(source.address);
    if (IN6_IS_ADDR_LINKLOCAL(&info.ipi6_addr)) info.ipi6_ifindex = source.interface;
    header->cmsg_level = IPPROTO_IPV6;
    header->cmsg_type = IPV6_PKTINFO;
    header->cmsg_len = CMSG_LEN(sizeof info);
    std::memcpy(CMSG_DATA(header), &info, sizeof info);
    return CMSG_SPACE(sizeof info);
  }
  in_pktinfo info{};
  info.ipi_spec_dst = to_v4(source.address);
  header->cmsg_level = IPPROTO_IP;
  header->cmsg_type = IP_PKTINFO;
  header->cmsg_len = CMSG_LEN(sizeof info);
  std::memcpy(CMSG_DATA(header), &info, sizeof info);
  return CMSG_SPACE(sizeof info);
}

struct ErrorReport {
  std::optional<WallTime> stamp;
  std::optional<sock_extended_err> error;
};

ErrorReport read_error_control(msghdr& message) {
  ErrorReport report;
  for (cmsghdr* header = CMSG_FIRSTHDR(&message); header != nullptr; header = CMSG_NXTHDR(&message, header)) {
    const int type = header->cmsg_type;
    if (header->cmsg_level == SOL_SOCKET && type == SCM_TIMESTAMPING) report.stamp = software_stamp(*header);
    const bool error = (header->cmsg_level == IPPROTO_IP && type == IP_RECVERR) ||
                       (header->cmsg_level == IPPROTO_IPV6 && type == IPV6_RECVERR);
    if (error) report.error = control_value<sock_extended_err>(*header);
  }
  return report;
}

}  // namespace

struct UdpSocket::Buffers {
  struct Slot {
    alignas(cmsghdr) std::array<std::uint8_t, control_octets> control;
    std::array<std::uint8_t, datagram_octets> payload;
    sockaddr_storage address;
    iovec vector;
  };
  std::array<Slot, batch> slots;
  std::array<mmsghdr, batch> messages;
  std::vector<Datagram> received;
};

UdpSocket::UdpSocket(const Endpoint& listen, bool stamp_sends) : buffers_(std::make_unique<Buffers>()) {
  v6_ = listen.address.family == IpAddress::Family::v6;
  v4_ = !v6_ || listen.address == IpAddress{IpAddress::Family::v6, {}};
  const std::string where = "open UDP socket " + listen.str();
  fd_ = Fd(::socket(v6_ ? AF_INET6 : AF_INET, SOCK_DGRAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0));
  if (!fd_) raise_error(where);
  const int only_v6 = v4_ ? 0 : 1;
  if (v6_) set_option(fd_.get(), IPPROTO_IPV6, IPV6_V6ONLY, only_v6);
  set_options(fd_.get(), v6_, stamp_sends);
  sockaddr_storage address;
  const socklen_t length = to_sockaddr(listen, v6_, address);
  if (::bind(fd_.get(), reinterpret_cast<const sockaddr*>(&address), length) != 0) raise_error(where);
}

UdpSocket::~UdpSocket() = default;
UdpSocket::UdpSocket(UdpSocket&&) noexcept = default;

Endpoint UdpSocket::local() const {
  sockaddr_storage address{};
  socklen_t length = sizeof address;
  if (::getsockname(fd_.get(), reinterpret_cast<sockaddr*>(&address), &length) != 0) return {};
  return from_sockaddr(address).value_or(Endpoint{});
}

std::span<const Datagram> UdpSocket::receive() {
  Buffers& buffers = *buffers_;
  buffers.received.clear();
  for (std::size_t i = 0; i < batch; ++i) {
    Buffers::Slot& slot = buffers.slots[i];
    slot.vector = {slot.payload.data(), slot.payload.size()};
    msghdr& message = buffers.messages[i].msg_hdr;
    message = {};
    message.msg_name = &slot.address;
    message.msg_namelen = sizeof slot.address;
    message.msg_iov = &slot.vector;
    message.msg_iovlen = 1;
    message.msg_control = slot.control.data();
    message.msg_controllen = slot.control.size();
  }
  int got = ::recvmmsg(fd_.get(), buffers.messages.data(), batch, MSG_DONTWAIT, nullptr);
  // An ICMP error that is pending is reported by the next call, whatever it is; its record is in the error queue.
  if (got < 0 && errno != EAGAIN && errno != EINTR)
    got = ::recvmmsg(fd_.get(), buffers.messages.data(), batch, MSG_DONTWAIT, nullptr);
  for (std::size_t i = 0; got > 0 && i < static_cast<std::size_t>(got); ++i) {
    const auto from = from_sockaddr(buffers.slots[i].address);
    if (!from) continue;
    Datagram datagram;
    datagram.from = *from;
    datagram.octets = std::span(buffers.slots[i].payload).first(buffers.messages[i].msg_len);
    read_control(buffers.messages[i].msg_hdr, datagram);
    buffers.received.push_back(datagram);
  }
  return buffers.received;
}

SendOutcome UdpSocket::send(std::span<const OutgoingDatagram> datagrams) {
  struct Slot {
    alignas(cmsghdr) std::array<std::uint8_t, CMSG_SPACE(sizeof(in6_pktinfo))> control{};
    sockaddr_storage address{};
    iovec vector{};
  };
  std::array<Slot, batch> slots;
  std::array<mmsghdr, batch> messages{};
  const std::size_t count = std::min(batch, datagrams.size());
  for (std::size_t i = 0; i < count; ++i) {
    Slot& slot = slots[i];
    msghdr& message = messages[i].msg_hdr;
    message.msg_name = &slot.address;
    message.msg_namelen = to_sockaddr(datagrams[i].to, v6_, slot.address);
    slot.vector = {const_cast<std::uint8_t*>(datagrams[i].octets.data()), datagrams[i].octets.size()};
    message.msg_iov = &slot.vector;
    message.msg_iovlen = 1;
    if (datagrams[i].from) {
      message.msg_control = slot.control.data();
      message.msg_controllen = slot.control.size();
      message.msg_controllen = write_source(*datagrams[i].from, v6_, message);
    }
  }
  if (count == 0) return {};
  int taken = ::sendmmsg(fd_.get(), messages.data(), static_cast<unsigned>(count), MSG_DONTWAIT);
  // The first error may be a pending ICMP error of an earlier datagram: only the second is this one's own.
  if (taken < 0) taken = ::sendmmsg(fd_.get(), messages.data(), static_cast<unsigned>(count), MSG_DONTWAIT);
  if (taken < 0) return {0, errno};
  return {static_cast<std::size_t>(taken), 0};
}

void UdpSocket::drain_errors(std::vector<StampedSend>& stamps, std::vector<SendError>& errors) {
  while (true) {
    std::array<std::uint8_t, returned_octets> payload;
    alignas(cmsghdr) std::array<std::uint8_t, control_octets> control;
    sockaddr_storage address{};
    iovec vector{payload.data(), payload.size()};
    msghdr message{};
    message.msg_name = &address;
    message.msg_namelen = sizeof address;
    message.msg_iov = &vector;
    message.msg_iovlen = 1;
    message.msg_control = control.data();
    message.msg_controllen = control.size();
    const ssize_t length = ::recvmsg(fd_.get(), &message, MSG_ERRQUEUE | MSG_DONTWAIT);
    if (length < 0) return;
    const ErrorReport report = read_error_control(message);
    if (!report.error) continue;
    if (report.error->ee_origin == SO_EE_ORIGIN_TIMESTAMPING) {
      const bool whole =
          static_cast<std::size_t>(length) >= wire::stamp_base_octets && (message.msg_flags & MSG_TRUNC) == 0;
      const bool wanted = report.error->ee_info == SCM_TSTAMP_SND || report.error->ee_info == SCM_TSTAMP_SCHED;
      if (!whole || !wanted || !report.stamp) continue;
      StampedSend& stamped = stamps.emplace_back();
      stamped.in_driver = report.error->ee_info == SCM_TSTAMP_SND;
      stamped.at = *report.stamp;
      const auto tail = std::span(payload).first(static_cast<std::size_t>(length)).last(wire::stamp_base_octets);
      std::ranges::copy(tail, stamped.payload.begin());
    } else if (const auto to = from_sockaddr(address)) {
      errors.push_back({*to, static_cast<int>(report.error->ee_errno)});
    }
  }
}

std::uint64_t UdpSocket::drops() const {
  std::array<std::uint32_t, SK_MEMINFO_VARS> memory{};
  socklen_t length = sizeof memory;
  if (::getsockopt(fd_.get(), SOL_SOCKET, SO_MEMINFO, memory.data(), &length) != 0) return 0;
  return memory[SK_MEMINFO_DROPS];
}

}  // namespace sonde::io
