#include "agent/io/udp_socket.h"

#include <linux/errqueue.h>
#include <linux/net_tstamp.h>
#include <linux/sock_diag.h>
#include <netinet/ip.h>
#include <time.h>

#include <algorithm>
#include <cerrno>
#include <string>
#include <system_error>

#include "agent/io/returned_frame.h"
#include "agent/io/socket_address.h"

namespace sonde::io {
namespace {

constexpr std::size_t control_octets = 512;
/// Of a returned frame: link, IP and UDP headers and a base packet.
constexpr std::size_t returned_octets = 192;
constexpr std::size_t send_control_octets =
    CMSG_SPACE(sizeof(in6_pktinfo)) + CMSG_SPACE(sizeof(int)) + CMSG_SPACE(sizeof(std::uint32_t));
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

void set_options(int fd, bool v6, SendStamps stamps) {
  const int on = 1;
  // Which address a packet came to, only he who answers needs to know.
  const int answers = stamps == SendStamps::on_demand ? 1 : 0;
  set_option(fd, IPPROTO_IP, IP_PKTINFO, answers);
  set_option(fd, IPPROTO_IP, IP_RECVTTL, on);
  set_option(fd, IPPROTO_IP, IP_RECVTOS, on);
  set_option(fd, IPPROTO_IP, IP_RECVERR, on);
  if (v6) {
    set_option(fd, IPPROTO_IPV6, IPV6_RECVPKTINFO, answers);
    set_option(fd, IPPROTO_IPV6, IPV6_RECVHOPLIMIT, on);
    set_option(fd, IPPROTO_IPV6, IPV6_RECVTCLASS, on);
    set_option(fd, IPPROTO_IPV6, IPV6_RECVERR, on);
  }
  // Best effort: without privilege net.core.rmem_max is the limit, and drops() tells whether it was enough.
  if (!set_option(fd, SOL_SOCKET, SO_RCVBUFFORCE, socket_buffer)) set_option(fd, SOL_SOCKET, SO_RCVBUF, socket_buffer);
  unsigned flags = SOF_TIMESTAMPING_SOFTWARE | SOF_TIMESTAMPING_RX_SOFTWARE;
  if (stamps == SendStamps::all) flags |= SOF_TIMESTAMPING_TX_SOFTWARE | SOF_TIMESTAMPING_TX_SCHED;
  // Where this fails userland stamps are taken, and results say so.
  set_option(fd, SOL_SOCKET, SO_TIMESTAMPING, flags);
}

std::optional<std::uint8_t> read_traffic_class(const cmsghdr& header) {
  if (header.cmsg_level == IPPROTO_IP) return control_value<std::uint8_t>(header);
  const auto value = control_value<int>(header);
  return value ? std::optional(static_cast<std::uint8_t>(*value)) : std::nullopt;
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
    } else if ((header->cmsg_level == IPPROTO_IP && type == IP_TOS) ||
               (header->cmsg_level == IPPROTO_IPV6 && type == IPV6_TCLASS)) {
      datagram.traffic_class = read_traffic_class(*header);
    }
  }
}

/// Control messages of one datagram that leaves, one behind the other.
class ControlWriter {
 public:
  explicit ControlWriter(std::span<std::uint8_t> room) : room_(room) {}

  template <typename Value>
  void add(int level, int type, const Value& value) {
    cmsghdr header{};
    header.cmsg_level = level;
    header.cmsg_type = type;
    header.cmsg_len = CMSG_LEN(sizeof value);
    std::memcpy(room_.data() + used_, &header, sizeof header);
    std::memcpy(room_.data() + used_ + CMSG_LEN(0), &value, sizeof value);
    used_ += CMSG_SPACE(sizeof value);
  }
  std::size_t used() const { return used_; }

 private:
  std::span<std::uint8_t> room_;
  std::size_t used_ = 0;
};

/// The source address of an answer. The interface is left to the routing table, except for link-local addresses.
void write_source(const LocalAddress& source, bool v6_packet, ControlWriter& control) {
  if (v6_packet) {
    in6_pktinfo info{};
    info.ipi6_addr = to_v6(source.address);
    if (IN6_IS_ADDR_LINKLOCAL(&info.ipi6_addr)) info.ipi6_ifindex = source.interface;
    return control.add(IPPROTO_IPV6, IPV6_PKTINFO, info);
  }
  in_pktinfo info{};
  info.ipi_spec_dst = to_v4(source.address);
  control.add(IPPROTO_IP, IP_PKTINFO, info);
}

