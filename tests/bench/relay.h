// A relay between two network devices that holds every packet for a known time, and the truth about each of them.
//
// It stands in a namespace between two hosts. The kernel stamps a packet when it comes in and when it goes out, so the
// time that it was held is known to the nanosecond whenever the relay itself woke late. Hence truth of a round trip =
// the hold of the request + the hold of the reply; what is left out are four crossings of a veth, below a microsecond.
#pragma once

#include <array>
#include <atomic>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <deque>
#include <string>
#include <vector>

#include "shared/base/time.h"
#include "shared/io/fd.h"

namespace sonde::bench {

class Relay {
 public:
  /// Carries what comes in at one device out at the other. Throws std::system_error where that cannot be had.
  Relay(const std::string& left, const std::string& right, nanoseconds hold);

  /// Until `stop`, which a signal handler sets.
  void run(const std::atomic<bool>& stop);
  /// A line for each IP packet: direction (0 = left to right), in and out in ns since 1970, protocol, the two ports (or
  /// ICMP's type and sequence number), TCP's flags, the payload's first octets in hex.
  void write_log(const std::string& file) const;

 private:
  static constexpr std::size_t frame_octets = 66'000;  // a whole TCP segment that was never cut
  static constexpr std::uint16_t discarded_port = 9;   // UDP to it ends here: it fills queues, and is no probe

  struct Packet {
    WallTime in;
    std::size_t entry = 0;
    int to = 0;
    std::vector<std::uint8_t> octets;  ///< with a virtio_net_hdr before it: checksums stay as unfinished as they came
  };
  struct Entry {
    int direction = 0;
    WallTime in;
    WallTime out;
    std::uint8_t protocol = 0;
    std::array<std::uint16_t, 2> ports{};
    std::uint8_t flags = 0;
    std::vector<std::uint8_t> payload;
  };

  void receive(int side);
  void release_due();
  void wait() const;
  WallTime sent_at(int side) const;

  nanoseconds hold_;
  std::array<io::Fd, 2> devices_;
  std::deque<Packet> held_;  ///< one hold for all, so the first in is the first out
  std::vector<Entry> log_;
  std::vector<std::uint8_t> buffer_ = std::vector<std::uint8_t>(frame_octets);
};

}  // namespace sonde::bench
