// A UDP socket that stamps: arrival times from the kernel, send times from the error queue, ICMP errors, the address
// that a packet came to. Linux only (Documentation/networking/timestamping.rst).
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <vector>

#include "shared/base/endpoint.h"
#include "shared/base/time.h"
#include "shared/io/fd.h"
#include "shared/wire/stamp_packet.h"

namespace sonde::io {

/// The address and interface that a packet came to, so that the answer leaves from there.
struct LocalAddress {
  IpAddress address;
  std::uint32_t interface = 0;
};

struct Datagram {
  Endpoint from;
  LocalAddress to;                       ///< with SendStamps::on_demand only: probes' replies are not answered
  std::span<const std::uint8_t> octets;  ///< valid until the next receive()
  std::optional<WallTime> kernel_stamp;
  std::uint8_t ttl = 0;                       ///< 0: unknown
  std::optional<std::uint8_t> traffic_class;  ///< DSCP in the upper six bits, ECN in the lower two
};

struct OutgoingDatagram {
  Endpoint to;
  std::span<const std::uint8_t> octets;
  std::optional<LocalAddress> from;           ///< nullopt: what the socket is bound to and the routing table say
  std::optional<std::uint8_t> traffic_class;  ///< nullopt: the socket's
  bool stamp = false;                         ///< its departure, beside what the socket stamps anyway
};

/// How many datagrams the kernel took, and why it took no more of them (an errno; 0: it took all).
struct SendOutcome {
  std::size_t taken = 0;
  int error = 0;
};

/// A kernel send stamp. The kernel gives back the frame that it stamped; the destination and payload in it are what the
/// datagram is known by. (Its own counter, OPT_ID, is thrown out of step by every ENOBUFS.)
struct StampedSend {
  bool in_driver = false;  ///< true: SND, in the driver; false: SCHED, entry into the queueing discipline
  WallTime at;
  Endpoint to;
  wire::StampPacket payload{};  ///< its first octets
};

/// What is stamped of everything that a socket sends.
enum class SendStamps : std::uint8_t {
  on_demand,  ///< the departure of datagrams that ask for it
  all,        ///< departure and entry into the queueing discipline
};

/// An ICMP error, or one of our own kernel, for a datagram that went to `to`.
struct SendError {
  Endpoint to;
  int error = 0;  ///< errno
};

/// Non-blocking. Bound to one address; bound to [::] it also speaks IPv4.
class UdpSocket {
 public:
  static constexpr std::size_t batch = 64;
  /// Longer datagrams are cut; no STAMP packet of use is longer than an Ethernet frame.
  static constexpr std::size_t datagram_octets = 2048;

  /// Throws std::system_error where the address cannot be bound. Port 0: any free one.
  UdpSocket(const Endpoint& listen, SendStamps stamps);
  ~UdpSocket();
  UdpSocket(UdpSocket&&) noexcept;
  UdpSocket& operator=(UdpSocket&&) = delete;

  int fd() const { return fd_.get(); }
  Endpoint local() const;
  bool has_v4() const { return v4_; }
  bool has_v6() const { return v6_; }

  /// Of datagrams that do not name one.
  void set_traffic_class(std::uint8_t traffic_class);

  /// Up to `batch` datagrams; empty where none waits.
  std::span<const Datagram> receive();
  /// Sends at most `batch` in one system call.
  SendOutcome send(std::span<const OutgoingDatagram> datagrams);
  /// Empties the error queue, which would otherwise wake poll for ever, and appends what was in it.
  void drain_errors(std::vector<StampedSend>& stamps, std::vector<SendError>& errors);
  /// Datagrams for which the socket had no room, since it was made (SO_MEMINFO).
  std::uint64_t drops() const;

 private:
  struct Buffers;
  Fd fd_;
  bool v4_ = true;
  bool v6_ = false;
  std::unique_ptr<Buffers> buffers_;
};

}  // namespace sonde::io
