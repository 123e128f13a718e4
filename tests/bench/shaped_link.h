// A link a -> b with a known rate, token bucket and round trip, and what really crossed it.
#pragma once

#include <cstdint>
#include <memory>
#include <string>

#include "shared/base/time.h"
#include "shared/base/units.h"
#include "tests/wan/lab/namespaces.h"
#include "tests/wan/lab/process.h"

namespace sonde::bench {

struct Shape {
  BitsPerSecond rate;
  Bytes bucket;
  Bytes queue;
  nanoseconds round_trip{0};
  double loss = 0;      ///< ratio, from a to b; not with tbf
  bool by_tbf = false;  ///< kernel tbf in a namespace between, without delay; else the project's WAN emulator
};

/// Octets that left the shaper towards b: IP octets at the emulator, with Ethernet headers at tbf.
struct Crossed {
  std::uint64_t octets = 0;
  std::uint64_t dropped_packets = 0;
};

/// Two namespaces and both kinds of links between them, removed at the end. Throws std::runtime_error.
class ShapedLink {
 public:
  ShapedLink();
  ShapedLink(const ShapedLink&) = delete;
  ShapedLink& operator=(const ShapedLink&) = delete;

  /// Rate, bucket and queue hold from a to b; the way back has the delay only.
  void shape(const Shape& shape);
  Crossed crossed();
  /// /run/netns names, and the addresses there on the link that was shaped last.
  std::string netns(char end) const { return prefix_ + end; }
  std::string address(char end) const;

  /// The share of the shaped rate that is TCP payload in full segments (1448 of 1500 octets, or of 1514 at tbf).
  static double payload_share(const Shape& shape) { return 1448.0 / (shape.by_tbf ? 1514 : 1500); }

 private:
  std::string prefix_;
  std::string folder_;
  lab::Guardian guardian_;
  std::unique_ptr<lab::Process> emulator_;
  bool by_tbf_ = false;
};

}  // namespace sonde::bench