std::size_t write_control(const OutgoingDatagram& datagram, std::span<std::uint8_t> room) {
  ControlWriter control(room);
  const bool v6_packet = datagram.to.address.family == IpAddress::Family::v6;
  if (datagram.from) write_source(*datagram.from, v6_packet, control);
  if (datagram.traffic_class) {
    const int value = *datagram.traffic_class;
    control.add(v6_packet ? IPPROTO_IPV6 : IPPROTO_IP, v6_packet ? IPV6_TCLASS : IP_TOS, value);
  }
  if (datagram.stamp) control.add(SOL_SOCKET, SO_TIMESTAMPING, std::uint32_t{SOF_TIMESTAMPING_TX_SOFTWARE});
  return control.used();
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

std::optional<StampedSend> read_stamp(const ErrorReport& report, std::span<const std::uint8_t> frame, bool cut) {
  const bool wanted = report.error->ee_info == SCM_TSTAMP_SND || report.error->ee_info == SCM_TSTAMP_SCHED;
  const auto datagram = read_returned_frame(frame, cut);
  if (!wanted || !report.stamp || !datagram || datagram->payload.size() < wire::stamp_base_octets) return std::nullopt;
  StampedSend stamped{
      .in_driver = report.error->ee_info == SCM_TSTAMP_SND, .at = *report.stamp, .to = datagram->to, .payload = {}};
  std::ranges::copy(datagram->payload.first(wire::stamp_base_octets), stamped.payload.begin());
  return stamped;
}

/// A slot of Buffers, ready to receive into `room`.
template <typename Slot>
void prepare(Slot& slot, std::span<std::uint8_t> room, mmsghdr& message) {
  slot.vector = {room.data(), room.size()};
  message.msg_hdr = {};
  message.msg_hdr.msg_name = &slot.address;
  message.msg_hdr.msg_namelen = sizeof slot.address;
  message.msg_hdr.msg_iov = &slot.vector;
  message.msg_hdr.msg_iovlen = 1;
  message.msg_hdr.msg_control = slot.control.data();
  message.msg_hdr.msg_controllen = slot.control.size();
}

/// Slots that a call which returned `got` may have written into.
std::size_t touched(int got) { return std::min(UdpSocket::batch, static_cast<std::size_t>(std::max(got, 0)) + 1); }

}  // namespace

struct UdpSocket::Buffers {
  struct Incoming {
    alignas(cmsghdr) std::array<std::uint8_t, control_octets> control;
    std::array<std::uint8_t, datagram_octets> payload;
    sockaddr_storage address;
    iovec vector;
  };
  struct Outgoing {
    alignas(cmsghdr) std::array<std::uint8_t, send_control_octets> control;
    sockaddr_storage address;
    iovec vector;
  };
  struct Returned {
    alignas(cmsghdr) std::array<std::uint8_t, control_octets> control;
    std::array<std::uint8_t, returned_octets> frame;
    sockaddr_storage address;
    iovec vector;
  };
  std::array<Incoming, batch> incoming;
  std::array<Outgoing, batch> outgoing;
  std::array<Returned, batch> returned;
  std::array<mmsghdr, batch> messages_in;
  std::array<mmsghdr, batch> messages_out;
  std::array<mmsghdr, batch> messages_returned;
  // Slots that the last call may have written into, and that must be made ready again.
  std::size_t used_in = batch;
  std::size_t used_returned = batch;
  std::vector<Datagram> received;
};

UdpSocket::UdpSocket(const Endpoint& listen, SendStamps stamps) : buffers_(std::make_unique<Buffers>()) {
  v6_ = listen.address.family == IpAddress::Family::v6;
  v4_ = !v6_ || listen.address == IpAddress{IpAddress::Family::v6, {}};
  const std::string where = "open UDP socket " + listen.str();
  fd_ = Fd(::socket(v6_ ? AF_INET6 : AF_INET, SOCK_DGRAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0));
  if (!fd_) raise_error(where);
  const int only_v6 = v4_ ? 0 : 1;
  if (v6_) set_option(fd_.get(), IPPROTO_IPV6, IPV6_V6ONLY, only_v6);
  set_options(fd_.get(), v6_, stamps);
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

void UdpSocket::set_traffic_class(std::uint8_t traffic_class) {
  const int value = traffic_class;
  set_option(fd_.get(), IPPROTO_IP, IP_TOS, value);
  if (v6_) set_option(fd_.get(), IPPROTO_IPV6, IPV6_TCLASS, value);
}

std::span<const Datagram> UdpSocket::receive() {
  Buffers& buffers = *buffers_;
  buffers.received.clear();
  for (std::size_t i = 0; i < buffers.used_in; ++i)
    prepare(buffers.incoming[i], buffers.incoming[i].payload, buffers.messages_in[i]);
  int got = ::recvmmsg(fd_.get(), buffers.messages_in.data(), batch, MSG_DONTWAIT, nullptr);
  // An ICMP error that is pending is reported by the next call, whatever it is; its record is in the error queue.
  if (got < 0 && errno != EAGAIN && errno != EINTR)
    got = ::recvmmsg(fd_.get(), buffers.messages_in.data(), batch, MSG_DONTWAIT, nullptr);
  buffers.used_in = touched(got);
  for (std::size_t i = 0; got > 0 && i < static_cast<std::size_t>(got); ++i) {
    const auto from = from_sockaddr(buffers.incoming[i].address);
    if (!from) continue;
    Datagram datagram;
    datagram.from = *from;
    datagram.octets = std::span(buffers.incoming[i].payload).first(buffers.messages_in[i].msg_len);
    read_control(buffers.messages_in[i].msg_hdr, datagram);
    buffers.received.push_back(datagram);
  }
  return buffers.received;
}

SendOutcome UdpSocket::send(std::span<const OutgoingDatagram> datagrams) {
  Buffers& buffers = *buffers_;
  const std::size_t count = std::min(batch, datagrams.size());
  for (std::size_t i = 0; i < count; ++i) {
    Buffers::Outgoing& slot = buffers.outgoing[i];
    const OutgoingDatagram& datagram = datagrams[i];
    msghdr& message = buffers.messages_out[i].msg_hdr;
    message = {};
    message.msg_name = &slot.address;
    message.msg_namelen = to_sockaddr(datagram.to, v6_, slot.address);
    slot.vector = {const_cast<std::uint8_t*>(datagram.octets.data()), datagram.octets.size()};
    message.msg_iov = &slot.vector;
    message.msg_iovlen = 1;
    message.msg_controllen = write_control(datagram, slot.control);
    if (message.msg_controllen > 0) message.msg_control = slot.control.data();
  }
  if (count == 0) return {};
  const auto wanted = static_cast<unsigned>(count);
  int taken = ::sendmmsg(fd_.get(), buffers.messages_out.data(), wanted, MSG_DONTWAIT);
  // The first error may be a pending ICMP error of an earlier datagram: only the second is this one's own.
  if (taken < 0) taken = ::sendmmsg(fd_.get(), buffers.messages_out.data(), wanted, MSG_DONTWAIT);
  if (taken < 0) return {0, errno};
  return {static_cast<std::size_t>(taken), 0};
}

void UdpSocket::drain_errors(std::vector<StampedSend>& stamps, std::vector<SendError>& errors) {
  Buffers& buffers = *buffers_;
  while (true) {
    for (std::size_t i = 0; i < buffers.used_returned; ++i)
      prepare(buffers.returned[i], buffers.returned[i].frame, buffers.messages_returned[i]);
    const int got =
        ::recvmmsg(fd_.get(), buffers.messages_returned.data(), batch, MSG_ERRQUEUE | MSG_DONTWAIT, nullptr);
    buffers.used_returned = touched(got);
    for (std::size_t i = 0; got > 0 && i < static_cast<std::size_t>(got); ++i) {
      mmsghdr& message = buffers.messages_returned[i];
      const ErrorReport report = read_error_control(message.msg_hdr);
      if (!report.error) continue;
      const Buffers::Returned& slot = buffers.returned[i];
      if (report.error->ee_origin != SO_EE_ORIGIN_TIMESTAMPING) {
        if (const auto to = from_sockaddr(slot.address))
          errors.push_back({*to, static_cast<int>(report.error->ee_errno)});
        continue;
      }
      const bool cut = (message.msg_hdr.msg_flags & MSG_TRUNC) != 0;
      if (const auto stamp = read_stamp(report, std::span(slot.frame).first(message.msg_len), cut))
        stamps.push_back(*stamp);
    }
    if (got < static_cast<int>(batch)) return;
  }
}

std::uint64_t UdpSocket::drops() const {
  std::array<std::uint32_t, SK_MEMINFO_VARS> memory{};
  socklen_t length = sizeof memory;
  if (::getsockopt(fd_.get(), SOL_SOCKET, SO_MEMINFO, memory.data(), &length) != 0) return 0;
  return memory[SK_MEMINFO_DROPS];
}

}  // namespace sonde::io
